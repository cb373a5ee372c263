"""New York City's own example table, measured by the pack that answers to the rule.

The figures are those of the example in 6 RCNY 5-301(d), a tool that scores applicants for "culture
fit": applicants, scoring rate, impact ratio. Source: DCWP's final rule, as quoted in the data set
LL144-giskard-239 (page 2 of its viewer). The counts are inferred from sizes and rates; 18 of 28 is
printed as 64.2 %, truncated and not rounded.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest

import pytest_aipm
from pytest_aipm.records import Finding, Record, Verdict
from pytest_aipm.report import index_html, publishable
from pytest_aipm.report.ratios import impact_ratios

SEX = {"Male": (92, 54.3, 1.00), "Female": (76, 44.7, 0.82)}
RACE = {
    "Hispanic or Latino": (28, 64.2, 1.00),
    "White": (40, 37.5, 0.58),
    "Black or African American": (32, 50.0, 0.78),
    "Native Hawaiian or Pacific Islander": (8, 62.5, 0.97),
    "Asian": (24, 41.7, 0.65),
}
OTHERS = (36, 20)
"""The table's two other categories, which the source cuts off, together: what is left of 168."""
POLICY = {
    "aipm": 1,
    "name": "culture-fit",
    "extends": "pack:nyc-ll144",
    "context": {"purpose": "Score applicants", "owner": "audit@example.org"},
    "subject": {
        "task": "regression",
        "predictions": "score",
        "protected": {"sex": "sex", "race": {"column": "race_ethnicity"}},
    },
}


def above(n: int, percent: float) -> int:
    """Return how many of n score above the median."""
    return round(n * percent / 100)


def spread(men: int, n: int) -> list[str]:
    """Return n sexes with the men at even distances."""
    return ["Male" if (i + 1) * men // n > i * men // n else "Female" for i in range(n)]


def rows() -> pd.DataFrame:
    """Applicants with the table's margins; which sex goes with which race is not in it."""
    high = {name: above(n, share) for name, (n, share, _) in RACE.items()} | {"others": OTHERS[1]}
    sizes = {name: n for name, (n, _, _) in RACE.items()} | {"others": OTHERS[0]}
    races = [race for race, x in high.items() for _ in range(x)]
    races += [race for race in sizes for _ in range(sizes[race] - high[race])]
    men_high = above(*SEX["Male"][:2])
    men_low = SEX["Male"][0] - men_high
    top, rest = sum(high.values()), sum(sizes.values()) - sum(high.values())
    sexes = spread(men_high, top) + spread(men_low, rest)
    scores = [60 + i / 10 for i in range(top)] + [40 - i / 10 for i in range(rest)]
    return pd.DataFrame({"score": scores, "sex": sexes, "race_ethnicity": races})


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Record:
    root = tmp_path_factory.mktemp("ll144")
    return pytest_aipm.audit(POLICY, data=rows(), root=root)


def finding(record: Record, name: str) -> Finding:
    (found,) = (f for f in record.findings if f.id == f"culture-fit::{name}")
    return found


@pytest.mark.parametrize(("scope", "table"), [("sex", SEX), ("race", RACE)])
def test_the_rules_own_example_comes_out(
    record: Record, scope: str, table: dict[str, tuple[int, float, float]]
) -> None:
    found = finding(record, f"scoring-rate::{scope}")
    groups = {group.group[scope]: group for group in found.groups}
    ratios = impact_ratios(found)
    for name, (n, percent, ratio) in table.items():
        assert (groups[name].n, groups[name].numerator) == (n, above(n, percent))
        assert 100 * groups[name].value == pytest.approx(percent, abs=0.1)
        assert ratios[name] == pytest.approx(ratio, abs=0.005)
    assert found.value == pytest.approx(min(ratio for _, _, ratio in table.values()), abs=0.005)


def test_half_of_all_score_above_the_median(record: Record) -> None:
    found = finding(record, "scoring-rate::sex")
    assert sum(group.numerator for group in found.groups) == 84
    assert found.n == 168


def test_intersections_are_measured_and_no_ratio_turns_the_build_red(record: Record) -> None:
    assert finding(record, "scoring-rate::sex-x-race").n == 168
    assert {f.verdict for f in record.findings} <= {
        Verdict.PASS,
        Verdict.WARN,
        Verdict.INCONCLUSIVE,
        Verdict.NOT_JUDGED,
    }
    assert finding(record, "impact-ratio::sex").reason == (
        "'fairness.demographic_parity_ratio' is for binary or multiclass, but the task is "
        "regression"
    )


def test_the_report_shows_the_table(record: Record) -> None:
    page = index_html(record)
    for name, (_, _, ratio) in RACE.items():
        row = page[page.index(f"<tr><th>{name}<") :]
        assert f"<td>{ratio:.2f}" in row[: min(row.index("<tr>", 1), row.index("</table>"))]


def test_a_category_below_two_in_a_hundred_is_left_out_and_still_shown(tmp_path: Path) -> None:
    few = pd.DataFrame({"score": [50.0] * 3, "sex": ["Male"] * 3, "race_ethnicity": ["Few"] * 3})
    policy = POLICY | {"publish": {"min_cell": 0}}
    record = pytest_aipm.audit(policy, data=pd.concat([rows(), few]), root=tmp_path)
    found = finding(record, "scoring-rate::race")
    (group,) = (g for g in found.groups if g.group["race"] == "Few")
    assert (group.n, group.value, group.judged) == (3, 0.0, False)
    assert group.note == "not compared: 1.75% of the rows, less than the 0.02 of `min_share`"
    ratios = impact_ratios(found)
    assert "Few" not in ratios
    assert found.value == pytest.approx(0.58, abs=0.005)  # 0 with them
    assert group.note.replace("`", "") in index_html(record).replace("`", "")


def test_people_of_an_unknown_category_are_counted(tmp_path: Path) -> None:
    frame = rows()
    frame.loc[frame.index[:5], "race_ethnicity"] = None
    record = pytest_aipm.audit(POLICY, data=frame, root=tmp_path)
    groups = {(g.group.get("race"), g.n) for g in record.audits[0].groups}
    assert ("(unknown)", 5) in groups
    assert "5 unknown left out" in finding(record, "scoring-rate::race").formula.population


def test_a_withheld_rate_is_given_away_by_no_ratio(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "score": list(range(200)),
            "sex": ["a"] * 97 + ["b"] * 100 + ["c"] * 3,
            "race_ethnicity": ["x", "y"] * 100,
        }
    )
    policy = POLICY | {"checks": [{"id": "scoring-rate", "by": ["sex"], "min_share": 0.001}]}
    policy["checks"][0]["override"] = {"reason": "one scope", "owner": "tests"}
    record = pytest_aipm.audit(policy, data=frame, root=tmp_path)
    whole = finding(record, "scoring-rate::sex")
    assert impact_ratios(whole)["c"] == 1.0
    assert impact_ratios(finding(publishable(record), "scoring-rate::sex")) == {}


def test_the_audit_is_good_for_a_year(record: Record) -> None:
    started = date.fromisoformat(record.run.started[:10])
    end = started + timedelta(days=365)
    (pack,) = record.audits[0].packs
    assert pack.max_audit_age == 365
    first = min(end.isoformat(), pack.review_after)
    assert f"valid until {date.fromisoformat(first).day} " in index_html(record)
