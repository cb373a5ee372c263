"""What the page says around the findings: promises, what changed, what was not asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from pytest_aipm.records import Audit, Claim, NotTested, Turned, Verdict
from pytest_aipm.report.finding_view import FindingView
from pytest_aipm.report.words import VERDICT_WORDS, day, listed, plural

__all__ = [
    "Change",
    "Family",
    "Promise",
    "changed",
    "changes_line",
    "claims_line",
    "families",
    "promises",
    "untested_line",
]

_CLAIMS = {
    "broken": ("Broken", "fail"),
    "unproven": ("Unproven", "inconclusive"),
    "untested": ("Untested", "not_judged"),
    "kept": ("Kept", "pass"),
}
"""Words of a claim's state, and the verdict whose look it has; worst first."""
MOST_KINDS = 3
"""Kinds of change that the first screen names in large letters."""
MOST_OPEN, LEAST_OPEN = 48, 5
"""Checks of a policy that say what they leave open, shared by the families; others are named."""
_FAMILIES = {"explain": "Explanation"}


@dataclass(frozen=True)
class Promise:
    """One claim: its state in a word, how that looks, and the checks that show it."""

    claim: Claim
    word: str
    look: str
    checks: tuple[tuple[str, str], ...]
    """Id of each check and the link to its worst finding; no link where it did not run."""


def promises(audit: Audit, views: Sequence[FindingView]) -> list[Promise]:
    """Return the claims, broken ones first. `views` are in the order of need."""
    links: dict[str, str] = {}
    for view in views:
        links.setdefault(view.finding.check_id, view.href)
    ordered = sorted(audit.claims, key=lambda claim: list(_CLAIMS).index(claim.state))
    return [
        Promise(
            claim,
            *_CLAIMS[claim.state],
            tuple((check, links.get(check, "")) for check in claim.checks),
        )
        for claim in ordered
    ]


def claims_line(claims: Iterable[Claim]) -> tuple[str, str]:
    """Return how many promises are kept, and what the others are."""
    found = Counter[str](claim.state for claim in claims)
    total = sum(found.values())
    others = [f"{found[state]} {state}" for state in _CLAIMS if state != "kept" and found[state]]
    return f"{found['kept']} of {total} kept", listed(others)


@dataclass(frozen=True)
class Change:
    """One kind of change since the baseline, and the findings it concerns."""

    name: str
    items: tuple[tuple[str, str, str], ...]
    """Link (empty for a finding that is gone), name, and what is said of it."""


def changed(audit: Audit, views: Sequence[FindingView]) -> list[Change]:
    """Return what changed since what the findings are compared with, the worst first."""
    by_id = {view.finding.id: view for view in views}
    found = audit.baseline.changes if audit.baseline is not None else None

    def of(
        turned: Iterable[Turned], named: Verdict | None = None
    ) -> tuple[tuple[str, str, str], ...]:
        return tuple(_item(each, by_id.get(each.id), named) for each in turned)

    def moved(verdict: str) -> tuple[tuple[str, str, str], ...]:
        return tuple((v.href, v.named, v.delta) for v in views if v.moved == verdict)

    kinds = [("Shown to be worse", moved("worse")), ("Shown to be better", moved("better"))]
    if found is not None:
        kinds = [
            ("New fails", of(found.fails, Verdict.FAIL)),
            ("Fixed", of(found.fixed, Verdict.PASS)),
            ("Other verdicts that turned", of(found.verdicts)),
            *kinds,
            ("Moved beyond the approved interval", of(found.moved)),
            ("Checks added", of(found.added)),
            ("Checks removed", of(found.removed)),
        ]
    linked: set[str] = set()
    return [Change(name, tuple(_once(items, linked))) for name, items in kinds if items]


def _once(
    items: Iterable[tuple[str, str, str]], linked: set[str]
) -> Iterator[tuple[str, str, str]]:
    """Yield what changed, without the links that an earlier kind of change has given."""
    for href, name, said in items:
        yield "" if href in linked else href, name, said
        linked.add(href)


def _item(turned: Turned, view: FindingView | None, named: Verdict | None) -> tuple[str, str, str]:
    """Return link, name and what is said; `named` is today's verdict if the list's name says it."""
    then = "" if turned.then is None else VERDICT_WORDS[turned.then].lower()
    now = "" if turned.now is None else VERDICT_WORDS[turned.now].lower()
    if view is None:
        return "", turned.id, f"{then} then" if then else ""
    said = f"{then} then, {now} now" if then else f"{now} now"
    if then == now:
        said = view.delta
    elif then and turned.now is named:
        said = f"{then} then"
    return view.href, view.named, said


def changes_line(audit: Audit, views: Sequence[FindingView]) -> tuple[str, str]:
    """Return in a few words what changed, and what weakens the gate."""
    worse = sum(view.moved == "worse" for view in views)
    said = [f"{worse} shown worse"] if worse else []
    if audit.baseline is None:
        return listed(said) or "not known", "no baseline to compare with"
    found = audit.baseline.changes
    if found is None:
        return listed(said) or "not known", "the run is not compared as a whole"
    kinds = (
        (found.fails, "new fail", "new fails"),
        (found.fixed, "fixed", "fixed"),
        (found.verdicts, "other verdict", "other verdicts"),
        (found.moved, "moved", "moved"),
        (found.added, "check added", "checks added"),
        (found.removed, "check removed", "checks removed"),
    )
    counted = [plural(len(each), one, many) for each, one, many in kinds if each]
    counted = [*said, *counted] if not found.fails else [counted[0], *said, *counted[1:]]
    weaker = len(audit.baseline.weakened) + len(audit.policy.loosened)
    small = [
        f"also {listed(counted[MOST_KINDS:])}" if len(counted) == MOST_KINDS + 1 else "",
        f"{len(counted) - MOST_KINDS} other kinds" if len(counted) > MOST_KINDS + 1 else "",
        f"gate weaker in {plural(weaker, 'way')}" if weaker else "",
    ]
    since = f"since the baseline of {day(audit.baseline.approved.when)}"
    more = "; ".join(filter(None, small))
    return listed(counted[:MOST_KINDS]) or "nothing", more or since


@dataclass(frozen=True)
class Open:
    """One line on what is not tested: the check's name in its family, and what that leaves open."""

    name: str
    says: str


@dataclass(frozen=True)
class Family:
    """The checks of one family that the policy leaves out.

    Attributes
    ----------
    name, code : str
        The family in words, and as checks are named.
    asked, total : int
        How many of its checks the policy asks for, and could ask for.
    items : tuple of Open
        The questions that nobody asked.
    other : tuple of str
        Checks of rates that the policy compares in the other way: as a ratio or as a difference.
    more : tuple of str
        Names of the checks for which there is no room.
    """

    name: str
    code: str
    asked: int
    total: int
    items: tuple[Open, ...]
    other: tuple[str, ...]
    more: tuple[str, ...]


def families(audit: Audit) -> list[Family]:
    """Return what is left out, by family, in the order of the catalogue."""
    left: dict[str, list[NotTested]] = {}
    for item in audit.not_tested:
        left.setdefault(item.check.partition(".")[0], []).append(item)
    asked = Counter(
        name.partition(".")[0]
        for name in {f.check for f in audit.findings} - {item.check for item in audit.not_tested}
    )
    room = max(MOST_OPEN // max(len(left), 1), LEAST_OPEN)
    return [_family(name, asked[name], items, room) for name, items in left.items()]


def _family(code: str, asked: int, items: Sequence[NotTested], room: int) -> Family:
    by_name = {item.check.partition(".")[2]: item for item in items if not item.sibling}
    lines = []
    for name, item in by_name.items():
        stem, _, way = name.rpartition("_")
        if way == "ratio" and f"{stem}_difference" in by_name:
            continue  # it stands with the difference
        both = way == "difference" and f"{stem}_ratio" in by_name
        lines.append(Open(f"{name}, _ratio" if both else name, item.leaves_open or item.question))
    return Family(
        _FAMILIES.get(code, code.replace("_", " ").capitalize()),
        code,
        asked,
        asked + len(items),
        tuple(lines[:room]),
        tuple(item.check.partition(".")[2] for item in items if item.sibling),
        tuple(line.name for line in lines[room:]),
    )


def untested_line(audit: Audit) -> tuple[str, str]:
    """Return how many questions stay open, and what else was not looked at."""
    number, looks = len(audit.not_tested), len(audit.undeclared)
    small = f"{plural(looks, 'column looks', 'columns look')} protected" if looks else ""
    if not number:
        return "no check is left out", small
    left = families(audit)
    silent = [family.name.lower() for family in left if not family.asked]
    least = min(left, key=lambda family: family.asked / family.total)
    fewest = f"fewest on {least.name.lower()}: {least.asked} of {least.total} asked"
    said = f"nothing on {listed(silent)}" if silent else "" if small else fewest
    return f"{plural(number, 'check')} left out", "; ".join(filter(None, (small, said)))
