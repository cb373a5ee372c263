"""A file that can run code is opened only when someone has vouched for exactly these bytes."""

import hashlib
import json
import pickle
import subprocess
import sys
from pathlib import Path

import joblib
import pytest

from pytest_aipm.errors import ModelError, OptionError, TrustError
from pytest_aipm.sources.lock import LockEntry, read_lock
from pytest_aipm.sources.model import open_model
from pytest_aipm.sources.spec import ModelSpec
from pytest_aipm.sources.trust import Trust, check_trust, parse_digest, trust_file

WHERE = {"path": "p.aipm.yaml", "line": 5}


class Bomb:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self):
        return open, (self.path, "w")


@pytest.fixture
def bomb(tmp_path):
    """Return the spec of a pickle that leaves a trace when opened, its trace and its hash."""
    trace = tmp_path / "opened.txt"
    raw = pickle.dumps(Bomb(trace))
    (tmp_path / "bomb.pkl").write_bytes(raw)
    return ModelSpec(path="bomb.pkl"), trace, hashlib.sha256(raw).hexdigest()


def refused(kind, call):
    with pytest.raises(kind) as caught:
        call()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_an_untrusted_pickle_is_refused_before_anything_is_opened(tmp_path, bomb):
    spec, trace, digest = bomb
    at_configure_time = refused(TrustError, lambda: check_trust(spec, tmp_path, Trust(), WHERE))
    at_open = refused(
        TrustError, lambda: open_model(spec, root=tmp_path, trusted=Trust(), where=WHERE)
    )

    assert (
        at_configure_time
        == at_open
        == (
            "p.aipm.yaml:5: 'bomb.pkl' can run code when it is opened, and nobody has "
            "vouched for it; "
            "if you know where it comes from: aipm trust bomb.pkl (writes aipm.lock), "
            f"or pin it in the policy under subject.model: sha256: {digest}"
        )
    )
    assert not trace.exists()


@pytest.mark.parametrize("by", ["policy", "lock"])
def test_a_pickle_that_differs_from_its_pin_is_an_error_of_its_node(tmp_path, bomb, by):
    spec, trace, digest = bomb
    trust = Trust()
    if by == "policy":
        spec = ModelSpec(path="bomb.pkl", sha256="0" * 64)
    else:
        trust = Trust(entries=(LockEntry("bomb.pkl", "0" * 64, "pickle"),))
    check_trust(spec, tmp_path, trust, WHERE)  # the policy is in order
    text = refused(ModelError, lambda: open_model(spec, root=tmp_path, trusted=trust, where=WHERE))

    named = {"policy": "the policy", "lock": "aipm.lock"}[by]
    assert text.startswith(
        f"p.aipm.yaml:5: 'bomb.pkl' has sha256 {digest[:12]}..., but {named} pins 000000000000...: "
        "it was not opened; restore the pinned file, or "
    )
    assert not trace.exists()


@pytest.mark.parametrize("suffix", [".pkl", ".PKL", ".pickle", ".joblib"])
@pytest.mark.parametrize("by", ["policy", "lock", "moved", "option"])
def test_a_vouched_for_file_is_opened_and_says_who_vouches(tmp_path, suffix, by):
    name = f"model{suffix}"
    joblib.dump(print, tmp_path / name)
    digest = hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()
    entry = LockEntry("moved" if by == "moved" else name, digest, "joblib", {}, "Ada", "2026-11-23")
    spec, trust, said = {
        "policy": (ModelSpec(name, sha256=f"sha256:{digest}"), Trust(), "sha256 in the policy"),
        "lock": (ModelSpec(name), Trust((entry,)), "aipm.lock: Ada, 2026-11-23"),
        "moved": (ModelSpec(name), Trust((entry,)), "aipm.lock: Ada, 2026-11-23"),
        "option": (ModelSpec(name), Trust((), frozenset({digest})), "--aipm-trust"),
    }[by]
    check_trust(spec, tmp_path, trust)
    model = open_model(spec, root=tmp_path, trusted=trust)

    assert (model.trusted_by, model.sha256, model.ref) == (said, digest, name)
    assert model.kind == ("joblib" if suffix == ".joblib" else "pickle")


def test_the_option_allows_a_locked_file_that_changed_but_not_a_pinned_one(tmp_path, bomb):
    _, _, digest = bomb
    locked = (LockEntry("bomb.pkl", "0" * 64, "pickle"),)
    trust = Trust(locked, frozenset({digest}))

    assert trust.vouched(ModelSpec("bomb.pkl"), digest, tmp_path) == ("--aipm-trust", [])
    with pytest.raises(ModelError, match="the policy pins"):
        trust.vouched(ModelSpec("bomb.pkl", sha256="1" * 64), digest, tmp_path)


def test_the_bytes_that_were_hashed_are_the_bytes_that_are_opened(tmp_path, monkeypatch, bomb):
    spec, trace, _ = bomb
    good = pickle.dumps(print)
    pinned = ModelSpec("bomb.pkl", sha256=hashlib.sha256(good).hexdigest())
    reads = iter([good])
    monkeypatch.setattr(Path, "read_bytes", lambda _: next(reads))
    model = open_model(pinned, root=tmp_path, trusted=Trust())

    assert model.ref == spec.path
    assert next(reads, None) is None, "read once"
    assert not trace.exists(), "what lies on the disk meanwhile is not opened"


@pytest.mark.parametrize(
    "spec",
    [
        ModelSpec("missing.pkl"),
        ModelSpec(factory="pkg:make"),
        ModelSpec("folder"),
        ModelSpec("model.skops"),
    ],
)
def test_what_is_no_code_carrying_file_is_not_the_trust_s_affair(tmp_path, spec):
    (tmp_path / "folder").mkdir()
    (tmp_path / "model.skops").write_bytes(b"x")

    assert check_trust(spec, tmp_path, Trust()) is None


@pytest.mark.usefixtures("bomb")
def test_deciding_imports_nothing_that_could_open_a_model(tmp_path):
    program = (
        "import sys; from pathlib import Path\n"
        "from pytest_aipm.errors import TrustError\n"
        "from pytest_aipm.sources.spec import ModelSpec\n"
        "from pytest_aipm.sources.trust import Trust, check_trust\n"
        "try: check_trust(ModelSpec('bomb.pkl'), Path(sys.argv[1]), "
        "Trust.read(Path(sys.argv[1])))\n"
        "except TrustError: print('refused')\n"
        "heavy = {'numpy', 'pandas', 'sklearn', 'joblib', 'pickle', 'pyarrow', 'skops'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True
    )

    assert done.stdout.split("\n")[:2] == ["refused", "[]"]


class TestLock:
    def test_trusting_a_file_writes_a_sorted_entry_that_can_be_read_back(
        self, tmp_path, monkeypatch
    ):
        monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
        subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
        subprocess.run(["git", "config", "user.name", "Ada L."], cwd=tmp_path, check=True)
        (tmp_path / "z.pkl").write_bytes(b"one")
        (tmp_path / "models").mkdir()
        (tmp_path / "models/a.joblib").write_bytes(b"two")
        first = trust_file("z.pkl", tmp_path)
        second = trust_file(tmp_path / "models/a.joblib", tmp_path)

        content = json.loads((tmp_path / "aipm.lock").read_text())
        assert [each["path"] for each in content["artifacts"]] == ["models/a.joblib", "z.pkl"]
        assert read_lock(tmp_path / "aipm.lock") == (second, first)
        assert (first.sha256, first.kind) == (hashlib.sha256(b"one").hexdigest(), "pickle")
        assert (first.trusted_by, first.when) == ("Ada L.", "2023-11-14")
        assert {"numpy", "scikit-learn"} <= set(first.versions)
        assert [path.name for path in tmp_path.iterdir() if "lock" in path.name] == ["aipm.lock"]

    def test_an_older_entry_of_the_same_path_is_replaced(self, tmp_path):
        (tmp_path / "m.pkl").write_bytes(b"one")
        trust_file("m.pkl", tmp_path)
        (tmp_path / "m.pkl").write_bytes(b"two")
        trust_file("./m.pkl", tmp_path)

        (entry,) = Trust.read(tmp_path).entries
        assert entry.sha256 == hashlib.sha256(b"two").hexdigest()

    def test_the_same_inputs_give_the_same_bytes(self, tmp_path, monkeypatch):
        monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
        (tmp_path / "m.pkl").write_bytes(b"one")
        trust_file("m.pkl", tmp_path)
        before = (tmp_path / "aipm.lock").read_bytes()
        trust_file("m.pkl", tmp_path)

        assert (tmp_path / "aipm.lock").read_bytes() == before

    def test_without_git_the_login_vouches(self, tmp_path, monkeypatch):
        monkeypatch.setenv("PATH", "")
        monkeypatch.setenv("LOGNAME", "ada")
        (tmp_path / "m.pkl").write_bytes(b"one")

        assert trust_file("m.pkl", tmp_path).trusted_by == "ada"

    def test_trusting_never_opens_the_file(self, tmp_path, bomb):
        _, trace, digest = bomb

        assert trust_file("bomb.pkl", tmp_path).sha256 == digest
        assert not trace.exists()

    def test_a_version_that_differs_from_the_lock_is_a_warning_of_the_model(self, tmp_path):
        (tmp_path / "m.pkl").write_bytes(pickle.dumps(print))
        digest = hashlib.sha256((tmp_path / "m.pkl").read_bytes()).hexdigest()
        versions = {"numpy": "0.1", "joblib": joblib.__version__, "no-such-library": "7"}
        entry = LockEntry("m.pkl", digest, "pickle", versions, "Ada", "2026-11-23")
        heard = open_model(ModelSpec("m.pkl"), root=tmp_path, trusted=Trust((entry,))).warnings

        assert len(heard) == 2
        assert heard[0] == (
            "aipm.lock: m.pkl was trusted with no-such-library 7; no version of it is installed"
        )
        assert heard[1].startswith("aipm.lock: m.pkl was trusted with numpy 0.1; ")

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ("{", "aipm.lock:1:2: is not JSON ("),
            ("<<<<<<< HEAD\n{}", "aipm.lock:1:1: is not JSON ("),
            ("[]", 'aipm.lock: holds no "aipm_lock": 1; '),
            ('{"aipm_lock": 2, "artifacts": []}', 'aipm.lock: holds no "aipm_lock": 1; '),
            ('{"aipm_lock": 1}', 'aipm.lock: holds more or less than "artifacts"; '),
            (
                '{"aipm_lock": 1, "artifacts": [], "trust_all": true}',
                'aipm.lock: holds more or less than "artifacts"; ',
            ),
            (
                '{"aipm_lock": 1, "artifacts": [{"path": "m.pkl"}]}',
                (
                    "aipm.lock: an entry needs exactly the keys kind, path, sha256, "
                    "trusted_by, versions"
                ),
            ),
            ("é", "aipm.lock: is not UTF-8 text; "),
            ("[" * 100_000, "aipm.lock: is nested without end; "),
        ],
    )
    def test_a_lock_that_cannot_be_read_is_refused_in_one_line(self, tmp_path, content, message):
        (tmp_path / "aipm.lock").write_text(content, encoding="latin-1")

        assert refused(TrustError, lambda: Trust.read(tmp_path)).startswith(message)

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"sha256": "abc"}, "aipm.lock: 'm.pkl' has a sha256 that is none; "),
            ({"when": 3}, "aipm.lock: an entry holds something that is no text; "),
            ({"versions": []}, "aipm.lock: an entry holds something that is no text; "),
        ],
    )
    def test_an_entry_that_is_none_is_refused(self, tmp_path, changes, message):
        (tmp_path / "m.pkl").write_bytes(b"one")
        trust_file("m.pkl", tmp_path)
        content = json.loads((tmp_path / "aipm.lock").read_text())
        content["artifacts"][0].update(changes)
        (tmp_path / "aipm.lock").write_text(json.dumps(content))

        assert refused(TrustError, lambda: Trust.read(tmp_path)).startswith(message)

    def test_a_path_that_is_named_twice_is_refused(self, tmp_path):
        (tmp_path / "m.pkl").write_bytes(b"one")
        trust_file("m.pkl", tmp_path)
        content = json.loads((tmp_path / "aipm.lock").read_text())
        content["artifacts"] *= 2
        (tmp_path / "aipm.lock").write_text(json.dumps(content))

        assert refused(TrustError, lambda: Trust.read(tmp_path)) == (
            "aipm.lock: names 'm.pkl' twice; keep one entry"
        )

    @pytest.mark.parametrize(
        ("name", "message"),
        [
            ("model.pkll", "there is no file 'model.pkll'; did you mean 'model.pkl'?"),
            (
                "data.csv",
                "data.csv: .csv is no format that needs trust; files that can run code end",
            ),
            ("m.skops", "m.skops: a skops file is not locked as a whole; list the types it may"),
            ("folder", "folder: is a folder; name the model file inside it"),
        ],
    )
    def test_only_files_that_can_run_code_are_locked(self, tmp_path, name, message):
        for each in ("model.pkl", "data.csv", "m.skops"):
            (tmp_path / each).write_bytes(b"x")
        (tmp_path / "folder").mkdir()

        assert refused(TrustError, lambda: trust_file(name, tmp_path)).startswith(message)
        assert not (tmp_path / "aipm.lock").exists()

    def test_a_bad_source_date_epoch_is_named(self, tmp_path, monkeypatch):
        monkeypatch.setenv("SOURCE_DATE_EPOCH", "soon")
        (tmp_path / "m.pkl").write_bytes(b"one")

        assert refused(OptionError, lambda: trust_file("m.pkl", tmp_path)) == (
            "SOURCE_DATE_EPOCH is 'soon', not a number of seconds since 1970; "
            "set it to `git log -1 --format=%ct`, or unset it"
        )

    @pytest.mark.parametrize("forbid", ["m.pkl", "aipm.lock"])
    def test_files_that_may_not_be_read_are_named(self, tmp_path, forbidden, forbid):
        (tmp_path / "m.pkl").write_bytes(b"one")
        (tmp_path / "aipm.lock").write_text('{"aipm_lock": 1, "artifacts": []}')
        forbidden(forbid)
        text = refused(TrustError, lambda: trust_file("m.pkl", tmp_path))

        assert text.endswith("cannot be read (Permission denied); make it readable")
        assert forbid in text

    def test_a_lock_that_cannot_be_written_is_named_and_leaves_nothing_behind(
        self, tmp_path, monkeypatch
    ):
        def full(*_):
            raise OSError(28, "No space left on device")

        (tmp_path / "m.pkl").write_bytes(b"one")
        monkeypatch.setattr(Path, "replace", full)

        assert refused(TrustError, lambda: trust_file("m.pkl", tmp_path)) == (
            "aipm.lock: cannot be written (No space left on device); make the root folder writable"
        )
        assert [each.name for each in tmp_path.iterdir()] == ["m.pkl"]


def test_a_model_that_may_not_be_read_is_a_fault_at_configure_time(tmp_path, forbidden):
    (tmp_path / "m.pkl").write_bytes(b"one")
    forbidden("m.pkl")

    assert (
        refused(TrustError, lambda: check_trust(ModelSpec("m.pkl"), tmp_path, Trust(), WHERE))
        == "p.aipm.yaml:5: 'm.pkl' cannot be read (Permission denied); make it readable"
    )


@pytest.mark.parametrize("text", ["", "sha256:", "sha256:xyz", "a" * 63, "md5:" + "a" * 64])
def test_a_digest_that_is_none_is_a_fault_of_the_option(text):
    assert refused(OptionError, lambda: parse_digest(text)) == (
        f"{text!r} is no sha256; write sha256: and 64 hexadecimal digits"
    )


def test_digests_of_the_option_are_read_in_any_case(tmp_path):
    assert Trust.read(tmp_path, ["sha256:" + "AB" * 32]).digests == {"ab" * 32}
