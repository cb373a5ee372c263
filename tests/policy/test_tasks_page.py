"""docs/tasks.md: each policy in it is whole and reads as the page says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pytest_aipm.catalog import Catalog
from pytest_aipm.policy import load_policy
from pytest_aipm.policy.grammar import TASKS

PAGE = (Path(__file__).parents[2] / "docs" / "tasks.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)

READINGS = {
    "credit": "class 1 = defaulted is what the score predicts; the favorable decision is 0, taken "
    "when score < 0.35",
    "support-level": "the class of level is predicted by column 'predicted_level'; the favorable "
    "decision is silver or gold, taken when one of them is predicted, deserved when level is one "
    "of them",
    "delivery": "days is predicted as a number by column 'predicted_days'; the favorable decision "
    "is taken when the prediction < 3",
    "candidates": "rows with the same 'vacancy' are ranked against each other by column 'score', "
    "the highest first; relevance is how relevant a row is; the favorable decision is taken for "
    "the 10 rows with the highest scores of each 'vacancy'; rows of one 'vacancy' depend on each "
    "other, so each counts as one source of evidence",
}


@pytest.mark.parametrize("block", BLOCKS)
def test_a_policy_of_the_page_is_whole(block: str, tmp_path: Path) -> None:
    path = tmp_path / "page.aipm.yaml"
    path.write_text(block)
    policy = load_policy(path, root=tmp_path, catalog=Catalog())
    assert policy.reading() == READINGS[policy.name]


def test_every_task_has_its_policy() -> None:
    shown = [re.search(r"task: (\w+)", block).group(1) for block in BLOCKS]  # type: ignore[union-attr]
    assert tuple(shown) == TASKS


@pytest.mark.parametrize(
    ("subject", "said"),
    [
        ("favorable: a", "the favorable decision is a, taken when that class is predicted"),
        ("scores: {a: p, b: q}", "predicted by the highest of its scores; no class is favorable"),
        ("favorable: [1, '1', b]", "the favorable decision is 1, '1' or b, taken when one of them"),
    ],
)
def test_other_ways_of_several_classes(subject: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "page.aipm.yaml"
    source = "" if "scores" in subject else "  predictions: pred\n"
    path.write_text(
        "aipm: 1\nname: x\ncontext: {purpose: p, owner: o}\nsubject:\n  task: multiclass\n"
        f"  data: d.csv\n  label: y\n{source}  {subject}\n  protected: {{sex: sex}}\nchecks:\n"
        "  - {check: fairness.demographic_parity_difference, limit: {max: 0.1}}\n"
    )
    assert said in load_policy(path, root=tmp_path, catalog=Catalog()).reading()


@pytest.mark.parametrize(
    ("subject", "said"),
    [
        ("positive: a", "'positive' is the class of a binary score"),
        ("decision: {threshold: 0.5}", "'decision' turns one score into a decision"),
        ("scores: s", "'scores: s' does not say which class it is of"),
        ("scores: {a: s}", "'scores' names fewer than two classes"),
        ("scores: {a: s, b: s}", "classes 'a' and 'b' have the same column of scores, 's'"),
        ("scores: {a: y, b: s}", "column 'y' holds classes, not the scores of 'a'"),
        ("favorable: []", "'favorable' lists no class"),
        ("favorable: [a, a]", "names a twice"),
        ("champion: {scores: old}", "compared by the class it predicts"),
        ("predictions: [p, q]", "'predictions' lists 2 columns"),
    ],
)
def test_what_does_not_belong_to_several_classes(subject: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "page.aipm.yaml"
    source = "" if subject.startswith("predictions") else "  predictions: pred\n"
    path.write_text(
        "aipm: 1\nname: x\ncontext: {purpose: p, owner: o}\nsubject:\n  task: multiclass\n"
        f"  data: d.csv\n  label: y\n{source}  {subject}\n  protected: {{sex: sex}}\nchecks:\n"
        "  - {check: fairness.demographic_parity_difference, limit: {max: 0.1}}\n"
    )
    with pytest.raises(Exception, match=r"page\.aipm\.yaml:") as caught:
        load_policy(path, root=tmp_path, catalog=Catalog())
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("task", "subject", "said"),
    [
        ("binary", "favorable: [1]", "'favorable' lists classes, but a binary task has one"),
        ("binary", "scores: {a: p, b: q}", "'scores' names a column for each class, but the task"),
        ("regression", "scores: {a: p, b: q}", "'scores' names a column for each class"),
    ],
)
def test_several_classes_where_there_are_none(
    task: str, subject: str, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "page.aipm.yaml"
    positive = "  positive: 1\n" if task == "binary" else ""
    path.write_text(
        f"aipm: 1\nname: x\ncontext: {{purpose: p, owner: o}}\nsubject:\n  task: {task}\n"
        f"  data: d.csv\n  label: y\n{positive}  predictions: pred\n  {subject}\n"
        "  protected: {sex: sex}\nchecks:\n"
        "  - {check: performance.metric, metric: accuracy, limit: {min: 0.1}}\n"
    )
    with pytest.raises(Exception, match=r"page\.aipm\.yaml:") as caught:
        load_policy(path, root=tmp_path, catalog=Catalog())
    assert said in str(caught.value)
