"""Charts are pure functions: the same numbers, the same marks, each inside its drawing."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_samples import (
    LONG,
    SCRIPT,
    finding,
    intersections,
    lending,
    odds,
    record_of,
    small_cells,
)

from pytest_aipm.records import Finding, Limit, Series, Verdict
from pytest_aipm.report.answer import Answer
from pytest_aipm.report.charts import Cell, Row, bars, forest, heat_map, ruler, spark
from pytest_aipm.report.curves import curves
from pytest_aipm.report.figure import figures_of, sorted_groups
from pytest_aipm.report.publish import publishable
from pytest_aipm.report.releases import MOST_RELEASES, Release, releases
from pytest_aipm.report.strips import bars_of, steps_of, strip
from pytest_aipm.report.svg import Axis, fit, fold, gutter, mark, spread, width

PERCENT = re.compile(r"(?:x|x1|x2|cx)=(-?[\d.]+)%")


def show(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def drawn(check: Answer) -> list[str]:
    return [str(one.svg) for one in figures_of(check, sorted_groups(check))]


values = st.floats(-1e6, 1e6, allow_nan=False, allow_subnormal=False)


@given(st.lists(values, min_size=1, max_size=6), values, st.booleans())
def test_nothing_is_drawn_outside_the_chart(numbers: list[float], bound: float, low: bool) -> None:
    rows = [Row(f"g{i}", x, x - 1, x + 1, shape=Verdict.FAIL) for i, x in enumerate(numbers)]
    limit = Limit(min=bound) if low else Limit(max=bound)
    pictures = (
        forest(rows, limit, show, title="t", desc="d"),
        bars(rows, limit, show, title="t", desc="d"),
        ruler(rows[0], limit, bound, show, title="t", desc="d"),
        spark(rows[0], limit),
    )
    for picture in pictures:
        places = [float(x) for x in PERCENT.findall(picture)]
        assert places
        assert all(0 <= x <= 100 for x in places)


def test_a_forest_has_a_name_a_mark_and_an_interval_for_each_group() -> None:
    rows = [
        Row("a", 0.4, 0.3, 0.5, "0.40 · n 10", Verdict.FAIL),
        Row("b", 0.6, 0.5, 0.7, "0.60 · n 20"),
        Row("c", None, right="withheld · n 3"),
        Row("d", 0.5, None, 0.8, shape=Verdict.NOT_JUDGED),
    ]
    picture = forest(rows, Limit(min=0.5), show, title="rates", desc="four")
    assert picture.startswith('<svg class="c forest" role=img ')
    assert "<title>rates</title><desc>four</desc>" in picture
    for name in "abcd":
        assert f"<text>{name}</text>" in picture
    assert picture.count("<circle") == 2
    assert picture.count("class=ok") == picture.count("class=lim") == 1
    assert "withheld · n 3" in picture


@pytest.mark.parametrize("verdict", list(Verdict))
def test_each_verdict_has_a_shape_of_its_own(verdict: Verdict) -> None:
    others = {mark("50%", other) for other in Verdict if other is not verdict}
    assert mark("50%", verdict) not in others


def test_hostile_texts_are_escaped_and_cut() -> None:
    picture = forest([Row(SCRIPT, 0.5), Row(LONG, 0.6)], None, show, title=SCRIPT, desc=SCRIPT)
    assert "<script" not in picture
    drawn = re.sub("<title>.*?</title>", "", picture)
    assert LONG not in drawn
    assert "WWWW" in drawn
    novel = forest([Row("W" * 10_000, 0.5)], None, show, title="t", desc="d")
    assert len(novel) < 2_000


def test_text_is_cut_by_its_width_not_by_its_length() -> None:
    assert fit("narrow", 200) == "narrow"
    assert len(fit("W" * 40, 200)) < len(fit("i" * 60, 200))
    assert fit("\u5973" * 40, 100).endswith("…")


def test_an_axis_of_one_value_still_has_a_width() -> None:
    for numbers in ([0.5], [0.0], [], [None], [-3.0]):
        scale = spread(numbers)
        assert scale.low < scale.high
        assert len(scale.round_values()) >= 1


def test_shares_are_not_drawn_below_zero_or_above_one() -> None:
    scale = spread([0.01, 0.99], share=True)
    assert scale.low >= 0
    assert scale.high <= 1


def test_a_logarithmic_axis_ticks_at_powers_of_ten() -> None:
    assert Axis(0.0005, 1, log=True).round_values() == [0.001, 0.01, 0.1, 1.0]


def test_the_limit_stands_in_the_middle_of_a_small_picture() -> None:
    beyond = spark(Row("", 0.6, 0.55, 0.65, shape=Verdict.FAIL), Limit(min=0.8))
    within = spark(Row("", 0.6, 0.55, 0.65, shape=Verdict.PASS), Limit(max=0.8))
    assert max(float(x) for x in PERCENT.findall(beyond)) < 50
    assert min(float(x) for x in PERCENT.findall(within)) > 50
    assert spark(Row("", None), Limit(min=0.8)) == ""
    assert spark(Row("", 0.5), None) == ""


def test_a_heat_map_has_the_rate_and_the_people_of_each_cell() -> None:
    cells = [
        Cell("f", "a", 0.4, 1200),
        Cell("f", "b", 0.6, 40, judged=False),
        Cell("m", "a", None, 3, withheld=True),
        Cell("m", "b", None, 9),
    ]
    picture = heat_map(cells, show, title="t", desc="d")
    for words in ("0.40", "n 1,200", "withheld", "none", ' nj"', 'class="h4'):
        assert words in picture


def test_a_curve_is_a_path_with_a_band_and_a_legend() -> None:
    one = Series(
        name="model", kind="curve", x=(0, 0.5, 1), y=(0, 0.8, 1), lo=(0, 0.7, 1), hi=(0, 0.9, 1)
    )
    other = Series(name="guess", kind="curve", x=(0, 1), y=(0, 1), x_label="fpr", y_label="tpr")
    picture = curves([one, other], title="t", desc="d")
    assert picture.count("<path") == 3
    assert "model" in picture
    assert "guess" in picture
    assert curves([Series(name="empty", kind="curve")], title="t", desc="d") == ""


def test_logarithmic_labels_make_logarithmic_axes() -> None:
    one = Series(
        name="roc",
        kind="curve",
        x=(0.001, 0.01, 0.1, 1),
        y=(0.002, 0.02, 0.2, 1),
        x_label="false positive rate (log)",
        y_label="true positive rate (log)",
    )
    assert "0.001" in curves([one], title="t", desc="d")


def test_bars_and_strips_of_series_are_drawn() -> None:
    shares = Series(name="s", kind="bars", x=("a", "b"), y=(0.5, -0.2), lo=(0.4,), counts=(7,))
    picture = bars_of(shares, show, title="t", desc="d")
    assert "0.50 · n 7" in picture
    assert len(re.findall("<rect x=[^ ]+ width", picture)) == 2
    strips = [Series(name=n, kind="strip", x=(1.0, 2.0), y=(0.1, 0.9)) for n in ("then", "now")]
    assert strip(strips, title="t", desc="d").count("<rect x=") == 4
    assert strip([], title="t", desc="d") == ""


def test_labels_of_distributions_are_pairs_of_bars() -> None:
    then = Series(name="then", kind="strip", x=("a", "b"), y=(0.4, 0.6), counts=(40, 60))
    now = Series(name="now", kind="strip", x=("b", "c"), y=(0.7, None), counts=(70, 1))
    picture = strip([then, now], title="t", desc="d")
    for words in (">a<", ">b<", ">c<", "0.6 / 0.7", "then · n 100", "now · n 71"):
        assert words in picture
    assert picture.count("class=b0") == 3  # two bars and the sample beside the name
    assert picture.count("class=b1") == 2


def reliability(name: str, *counts: int) -> Series:
    shares = tuple((i + 0.5) / len(counts) for i in range(len(counts)))
    return Series(name=name, kind="reliability", x=shares, y=shares, counts=counts, y_label="share")


def test_reliability_lines_have_the_diagonal_and_a_strip_of_counts_each() -> None:
    picture = curves([reliability("f", 50, 25), reliability("m", 10, 40)], title="t", desc="d")
    assert picture.count('class="l dia"') == 1
    strips = re.findall(r'<path d="(\S+) 1000V(\d+)M\d+ 1000V(\d+)" class="n l\d"/>', picture)
    assert [(int(a), int(b)) for _, a, b in strips] == [(0, 500), (800, 200)]
    assert ">n 75<" in picture
    assert ">n 50<" in picture
    # one line alone still has its strip
    assert 'class="n l0"' in curves([reliability("all rows", 5, 5)], title="t", desc="d")


def test_an_attack_is_drawn_on_two_logarithmic_axes_with_its_operating_point() -> None:
    one = Series(
        name="attack", kind="roc", x=(0.001, 0.01, 0.1, 1.0), y=(0.004, 0.04, 0.3, 1.0), mark=0.01
    )
    picture = curves([one], title="t", desc="d")
    assert picture.count(">0.001<") == picture.count(">0.1<") == 2
    line = re.findall(r'class="l dia"', picture)
    assert len(line) == 1
    assert picture.count("class=lim") == 1
    point = re.findall(r"<circle cx=([\d.]+)% cy=([\d.]+) r=4 class=b0 />", picture)
    assert len(point) == 1
    high = Axis(0.001, 1.0, 0.0, 100.0, log=True).position(0.04)
    assert float(point[0][1]) == pytest.approx(28 + 200 - 2 * high, abs=0.1)


def test_a_chosen_threshold_crosses_each_curve_where_it_is() -> None:
    lines = [
        Series(name="f", kind="curve", x=(0.0, 1.0), y=(1.0, 0.0), mark=0.25),
        Series(name="m", kind="curve", x=(0.0, 0.5), y=(1.0, 0.0), mark=0.25),
        Series(name="x", kind="curve", x=(0.5, 0.6), y=(0.2, 0.1), mark=0.25),
    ]
    picture = curves(lines, title="t", desc="d")
    assert picture.count("class=lim") == 1
    heights = re.findall(r"<circle cx=[\d.]+% cy=([\d.]+)", picture)
    assert [float(y) for y in heights] == pytest.approx([28 + 200 * 0.25, 28 + 200 * 0.5])


def test_a_waterfall_starts_each_step_where_the_last_one_ended() -> None:
    parts = Series(
        name="gap",
        kind="waterfall",
        x=("income", "age", "gap"),
        y=(0.3, -0.1, 0.2),
        lo=(0.2, -0.2, 0.1),
        hi=(0.4, 0.0, 0.3),
    )
    picture = steps_of(parts, show, title="t", desc="d")
    drawn = [(float(x), float(w)) for x, w in re.findall(r"<rect x=(\S+)% width=(\S+)%", picture)]
    (zero, first), (second, back), (start, total) = drawn
    assert start == zero
    assert second == pytest.approx(zero + first - back, abs=0.2)
    assert total == pytest.approx(first - back, abs=0.2)
    assert picture.count("class=up") == picture.count("class=down") == 1
    assert ">+0.30<" in picture
    withheld = parts.model_copy(update={"y": (0.3, None, 0.2)})
    assert "class=up" not in steps_of(withheld, show, title="t", desc="d")


def test_long_names_take_a_second_line_and_the_whole_is_there_to_point_at() -> None:
    long = "sex = f · race = Birch · age_band = 60 and over · region = north of the river"
    assert fold("short", 200, 300) == ("short", "")
    first, second = fold(long, 200, 400)
    assert f"{first} {second}" == long
    assert width(first) <= 200
    cut = fold(long, 100, 100)[1]
    assert cut.endswith("…")
    picture = bars([Row(long * 2, 0.5, right="0.50 · n 7")], None, show, title="t", desc="d")
    assert f"<title>{long * 2}</title>" in picture
    single = bars([Row("a", 0.5)], None, show, title="t", desc="d")
    tall = [int(re.findall(r"height=(\d+)>", each)[0]) for each in (picture, single)]
    assert tall[0] > tall[1]


def test_an_axis_has_room_for_its_widest_label() -> None:
    assert gutter(["0.1"], 300) < gutter(["1,234,567"], 300) <= 36


def test_large_amounts_are_written_out_and_not_cut() -> None:
    """Millions are read as words of a money chart: neither powers of ten nor an ellipsis."""
    worth = Series(
        name="worth",
        kind="waterfall",
        x=("a rather long name of an outcome", "all"),
        y=(-16_141_872.4, 24_644_926.0),
        counts=(1_234_567, 12_345_678),
    )
    picture = drawn(Answer(odds().model_copy(update={"series": (worth,)})))[-1]
    assert "\N{MINUS SIGN}16,141,872 · n 1,234,567<" in picture
    assert "+24,644,926 · n 12,345,678<" in picture
    line = Series(name="all", kind="curve", x=(0.0, 1.0), y=(0.0, 3e7))
    assert ">20,000,000<" in curves([line], title="t", desc="d")


def test_every_kind_of_finding_gets_its_charts() -> None:
    def kinds(answer: Answer) -> list[str]:
        return [re.findall(r'class="c (\w+)"', picture)[0] for picture in drawn(answer)]

    found = {one.check_id: kinds(Answer(one)) for one in lending().findings if len(one.scope) < 2}
    assert kinds(Answer(intersections())) == ["ruler", "forest", "heat"]
    assert kinds(Answer(odds())) == ["ruler", "forest", "forest"]
    assert found["selection-rate"] == ["bars", "forest"]
    assert found["recall-by-sex"] == ["forest"]
    assert found["roc-auc"] == ["ruler", "curves"]
    assert found["flip-race"] == []


def test_only_the_ratio_that_decides_has_a_whisker() -> None:
    one = next(f for f in lending().findings if f.verdict is Verdict.WAIVED)
    first = drawn(Answer(one))[0]
    assert first.count("<line") == first.count("class=lim") == 1  # one whisker


def test_series_of_each_kind_become_charts() -> None:
    series = (
        Series(name="a", kind="bars", x=("p",), y=(1.0,)),
        Series(name="b", kind="strip", x=(1.0,), y=(1.0,)),
        Series(name="c", kind="curve", x=("no number",), y=(1.0,)),
    )
    one = finding("x.y", "y", (), "pass", series=series)
    assert len(drawn(Answer(one))) == 2


def test_withheld_groups_are_named_and_not_drawn() -> None:
    bare = (
        small_cells()
        .groups[7]
        .model_copy(
            update={"value": None, "interval": None, "note": "withheld: fewer than 5 people"}
        )
    )
    groups = (*small_cells().groups[:7], bare)
    pictures = drawn(Answer(small_cells().model_copy(update={"groups": groups})))
    assert "withheld · n 3" in "".join(pictures)


def test_releases_are_marks_over_their_intervals_against_the_limit() -> None:
    points = [
        Release("2.0", 0.85, 0.82, 0.88, Verdict.PASS),
        Release("2.1", None, verdict=Verdict.NOT_JUDGED),
        Release("2.2", 0.75, 0.72, None, Verdict.FAIL),
    ]
    picture = releases(points, Limit(min=0.8), show, title="rate", desc="three")
    assert picture.startswith('<svg class="c releases" role=img ')
    assert picture.count("class=pass") == picture.count("class=fail") == 1
    assert picture.count("class=ok") == picture.count("class=lim") == 1
    assert "not_judged" not in picture  # nothing to draw where nothing was measured
    assert ">2.0</text>" in picture
    plain = [(at.label, at.value, at.low, at.high, at.verdict) for at in points]
    assert releases(plain, Limit(min=0.8), show, title="rate", desc="three") == picture


def test_only_the_last_releases_are_drawn_and_none_is_an_empty_picture() -> None:
    points = [Release(f"r{i}", float(i)) for i in range(40)]
    picture = releases(points, None, show, title="t", desc="d")
    assert picture.count("<circle") == MOST_RELEASES
    assert ">r28<" in picture
    assert ">r39<" in picture
    assert "<circle" not in releases([], Limit(max=1), show, title="t", desc="d")


def test_a_hostile_release_is_escaped_and_cut() -> None:
    points = [Release(SCRIPT, 0.5), Release(LONG, 0.6)]
    picture = releases(points, Limit(min=0.1), show, title=SCRIPT, desc=SCRIPT)
    assert "<script" not in picture
    assert f"<title>{LONG}</title>" in picture  # the whole name for who points at it
    assert picture.count(LONG) == 1


@given(st.lists(values, min_size=1, max_size=15), values, st.booleans())
def test_releases_stay_inside_their_picture(numbers: list[float], bound: float, low: bool) -> None:
    limit = Limit(min=bound) if low else Limit(max=bound)
    points = [Release(f"{i}", x, x - 1, x + 1, Verdict.FAIL) for i, x in enumerate(numbers)]
    picture = releases(points, limit, show, title="t", desc="d")
    assert all(0 <= float(x) <= 100 for x in PERCENT.findall(picture))
    heights = [float(y) for y in re.findall(r" y=(-?[\d.]+) class=fail", picture)]
    assert len(heights) == len(points[-MOST_RELEASES:])
    assert all(0 <= y <= 100 for y in heights)


def test_lines_that_count_people_go_with_the_first_small_cell_of_the_record() -> None:
    line = Series(
        name="f",
        kind="curve",
        x=(0.1, 0.5),
        y=(0.2, 0.9),
        counts=(90, 70),
        y_label="selection rate",
    )
    bare = Series(name="attack", kind="roc", x=(0.1, 1.0), y=(0.2, 1.0))
    one = finding("fairness.score_gap", "gap", (), "pass", series=(line, bare))
    audit = lending()

    def published(*others: Finding) -> Finding:
        record = record_of(audit.model_copy(update={"findings": (one, *others), "groups": ()}))
        public = publishable(record)
        assert publishable(public) == public
        return public.audits[0].findings[0]

    assert published() == one
    shown = published(small_cells())
    assert shown.series == (bare,)
    assert shown.notes[-1].startswith("withheld: lines")
