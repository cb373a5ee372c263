"""How a self-test reads: a sentence, a table, and what deserves a second look."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from pytest_aipm.commands.spans import code_span
from pytest_aipm.records import Limit
from pytest_aipm.report.plain import columns_of
from pytest_aipm.report.words import limit_text, listed, percent, plural
from pytest_aipm.selftest import HARMS, Curve, Report, Row, Trial

__all__ = ["markdown_page", "text_page"]

NEVER, NOTHING = "never", "-"

Section = tuple[str, Sequence[str]]
"""A title and its lines."""

LEGEND = """\
Strengths are in percent. 5 < 10: not red at 5 %, red from 10 % on; never: not even at the largest
tried; -: cannot concern this check. Where several groups were harmed, the first to be seen counts.
flip: so many of the favorable decisions of a group become unfavorable. proxy: the model scores a
group like people who stand so much lower. degrade: so many rows get the prediction of another row.
leak: so many evaluation rows are training rows, or so many training rows are known by heart.
drop: so many rows of a group are missing. thin: so many of all rows are missing."""


def text_page(report: Report) -> str:
    """Return a self-test as plain text."""
    head, *rows = _table(report)
    widths = [max(columns_of(row[i]) for row in (head, *rows)) for i in range(len(head))]
    lines = [_place(report), _sentence(report), ""]
    for row in (head, *rows):
        cells = [
            cell + " " * (wide - columns_of(cell)) for cell, wide in zip(row, widths, strict=True)
        ]
        lines.append("  ".join(cells).rstrip())
    for title, found in _sections(report):
        lines += ["", title, *(f"  {line}" for line in found)]
    return "\n".join([*lines, "", LEGEND])


def markdown_page(report: Report) -> str:
    """Return a self-test as GitHub Markdown."""
    head, *rows = _table(report)
    lines = [f"## {_sentence(report)}", "", code_span(_place(report)), ""]
    lines += [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for name, *cells in rows:
        shown = [cell.replace("<", "&lt;") for cell in cells]
        lines.append(f"| {' | '.join([code_span(name), *shown])} |")
    for title, found in _sections(report):
        lines += ["", f"**{title}**", "", *(f"- {code_span(line)}" for line in found)]
    return "\n".join([*lines, "", LEGEND.replace("<", "&lt;")])


def _place(report: Report) -> str:
    compared = f"compared with {report.baseline}" if report.baseline else "no approved baseline"
    return (
        f"{report.path}: {report.policy}, {plural(report.rows, 'row')}, {compared}, "
        f"seed {report.seed}"
    )


def _sentence(report: Report) -> str:
    """Return what was found, for somebody who reads no further."""
    able = [node for node in report.nodes if node.severity == "error"]
    tried = [node for node in able if node.state == "tried" and not node.beyond]
    blind = sum(node.blind for node in tried)
    which = "check that can fail the build"
    if not tried:
        said = f"No {which} could be tested."
    elif not blind:
        all_of_them = f"Each of {len(tried)} checks" if len(tried) > 1 else "The one check"
        said = f"{all_of_them} that can fail the build turns red when harm is planted."
    else:
        some = f"{blind} of {plural(len(tried), which, 'checks that can fail the build')}"
        verb, them = ("is", "it") if blind == 1 else ("are", "them")
        said = f"{some} {verb} blind: no harm that was planted turns {them} red."
    beyond = sum(node.beyond for node in able)
    said += f" Nothing that can be planted concerns {plural(beyond, 'check')}." if beyond else ""
    red = sum(node.state == "red" for node in able)
    broken = sum(node.state == "error" for node in able)
    said += f" Red without any harm, and not tested: {red}." if red else ""
    said += f" Not measurable even without harm: {broken}." if broken else ""
    return said


def _table(report: Report) -> list[list[str]]:
    rows = [["check", "without harm", *HARMS]]
    for node in report.nodes:
        verdict = node.verdict.replace("_", " ")
        advice = " (advice)" if node.severity == "advice" else ""
        cells = [_cell(node, harm) for harm in HARMS]
        rows.append([node.name, f"{verdict}{advice}", *cells])
    return rows


def _cell(node: Row, harm: str) -> str:
    trial = node.most_visible(harm)
    return NOTHING if trial is None else _between(trial)


def _between(trial: Trial) -> str:
    if trial.red is None:
        return NEVER
    return f"{_number(trial.before or 0.0)} < {_number(trial.red)}"


def _number(share: float) -> str:
    return f"{100 * share:g}"


def _sections(report: Report) -> Iterator[Section]:
    """Yield what deserves a second look, the worst first; nothing that is empty."""
    nodes = report.nodes
    for title, lines in (
        ("Blind", [f"{node.name}: {_why(node)}" for node in nodes if node.blind]),
        (
            "Could not be measured without harm",
            [f"{node.name}: {node.reason}" for node in nodes if node.state == "error"],
        ),
        (
            "Red without harm, so nothing was planted: the audit says why",
            [node.name for node in nodes if node.state == "red"],
        ),
        (
            "Nothing that can be planted concerns what they measure",
            [node.name for node in nodes if node.beyond],
        ),
        (
            "Not judged, so nothing was planted",
            [f"{node.name}: {node.reason}" for node in nodes if node.state == "not_judged"],
        ),
        ("Seen later in some groups than in others, or never", list(_by_group(nodes))),
        ("Groups that can vanish without a red check", list(_vanishing(nodes))),
        ("Red that ends when rows are missing, too", list(_hidden(nodes))),
        ("Power: seeds of which the check is red, by strength", list(_curves(nodes))),
    ):
        if lines:
            yield title, lines


def _why(node: Row) -> str:
    """Return why no harm turned a check red, as far as it is known."""
    trials = [trial for trial in node.trials if trial.conduct]
    covered = next((trial.waiver for trial in trials if trial.waiver), None)
    if covered is not None:
        return f"waiver {covered} covers it, whatever the harm"
    undecided = [trial for trial in trials if trial.verdict == "inconclusive"]
    if undecided:
        trial = undecided[0]
        gap = "" if trial.gap is None else f" (they would notice a gap of {trial.gap:.3g})"
        return f"too few rows: with {_harm(trial)} they still cannot tell{gap}"
    holding = [trial for trial in trials if trial.verdict in ("pass", "warn")]
    if holding:
        held = min(holding, key=lambda trial: _margin(node, trial))
        value = "" if held.value is None else f", at {held.value:.3g}"
        return f"the limit {_limit(node)} is too wide: it holds even with {_harm(held)}{value}"
    return f"even with {_harm(trials[0])} it is {trials[0].verdict.replace('_', ' ')}"


def _margin(node: Row, trial: Trial) -> float:
    """Return how far a value is from breaking its limit."""
    low, high = node.limit.get("min"), node.limit.get("max")
    if trial.value is None:
        return math.inf
    return min(
        math.inf if low is None else trial.value - low,
        math.inf if high is None else high - trial.value,
    )


def _limit(node: Row) -> str:
    text = limit_text(Limit(**node.limit)) if node.limit else "of the change"
    return text.translate({ord("≥"): ">=", ord("≤"): "<="})


def _harm(trial: Trial) -> str:
    return f"{trial.harm} {percent(trial.largest)} ({trial.target})"


def _vanishing(nodes: Sequence[Row]) -> Iterator[str]:
    for node in nodes:
        gone = [trial.target for trial in node.of("drop") if trial.red is None]
        if gone:
            yield f"{node.name}: {listed(gone)}"


def _hidden(nodes: Sequence[Row]) -> Iterator[str]:
    for node in nodes:
        found = node.hidden
        if found is not None:
            yield (
                f"{node.name}: {found.harm} {percent(found.strength)} ({found.target}), with "
                f"{percent(found.thinned)} of the rows missing: {found.verdict}"
            )


def _by_group(nodes: Sequence[Row]) -> Iterator[str]:
    """Yield the groups by the strength that turns the check red, where it is not one for all."""
    for node in nodes:
        for harm in HARMS.values():
            own = [trial for trial in node.of(harm.name) if trial.group and harm.conduct]
            found = sorted({trial.red for trial in own}, key=lambda red: red or 2.0)
            if len(found) < 2:
                continue
            told = "; ".join(
                f"{NEVER if red is None else _number(red)}: "
                + listed(trial.target for trial in own if trial.red == red)
                for red in found
            )
            yield f"{node.name}: {harm.name} {told}"


def _curves(nodes: Sequence[Row]) -> Iterator[str]:
    for node in nodes:
        for curve in node.curves:
            yield f"{node.name}: {curve.harm} ({curve.target}): {_points(curve)}"


def _points(curve: Curve) -> str:
    points = zip(curve.strengths, curve.red, strict=True)
    return ", ".join(f"{_number(share)}: {red}/{curve.seeds}" for share, red in points)
