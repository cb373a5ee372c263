"""Evidence that lasts: a report folder is looked at as if nobody could be trusted.

::

    manifest ─► files        every hash; nothing missing, nothing beside it
       │
       └► record ─► digest   of its content
             ├► policy       its text, hash, file; each finding is held to what the text asks
             ├► findings     counts ─► value, interval, verdict, sentence; the rest from intervals
             ├► totals       verdicts of policies and run, summary, group sizes
             ├► pages        written again, byte for byte
             └► model, data, signature, where they are given

What one who can write all files hides is in `docs/evidence.md`: only a signature stops them.
"""

from __future__ import annotations

from pytest_aipm.verification.line import Line, State
from pytest_aipm.verification.verify import Asked, verified

__all__ = ["Asked", "Line", "State", "verified"]
