"""Weights and repeated people as a reader sees them: whole people, and few ones hidden."""

from __future__ import annotations

import re

import pytest
from report_samples import SELECTION, cell, finding, lending, record_of

from pytest_aipm.records import AuditGroup, Finding, GroupValue, Limit, Record
from pytest_aipm.report import index_html, publishable, summary_md, terminal_lines
from pytest_aipm.violation import text


def weighted(**people: int) -> Finding:
    """Groups whose effective counts are fractions; `people` says whose rows a group's are."""
    rows = {"female": (57, 120), "male": (301, 500), "other": (9, 30)}
    groups = []
    for name, (events, n) in rows.items():
        size, rate = 0.437 * n, events / n + 0.0123
        more = {"people": people[name]} if people else {}
        groups.append(
            cell(
                {"sex": name},
                events,
                n,
                numerator=size * rate,
                denominator=size,
                counted=(events, n),
                value=rate,
                **more,
            )
        )
    return finding(
        "fairness.demographic_parity_difference",
        "gap",
        ["sex"],
        "fail",
        value=groups[1].value - groups[2].value,
        interval=(0.12, 0.5),
        limit=Limit(max=0.1),
        formula=SELECTION,
        n=650,
        groups=groups,
        sizes=[group.denominator for group in groups],
        part_names=list(rows),
        notes=("weighted by w; effective rows 284 of 650",),
    )


def record(one: Finding, groups: tuple[AuditGroup, ...] = ()) -> Record:
    return record_of(lending().model_copy(update={"findings": (one,), "groups": groups}))


def test_no_view_shows_a_part_of_a_person() -> None:
    shown = record(weighted())
    views = (
        index_html(shown),
        summary_md(shown),
        "\n".join(terminal_lines(shown)),
        text(weighted()),
    )
    for view in views:
        # "3.4 of 100" and "52.44 of 219" would be
        assert not re.search(r"\d\.\d+ of \d|\d of \d[\d,]*\.\d", view)
    assert "57 of 120" in views[0]
    assert "57 of 120" in views[3]
    assert "Weighted by w; effective rows 284 of 650" in views[0]


def test_the_sentence_speaks_of_the_weighted_rate() -> None:
    # 9 of 30 rows, but 0.3123 of the people they stand for
    assert "31 of 100 for other, 61 of 100 for male" in index_html(record(weighted()))


def test_few_people_with_many_rows_are_few_people() -> None:
    one = weighted(female=40, male=200, other=4)
    published = publishable(record(one)).findings[0]
    female, male, other = published.groups
    assert other.value is other.numerator is other.counted is other.people is None
    assert other.note == "withheld: fewer than 5 people"
    assert male.counted == (301, 500)
    assert published.value is None
    # nor can the fourth be found from the others and a total
    assert female.value is None
    enough = weighted(female=40, male=200, other=5)
    assert publishable(record(enough)).findings[0].groups == enough.groups


def test_positives_of_few_people_are_withheld() -> None:
    groups = tuple(
        AuditGroup(group={"sex": name}, n=n, positives=n // 2, people=people)
        for name, n, people in (("female", 120, 40), ("male", 500, 200), ("other", 30, 3))
    )
    published = publishable(record(weighted(female=40, male=200, other=3), groups))
    assert published.audits[0].groups[2].positives is None
    page = index_html(record(weighted(female=40, male=200, other=3), groups))
    assert "<th>Rows" in page
    assert "fewer than 5 people" in page


def test_rows_of_repeated_people_are_not_called_people() -> None:
    page = index_html(record(weighted(female=40, male=200, other=20)))
    assert "rate and rows (n)." in page
    assert "rate and people (n)." in index_html(record(weighted()))


@pytest.mark.parametrize("kind", [GroupValue, AuditGroup])
def test_what_says_nothing_is_not_written(kind: type) -> None:
    plain = kind(group={"sex": "f"}, n=3)
    assert not {"counted", "people"} & set(plain.model_dump(mode="json"))
    told = kind(group={"sex": "f"}, n=3, people=2)
    assert told.model_dump(mode="json")["people"] == 2
    assert kind.model_validate_json(told.model_dump_json()) == told
