"""``aipm demo``: write the lending demo as a project of one's own."""

from __future__ import annotations

import shlex

from pytest_aipm.commands.paths import here
from pytest_aipm.commands.say import say
from pytest_aipm.starting.demo import write_demo

__all__ = ["demo"]


def demo(folder: str) -> int:
    """Write the project and say what to do in it.

    Parameters
    ----------
    folder : str
        Relative to the current folder; made where it is not there.

    Raises
    ------
    OptionError
        When the folder holds anything already.
    """
    for name in write_demo(here(folder)):
        say(f"wrote {folder}/{name}")
    say()
    say(f"Now try, as {folder}/README.md says:")
    say(f"  cd {shlex.quote(folder)}")
    say("  pytest --aipm-audit")
    return 0
