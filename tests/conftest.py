"""What all tests share: one profile of hypothesis, without deadlines on shared machines.

An audit of this repository loads this file too, because of ``testpaths``, and needs no test tools.
"""

from __future__ import annotations

from importlib.util import find_spec

if find_spec("hypothesis"):
    from hypothesis import settings

    settings.register_profile("aipm", deadline=None, derandomize=True)
    settings.load_profile("aipm")
