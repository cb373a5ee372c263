"""The page: complete, small, the same bytes each time, and nothing in it that loads or runs."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from html import unescape
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from report_samples import (
    HOSTILE,
    LONG,
    SCRIPT,
    diabetes,
    finding,
    lending,
    record_of,
)

from pytest_aipm.records import Audit, Finding, Limit, NotTested, Record, RunVerdict, Series
from pytest_aipm.report import index_html, publishable, stylesheet
from pytest_aipm.report.html import page_and_style
from pytest_aipm.report.prose import prose
from pytest_aipm.report.words import count, figures, limit_text, point_text

VOID = {"meta", "link", "input", "br", "wbr"}
OPEN = {"td", "th", "tr", "dt", "dd", "p", "li"}  # HTML closes these by itself


class Page(HTMLParser):
    """Reads a page and keeps what the tests ask about."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.title = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID | OPEN:
            self.stack.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag not in OPEN:
            assert self.stack, f"</{tag}> closes nothing"
            assert self.stack.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.stack:
            self.words.append(data)
        if self.stack[-1:] == ["title"] and "svg" not in self.stack:
            self.title += data

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def attributes(self, name: str) -> list[str]:
        return [attrs[name] or "" for _, attrs in self.tags if name in attrs]


@pytest.fixture(scope="module")
def page(rich: Record) -> Page:
    return Page(index_html(rich))


def test_the_page_parses_and_every_element_closes(page: Page) -> None:
    assert page.stack == []


@pytest.mark.parametrize("name", ["rich", "lending", "passing", "unproven"])
def test_the_title_says_the_verdict_first(name: str, request: pytest.FixtureRequest) -> None:
    record: Record = request.getfixturevalue(name)
    text = index_html(record)
    word = record.verdict.value.upper()
    assert Page(text).title.startswith(f"{word} · ")
    assert f'class="verdict run-{record.verdict.value} "' in text


@pytest.mark.parametrize("name", ["unproven", "lending", "rich"])
def test_nothing_but_a_pass_is_green(name: str, request: pytest.FixtureRequest) -> None:
    assert "run-pass" not in index_html(request.getfixturevalue(name)).partition("</style>")[2]


def test_the_first_screen_names_the_worst_finding_in_people() -> None:
    words = Page(index_html(record_of(lending()))).text
    assert "2 of 12 checks fail, 1 could not be measured" in words
    assert "47 of 100 for female · Black, 71 of 100 for male · White" in words
    assert "Worse than the approved baseline (0.75 then, change \N{MINUS SIGN}0.09)." in words
    assert "valid until 31 Dec 2026, when waiver W-2026-03 runs out" in words
    assert "As of 23 Nov 2026, 03:40 UTC" in words


def test_who_what_and_against_what_is_said(page: Page) -> None:
    for fact in (
        "lending-ml@example.org",
        "policies/credit-approval.aipm.yaml",
        "models/credit.skops (skops)",
        "3,757 rows",
        "approved 2 Oct 2026",
        "by R. Lead: release 2.3.1",
        "commit 4c1f2e0a9b, seed 0",
        "pytest-aipm 0.1.0",
    ):
        assert fact in page.text


def test_the_same_record_gives_the_same_bytes(rich: Record) -> None:
    again = Record.from_json(rich.to_json())
    assert index_html(again) == index_html(rich)


def test_nothing_loads_runs_or_styles_inline(rich: Record) -> None:
    text = index_html(rich)
    page = Page(text)
    tags = {tag for tag, _ in page.tags}
    assert not tags & {"script", "iframe", "object", "embed", "img", "form", "base", "video"}
    assert not page.attributes("style")
    assert not [name for _, attrs in page.tags for name in attrs if name.startswith("on")]
    assert set(page.attributes("src")) == set()
    links = [href for href in page.attributes("href") if not href.startswith("#")]
    assert links == ["data:,", "audit.css"]
    assert not re.search(r"https?:|url\(|@import|//", stylesheet())


def test_the_content_policy_allows_exactly_this_stylesheet(rich: Record) -> None:
    text = index_html(rich)
    inline = text.partition("<style>")[2].partition("</style>")[0]
    assert inline == page_and_style(rich)[1]
    digest = base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()
    policy = next(
        attrs["content"] or ""
        for tag, attrs in Page(text).tags
        if tag == "meta" and "http-equiv" in attrs
    )
    assert policy == (
        f"default-src 'none'; style-src 'self' 'sha256-{digest}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def test_every_link_inside_the_page_has_its_target(page: Page) -> None:
    ids = page.attributes("id")
    assert len(ids) == len(set(ids))
    for href in page.attributes("href"):
        if href.startswith("#"):
            assert href[1:] in ids


def test_ids_of_findings_stand_inside_their_blocks(page: Page, rich: Record) -> None:
    inside: list[str] = []
    depth = 0
    for tag, attrs in page.tags:
        depth += tag == "details"
        if depth and tag == "p" and "id" in attrs:
            inside.append(attrs["id"] or "")
    assert {one.id for one in rich.findings} <= set(inside)


def test_each_check_stands_in_the_table_in_the_order_of_need() -> None:
    text = index_html(record_of(lending()))
    table = text.partition("<table class=list>")[2].partition("</table>")[0]
    rows = re.findall(r"<tr><td><b class=v-(\w+)>.*?href=#([^>]+)>", table)
    assert [verdict for verdict, _ in rows] == [
        "fail",
        "fail",
        "error",
        "inconclusive",
        "inconclusive",
        "warn",
        "waived",
        "pass",
        "pass",
        "pass",
        "pass",
        "not_judged",
    ]
    assert rows[0][1] == "credit-approval::selection-rate::sex-x-race"


def numbers_of(one: Finding) -> list[str]:
    shown = figures(one)
    found = [shown(one.value)] if one.value is not None else []
    found += [shown.interval(one.interval)] if one.interval is not None else []
    found += [limit_text(limit) for limit in (one.limit, one.warn) if limit is not None]
    for group in one.groups:
        found.append(count(group.n))
        found += [count(x) for x in (group.numerator, group.denominator) if x is not None]
        found += [shown(group.value)] if group.value is not None else []
        found += [shown.interval(group.interval)] if group.interval is not None else []
    if one.baseline is not None:
        old = one.baseline
        found += [shown(x) for x in (old.value, old.limit) if x is not None]
        found += [shown(old.delta, signed=True)] if old.delta is not None else []
        found += [shown.interval(old.interval)] if old.interval is not None else []
    if one.detectable is not None:
        found.append(shown(one.detectable.gap))
    if one.rows_needed is not None:
        found.append(count(one.rows_needed.total))
    for series in one.series:
        found += [point_text(y) for y in (*series.y, *series.lo, *series.hi) if y is not None]
    return [*found, count(one.n)]


def test_every_number_of_the_record_is_on_the_page(rich: Record, page: Page) -> None:
    record = publishable(rich)
    checked = 0
    for one in record.findings:
        for text in numbers_of(one):
            assert text in page.text, f"{one.id}: {text}"
            checked += 1
    for audit in record.audits:
        for group in audit.groups:
            assert count(group.n) in page.text
    assert checked > 150


def test_hostile_names_are_text_and_legible(page: Page) -> None:
    assert SCRIPT in page.text
    assert LONG in page.text
    assert "script" not in {tag for tag, _ in page.tags}
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", page.text)
    assert "evil[31m" in page.text


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_in_any_field_stays_text(name: str) -> None:
    audit = lending()
    hostile = audit.findings[0].model_copy(
        update={"reason": name, "check_id": name, "method": name, "notes": (name,)}
    )
    changed = audit.model_copy(
        update={
            "findings": (hostile,),
            "context": {"purpose": name, "owner": name},
            "not_tested": (NotTested(check=name, question=name),),
            "policy": audit.policy.model_copy(update={"text": name * 3, "name": name}),
        }
    )
    page = Page(index_html(record_of(changed)))
    assert page.stack == []
    assert "script" not in {tag for tag, _ in page.tags}


def test_twenty_findings_stay_below_100_kilobytes(many: Callable[[int], Record]) -> None:
    assert len(index_html(many(20)).encode()) <= 100_000


def test_two_hundred_findings_stay_below_a_megabyte(many: Callable[[int], Record]) -> None:
    assert len(index_html(many(200)).encode()) <= 1_000_000


def test_each_block_tells_question_answer_chart_table_policy_and_command() -> None:
    text = index_html(record_of(lending()))
    blocks = re.findall(
        r"<details(?: open)?><summary><b class=v-.*?Node:.*?</details>", text, re.DOTALL
    )
    assert len(blocks) == 12
    assert "pytest --aipm-audit policies/credit-approval.aipm.yaml::NODE</code>" in text
    first = re.sub("</?code>", "", unescape(blocks[0]))
    order = [
        "Does one group get the good outcome much less often than another?",
        "Selection rate 47 of 100 for female · Black",
        "<svg",
        "<figcaption>",
        "The same numbers",
        "187 of 398",
        "When it misleads",
        "Line 15 of the policy",
        "by: [sex, race, [sex, race]]",
        "Node: selection-rate::sex-x-race",
    ]
    places = [first.index(words) for words in order]
    assert places == sorted(places)


def test_a_check_is_explained_once_and_linked_from_then_on() -> None:
    text = index_html(record_of(lending()))
    assert text.count("Rates may differ because the groups differ") == 1
    assert "when it misleads</a>" in text


def test_waivers_weakened_gates_untested_questions_and_methods_are_told(page: Page) -> None:
    for words in (
        "New scorecard is in review",
        "Down to ≥ 0.72.",
        "expired 22 days before this run",
        "Waived by risk@example.org until 31 Dec 2026 (W-2026-03)",
        "rows: 5,000 then, 3,757 now",
        "limit max 0.05 is now 0.10",
        "The same score could promise too much for one group.",
        "Do small errors in the input change decisions?",
        "Koopman scores, closed critical value over 21 pairs",
        "Expected false fails of this policy",
        "numpy 2.4.0",
        "Class 1 of defaulted is what the score predicts",
        "Statistical evidence, not a legal opinion.",
        "Look at the group named first",
    ):
        assert words in page.text


def test_several_policies_have_a_card_and_a_section_each(page: Page) -> None:
    assert page.text.count("Read first:") == 2
    headings = [tag for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert headings.count("h1") == 1
    assert "Audit of 2 policies" in page.text
    assert {"credit-approval.checks", "diabetes-progression.checks"} <= set(page.attributes("id"))


def test_headings_skip_no_level(page: Page) -> None:
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert all(later - sooner <= 1 for sooner, later in pairwise(levels))


def test_tables_have_captions_and_charts_have_names(page: Page, rich: Record) -> None:
    page_text = index_html(rich)
    tags = [tag for tag, _ in page.tags]
    assert tags.count("table") == tags.count("caption")
    charts = [attrs for tag, attrs in page.tags if tag == "svg" and attrs.get("role") == "img"]
    assert len(charts) > 10
    assert page_text.count("<title>") - 1 >= len(charts)
    scrolls = [a for _, a in page.tags if "scroll" in (a.get("class") or "").split()]
    assert all(a.get("tabindex") == "0" and a.get("aria-label") for a in scrolls)


def test_a_partial_run_says_so_on_top() -> None:
    record = record_of(lending(), partial=True, missing=("a::b::c",))
    page = Page(index_html(record))
    assert "PARTIAL" in page.title
    assert "PARTIAL: 1 planned check did not run." in page.text
    assert "Did not run: a::b::c ." in page.text


def test_a_run_without_findings_says_that_nothing_was_measured() -> None:
    empty = lending().model_copy(update={"findings": ()})
    assert "Nothing was measured." in Page(index_html(record_of(empty))).text
    bare = Audit(policy=empty.policy, verdict=RunVerdict.UNPROVEN)
    assert "No check ran." in Page(index_html(record_of(bare))).text
    assert "UNPROVEN" in Page(index_html(Record(verdict=RunVerdict.UNPROVEN))).title


def test_an_answer_starts_with_a_capital_unless_it_starts_with_a_path() -> None:
    text = Page(index_html(record_of(lending()))).text
    assert "Selection rate 59 of 100 for female, 77 of 100 for male" in text
    assert "models/credit.skops: the model has no column race" in text


def test_warnings_about_the_model_are_shown() -> None:
    audit = diabetes().model_copy(update={"warnings": ("scikit-learn 1.5 then, 1.9 now",)})
    assert "scikit-learn 1.5 then, 1.9 now" in Page(index_html(record_of(audit))).text


@pytest.mark.parametrize(("line", "shown"), [(None, False), (99, False), (21, True)])
def test_policy_lines_are_shown_where_there_are_any(line: int | None, shown: bool) -> None:
    audit = lending()
    one = audit.findings[0].model_copy(update={"policy_line": line})
    text = index_html(record_of(audit.model_copy(update={"findings": (one,)})))
    assert ("of the policy</h" in text) is shown
    assert ("limit: {max: 0.10}" in text) is shown
    assert "roc_auc" not in text


def test_a_node_id_with_shell_characters_is_quoted() -> None:
    one = finding("x.y", "y", (), "pass", nodeid="policies/$(x).aipm.yaml::y::overall")
    audit = lending()
    policy = audit.policy.model_copy(update={"path": "policies/$(x).aipm.yaml"})
    text = index_html(record_of(audit.model_copy(update={"findings": (one,), "policy": policy})))
    assert "pytest --aipm-audit 'policies/$(x).aipm.yaml::NODE'" in unescape(text)


def test_very_many_groups_are_counted_not_printed() -> None:
    audit = lending()
    base = audit.findings[0].groups[0]
    groups = tuple(
        base.model_copy(update={"group": {"zip": f"z{i:04}"}, "value": i / 1000})
        for i in range(500)
    )
    one = audit.findings[0].model_copy(update={"scope": ("zip",), "groups": groups, "value": 0.1})
    text = Page(index_html(record_of(audit.model_copy(update={"findings": (one,)})))).text
    assert "300 more groups are in audit.json." in text
    assert "460 more groups are not drawn." in text


def test_a_long_table_keeps_the_groups_that_make_the_value() -> None:
    base = lending().findings[0].groups[0]
    groups = tuple(
        base.model_copy(update={"group": {"zip": f"z{i:04}"}, "value": i / 1000})
        for i in range(500)
    )
    one = finding("fairness.demographic_parity_difference", "gap", ("zip",), "pass", value=0.499)
    one = one.model_copy(update={"groups": groups})
    text = index_html(record_of(lending().model_copy(update={"findings": (one,)})))
    rows = [row for row in text.split("<tr>") if "z0" in row]
    assert ["z0000" in rows[0], "z0199" in rows[-2], "z0499" in rows[-1]] == [True] * 3
    assert "299 more groups are in audit.json." in text


def test_two_sided_limits_are_drawn_and_told() -> None:
    one = finding(
        "x.y", "y", (), "pass", value=1.0, interval=(0.9, 1.1), limit=Limit(min=0.8, max=1.25)
    )
    text = index_html(record_of(lending().model_copy(update={"findings": (one,)})))
    assert "0.80 to 1.25" in text
    assert text.count("class=lim") == 2


def test_the_words_of_a_check_keep_their_lists_code_and_literal_blocks() -> None:
    blocks = prose("One `rate`\nof two.\n\n- a\n  more\n- b\n\n    literal  block\n    second\n")
    assert [block.kind for block in blocks] == ["p", "ul", "pre"]
    assert blocks[0].items == ((("One ", False), ("rate", True), (" of two.", False)),)
    assert [item[0][0] for item in blocks[1].items] == ["a more", "b"]
    assert blocks[2].items[0][0][0] == "literal  block\nsecond"
    assert prose("") == []


def contrast(one: str, other: str) -> float:
    """WCAG 2 contrast of two hexadecimal colours."""

    def luminance(colour: str) -> float:
        full = colour if len(colour) == 7 else "#" + "".join(c * 2 for c in colour[1:])
        parts = [int(full[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        lit = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * lit[0] + 0.7152 * lit[1] + 0.0722 * lit[2]

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [0, 1])
def test_text_has_contrast_in_light_and_dark(scheme: int) -> None:
    blocks = re.findall(r":root\{([^}]*--bg[^}]*)\}", stylesheet())
    colours = dict(re.findall(r"--([\w-]+):(#[0-9a-f]+)", blocks[scheme]))
    for verdict in ("fail", "open", "warn", "waived", "pass", "none"):
        assert contrast(colours[verdict], colours[f"{verdict}-t"]) >= 4.5
        assert contrast(colours[verdict], colours["bg"]) >= 4.5
    for filled in ("fail-f", "open-f", "pass-f"):
        assert contrast("#ffffff", colours[filled]) >= 4.5
    for ground in ("bg", "panel", "ok", "fail-t", "open-t", "pass-t"):
        assert contrast(colours["ink"], colours[ground]) >= 4.5
        assert contrast(colours["link"], colours[ground]) >= 4.5
    for ground in ("bg", "panel", "ok"):
        assert contrast(colours["mute"], colours[ground]) >= 4.5


def test_a_reference_is_parted_behind_its_colon_and_nowhere_else(lending: Record) -> None:
    audit = lending.audits[0]
    asked = audit.subject
    assert asked is not None

    def shown(ref: str) -> str:
        model = asked.model.model_copy(update={"ref": ref, "kind": "factory"})
        subject = asked.model_copy(update={"model": model})
        parted = audit.model_copy(update={"subject": subject})
        return index_html(lending.model_copy(update={"audits": (parted,)}))

    assert "<bdi>shop.models:<wbr>churn (factory)</bdi>" in shown("shop.models:churn")
    assert "<bdi>a:&lt;b&gt; (factory)</bdi>" in shown("a:<b>")
    long = shown(f"{'m' * 100}:churn")
    assert "<wbr>" not in long
    assert f'title="{"m" * 100}:churn (factory)"' in long


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.0437893, "0.0438"),
        (0.5, "0.5"),
        (0.0, "0"),
        (-0.02, "\N{MINUS SIGN}0.02"),
        (99.96, "100"),
        (1234.5, "1,234"),
        (24_644_926.0, "24,644,926"),
        (-7.534e-05, "\N{MINUS SIGN}0.0000753"),
        (7.5e-08, "7.5e\N{MINUS SIGN}08"),
        (2.5e15, "2.5e+15"),
    ],
)
def test_a_point_of_a_curve_has_three_digits(value: float, said: str) -> None:
    assert point_text(value) == said


def test_the_table_of_a_long_line_has_every_few_points_and_says_so(lending: Record) -> None:
    at = tuple(i / 40 for i in range(41))
    curve = Series(name="all", kind="curve", x=at, y=at, counts=(9,) * 41, mark=0.35)
    labels = Series(name="names", kind="bars", x=tuple(f"c{i}" for i in range(20)), y=at[:20])
    audit = lending.audits[0]
    found = audit.findings[0].model_copy(update={"series": (curve, labels), "groups": ()})
    record = lending.model_copy(
        update={"audits": (audit.model_copy(update={"findings": (found,), "groups": ()}),)}
    )
    page = index_html(record)
    tables = re.findall(r"<details class=points>.*?</details>", page, flags=re.DOTALL)
    rows = [re.findall(r"<tr><th>([^<]*)<td>([^<\n]*)", table) for table in tables]
    assert [len(each) for each in rows if each] == [12, 20]
    assert rows[0][0] == ("0", "0")
    assert rows[0][-1] == ("1", "1")
    assert ("0.35", "0.35") in rows[0]
    assert "29 points between these are in the picture and in audit.json." in tables[0]
    assert "between these" not in tables[1]
