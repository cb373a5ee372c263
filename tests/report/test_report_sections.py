"""What the page says around the findings: promises, change, groups, gaps, what was not asked."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from html import unescape
from typing import Any

import pytest
from report_samples import (
    ARABIC,
    EMOJI,
    OVERRIDE,
    SCRIPT,
    claims,
    diabetes,
    intersections,
    lending,
    others,
    record_of,
    turned,
)
from test_report_html import Page

from pytest_aipm.records import (
    Approval,
    Audit,
    AuditGroup,
    BaselineChanges,
    Claim,
    Missing,
    NotTested,
    Period,
    Record,
    RunVerdict,
    Turned,
    Undeclared,
    Verdict,
)
from pytest_aipm.report import index_html
from pytest_aipm.report.context_view import untested_line
from pytest_aipm.report.groups_view import gaps, label_rate, period

HUGE = "W" * 10_000
ODD = "line\r\n\x00\x07\x1b[31m\u202eevil\u2066 \ud800 end"


def with_fields(audit: Audit, **fields: Any) -> Audit:
    return audit.model_copy(update=fields)


def html(audit: Audit, **more: Any) -> str:
    return index_html(record_of(audit, **more))


def section(text: str, name: str) -> str:
    """The words of one section, from its heading on."""
    found = re.search(rf"<h\d id={name}>.*?</section>", text, re.DOTALL)
    assert found is not None, f"no section {name}"
    return " ".join(unescape(re.sub("<[^>]*>", " ", found[0])).split())


def compared(**changes: Any) -> Audit:
    """The sample, compared with a baseline in exactly these ways."""
    audit = lending()
    assert audit.baseline is not None
    fields = {"changes": BaselineChanges(**changes), "weakened": ()}
    return with_fields(audit, baseline=audit.baseline.model_copy(update=fields))


# -- promises


def test_promises_stand_with_their_state_worst_first_and_link_to_what_shows_them() -> None:
    text = html(lending())
    said = section(text, "claims")
    words = ["Broken", "Unproven", "Untested", "Kept"]
    assert [said.index(word) for word in words] == sorted(said.index(word) for word in words)
    assert "Treats women and men alike" in said
    assert "selection-rate by sex and race fails; odds by race fails" in said
    assert "<a href=#credit-approval::roc-auc::overall>roc-auc</a>" in text
    assert ">scorecard</a>" not in text


def test_the_first_screen_counts_the_promises() -> None:
    text = html(lending())
    assert re.search("<dt>Promises<dd><a href=#claims>1 of 4 kept</a>", text)
    assert "1 broken, 1 unproven and 1 untested" in text
    kept = html(with_fields(lending(), claims=claims()[:1]))
    assert ">1 of 1 kept</a></div>" in kept


def test_without_promises_there_is_no_section() -> None:
    text = html(with_fields(lending(), claims=()))
    assert "What was promised" not in text
    assert "Promises" not in text


# -- what changed


def test_every_kind_of_change_is_listed_with_its_links() -> None:
    text = html(lending())
    said = section(text, "changed")
    assert said.startswith(
        "What changed Compared with the baseline approved 2 Oct 2026 by R. Lead : release 2.3.1"
    )
    for words in (
        "New fails: selection-rate by sex \N{MULTIPLICATION SIGN} race (pass then).",
        "Fixed: roc-auc overall (fail then).",
        "Other verdicts that turned: approval-gap by region (pass then, inconclusive now).",
        "Moved beyond the approved interval: odds by race (+0.051).",
        "Checks added: protected-flip by sex (pass now).",
        "Checks removed: credit-approval::old-check::sex (pass then).",
    ):
        assert words in said


def test_the_first_screen_names_the_largest_changes() -> None:
    text = html(lending())
    changed = re.search("<dt>Changed<dd>.*?</div>", text)
    assert changed is not None
    assert ">1 new fail, 2 shown worse and 1 fixed</a>" in changed[0]
    assert "<small>4 other kinds; gate weaker in 2 ways</small>" in changed[0]


def test_no_change_is_said_to_be_none() -> None:
    audit = compared(unchanged=12)
    still = tuple(f.model_copy(update={"baseline": None}) for f in audit.findings)
    policy = audit.policy.model_copy(update={"loosened": ()})
    text = html(with_fields(audit, findings=still, policy=policy))
    assert "No check was added or removed, none has another verdict" in section(text, "changed")
    assert ">nothing</a> <small>since the baseline of 2 Oct 2026</small>" in text


def test_without_a_baseline_one_sentence_says_so_with_the_command_that_creates_one() -> None:
    text = html(diabetes())
    assert section(text, "changed") == (
        "What changed There is no approved baseline, so nothing is known about change; this "
        "creates one: pytest --aipm-audit --aipm-update-baseline"
    )
    assert ">not known</a> <small>no baseline to compare with</small>" in text


def test_the_command_of_a_selection_is_not_offered_for_a_baseline() -> None:
    record = record_of(diabetes(), partial=True)
    run = record.run.model_copy(update={"command": "pytest --aipm-audit -k gap"})
    text = section(index_html(record.model_copy(update={"run": run})), "changed")
    assert "creates one: pytest --aipm-audit --aipm-update-baseline" in text


def test_an_audit_inside_a_test_is_not_told_to_approve_anything() -> None:
    audit = diabetes()
    policy = audit.policy.model_copy(update={"path": "tests/test_x.py::test_x"})
    assert "--aipm-update-baseline" not in html(with_fields(audit, policy=policy))


def test_a_partial_run_says_that_it_cannot_tell_what_is_gone() -> None:
    audit = lending()
    assert audit.baseline is not None
    audit = with_fields(audit, baseline=audit.baseline.model_copy(update={"changes": None}))
    text = html(audit, partial=True, missing=("a::b::c",))
    assert "The run is partial: which checks are gone is not known." in section(text, "changed")
    assert "the run is not compared as a whole" in text
    assert "Shown to be worse: selection-rate by sex \N{MULTIPLICATION SIGN} race" in section(
        text, "changed"
    )


def test_a_finding_that_is_no_longer_there_has_a_name_and_no_link() -> None:
    gone = Turned(id="credit-approval::gone::sex", then=Verdict.FAIL)
    text = html(compared(removed=(gone,)))
    assert "Checks removed:</b> credit-approval::gone::sex (fail then)." in text


# -- groups and data


def test_groups_show_their_share_of_positives_and_rows_their_days_and_gaps() -> None:
    said = section(html(lending()), "groups")
    assert "Rows: 1 Jan to 31 Mar 2026." in said
    assert "2 rows have no date in applied_on." in said
    assert "Missing values in 1 of 3 features: debt 0.3 % (12)." in said


def test_the_period_stands_on_the_first_screen() -> None:
    text = html(lending())
    assert "data/holdout.parquet (3,757 rows)</bdi> <small>1 Jan to 31 Mar 2026, sha256 " in text


@pytest.mark.parametrize(
    ("days", "said"),
    [
        (None, ""),
        (Period(column="d", first="2026-01-02", last="2026-01-02"), "of 2 Jan 2026"),
        (
            Period(column="d", first="2025-12-31", last="2026-01-02"),
            "31 Dec 2025 to 2 Jan 2026",
        ),
        (
            Period(column="d", unread=9),
            "period unknown: column d holds no dates such as 2026-01-31",
        ),
    ],
)
def test_a_period_is_told_only_where_it_is_known(days: Period | None, said: str) -> None:
    audit = lending()
    assert audit.subject is not None
    assert period(audit.subject.data.model_copy(update={"period": days})) == said


def labelled(*groups: AuditGroup, rows: int = 30) -> Audit:
    audit = lending()
    assert audit.subject is not None
    data = audit.subject.data.model_copy(update={"rows": rows})
    subject = audit.subject.model_copy(update={"data": data})
    return with_fields(audit, groups=groups, subject=subject)


def test_the_label_rate_is_told_unless_a_groups_positives_are_withheld() -> None:
    f = AuditGroup(group={"sex": "f"}, n=20, positives=5)
    m = AuditGroup(group={"sex": "m"}, n=10, positives=1)
    assert label_rate(labelled(f, m)) == "defaulted = 1 in 6 of 30 rows (20 %)."
    hidden = m.model_copy(update={"positives": None})
    assert label_rate(labelled(f, hidden)) == ""
    assert label_rate(labelled(f, m, rows=31)) == ""  # some rows are in no group
    assert label_rate(labelled()) == ""


def test_rows_without_a_group_are_told_with_their_share() -> None:
    f = AuditGroup(group={"sex": "f"}, n=27, positives=3)
    unknown = AuditGroup(group={"sex": "(unknown)"}, n=3, positives=1)
    assert "Rows without a group: sex 10 % (3)." in gaps(labelled(f, unknown))
    assert not any("without a group" in said for said in gaps(labelled(f)))


def test_a_declared_group_that_nobody_is_in_is_shown_as_such() -> None:
    f = AuditGroup(group={"sex": "f"}, n=30, positives=3)
    none = AuditGroup(group={"sex": "x"}, n=0)
    said = section(html(labelled(f, none)), "groups")
    assert "x declared, but not in these rows 0 0 % none" in said
    assert "3 (10 %)" in said


def test_gaps_of_many_features_are_counted_and_none_is_said() -> None:
    many = Missing(rows=100, features=40, columns={f"c{i:02}": i + 1 for i in range(20)})
    said = gaps(with_fields(lending(), missing=many))[-1]
    assert said.startswith("Missing values in 20 of 40 features: c19 20 % (20), c18 19 % (19)")
    assert said.endswith("and 8 more.")
    full = Missing(rows=100, features=3)
    assert gaps(with_fields(diabetes(), missing=full)) == [
        "None of the 3 features has a missing value."
    ]
    assert gaps(diabetes()) == []


# -- not tested


def test_what_is_left_out_stands_by_family_with_what_that_leaves_open() -> None:
    text = html(lending())
    said = section(text, "not-tested")
    assert "Robustness: none of 1 check asked" in said
    assert "Fairness: 3 of 5 checks asked" in said.partition("Robustness")[0]
    assert "calibration_gap The same score could promise too much for one group." in said
    assert "is asked of these rates: equalized_odds_ratio ." in said
    assert "noise Do small errors in the input change decisions?" in said
    assert ">3 checks left out</a>" in text
    assert "nothing on robustness" in text


def left(*names: str) -> Record:
    """A record whose policy leaves these checks out."""
    return with_fields(
        lending(),
        undeclared=(),
        not_tested=tuple(
            NotTested(check=name, question=f"{name}?", leaves_open=f"Of {name}.") for name in names
        ),
    )


def test_a_difference_and_a_ratio_of_one_rate_are_one_line() -> None:
    said = section(html(left("x.a_difference", "x.a_ratio", "x.b_ratio")), "not-tested")
    assert "X: none of 3 checks asked a_difference, _ratio Of x.a_difference." in said
    assert "b_ratio Of x.b_ratio." in said
    assert "Of x.a_ratio." not in said


def test_however_long_the_catalogue_the_list_is_bounded_and_names_all() -> None:
    names = [f"family{i}.check{j}" for i in range(10) for j in range(30)]
    text = html(left(*names))
    said = section(text, "not-tested")
    assert said.count(" Of family") == 10 * 5
    assert all(name.partition(".")[2] in said for name in names)
    assert said.index("Family0") < said.index("Family1") < said.index("Family9")
    assert len(text) - len(html(left())) < 15_000


def test_the_family_that_was_asked_least_is_named_in_a_line_that_is_not_cut() -> None:
    some = ("fairness.a", "fairness.b", "performance.a", "explain.a", "explain.b", "explain.c")
    audit = left(*some)
    asked = [
        audit.findings[0].model_copy(update={"check": f"{family}.asked"})
        for family in ("fairness", "performance", "explain")
    ]
    audit = audit.model_copy(update={"findings": tuple(asked)})
    number, said = untested_line(audit)
    assert number == "6 checks left out"
    assert said == "fewest on explanation: 1 of 4 asked"


def test_columns_that_look_protected_are_told_as_a_guess() -> None:
    said = section(html(lending()), "not-tested")
    assert "A name is a guess" in said
    assert "postcode looks like place of living; the model is given it" in said
    assert "marital_status looks like marital status" in said
    assert "2 columns look protected; nothing on robustness" in html(lending())


def test_a_policy_that_leaves_nothing_out_has_no_such_section() -> None:
    text = html(with_fields(lending(), not_tested=(), undeclared=()))
    assert "Not tested" not in text
    assert "Untested</dt>" not in text


def test_many_columns_are_counted() -> None:
    many = tuple(Undeclared(column=f"age{i}", looks_like="age") for i in range(45))
    assert "5 more are in audit.json." in html(with_fields(lending(), undeclared=many))


# -- several policies


def test_the_overview_names_owner_change_gaps_and_promises_of_each_policy() -> None:
    text = index_html(record_of(lending(), diabetes()))
    cards = re.findall(r"<article.*?</article>", text, re.DOTALL)
    assert "lending-ml@example.org" in cards[0]
    assert "href=#credit-approval.changed>" in cards[0]
    assert "href=#credit-approval.not-tested>" in cards[0]
    assert "href=#credit-approval.claims>1 of 4 kept" in cards[0]
    assert "clinic@example.org" in cards[1]


def test_the_overview_begins_with_what_is_worst() -> None:
    holds = [each for each in diabetes().findings if each.verdict is Verdict.PASS]
    fine = with_fields(diabetes(), findings=tuple(holds), verdict=RunVerdict.PASS)
    text = index_html(record_of(fine, lending()))
    cards = re.findall(r"<article.*?</article>", text, re.DOTALL)
    assert ">FAIL<" in cards[0]
    assert "Read first:" in cards[0]
    assert ">PASS<" in cards[1]


# -- hostile text


def hostile(name: str) -> Record:
    audit = lending()
    assert audit.baseline is not None
    assert audit.subject is not None
    days = Period(column=name, first="2026-01-01", last="2026-03-01", missing=2, unread=1)
    data = audit.subject.data.model_copy(update={"ref": name, "period": days})
    changes = BaselineChanges(
        fails=(turned(intersections(), Verdict.PASS),),
        added=(turned(others()[0], None),),
        removed=(Turned(id=name, then=Verdict.PASS),),
    )
    baseline = {
        "approved": Approval(by=name, when=name, reason=name),
        "weakened": (name,),
        "changes": changes,
    }
    waived = audit.waivers[0].model_copy(update={"reason": name, "owner": name, "note": name})
    first = audit.findings[0].model_copy(
        update={"reason": name, "notes": (name,), "method": name, "waiver": waived}
    )
    return record_of(
        with_fields(
            audit,
            context={"purpose": name, "owner": name},
            claims=(Claim(text=name, checks=(name, "odds"), state="broken", reason=name),),
            missing=Missing(rows=10, features=2, columns={name: 3}),
            not_tested=(NotTested(check=f"x.{name}", question=name, leaves_open=name),),
            undeclared=(Undeclared(column=name, looks_like="sex", feature=True),),
            baseline=audit.baseline.model_copy(update=baseline),
            subject=audit.subject.model_copy(update={"data": data, "reading": name}),
            waivers=(waived,),
            findings=(first, *audit.findings[1:]),
        )
    )


@pytest.mark.parametrize(
    "name",
    [
        SCRIPT,
        ARABIC,
        OVERRIDE,
        HUGE,
        EMOJI,
        ODD,
        "",
        "</title></style>",
        "' onx=\"1",
        "&amp;{{ 7 }}",
    ],
    ids=[
        "script",
        "rtl",
        "override",
        "huge",
        "emoji",
        "odd",
        "nothing",
        "tags",
        "quotes",
        "entity",
    ],
)
def test_hostile_text_in_every_field_stays_text(name: str) -> None:
    text = index_html(hostile(name))
    page = Page(text)
    assert page.stack == []
    assert "script" not in {tag for tag, _ in page.tags}
    assert not [key for _, attrs in page.tags for key in attrs if key.startswith("on")]
    assert not re.search(
        "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", text
    )
    if name.isprintable() and len(name) < 100:
        assert page.text.count(" ".join(name.split())) > 10 or not name
    ids = page.attributes("id")
    assert len(ids) == len(set(ids))


def test_ten_thousand_characters_are_shortened_and_the_whole_is_reachable() -> None:
    text = index_html(hostile(HUGE))
    shown = re.sub(r"<details class=points>.*?</details>", "", text, flags=re.DOTALL)
    shown = re.sub(r'(title|aria-label)=("[^"]*"|[^\s>]*)', "", shown)
    shown = re.sub(r"<(title|desc)>.*?</\1>", "", shown)
    longest = max(map(len, re.findall("W+", shown)))
    assert longest <= 1200
    titles = [attrs.get("title") or "" for _, attrs in Page(text).tags]
    assert sum(HUGE in title for title in titles) > 10
    for name in ("The whole purpose", "The whole owner", "The whole answer"):
        assert f"<summary>{name}</summary><p>{HUGE}" in text


def test_a_page_of_the_new_fields_is_the_same_again(rich: Record) -> None:
    again = Record.from_json(rich.to_json())
    assert again == rich
    assert index_html(again) == index_html(rich)


# -- in a browser


@pytest.fixture
def first_screen(browser: Any) -> Iterator[Callable[[Record], Any]]:
    """Return a function from a record to its page, 1280 by 900, not scrolled."""
    pages = []

    def show(record: Record) -> Any:
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        pages.append(page)
        page.set_content(index_html(record))
        return page

    yield show
    for page in pages:
        page.close()


@pytest.mark.browser
@pytest.mark.parametrize("name", ["lending", "rich"])
def test_the_first_screen_answers_the_seven_questions_of_a_release_review(
    first_screen: Callable[[Record], Any], name: str, request: pytest.FixtureRequest
) -> None:
    page = first_screen(request.getfixturevalue(name))
    answers = {
        "does it pass": "FAIL",
        "what is worst": "47 of 100 for female",
        "how sure is that": "interval 0.60 to 0.73",
        "who owns it": "lending-ml@example.org",
        "what changed": "1 new fail, 2 shown worse and 1 fixed",
        "what was not tested": "3 checks left out",
        "until when does it hold": "valid until 31 Dec 2026",
    }
    for question, answer in answers.items():
        box = page.get_by_text(answer).first.bounding_box()
        assert box is not None, question
        assert 0 <= box["y"] <= 900 - box["height"], question
        assert 0 <= box["x"] <= 1280 - box["width"], question


@pytest.mark.browser
def test_links_of_the_first_screen_lead_to_their_sections(
    first_screen: Callable[[Record], Any], lending: Record
) -> None:
    page = first_screen(lending)
    for name in ("changed", "not-tested", "claims"):
        page.evaluate("window.scrollTo(0, 0)")
        page.locator(f'.facts a[href="#{name}"]').click()
        box = page.locator(f"#{name}").bounding_box()
        assert 0 <= box["y"] < 900
