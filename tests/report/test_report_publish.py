"""Small cells: counted and judged, but their numbers cannot be had from what is published."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from report_samples import SELECTION, cell, finding, lending, record_of, region_by_sex, small_cells

from pytest_aipm.records import (
    Audit,
    AuditGroup,
    Detectable,
    Finding,
    Formula,
    GroupValue,
    Limit,
    Record,
    RowsNeeded,
    Series,
    Verdict,
)
from pytest_aipm.report import index_html, publishable, summary_md, terminal_lines
from pytest_aipm.report.elimination import Secrets

RATES = {
    "selection_rate": (("tp", "fp"), ("tp", "fp", "fn", "tn")),
    "true_positive_rate": (("tp",), ("tp", "fn")),
    "false_positive_rate": (("fp",), ("fp", "tn")),
    "accuracy": (("tp", "tn"), ("tp", "fp", "fn", "tn")),
    "precision": (("tp",), ("tp", "fp")),
}
# Shrinking a failing table takes minutes and is seldom needed: drop this to see a small one.
FAST = (Phase.explicit, Phase.reuse, Phase.generate)
ATOMS = ("tp", "fp", "fn", "tn")
Table = dict[tuple[str, ...], dict[str, int]]


def audit_of(findings: Iterable[Finding], groups: Iterable[AuditGroup] = (), **more: Any) -> Audit:
    fields = {"findings": tuple(findings), "groups": tuple(groups), **more}
    return lending().model_copy(update=fields)


def rates(check_id: str, scope: tuple[str, ...], rate: str, table: Table) -> Finding:
    """A finding over a table of tp, fp, fn, tn by group."""
    above, below = RATES[rate]
    groups = []
    for key, counts in table.items():
        x, n = sum(counts[a] for a in above), sum(counts[a] for a in below)
        groups.append(cell(dict(zip(scope, key, strict=True)), x, n, n=sum(counts.values())))
    values = [g.value for g in groups if g.value is not None]
    return finding(
        "fairness.rate_difference",
        check_id,
        scope,
        "pass",
        value=max(values) - min(values) if values else None,
        interval=(0.01, 0.9),
        limit=Limit(max=0.95),
        formula=Formula(id=f"{rate}_difference"),
        groups=tuple(groups),
        reason="full numbers: " + " ".join(f"{g.numerator} of {g.denominator}" for g in groups),
    )


def margin(table: Table, at: int) -> Table:
    """The table summed over all attributes but one."""
    summed: Table = {}
    for key, counts in table.items():
        into = summed.setdefault((key[at],), dict.fromkeys(ATOMS, 0))
        for atom in ATOMS:
            into[atom] += counts[atom]
    return summed


def follows(rows: np.ndarray, target: np.ndarray) -> bool:
    """Whether `target` lies in the span of `rows`."""
    rank = np.linalg.matrix_rank(np.vstack([rows, target]))
    return bool(rank == np.linalg.matrix_rank(rows))


class Attack:
    """Works out withheld numerators from a published record, by linear algebra of its own.

    Unknowns are the four counts of each cell of the finest table; all else is a sum of them. The
    attacker knows the sizes, the totals and everything the record prints. A number follows when
    its row lies in the span of the known rows.
    """

    def __init__(self, tables: dict[tuple[str, ...], Table], min_cell: int = 5) -> None:
        self.tables, self.min_cell = tables, min_cell
        self.finest = max(tables, key=len)
        self.keys = list(tables[self.finest])
        self.place = {(k, a): i for i, (k, a) in enumerate(product(self.keys, ATOMS))}
        self.given = [self.row((), (), (atom,)) for atom in ATOMS]
        for key in self.keys:
            empty = not any(tables[self.finest][key].values())
            parts = [(atom,) for atom in ATOMS] if empty else [ATOMS]
            self.given += [self.row(self.finest, key, atoms) for atoms in parts]
        self.known = list(self.given)
        self.hidden: list[tuple[str, np.ndarray]] = []

    def row(self, scope: tuple[str, ...], key: tuple[str, ...], atoms: Iterable[str]) -> np.ndarray:
        made = np.zeros(len(self.place))
        wanted = dict(zip(scope, key, strict=True))
        for fine in self.keys:
            cell_of = dict(zip(self.finest, fine, strict=True))
            if wanted.items() <= cell_of.items():
                for atom in atoms:
                    made[self.place[fine, atom]] += 1
        return made

    def read(self, one: Finding, group: GroupValue) -> None:
        assert one.formula is not None
        above, below = RATES[one.formula.id.removesuffix("_difference")]
        key = tuple(group.group[a] for a in one.scope)
        for number, atoms in ((group.denominator, below), (group.numerator, above)):
            if number is not None:
                self.known.append(self.row(one.scope, key, atoms))
                # None of a group is none of each kind; all of it leaves nothing of the others.
                empty = (
                    atoms if number == 0 else set(ATOMS) - set(atoms) if number == group.n else ()
                )
                self.known += [self.row(one.scope, key, (atom,)) for atom in empty]
        base = sum(self.tables[one.scope][key][a] for a in below)
        if 0 < base < self.min_cell or 0 < group.n < self.min_cell:
            assert (group.value, group.numerator, group.interval) == (None, None, None)
            self.hidden.append((f"{one.id} {key}", self.row(one.scope, key, above)))

    def found(self) -> list[str]:
        """Return what follows, but for what sizes and totals alone give away."""
        return [
            name
            for name, target in self.hidden
            if follows(np.array(self.known), target) and not follows(np.array(self.given), target)
        ]


def attack(record: Record, tables: dict[tuple[str, ...], Table]) -> list[str]:
    """Return the withheld small numerators that follow from the published record."""
    attacker = Attack(tables)
    for audit in record.audits:
        for group in audit.groups:
            if group.positives is not None:
                key = tuple(group.group.values())
                attacker.known.append(attacker.row(tuple(group.group), key, ("tp", "fn")))
        for one in audit.findings:
            for cell_of in one.groups:
                attacker.read(one, cell_of)
    return attacker.found()


counts = st.tuples(*[st.integers(0, 12)] * 4).map(lambda c: dict(zip(ATOMS, c, strict=True)))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow], phases=FAST)
@given(
    st.lists(counts, min_size=12, max_size=12),
    st.lists(st.sampled_from(sorted(RATES)), min_size=1, max_size=3, unique=True),
)
def test_no_small_number_follows_from_the_published_ones(
    cells: list[dict[str, int]], names: list[str]
) -> None:
    keys = list(product(("f", "m", "x"), ("a", "b", "c", "d")))
    joint: Table = dict(zip(keys, cells, strict=True))
    tables = {("sex", "race"): joint, ("sex",): margin(joint, 0), ("race",): margin(joint, 1)}
    findings = [
        rates(f"{name}-{'-'.join(scope)}", scope, name, table)
        for name in names
        for scope, table in tables.items()
    ]
    groups = [
        AuditGroup(
            group=dict(zip(scope, key, strict=True)), n=sum(c.values()), positives=c["tp"] + c["fn"]
        )
        for scope, table in tables.items()
        for key, c in table.items()
    ]
    record = publishable(record_of(audit_of(findings, groups)))
    assert attack(record, tables) == []


def test_the_attack_finds_what_a_careless_report_would_give_away() -> None:
    table: Table = {
        ("a",): {"tp": 2, "fp": 1, "fn": 0, "tn": 0},
        ("b",): {"tp": 20, "fp": 10, "fn": 5, "tn": 9},
    }
    one = rates("sel", ("race",), "selection_rate", table)
    bare = one.groups[0].model_copy(
        update={"numerator": None, "denominator": None, "value": None, "interval": None}
    )
    careless = one.model_copy(update={"groups": (bare, one.groups[1])})
    found = attack(record_of(audit_of([careless])), {("race",): table})
    assert found == ["credit-approval::sel::race ('a',)"]


def test_one_small_cell_takes_the_next_smallest_with_it() -> None:
    groups = publishable(record_of(audit_of([small_cells()]))).findings[0].groups
    hidden = {g.group["region"]: g.note for g in groups if g.value is None}
    assert hidden == {
        "tiny": "withheld: fewer than 5 people",
        "few": "withheld: would give away a group of fewer than 5 people",
    }
    assert {g.group["region"]: g.n for g in groups}["tiny"] == 3


def test_the_value_stays_only_when_no_withheld_group_makes_it() -> None:
    lowest = cell({"region": "lowest"}, 16, 120)  # between 0.13 and 0.71 lie one and two of three
    wide = small_cells().model_copy(
        update={"value": 857 / 1204 - 16 / 120, "groups": (*small_cells().groups, lowest)}
    )
    stays = publishable(record_of(audit_of([wide]))).findings[0]
    goes = publishable(record_of(audit_of([region_by_sex()]))).findings[0]
    assert stays.value == wide.value
    assert goes.value is None
    assert goes.verdict is region_by_sex().verdict


def test_a_value_that_leaves_a_small_group_one_rate_goes_too() -> None:
    """All rates lie between 0.49 and 0.71, it says: of three people that can be two alone."""
    one = publishable(record_of(audit_of([small_cells()]))).findings[0]
    assert one.value is None
    assert "the value is withheld" in one.reason


@pytest.mark.parametrize(
    ("formula", "small", "value"), [("accuracy_difference", 0, 0.6), ("accuracy_ratio", 4, 0.6)]
)
def test_a_value_that_looks_like_another_groups_rate_goes_with_the_small_group(
    formula: str, small: int, value: float
) -> None:
    """The gap to none of four, and the ratio to four of four, are the other group's rate."""
    for name in (formula, "accuracy"):
        one = finding(
            "fairness.group_metric",
            "acc",
            ("race",),
            "pass",
            value=value,
            limit=Limit(max=0.9),
            formula=Formula(id=name),
            groups=tuple(
                cell({"race": race}, x, n)
                for race, x, n in (("a", small, 4), ("b", 60, 100), ("c", 61, 100), ("d", 62, 99))
            ),
        )
        assert publishable(record_of(audit_of([one]))).findings[0].value is None


def test_that_nobody_of_a_few_counts_is_withheld_like_any_other_number() -> None:
    """Not judged, and one pair instead of three, would say that none of the four is positive."""
    groups = (cell({"race": "a"}, 17, 26), cell({"race": "c"}, 17, 27, n=72))
    none = cell({"race": "b"}, 0, 0, n=4, judged=False, note="nobody is positive")
    one = finding(
        "fairness.equal_opportunity_difference",
        "opp",
        ("race",),
        "pass",
        value=17 / 26 - 17 / 27,
        interval=(0.0, 0.2),
        method="Farrington-Manning scores, closed critical value over 1 pair",
        formula=Formula(id="true_positive_rate_difference"),
        groups=(*groups, none),
    )
    shown = publishable(record_of(audit_of([one])))
    (told,) = shown.findings
    assert told.groups[2].judged
    assert told.groups[2].note == "withheld: fewer than 5 people"
    assert (told.interval, told.method) == (None, "Farrington-Manning scores")
    assert publishable(shown) == shown


def test_whole_people_in_two_tables_do_not_give_a_small_cell_away() -> None:
    """Linear algebra leaves a line of solutions; only one of them has no negative count."""
    joint: Table = {
        ("f", "a"): {"tp": 0, "fp": 1, "fn": 0, "tn": 0},
        ("f", "b"): {"tp": 10, "fp": 7, "fn": 11, "tn": 10},
        ("f", "c"): {"tp": 8, "fp": 2, "fn": 8, "tn": 8},
        ("m", "a"): {"tp": 10, "fp": 6, "fn": 8, "tn": 9},
        ("m", "b"): {"tp": 6, "fp": 2, "fn": 4, "tn": 8},
        ("m", "c"): {"tp": 2, "fp": 0, "fn": 0, "tn": 0},
    }
    findings = [
        rates(f"acc-{'-'.join(scope)}", scope, "accuracy", table)
        for scope, table in (
            (("sex", "race"), joint),
            (("sex",), margin(joint, 0)),
            (("race",), margin(joint, 1)),
        )
    ]
    shown = publishable(record_of(audit_of(findings))).findings
    # were only the rectangle withheld, (f, a) right would make three of two of (m, c)
    others = [g for one in shown for g in one.groups if g.group.get("race", "b") == "b"]
    assert any(group.numerator is None for group in others)


def test_what_a_judged_small_group_leaves_a_trace_in_is_withheld_too() -> None:
    one = publishable(record_of(audit_of([small_cells()]))).findings[0]
    assert one.interval is None
    assert one.detectable is None
    assert one.rows_needed is None
    assert one.series == ()
    assert "2 of 3" not in one.reason
    assert not any("2 of 3" in note for note in one.notes)
    assert one.reason.endswith("Some numbers are withheld: a group has fewer than 5 people.")


def test_the_interval_stays_when_the_small_group_was_not_judged() -> None:
    one = small_cells()
    groups = tuple(
        g.model_copy(update={"judged": g.n >= 30, "note": "" if g.n >= 30 else "not judged"})
        for g in one.groups
    )
    quiet = one.model_copy(update={"groups": groups})
    assert publishable(record_of(audit_of([quiet]))).findings[0].interval == one.interval


def test_a_small_cell_is_not_given_away_by_the_margins_of_another_finding() -> None:
    sexes = finding(
        "fairness.demographic_parity_difference",
        "by-sex",
        ("sex",),
        "pass",
        formula=SELECTION,
        groups=(cell({"sex": "female"}, 106, 193), cell({"sex": "male"}, 140, 224)),
    )
    record = publishable(record_of(audit_of([region_by_sex(), sexes])))
    women = [g for g in record.findings[0].groups if g.group["sex"] == "female"]
    # Female and south has one of three: were it alone, the row of women would give it away.
    assert sum(g.numerator is None for g in women) >= 2
    south = [g for g in record.findings[0].groups if g.group["area"] == "South"]
    assert sum(g.numerator is None for g in south) >= 2 or all(g.numerator is None for g in women)


def test_withheld_cells_that_are_all_full_do_not_give_each_other_away() -> None:
    table: Table = {
        ("a",): {"tp": 3, "fp": 0, "fn": 0, "tn": 0},
        ("b",): {"tp": 8, "fp": 0, "fn": 0, "tn": 0},
        ("c",): {"tp": 20, "fp": 5, "fn": 6, "tn": 9},
        ("d",): {"tp": 30, "fp": 5, "fn": 6, "tn": 9},
    }
    one = publishable(record_of(audit_of([rates("sel", ("race",), "selection_rate", table)])))
    hidden = [g.group["race"] for g in one.findings[0].groups if g.value is None]
    # Withheld alone, a and b would sum to eleven of eleven: three of three.
    assert "a" in hidden
    assert set(hidden) - {"a", "b"}


def test_two_policies_over_the_same_people_withhold_the_same_cells() -> None:
    table: Table = {
        ("a",): {"tp": 2, "fp": 1, "fn": 0, "tn": 0},
        ("b",): {"tp": 20, "fp": 10, "fn": 5, "tn": 9},
        ("c",): {"tp": 30, "fp": 10, "fn": 5, "tn": 9},
    }
    strict = audit_of([rates("sel", ("race",), "selection_rate", table)])
    loose = audit_of([rates("sel", ("race",), "selection_rate", table)])
    loose = loose.model_copy(
        update={"policy": loose.policy.model_copy(update={"min_cell": 1, "name": "loose"})}
    )
    record = publishable(record_of(strict, loose))
    hidden = [[g.value is None for g in one.findings[0].groups] for one in record.audits]
    assert hidden[0] == hidden[1]
    assert hidden[0][0]
    assert sum(hidden[0]) == 2


def test_positives_of_small_groups_are_withheld() -> None:
    groups = [
        AuditGroup(group={"race": name}, n=n, positives=p)
        for name, n, p in (("a", 3, 2), ("b", 40, 11), ("c", 90, 30))
    ]
    shown = publishable(record_of(audit_of([], groups))).audits[0].groups
    assert [g.positives for g in shown] == [None, None, 30]
    assert [g.n for g in shown] == [3, 40, 90]


def test_a_record_without_small_cells_is_published_as_it_is(unproven: Record) -> None:
    assert publishable(unproven) is unproven


def test_publishing_twice_changes_nothing(rich: Record) -> None:
    once = publishable(rich)
    assert once != rich
    assert publishable(once) == once


def test_a_check_on_a_handful_of_rows_keeps_its_verdict_and_nothing_else() -> None:
    one = finding(
        "performance.metric",
        "auc",
        (),
        "pass",
        n=3,
        value=0.77,
        interval=(0.5, 0.9),
        limit=Limit(min=0.5),
        detectable=Detectable(gap=0.3),
        rows_needed=RowsNeeded(total=100),
    )
    shown = publishable(record_of(audit_of([one]))).findings[0]
    assert (shown.value, shown.interval, shown.detectable, shown.rows_needed) == (None,) * 4
    assert shown.verdict is Verdict.PASS
    assert "the value is withheld" in shown.reason


def test_points_of_a_curve_that_rest_on_few_people_are_withheld() -> None:
    bins = Series(
        name="reliability",
        kind="curve",
        x=(0.1, 0.5, 0.9),
        y=(0.2, 0.55, 0.8),
        lo=(0.1, 0.5, 0.7),
        hi=(0.3, 0.6, 0.9),
        counts=(2, 30, 400),
    )
    one = finding("fairness.calibration_gap", "cal", (), "pass", n=432, series=(bins,))
    shown = publishable(record_of(audit_of([one]))).findings[0].series[0]
    # not even where the point lies: a bin of one person is drawn at that person's score
    assert (shown.x, shown.y, shown.counts) == ((0.9,), (0.8,), (400,))
    assert (shown.lo, shown.hi) == ((0.7,), (0.9,))


def slices(*cells: GroupValue) -> Finding:
    formula = Formula(id="worst_slice")
    return finding("fairness.worst_slice", "slices", (), "pass", formula=formula, groups=cells)


HALF = "selection rate, confirming half"
WHOLE = "selection rate, on all rows: the upper end"


@pytest.mark.parametrize(
    ("outer", "inner"),
    [
        (({"sex": "f"}, HALF), ({"sex": "f", "job": "a"}, HALF)),
        (({}, HALF), ({"sex": "f"}, HALF)),
        (({"sex": "f"}, WHOLE), ({"sex": "f"}, HALF)),
        (({}, WHOLE), ({"job": "a"}, WHOLE)),
    ],
)
def test_few_people_between_two_slices_are_a_small_cell(
    outer: tuple[dict[str, str], str], inner: tuple[dict[str, str], str]
) -> None:
    """78 of the 80 are in the slice: its rate and theirs would give away the other two."""
    wide = cell(outer[0], 30, 80, part=outer[1])
    for rows, gone in ((78, True), (75, False)):
        one = slices(wide, cell(inner[0], 28, rows, part=inner[1]))
        first, second = publishable(record_of(audit_of([one]))).findings[0].groups
        assert first.value == 30 / 80
        assert (second.value is None) is gone
        assert (second.numerator is None) is gone


def test_few_people_between_a_slice_and_a_declared_group_are_a_small_cell() -> None:
    groups = (cell({"region": "north"}, 300, 600), cell({"region": "isle"}, 3, 9))
    table = finding("fairness.x", "x", ("region",), "pass", formula=SELECTION, groups=groups)
    one = slices(cell({"region": "isle", "edu": "basic"}, 3, 7, part=WHOLE))
    shown = publishable(record_of(audit_of([table, one]))).findings
    assert [g.value for g in shown[0].groups] == [0.5, 3 / 9]
    assert shown[1].groups[0].value is None


def test_slices_of_half_of_the_rows_do_not_stand_for_whole_groups() -> None:
    """Or their sizes would undo that the cells of an intersection add up."""
    fine = {("f", "a"): (20, 30), ("f", "b"): (2, 3), ("m", "a"): (10, 40), ("m", "b"): (9, 30)}
    cells = [cell({"sex": s, "job": j}, x, n) for (s, j), (x, n) in fine.items()]
    crossed = finding("fairness.x", "x", ("sex", "job"), "pass", formula=SELECTION, groups=cells)
    by_sex = (cell({"sex": "f"}, 22, 33), cell({"sex": "m"}, 19, 70))
    single = finding("fairness.x", "y", ("sex",), "pass", formula=SELECTION, groups=by_sex)
    one = slices(cell({"sex": "f", "job": "a"}, 8, 14, part=HALF))
    alone, with_slices = (
        publishable(record_of(audit_of(findings))).findings[-2:]
        for findings in ([crossed, single], [one, crossed, single])
    )
    assert alone == with_slices
    assert alone[0].groups[1].value is None


def test_rates_before_adjusting_do_not_undo_what_is_withheld() -> None:
    counts = {"a": (20, 60), "b": (12, 30), "c": (10, 20), "d": (1, 3)}
    plain = [cell({"g": g}, x, n) for g, (x, n) in counts.items()]
    adjusted = [
        GroupValue(group={"g": g}, n=n, value=v, note=f"{100 * x / n:.0f} of 100 selected before")
        for (g, (x, n)), v in zip(counts.items(), (1.0, 1.2, 0.7, 0.8), strict=True)
    ]
    formula = Formula(id="ratio_of_adjusted_selection_rates")
    record = record_of(
        audit_of(
            [
                finding("fairness.x", "x", ("g",), "pass", formula=SELECTION, groups=plain),
                finding(
                    # c decides here, so that b alone would go with d, and c there
                    "fairness.y",
                    "y",
                    ("g",),
                    "pass",
                    formula=formula,
                    groups=adjusted,
                    value=0.7,
                ),
            ]
        )
    )
    rates, shown = (one.groups for one in publishable(record).findings)
    hidden = [g.value is None for g in rates]
    assert sum(hidden) == 2
    assert hidden == [g.value is None for g in shown]
    assert hidden == ["selected" not in g.note for g in shown]


def test_an_error_keeps_its_reason() -> None:
    one = small_cells().model_copy(update={"verdict": Verdict.ERROR, "reason": "no column sex"})
    assert publishable(record_of(audit_of([one]))).findings[0].reason == "no column sex"


def test_a_very_large_record_withholds_whole_tables_instead_of_searching() -> None:
    groups = tuple(
        GroupValue(group={"zip": str(i)}, n=3 if i == 7 else 50, numerator=2, denominator=50)
        for i in range(1600)
    )
    one = finding("x.y", "y", ("zip",), "pass", groups=groups, formula=SELECTION)
    shown = publishable(record_of(audit_of([one]))).findings[0]
    assert all(g.numerator is None for g in shown.groups)


def test_withheld_numbers_reach_no_published_view() -> None:
    # Digits that occur nowhere else: 1,117 of 2,221 would be findable, 3 of 4 is not, so the
    # rates of small groups are marked by their values.
    marked = cell({"region": "tiny"}, 3, 4, value=0.7311931, interval=(0.2311931, 0.9411931))
    big = [cell({"region": name}, x, n) for name, x, n in (("a", 500, 1000), ("b", 510, 1000))]
    one = finding(
        "fairness.demographic_parity_difference",
        "gap",
        ("region",),
        "fail",
        reason="tiny has 0.7311931",
        value=0.2311931,
        interval=(0.1111931, 0.4411931),
        limit=Limit(max=0.1),
        formula=SELECTION,
        groups=(marked, *big),
        notes=("0.7311931",),
        detectable=Detectable(gap=0.3311931, group="tiny"),
        rows_needed=RowsNeeded(total=3311931, pair=("tiny",)),
    )
    record = record_of(audit_of([one]))
    views = index_html(record), summary_md(record), "\n".join(terminal_lines(record))
    for view in views:
        for secret in ("0.731", "0.231", "73 %", "3,311,931", "0.331", "0.111", "0.441", "3 of 4"):
            assert secret not in view
        assert "withheld" in view
    assert "0.731" in "\n".join(terminal_lines(record, public=False))


def test_the_worst_finding_keeps_its_name_and_limit_when_its_value_is_withheld() -> None:
    one = finding(
        "fairness.accuracy_difference",
        "gap",
        ("region",),
        "fail",
        because="limit",
        value=0.25,
        interval=(0.11, 0.44),
        limit=Limit(max=0.1),
        groups=(cell({"region": "tiny"}, 3, 4), cell({"region": "a"}, 500, 1000)),
    )
    record = record_of(audit_of([one]))
    says = "the value is withheld; the policy asks for at most 0.10."
    assert f"Worst: gap by region: Fail: {says}" in summary_md(record)
    assert says in index_html(record).partition("Read first:")[2][:400]


def test_which_cells_go_does_not_depend_on_the_process(rich: Record, tmp_path: Path) -> None:
    (tmp_path / "audit.json").write_text(rich.to_json(), encoding="utf-8")
    code = (
        "import sys, hashlib; from pathlib import Path;"
        "from pytest_aipm.records import Record; from pytest_aipm.report import index_html;"
        "text = index_html(Record.from_json(Path(sys.argv[1]).read_bytes()));"
        "print(hashlib.sha256(text.encode()).hexdigest())"
    )
    seen = set()
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        command = [sys.executable, "-c", code, str(tmp_path / "audit.json")]
        seen.add(subprocess.check_output(command, env=environment, text=True))
    assert len(seen) == 1


def test_a_secret_is_kept_by_not_telling_the_last_row_that_proves_it() -> None:
    secrets = Secrets([{"x": 1, "y": 1, "z": 1}], [{"x": 1}])
    assert secrets.tell([{"y": 1}])
    assert not secrets.tell([{"z": 1}])
    assert not secrets.tell([{"w": 1}, {"x": 1, "w": 1}])
    assert secrets.tell([{"w": 1}])
    assert secrets.tell([{"y": 2, "w": 3}])


def test_what_is_known_anyway_is_no_secret() -> None:
    assert Secrets([{"x": 1}], [{"x": 1}]).tell([{"x": 1}])


def test_the_project_file_keeps_every_number(rich: Record) -> None:
    text = json.dumps(json.loads(rich.to_json()))
    assert json.loads(text)["audits"][0]["findings"][3]["groups"][7]["numerator"] == 2


@pytest.mark.parametrize("rate", sorted(RATES))
def test_a_group_with_few_positives_hides_only_what_speaks_of_them(rate: str) -> None:
    table: Table = {
        ("a",): {"tp": 1, "fp": 11, "fn": 2, "tn": 30},
        ("b",): {"tp": 20, "fp": 10, "fn": 5, "tn": 9},
        ("c",): {"tp": 30, "fp": 12, "fn": 7, "tn": 9},
    }
    findings = [rates(name, ("race",), name, table) for name in sorted({rate, "selection_rate"})]
    record = publishable(record_of(audit_of(findings)))
    assert attack(record, {("race",): table}) == []
    if rate in ("selection_rate", "accuracy", "false_positive_rate"):
        assert all(g.value is not None for one in record.findings for g in one.groups)
