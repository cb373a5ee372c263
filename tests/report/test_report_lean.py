"""A leaner page: what goes is what HTML and CSS can do without, and nothing that is read."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Any

import pytest
from report_samples import diabetes, finding, lending, record_of

from pytest_aipm.records import Formula, Record, Series
from pytest_aipm.report import index_html
from pytest_aipm.report.glossary import glossary_of
from pytest_aipm.report.html import page_and_style, stylesheet
from pytest_aipm.report.lean import lean_css, lean_html
from pytest_aipm.report.points import point_tables


def test_what_html_adds_by_itself_goes_and_words_stay_apart() -> None:
    page = (
        '<div class="a b">\n<p id="x">one\n<b>two</b>\n<i>three</i></p>\n'
        '<p title="a > b">&#34;</p>\n'
        "</div>\n<ul>\n<li>1</li>\n<li>2</li>\n</ul><table><tbody>\n<tr><td>1\n</tbody></table>"
    )
    assert lean_html(page) == (
        '<div class="a b"><p id=x>one\n<b>two</b>\n<i>three</i><p title="a > b">"</div>'
        "<ul><li>1<li>2</ul><table><tr><td>1</table>"
    )


@pytest.mark.parametrize(
    "kept",
    [
        "<pre>a\n  b</pre>",
        '<a title="a &#34; b">x</a>',
        '<path d="M0 0" class="o"/>',
        '<a href="a/b">x</a>',
        '<p title="">x</p>',
        "<p>a</p> b",
        "<li>a</li> b",
    ],
)
def test_what_would_change_the_page_stays(kept: str) -> None:
    assert lean_html(kept) == kept


def test_rules_of_absent_classes_go_inside_queries_too() -> None:
    css = (
        ":root{--long:1}.a{x:var(--long)}\n.b,.a i{y:1}.a:has(.b){z:1}.b .c{w:1}"
        "@media print{.b{p:1}.a{q:1}}@media (x){.b{r:1}}@page{margin:1}"
    )
    assert lean_css(css, '<p class="a">') == (
        ":root{--a:1}.a{x:var(--a)}.a i{y:1}.a:has(.b){z:1}@media print{.a{q:1}}@page{margin:1}"
    )
    assert ".b .c{w:1}" in lean_css(css, "<p class='x'><p class=c><p class=b>")


def test_each_page_has_the_rules_of_every_class_it_uses(rich: Record) -> None:
    page, style = page_and_style(rich)
    assert len(style) < len(stylesheet())
    assert f"<style>{style}</style>" in page
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in page
    body = page.partition("</style>")[2]
    found = {
        name
        for pair in re.findall(r'\sclass=(?:"([^"]*)"|([^\s>]+))', body)
        for name in "".join(pair).split()
    }
    known = set(re.findall(r"\.([a-z][\w-]*)", stylesheet()))
    for name in found & known:
        assert f".{name}" in style


def test_a_text_that_looks_like_the_places_of_the_style_changes_nothing() -> None:
    audit = lending()
    name = "<style></style>'sha256-'"
    policy = audit.policy.model_copy(update={"name": name})
    page, style = page_and_style(record_of(audit.model_copy(update={"policy": policy})))
    assert page.count(f"<style>{style}</style>") == 1
    assert page.count("<style>") == 1


def test_sections_follow_the_cards() -> None:
    page = index_html(record_of(diabetes(), lending()))
    cards = re.findall(r"<h2><a href=#([\w-]+)\.audit>", page)
    sections = re.findall(r"<h2 class=policy-name id=([\w-]+)\.audit>", page)
    assert cards == sections == ["credit-approval", "diabetes-progression"]


def test_lines_of_the_same_points_share_a_table_and_others_do_not() -> None:
    def line(name: str, *x: float, **more: Any) -> Series:
        return Series(name=name, kind="curve", x=x, y=x, x_label="at", y_label="rate", **more)

    tables = list(point_tables([line("f", 0.1, 0.2), line("m", 0.1, 0.2), line("x", 0.3)]))
    assert [(table.name, table.head) for table in tables] == [
        ("rate", ("at", "f", "m")),
        ("x", ("at", "rate")),
    ]
    assert tables[0].rows == (("0.1", ("0.1", "0.1")), ("0.2", ("0.2", "0.2")))
    long = [line("f" * 30, 0.1), line("m" * 30, 0.1)]
    assert len(list(point_tables(long))) == 2
    banded = [line("f", 0.1, lo=(0.0,), hi=(0.2,)), line("m", 0.1, lo=(0.0,), hi=(0.2,))]
    assert [table.head for table in point_tables(banded)] == [("at", "rate", "From", "To")] * 2


def test_a_common_end_is_told_once_and_what_to_do_where_something_is_to_be_done() -> None:
    end = "The lower end is corrected for all pairs. " * 5
    one, other = finding("a.one", "one", (), "pass"), finding("a.two", "two", (), "fail")
    docs = lending().findings[0].docs
    assert docs is not None
    one = one.model_copy(update={"docs": docs.model_copy(update={"how": f"One way. {end}"})})
    other = other.model_copy(update={"docs": docs.model_copy(update={"how": f"Two. {end}"})})
    first, second = glossary_of([one, other])
    assert [name for name, _, _ in first.parts] == ["How it is measured", "Sources"]
    assert [name for name, _, _ in second.parts] == ["How it is measured", "What to do", "Sources"]
    assert second.parts[0][2] == "a.one"
    assert [block.items[0][0][0] for block in second.parts[0][1]] == ["Two."]
    assert "corrected for all pairs" in str(first.parts[0][1])


def test_short_names_of_metrics_are_spelled_out_once() -> None:
    audit = lending()
    formula = Formula(id="mae", numerator="sum of absolute error", denominator="rows")
    found = tuple(
        finding("performance.metric", name, (), "pass", value=1.0, formula=formula)
        for name in ("error", "again")
    )
    page = index_html(record_of(audit.model_copy(update={"findings": found})))
    assert page.count("<dt>MAE<dd>mean absolute error") == 1
    assert page.count("<dt>Formula<dd>sum of absolute error / rows") == 1


@pytest.mark.browser
def test_header_cells_have_their_role_without_an_attribute(visit: Any) -> None:
    page = visit("lending")
    page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
    nodes = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]
    found = [node["role"]["value"] for node in nodes if not node["ignored"]]
    asked = page.evaluate(
        "['thead', 'tbody'].map(part => document.querySelectorAll(`${part} th`).length)"
    )
    assert [found.count("columnheader"), found.count("rowheader")] == asked
    assert min(asked) > 30


def test_a_text_that_looks_like_an_attribute_keeps_its_quotes() -> None:
    text = "<pre>scores=&#34;p&#34; and more\n  of=&#39;it&#39;</pre>"
    assert lean_html(text) == "<pre>scores=\"p\" and more\n  of='it'</pre>"
