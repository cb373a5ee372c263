"""A terminal for tests: what a command shows on it is read while it is shown, to the last letter.

One look at the end would not do: a terminal holds only so much, hands out what it has in parts, and
the last part may come a moment after the command has ended.
"""

from __future__ import annotations

import os
import pty
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

__all__ = ["terminal"]


@contextmanager
def terminal(typed: bytes = b"") -> Iterator[tuple[int, bytearray]]:
    """Give the side of a command, and what it has shown, which is all there after the block."""
    ours, theirs = pty.openpty()
    shown = bytearray()

    def listen() -> None:
        with suppress(OSError):  # how Linux says that nobody is on the other side
            while part := os.read(ours, 4096):
                shown.extend(part)

    listener = threading.Thread(target=listen, daemon=True)
    os.write(ours, typed)
    listener.start()
    try:
        yield theirs, shown
    finally:
        os.close(theirs)
        listener.join(120)
        os.close(ours)
