"""``aipm trust``: vouch for a file whose format can run code."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_aipm.commands.paths import here, relative
from pytest_aipm.commands.project import root_of
from pytest_aipm.commands.say import say
from pytest_aipm.sources.lock import LOCK
from pytest_aipm.sources.trust import trust_file

__all__ = ["trust"]


def trust(files: Sequence[str], *, root: str | None = None) -> int:
    """Write the hashes of files into ``aipm.lock`` and say what that means.

    Parameters
    ----------
    files : sequence of str
        Relative to the current folder.
    root : str, optional
        Where ``aipm.lock`` is; default the current folder.

    Raises
    ------
    TrustError
        When there is no such file, or its format needs no trust.
    """
    folder = root_of(root)
    for file in files:
        entry = trust_file(relative(here(file), folder), folder)
        versions = ", ".join(
            f"{name} {version}" for name, version in sorted(entry.versions.items())
        )
        say(f"{LOCK}: {entry.path} is trusted")
        say(f"  sha256  {entry.sha256}")
        say(f"  kind    {entry.kind}")
        say(f"  with    {versions or 'no library it is likely to be made of'}")
        say(f"  by      {entry.trusted_by}, {entry.when}")
    say("Opening such a file can run any code that was put into it: trust only a file whose")
    say("origin you know. These bytes may be opened from now on; a changed file is refused.")
    say(f"Commit {LOCK}, so that the others and CI trust the same bytes.")
    return 0
