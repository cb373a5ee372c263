"""Predictions of an earlier run are believed when this user on this machine wrote them."""

from __future__ import annotations

import errno
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

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


# Attacks, and other bad days


def entry_of(folder: Path) -> Path:
    (entry,) = (folder / "cache").glob("*.predictions")
    return entry


@pytest.mark.skipif(os.name == "nt", reason="pipes and links of POSIX")
@pytest.mark.parametrize("what", ["a pipe", "a folder", "a link to nothing", "an endless file"])
def test_what_is_no_file_of_ours_is_neither_read_nor_waited_for(
    tmp_path: Path, model: Model, what: str
) -> None:
    _get(tmp_path, model)
    entry = entry_of(tmp_path)
    entry.unlink()
    if what == "a pipe":
        os.mkfifo(entry)
    elif what == "a folder":
        entry.mkdir()
    else:
        entry.symlink_to("/dev/zero" if what == "an endless file" else tmp_path / "absent")
    assert _get(tmp_path, model) == [0.25, 0.5]
    assert model.asked == 2
    if what != "a folder":  # and in its place is ours again
        assert _get(tmp_path, model) == [0.25, 0.5]
        assert model.asked == 2


def test_an_entry_larger_than_ours_ever_are_is_not_read(
    tmp_path: Path, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    _get(tmp_path, model)
    entry = entry_of(tmp_path)
    with entry.open("r+b") as file:
        file.truncate(1 << 40)  # a hole: it takes no room
    monkeypatch.setattr(Path, "read_bytes", _never_of(entry))
    assert _get(tmp_path, model) == [0.25, 0.5]
    assert model.asked == 2


def _never_of(place: Path) -> Any:
    genuine = Path.read_bytes

    def read_bytes(path: Path) -> bytes:
        assert path != place
        return genuine(path)

    return read_bytes


def test_a_pickle_is_not_opened_even_under_our_own_seal(tmp_path: Path, model: Model) -> None:
    class Payload:
        def __reduce__(self) -> Any:
            return (Path.touch, (tmp_path / "ran",))

    _get(tmp_path, model)
    secret = (tmp_path / "me/secret").read_bytes()
    named = json.dumps({"model": "a"}, sort_keys=True).encode()
    packed = io.BytesIO()
    np.savez(packed, scores=np.array([Payload()], dtype=object), heard=np.array([""]))
    body = packed.getvalue()
    entry_of(tmp_path).write_bytes(kept._sealed(secret, named, body) + body)
    assert _get(tmp_path, model) == [0.25, 0.5]
    assert model.asked == 2
    assert not (tmp_path / "ran").exists()


def test_what_a_pickle_alone_could_hold_is_not_kept(tmp_path: Path) -> None:
    answer = {"labels": np.array(["yes", 1], dtype=object)}
    for _ in range(2):
        found = Kept(tmp_path / "cache", tmp_path / "me").get({"model": 1}, lambda: answer)
        assert found["labels"].tolist() == ["yes", 1]
    assert not (tmp_path / "cache").exists()


def test_a_draft_that_leads_elsewhere_is_not_followed(tmp_path: Path, model: Model) -> None:
    _get(tmp_path, model)
    entry = entry_of(tmp_path)
    entry.unlink()
    (tmp_path / "mine.txt").write_text("mine")
    (tmp_path / f"cache/.{entry.name}.{os.getpid()}.tmp").symlink_to(tmp_path / "mine.txt")
    _get(tmp_path, model)
    assert (tmp_path / "mine.txt").read_text() == "mine"
    assert entry.is_file()


@pytest.mark.parametrize("room", [0, 1000])
def test_on_a_full_disk_the_answer_is_given_and_nothing_is_left(
    tmp_path: Path, model: Model, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    _get(tmp_path, model, of="before")
    before = {path: path.read_bytes() for path in (tmp_path / "cache").iterdir()}
    genuine = Path.write_bytes

    def write_bytes(path: Path, data: bytes) -> int:
        genuine(path, data[:room])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", write_bytes)
        assert _get(tmp_path, model) == [0.25, 0.5]
    assert {path: path.read_bytes() for path in (tmp_path / "cache").iterdir()} == before
    assert _get(tmp_path, model) == _get(tmp_path, model)
    assert model.asked == 3, "with room it is kept"


def test_what_a_killed_process_left_goes_with_the_next_entry(tmp_path: Path, model: Model) -> None:
    (tmp_path / "cache").mkdir()
    for name, age in (("old", 7200), ("young", 60)):
        draft = tmp_path / f"cache/.{name}.predictions.1.tmp"
        draft.write_bytes(b"half")
        then = draft.stat().st_mtime - age
        os.utime(draft, (then, then))
    _get(tmp_path, model)
    left = {path.name for path in (tmp_path / "cache").glob(".*")}
    assert left == {".young.predictions.1.tmp"}, "somebody may still be writing it"


def test_a_user_without_a_home_asks_each_time(
    tmp_path: Path, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("LOCALAPPDATA", raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    for asked in (1, 2):
        assert Kept(tmp_path / "cache").get({}, model)["scores"].tolist() == [0.25, 0.5]
        assert model.asked == asked


AT_ONCE = """
import sys
from pathlib import Path
import numpy as np
from pytest_aipm.evidence.kept import Kept

folder = Path(sys.argv[1])
for i in range(60):
    key, answer = i % 3, np.full(1000, float(i % 3))
    found = Kept(folder / "cache", folder / "me").get({"key": key}, lambda: {"scores": answer})
    assert (found["scores"] == key).all()
    if i % 7 == 0:
        for path in (folder / "cache").glob("*.predictions"):
            path.unlink(missing_ok=True)
"""


def test_two_processes_that_write_at_once_are_both_right(tmp_path: Path) -> None:
    command = [sys.executable, "-c", AT_ONCE, str(tmp_path)]
    runs = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    for run in runs:
        assert run.communicate(timeout=120)[1] == ""
        assert run.returncode == 0
    assert not list((tmp_path / "cache").glob(".*")), "no draft is left"
