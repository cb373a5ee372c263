"""``aipm render``: the report again, from the record alone."""

from __future__ import annotations

from pytest_aipm.commands.folder import AUDIT, read_record, record_path
from pytest_aipm.commands.ini import exports_of, read_ini
from pytest_aipm.commands.paths import here, root_of
from pytest_aipm.commands.say import say
from pytest_aipm.errors import OptionError, Problem
from pytest_aipm.report import write_reports

__all__ = ["render"]


def render(audit: str, *, to: str | None = None, root: str | None = None) -> int:
    """Write the report of a record: the same bytes as the run wrote.

    Parameters
    ----------
    audit : str
        An ``audit.json``, or a folder that holds one.
    to : str, optional
        Folder to write into; default the record's own.
    root : str, optional
        The project, whose ini key ``aipm_exports`` says which exports; default the current folder.

    Raises
    ------
    OptionError
        When the record is unreadable, or lies under another name without `to`; when the project
        names an export that there is not.
    """
    path = record_path(audit)
    if to is None and path.name != AUDIT:
        what = f"is not called {AUDIT}, so the report beside it may be another run's"
        raise OptionError(Problem(what, "say where the report goes: --to=DIR", audit))
    folder = path.parent if to is None else here(to)
    exports = exports_of(read_ini(root_of(root)))
    written = write_reports(read_record(path, shown=audit), folder, exports=exports)
    say(f"{audit if to is None else to}: {', '.join(written.files)}")
    for name, why in written.left_out.items():
        say(f"{name}: not written: {why}")
    for name in written.stale:
        say(f"{name}: of an earlier run")
    return 0
