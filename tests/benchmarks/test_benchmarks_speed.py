"""Small siblings of ``python -m benchmarks``: the same code on few rows, the form of the page."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "benchmarks.md"
MACHINE = {
    "cores": 2,
    "cpu": "a processor",
    "memory": 8_000_000_000,
    "system": "Linux",
    "python": "3.11",
    "versions": {"numpy": "2"},
}


@pytest.fixture
def speed(monkeypatch):
    """The modules of ``benchmarks.speed`` by name, as the command has them."""
    monkeypatch.syspath_prepend(ROOT)
    return lambda name: import_module(f"benchmarks.speed.{name}")


def result(found, **others):
    return {"found": found, "date": "2026-11-26", "seconds": 9.0, "command": "it", **others} | {
        "machine": others.get("machine", MACHINE)
    }


def rows_of(text):
    """Return the rows of the table of targets."""
    summary = text.partition("## What must be reached")[2].partition("\n## ")[0]
    lines = [line for line in summary.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]


def test_fairlearn_and_counting_by_hand_have_the_same_numbers(speed):
    people, work, words = speed("people"), speed("work"), speed("words")
    frame = people.frame(people.drawn(6_000, 1))
    ours = work.point_estimates(work.opened(frame))
    theirs = speed("contenders.fairlearn_frame").estimates(frame)
    assert len(ours) == 6 * (81 + 2 * 6) == words.equal(ours, theirs)

    some = frame[(frame["race"] == "Birch") & (frame["age"] == "32-38")]
    hits = (some["label"] == 1) & (some["predicted"] == 1)
    by_hand = hits.sum() / (some["label"] == 1).sum()
    assert ours["true_positive_rate/race+age/Birch|32-38"] == by_hand
    with pytest.raises(AssertionError, match=r"^accuracy/sex/male: "):
        words.equal(ours, theirs | {"accuracy/sex/male": 0.5})


def test_a_file_has_the_numbers_of_the_frame(speed, tmp_path):
    people, work = speed("people"), speed("work")
    path = people.write_parquet(tmp_path / "rows.parquet", 5_000)
    frame = people.frame(people.drawn(5_000, 0))
    assert work.point_estimates(work.opened(str(path))) == work.point_estimates(work.opened(frame))


def test_twenty_checks_are_mixed_as_two_hundred_are(speed):
    checks = speed("contenders.ours_checks").checks
    few, many = checks(20), checks(200)
    assert len(many) == 200 == len({each["id"] for each in many})
    shares = [
        {str(scope): sum(each["by"] == [scope] for each in some) / len(some) for scope in scopes}
        for some, scopes in ((few, SCOPES), (many, SCOPES))
    ]
    assert shares[0] == shares[1] == dict.fromkeys(map(str, SCOPES), 0.1)
    kinds = [Counter((each["check"], each.get("metric")) for each in some) for some in (few, many)]
    assert {kind: 10 * times for kind, times in kinds[0].items()} == kinds[1]
    assert len({(each["check"], each.get("metric"), str(each["by"])) for each in many}) == 200


SCOPES = [
    ["sex"],
    ["race"],
    ["age"],
    ["region"],
    ["sex", "race"],
    ["sex", "age"],
    ["sex", "region"],
    ["race", "age"],
    ["race", "region"],
    ["age", "region"],
]


def test_the_command_prints_a_page_and_keeps_what_it_found(tmp_path):
    command = [sys.executable, "-m", "benchmarks", "--quick", "--only", "auc", "--cache", tmp_path]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert "benchmarks: auc, 1 of 1" in run.stderr
    assert "All 5 areas are the same within " in run.stdout
    assert run.stdout.count("Not measured yet.") == 9
    kept = json.loads((tmp_path / "quick.json").read_text())
    assert list(kept["sections"]) == ["auc"]
    assert kept["left"] == []
    assert 0.5 < kept["sections"]["auc"]["found"]["ours"]["areas"]["Elm"] < 1


def test_a_run_that_broke_goes_on(speed, tmp_path, monkeypatch):
    speed("page")
    main = import_module("benchmarks.__main__")
    done = []

    def broken(box):
        del box
        raise RuntimeError("pulled the plug")

    def part(name):
        def measure(box):
            done.append((name, box.quick))
            return {}

        return SimpleNamespace(measure=measure, targets=lambda _: [])

    parts = {name: part(name) for name in ("auc", "rows", "spark")}
    monkeypatch.setattr(main, "section", lambda name: parts[name])
    kept, asked = tmp_path / "results.json", SimpleNamespace(cache=tmp_path, quick=False)
    parts["rows"], whole = SimpleNamespace(measure=broken), parts["rows"]
    with pytest.raises(RuntimeError, match="plug"):
        main.measure(asked, ["auc", "rows", "spark"], kept)
    left = json.loads(kept.read_text())["left"]
    assert left == ["rows", "spark"]
    parts["rows"] = whole
    found = main.measure(asked, left, kept)
    assert [name for name, _ in done] == ["auc", "rows", "spark"]
    assert list(found["sections"]) == ["auc", "rows", "spark"]
    assert found["left"] == []


@pytest.mark.parametrize(("decoding", "said"), [(0.40, "yes"), (0.30, "**no**")])
def test_the_page_says_whether_a_target_holds(speed, decoding, said):
    spent = {"cpu": 1.0, "wall": 2.0}
    found = {
        "rows": 10_000_000,
        "bytes": 57_000_000,
        "decode": {"cpu": decoding, "wall": 0.2},
        "point": spent,
        "audit": spent,
        "peak": 250_000_000,
        "decode peak": 450_000_000,
        "cold": {"decode_file": spent, "ours_file": spent},
    }
    text = speed("page").page({"parquet": result(found)})
    (row,) = rows_of(text)
    assert row[0] == "10 M-row Parquet, same work, end to end"
    assert row[2:] == [f"{1 / decoding:.2f} x", said]


def test_what_was_not_measured_is_never_said_to_hold(speed):
    page = speed("page").page
    found = {"spark": {"missing": "no Java, version 17 or newer"}, "rows": {"missing": "no disk"}}
    text = page({name: result(each) for name, each in found.items()})
    assert [row[-1] for row in rows_of(text)] == ["not measured", "not measured"]
    assert "Not measured: no Java, version 17 or newer." in text


def test_a_library_that_does_not_install_is_a_line_with_the_reason(speed, tmp_path, monkeypatch):
    peers, box, spent = speed("sections.peers"), speed("box"), speed("spent")
    one = {"point": {"cpu": 1.0, "wall": 1.0}, "numbers": {"a": 0.5}, "peak": 1e6}
    ours = one | {"opening": one["point"], "both": one["point"], "audit": one["point"]}
    ours |= {"findings": 72, "intervals": 1000}

    def refused(*_, **__):
        raise spent.DiedError("exit 1: ERROR: No matching distribution found for aif360==0.6.1")

    monkeypatch.setattr(box, "process", refused)
    monkeypatch.setattr(
        box.Box, "run", lambda _, name, **__: dict(ours if name == "ours_frame" else one)
    )
    found = peers.measure(box.Box(tmp_path, tmp_path, made={"people-100000.npz": tmp_path}))
    text = peers.show(found)
    assert text.count("| not measured: exit 1: ERROR: No matching distribution found") == 3
    assert "| fairlearn | 1 s | 1.00 x | 1 MB | 1 |" in text


def test_a_contender_that_dies_or_hangs_is_told_in_one_line(speed, tmp_path):
    spent = speed("spent")
    given = {"folder": tmp_path, "environment": spent.environment_of(1)}
    with pytest.raises(spent.DiedError, match=r"^exit 3: the last word$"):
        spent.process(
            [
                sys.executable,
                "-c",
                "import sys; print('the last word', file=sys.stderr); sys.exit(3)",
            ],
            **given,
        )
    with pytest.raises(spent.DiedError, match=r"^not done after 0 s$"):
        spent.process([sys.executable, "-c", "import time; time.sleep(60)"], timeout=0.2, **given)
    busy = "import time\nwhile time.process_time() < 0.5: pass"
    ended = spent.process([sys.executable, "-c", busy], **given)
    assert 0.45 < ended.cpu <= ended.wall * (os.cpu_count() or 1)


def test_the_published_page_shows_every_target_and_section(speed):
    text = PAGE.read_text(encoding="utf-8")
    rows = rows_of(text)
    assert len(rows) == 10
    assert all(len(row) == 4 and row[-1] in ("yes", "**no**", "not measured") for row in rows)
    page = speed("page")
    titles = [f"## {page.section(name).TITLE}\n" for name in page.SECTIONS]
    assert [text.count(title) for title in titles] == [1] * len(titles)
    assert "Not measured yet" not in text
    assert "--quick" not in text
    files = {path.stem for path in (ROOT / "benchmarks/speed/sections").glob("[a-z]*.py")}
    assert files == set(page.SECTIONS)
