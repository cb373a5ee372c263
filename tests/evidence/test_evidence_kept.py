"""Predictions of an earlier run are believed when this user on this machine wrote them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pytest_aipm.evidence import kept
from pytest_aipm.evidence.kept import Kept, surroundings


class Model:
    asked = 0

    def __call__(self) -> dict[str, np.ndarray]:
        self.asked += 1
        return {"scores": np.array([0.25, 0.5]), "heard": np.array(["W: old"])}


@pytest.fixture
def model() -> Model:
    return Model()


def _get(folder: Path, model: Model, user: str = "me", of: object = "a") -> list[float]:
    found = Kept(folder / "cache", folder / user).get({"model": of}, model)
    assert found["heard"].tolist() == ["W: old"]
    return found["scores"].tolist()


def test_the_same_question_is_asked_once(tmp_path: Path, model: Model) -> None:
    assert _get(tmp_path, model) == _get(tmp_path, model) == [0.25, 0.5]
    assert model.asked == 1
    assert (tmp_path / "me/secret").stat().st_mode & 0o077 == 0
    _get(tmp_path, model, of="b")
    assert model.asked == 2, "another question"


@pytest.mark.parametrize(
    "harm",
    [
        lambda held: held[:-1],
        lambda held: held[:40],
        lambda held: held[:0],
        lambda held: held[:100] + bytes([held[100] ^ 1]) + held[101:],
        lambda held: held[32:],
    ],
    ids=["a byte short", "cut", "empty", "one bit", "no seal"],
)
def test_a_damaged_entry_is_made_anew(tmp_path: Path, model: Model, harm) -> None:
    _get(tmp_path, model)
    (entry,) = (tmp_path / "cache").glob("*.predictions")
    sound = entry.read_bytes()
    entry.write_bytes(harm(sound))
    assert _get(tmp_path, model) == [0.25, 0.5]
    assert model.asked == 2
    assert entry.read_bytes()[:32] == sound[:32], "and mended"


def test_what_another_user_wrote_is_not_believed(tmp_path: Path, model: Model) -> None:
    _get(tmp_path, model, user="somebody")
    _get(tmp_path, model, user="me")
    assert model.asked == 2


def test_an_entry_is_not_believed_under_another_name(tmp_path: Path, model: Model) -> None:
    _get(tmp_path, model)
    (first,) = (tmp_path / "cache").glob("*")
    _get(tmp_path, model, of="b")
    (other,) = set((tmp_path / "cache").glob("*")) - {first}
    other.write_bytes(first.read_bytes())
    _get(tmp_path, model, of="b")
    assert model.asked == 3


def test_the_oldest_entries_go(tmp_path: Path, model: Model) -> None:
    for i in range(kept.MOST + 5):
        _get(tmp_path, model, of=i)
    assert len(list((tmp_path / "cache").iterdir())) == kept.MOST


def test_large_answers_are_not_kept(
    tmp_path: Path, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "LARGEST", 10)
    _get(tmp_path, model)
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("where", ["me", "cache"])
def test_where_nothing_can_be_written_the_model_is_asked(
    tmp_path: Path, model: Model, where: str
) -> None:
    (tmp_path / where).write_text("in the way")
    assert _get(tmp_path, model) == _get(tmp_path, model) == [0.25, 0.5]
    assert model.asked == 2


def test_a_secret_of_another_length_seals_nothing(tmp_path: Path, model: Model) -> None:
    (tmp_path / "me").mkdir()
    (tmp_path / "me/secret").write_bytes(b"")
    _get(tmp_path, model)
    assert not (tmp_path / "cache").exists()


def test_own_modules_count_where_a_file_can_run_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own_steps.py").write_text("FACTOR = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    before = surroundings(code=True), surroundings(code=False)
    __import__("own_steps")
    loaded = surroundings(code=True)
    (tmp_path / "own_steps.py").write_text("FACTOR = 2\n")
    assert before[0] != loaded != surroundings(code=True)
    assert surroundings(code=False) == before[1]
