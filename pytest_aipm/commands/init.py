"""``aipm init``: look at a file of rows, propose a policy, ask, write it."""

from __future__ import annotations

import shlex
import sys
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from pytest_aipm.auditing.git import git
from pytest_aipm.catalog import Catalog
from pytest_aipm.commands.paths import here, relative, root_of
from pytest_aipm.commands.say import complain, plain_text, say
from pytest_aipm.errors import OptionError, Problem
from pytest_aipm.starting.asking import Dialog, ask_all
from pytest_aipm.starting.few import said as can_show
from pytest_aipm.starting.files import repository_of, root_of_pytest, write_new
from pytest_aipm.starting.model_file import first_steps
from pytest_aipm.starting.policy_text import Written, write_policy
from pytest_aipm.starting.proposal import Proposal, Said, propose
from pytest_aipm.starting.remarks import remarks
from pytest_aipm.starting.shown import short
from pytest_aipm.starting.start import Files, common_files, open_table, schema_of

__all__ = ["init"]

OK, USAGE = 0, 4
NO_PURPOSE = "Not said yet: what the model decides, and for whom"
NO_OWNER = "not said yet"


def init(data: str | None, said: Said, *, yes: bool = False, root: str | None = None) -> int:
    """Propose a policy from data, ask where somebody can answer, and write it.

    Parameters
    ----------
    data : str or None
        A file or folder of rows, or ``package.module:function``.
    said : Said
        What was named on the command line.
    yes : bool
        Whether every proposal is accepted.
    root : str, optional
        Where the project is; default the current folder.

    Returns
    -------
    int
        0; 4 when nothing was written because nobody accepted the proposals.

    Raises
    ------
    OptionError
        When something named is not there, or a file would be overwritten.
    DataError
        When the data are no table that an audit can read.
    """
    folder = root_of(root)
    if data is None:
        fix = "name a file of rows: aipm init --data holdout.csv"
        raise OptionError(Problem("which data? --data is missing", fix))
    ref = _ref(data, folder)
    if said.model is not None:
        said = replace(said, model=_ref(said.model, folder))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what libraries warn about is no fault of the data
        table = open_table(ref, folder)
        asked = not yes and _somebody()
        if asked:
            said = ask_all(
                Dialog(_ask, say), lambda now: propose(table, now, ref), said, _owner(folder)
            )
        proposal = propose(table, said, ref)
    _audited(proposal)
    steps = first_steps(said.model, folder) if said.model is not None else []
    catalog = Catalog()
    written = write_policy(
        proposal,
        root=folder,
        purpose=said.purpose or NO_PURPOSE,
        owner=said.owner or _owner(folder),
        catalog=catalog,
    )
    name = f"policies/{proposal.name}.aipm.yaml"
    _free(folder, name)
    say("\n".join(_proposed(proposal, written)))
    if asked and not Dialog(_ask, say).agree(f"Write {name}"):
        complain("nothing was written")
        return USAGE
    if not asked and not yes:
        complain(
            "nothing was written: read the proposals, then accept them with --yes, or name others "
            "(--label, --positive, --favorable, --protected, ...; see aipm init --help)"
        )
        return USAGE
    beside = common_files(proposal, folder, written.policy.checks[0].id, catalog)
    pinned = schema_of(proposal, catalog)
    for each in pinned:
        _free(folder, each)
    write_new(folder, {name: written.text, **pinned, **beside.new})
    say("\n".join(_after(folder, (name, *pinned), beside, steps)))
    return OK


def _ref(word: str, folder: Path) -> str:
    """Return a reference of the command line as the policy writes it: relative to the root."""
    path = here(word)
    return relative(path, folder) if path.exists() or ":" not in word else word


def _somebody() -> bool:
    return sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty()


def _ask(question: str) -> str:
    return input(plain_text(question))


def _owner(folder: Path) -> str:
    return git(folder, "config", "user.email") or git(folder, "config", "user.name") or NO_OWNER


def _audited(proposal: Proposal) -> None:
    """Refuse a table without anything that a model said, and no model beside it."""
    if proposal.source is not None:
        return
    label = f"; '{short(proposal.label.column)}' looks like the label" if proposal.label else ""
    raise OptionError(
        Problem(
            f"nothing says what the model said about these rows{label}",
            "name the column (--predictions=COLUMN or --scores=COLUMN), or the model "
            "(--model=FILE or --model=package.module:function)",
            proposal.table.ref,
        )
    )


def _free(folder: Path, name: str) -> None:
    if (folder / name).exists():
        fix = "nothing was written; choose another --name, or move that file away"
        raise OptionError(Problem("exists already", fix, name))


def _proposed(proposal: Proposal, written: Written) -> Iterator[str]:
    """Yield what is proposed and why, and how it is read."""
    table = proposal.table
    yield f"{table.ref}: {table.rows:,} rows, {len(table.columns):,} columns"
    yield f"  task         {proposal.task}: {proposal.task_why}"
    if proposal.said is not None:
        yield f"  {proposal.source:<12} {short(proposal.said.column)}: {proposal.said.why}"
    label = proposal.label
    if label is None:
        yield "  label        none: no column says what really happened; name it with --label CHECK"
    else:
        yield _line("label", label.column, label.why, label.doubt)
    for key in ("positive", "favorable"):
        reading = getattr(proposal, key)
        if reading is not None:
            yield _line(key, reading.value, reading.why, reading.doubt)
    if proposal.threshold is not None:
        yield _line("threshold", f"{proposal.threshold:g}", proposal.threshold_why, True)
    for each in proposal.groups:
        yield f"  protected    {short(each.column)}: {each.why}; {each.described}"
    for each in proposal.others:
        yield f"  left out     {short(each.column)}: {each.left_out}"
    yield from (f"  note         {remark}" for remark in remarks(proposal))
    yield f"Read as: {written.policy.reading()}"
    if any(not each.enough for each in proposal.powers):
        yield "These rows cannot show everything (the policy says what could):"
    yield from (f"  {sentence}" for sentence in can_show(proposal.powers))


def _line(key: str, value: object, why: str, doubt: bool) -> str:
    check = " CHECK" if doubt else ""
    shown = str(value).lower() if isinstance(value, bool) else value
    return f"  {key:<12} {short(shown)}: {why}{check}"


def _after(
    folder: Path, names: Sequence[str], beside: Files, steps: Sequence[str]
) -> Iterator[str]:
    """Yield what was written, what was kept, and the commands that come next."""
    yield ""
    yield from (f"wrote {name}" for name in names)
    yield from (f"wrote {each}" for each in beside.new)
    yield from (f"kept  {each}, as it is" for each in beside.kept)
    if ".gitignore" in beside.kept and "aipm-report" not in _text(folder / ".gitignore"):
        yield "      add the line aipm-report/ to it: reports are no sources"
    top = repository_of(folder)
    if top is not None and top != folder:
        yield f"      GitHub reads workflows only in {top / '.github/workflows'}: move it there"
    others = root_of_pytest(folder)
    if others != folder:
        yield (
            f"pytest takes {shlex.quote(str(others))} for its root and looks for policies there: "
            "put a pytest.ini with the line [pytest] here, or run aipm init there"
        )
    yield ""
    yield "Read the policy, above all the lines that say CHECK. Then:"
    yield from (f"  {step}" for step in steps)
    yield "  aipm validate"
    yield "  pytest --aipm-audit"


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
