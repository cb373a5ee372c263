"""``aipm trust``: who vouches for which bytes."""

from __future__ import annotations

import hashlib
import json

import pytest


@pytest.fixture(autouse=True)
def _date(monkeypatch, project):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    return project


def test_the_lock_holds_the_hash_and_the_terminal_says_what_trust_means(aipm, project):
    project.file("models/credit.joblib", "bytes")
    said = aipm("trust", "models/credit.joblib")
    (entry,) = json.loads((project.path / "aipm.lock").read_text())["artifacts"]
    digest = hashlib.sha256(b"bytes").hexdigest()
    assert (entry["path"], entry["sha256"]) == ("models/credit.joblib", digest)
    assert said.out.startswith("aipm.lock: models/credit.joblib is trusted\n")
    assert digest in said.out
    assert "2023-11-14" in said.out
    assert "can run any code that was put into it" in said.out
    assert (said.code, said.err) == (0, "")


def test_several_files_are_trusted_at_once(aipm, project):
    for name in ("credit.pkl", "champion.joblib"):
        project.file(name, name)
    said = aipm("trust", "credit.pkl", "champion.joblib")
    assert (said.code, said.err) == (0, "")
    assert said.out.count(" is trusted\n") == 2
    assert said.out.count("can run any code") == 1
    entries = json.loads((project.path / "aipm.lock").read_text())["artifacts"]
    assert {entry["path"] for entry in entries} == {"credit.pkl", "champion.joblib"}


def test_a_file_is_named_from_the_current_folder_and_locked_from_the_root(
    aipm, project, monkeypatch
):
    project.file("models/credit.pkl", "bytes")
    monkeypatch.chdir(project.path / "models")
    assert aipm("trust", "credit.pkl", "--root", "..").code == 0
    (entry,) = json.loads((project.path / "aipm.lock").read_text())["artifacts"]
    assert entry["path"] == "models/credit.pkl"


def test_trusting_again_replaces_the_entry(aipm, project):
    for text in ("old", "new"):
        project.file("credit.pkl", text)
        assert aipm("trust", "credit.pkl").code == 0
    (entry,) = json.loads((project.path / "aipm.lock").read_text())["artifacts"]
    assert entry["sha256"] == hashlib.sha256(b"new").hexdigest()


@pytest.mark.parametrize(
    ("word", "what"),
    [
        ("credit.pki", "there is no file 'credit.pki'; did you mean 'credit.pkl'?"),
        ("credit.skops", "credit.skops: a skops file is not locked as a whole"),
        ("data.csv", "data.csv: .csv is no format that needs trust"),
        ("trees.txt", "trees.txt: a model of LightGBM needs no trust: it holds data only"),
        ("other.json", "other.json: needs no trust: its format holds data only (but it holds no"),
        (".", "is a folder"),
    ],
)
def test_what_needs_no_trust_gets_none(aipm, project, word, what):
    project.file("credit.pkl", "bytes")
    project.file("credit.skops", "bytes")
    project.file("trees.txt", "tree\nversion=v4\n")
    project.file("other.json", "{}")
    said = aipm("trust", word)
    assert said.code == 4
    assert what in said.err
    assert said.err.count("\n") == 1
    assert not (project.path / "aipm.lock").exists()


def test_a_damaged_lock_is_left_as_it_is(aipm, project):
    project.file("credit.pkl", "bytes")
    lock = project.file("aipm.lock", "{")
    said = aipm("trust", "credit.pkl")
    assert said.code == 4
    assert said.err.startswith("aipm.lock:1:2: is not JSON")
    assert lock.read_text() == "{"
