"""``aipm selftest``: plant known harm into a policy's own rows, and see which checks turn red."""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from pytest_aipm.auditing.plan import Plan, load_plan
from pytest_aipm.commands.ini import read_ini
from pytest_aipm.commands.paths import here
from pytest_aipm.commands.project import root_of, settings_of
from pytest_aipm.commands.say import plain_text, say
from pytest_aipm.commands.selftest_page import markdown_page, text_page
from pytest_aipm.errors import OptionError, Problem
from pytest_aipm.report.plain import clip
from pytest_aipm.selftest import Report, selftest

__all__ = ["SEEDS", "run_selftest"]

OK, BLIND = 0, 1

SEEDS = 5
"""Seeds of a power curve, unless said otherwise."""

_FORMATS: dict[str, Callable[[Report], str]] = {
    ".json": lambda report: json.dumps(report.plain(), indent=2, sort_keys=True, allow_nan=False),
    ".md": markdown_page,
}


def run_selftest(
    policy: str,
    *,
    root: str | None = None,
    seed: str = "0",
    seeds: str | None = None,
    curve: bool = False,
    quick: bool = False,
    markdown: bool = False,
    out: str | None = None,
) -> int:
    """Test a policy's gate with planted harm, and print what each check saw.

    Parameters
    ----------
    policy : str
        A policy file.
    root : str, optional
        Default the current folder.
    seed, seeds : str
        Of the planting, and how many of them a power curve takes.
    curve : bool
        Whether to draw power curves.
    quick : bool
        Fewer strengths and groups.
    markdown : bool
        GitHub Markdown instead of plain text.
    out : str, optional
        A ``.json`` or ``.md`` file to write as well.

    Returns
    -------
    int
        0 when every check that can fail the build was red under some harm to the model or its
        decisions; 1 when one is blind or could not be measured.

    Raises
    ------
    UsageFault
        When options, policy, baseline or trust are at fault.
    MeasurementError
        When nothing can be measured without harm.
    """
    first = _whole("--seed", seed, least=0)
    drawn = _whole("--seeds", seeds or str(SEEDS), least=1) if curve or seeds else 0
    target = _target(out)
    plan = _plan(policy, root)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what libraries warn about is told by the audit itself
        with _progress() as tick:
            report = selftest(
                plan, plan.policies[0], seed=first, quick=quick, seeds=drawn, tick=tick
            )
    say(markdown_page(report) if markdown else text_page(report))
    if target is not None:
        target.write_text(plain_text(_FORMATS[target.suffix](report)) + "\n", encoding="utf-8")
    return OK if report.holds else BLIND


def _whole(option: str, word: str, *, least: int) -> int:
    if not (word.isascii() and word.isdigit() and len(word) <= 18 and int(word) >= least):
        raise OptionError(Problem(f"{option}={word}", f"give a whole number, {least} or more"))
    return int(word)


def _target(out: str | None) -> Path | None:
    """Return the file to write; refused before the long run rather than after it."""
    if out is None:
        return None
    target = here(out)
    if target.suffix not in _FORMATS:
        raise OptionError(Problem(f"--out={out}", f"name a file in {' or '.join(_FORMATS)}"))
    if not target.parent.is_dir():
        raise OptionError(Problem(f"--out={out}: there is no such folder", "make it first"))
    return target


def _plan(policy: str, root: str | None) -> Plan:
    """Return the plan of the one policy, decided as the project's own runs are."""
    folder = root_of(root)
    ini = read_ini(folder)
    seed = _whole("aipm_seed", ini.word("aipm_seed", "0"), least=0)
    settings = settings_of(folder, [policy])
    plan = load_plan(replace(settings, strict=ini.flag("aipm_strict"), seed=seed))
    if len(plan.policies) != 1:
        what = f"{policy} holds {len(plan.policies)} policies; a self-test takes one"
        raise OptionError(Problem(what, "name one file"))
    return plan


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """Show on a terminal, in one line, what is being done; nothing anywhere else."""
    shown = sys.stderr.isatty()
    encoding = sys.stderr.encoding or "ascii"

    def write(text: str) -> None:
        if shown:
            sys.stderr.write(f"\r\x1b[K{text}".encode(encoding, "replace").decode(encoding))
            sys.stderr.flush()

    try:
        yield lambda what: write(f"{clip(plain_text(what), 72)} ...")
    finally:
        write("")
