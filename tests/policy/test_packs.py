"""Packs: found by name, laid below a policy, honest about what they stand on."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from datetime import date
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path
from types import SimpleNamespace

import pytest
from policy_samples import FAKES

from pytest_aipm.catalog import Catalog
from pytest_aipm.errors import OptionError, PolicyError
from pytest_aipm.policy import Policy, load_policy, policy_from
from pytest_aipm.policy.library import Library
from pytest_aipm.policy.pack import Pack, PackHead

BUILT_IN = (
    "four-fifths",
    "nyc-ll144",
    "release-gate",
    "release-gate-ranking",
    "release-gate-regression",
)
OF_TASK = {
    "release-gate-ranking": (
        "task: ranking\n  model: m.skops\n  decision: {top_k: 10, within: job}\n  label: hired"
    ),
    "release-gate-regression": (
        "task: regression\n  model: m.skops\n  label: days\n"
        "  decision: {threshold: 5, favorable_when: below}"
    ),
}
"""Whole subjects of packs that are for another task than two classes."""
SUBJECT = """\
name: credit
context: {purpose: Pre-screen loans, owner: risk@example.org}
subject:
  task: binary
  model: m.skops
  data: holdout.csv
  train: train.csv
  label: defaulted
  positive: 1
  protected: {sex: sex, race: race}
"""
HEAD = "pack: {title: House rules, version: '1', status: guidance, as_of: 2026-01-31}\n"
HOUSE = f"""\
aipm: 1
{HEAD}checks:
  - {{check: fairness.fake_gap, id: gap, limit: {{max: 0.1}}, clause: house 1, basis: text}}
"""
TODAY = date(2026, 11, 25)
Said = Callable[..., list[str]]


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Policy]:
    """Write a policy with the real checks, and load it."""

    def reader(
        extends: str, rest: str = "", *, subject: str = SUBJECT, packs: Path | None = None
    ) -> Policy:
        path = tmp_path / "credit.aipm.yaml"
        path.write_text(f"aipm: 1\nextends: {extends}\n{subject}{rest}")
        catalog = Catalog(extra=FAKES)
        return load_policy(path, root=tmp_path, catalog=catalog, packs=Library(packs))

    return reader


@pytest.fixture
def said(read: Callable[..., Policy]) -> Said:
    """Return what is wrong with a policy, line by line."""

    def collect(*words: str, **more: object) -> list[str]:
        with pytest.raises(PolicyError) as caught:
            read(*words, **more)
        return str(caught.value).splitlines()

    return collect


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A folder with the project's own pack."""
    folder = tmp_path / "packs"
    folder.mkdir()
    (folder / "house.aipm.yaml").write_text(HOUSE)
    return folder


# --- what is built in ---------------------------------------------------------------------------


def test_five_packs_are_built_in() -> None:
    assert tuple(n for n in Library().names() if Library().origin(n) == "built in") == BUILT_IN


def _whole(name: str) -> str:
    if name not in OF_TASK:
        return SUBJECT
    head = SUBJECT[: SUBJECT.index("  task:")]
    rest = "  data: holdout.csv\n  train: train.csv\n  protected: {sex: sex, race: race}\n"
    return f"{head}  {OF_TASK[name]}\n{rest}"


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_built_in_pack_says_whose_rule_it_is_and_fits_a_whole_subject(
    name: str, read: Callable[..., Policy]
) -> None:
    policy = read(f"pack:{name}", subject=_whole(name))
    (pack,) = policy.packs
    head = pack.head
    for key in ("title", "version", "jurisdiction", "authority", "citation", "effective", "as_of"):
        assert getattr(head, key), key
    assert pack.review_after > date.fromisoformat(head.as_of)
    path = Library().path(name)
    assert path is not None
    assert pack.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (pack.name, policy.extends) == (name, (f"pack:{name}",))
    for check in policy.checks:
        assert check.clauses
        assert check.asks
        assert check.basis
        assert check.limit is not None
        assert check.path == f"pack:{name}"
        assert not check.inapplicable
    assert policy.loosened == ()


def test_only_a_number_that_stands_in_the_law_is_said_to_stand_there(
    read: Callable[..., Policy],
) -> None:
    policy = read("[pack:release-gate, pack:four-fifths, pack:nyc-ll144]")
    text = {check.id: check.limit.min for check in policy.checks if check.basis == "text"}
    assert text == {"four-fifths": 0.80}


def test_the_release_gate_names_no_floor_of_performance(read: Callable[..., Policy]) -> None:
    names = [check.check for check in read("pack:release-gate").checks]
    assert not any(name.startswith("performance.") for name in names)
    assert len(set(names)) == len(names) == 7


def test_the_city_asks_for_intersections_and_sets_no_pass_line(read: Callable[..., Policy]) -> None:
    policy = read("pack:nyc-ll144")
    for check in policy.checks:
        assert check.scopes == (("sex",), ("race",), ("sex", "race"))
        assert {params.min_share for params in check.params.values()} == {0.02}
        assert (check.severity, check.basis) == ("advice", "convention")
    assert policy.packs[0].head.max_audit_age == 365


# --- laid below a policy ------------------------------------------------------------------------


def test_a_child_that_asks_for_less_than_a_pack_needs_an_override(
    said: Said, read: Callable[..., Policy]
) -> None:
    checks = "checks:\n  - {id: four-fifths, limit: {min: 0.7}}\n"
    (line,) = said("pack:four-fifths", checks)
    assert line == (
        "credit.aipm.yaml:14:23: 'four-fifths' asks for less than pack:four-fifths: limit min from "
        "0.8 to 0.7; add `override: {reason, owner}` to the check 'four-fifths' here"
    )
    allowed = checks.replace("}}", "}, override: {reason: pilot, owner: cro}}")
    assert [each.owner for each in read("pack:four-fifths", allowed).loosened] == ["cro"]


@pytest.mark.parametrize(
    ("own", "what"),
    [
        ("{id: odds, if_possible: true}", None),
        ("{id: selection-ratio, if_possible: true}", "if_possible: the check may be left out"),
        ("{id: impact-ratio, min_share: 0.05}", "min_share from 0.02 to 0.05"),
        ("{id: impact-ratio, min_share: 0.01}", None),
        ("{id: impact-ratio, by: [sex, race]}", "by without sex-x-race"),
        ("{id: impact-ratio, severity: error}", None),
    ],
)
def test_leaving_out_a_check_or_groups_is_asking_for_less(
    own: str, what: str | None, read: Callable[..., Policy], said: Said
) -> None:
    both, checks = "[pack:release-gate, pack:nyc-ll144]", f"checks:\n  - {own}\n"
    if what is None:
        read(both, checks)
    else:
        (line,) = said(both, checks)
        assert what in line


def test_a_limit_of_ones_own_is_no_longer_the_texts(read: Callable[..., Policy]) -> None:
    stricter = "checks:\n  - {id: four-fifths, limit: {min: 0.9}}\n"
    check = read("pack:four-fifths", stricter).check("four-fifths")
    assert (check.basis, check.clauses[0]) == (None, "29 CFR 1607.4(D) sentence 1")
    same = "checks:\n  - {id: four-fifths, confidence: 0.975}\n"
    assert read("pack:four-fifths", same).check("four-fifths").basis == "text"
    said = "checks:\n  - {id: four-fifths, limit: {min: 0.9}, basis: convention}\n"
    assert read("pack:four-fifths", said).check("four-fifths").basis == "convention"


def test_where_the_subject_lacks_what_a_check_needs_it_is_left_out_and_says_why(
    read: Callable[..., Policy],
) -> None:
    bare = SUBJECT.replace("model: m.skops", "predictions: pred").replace(
        "  train: train.csv\n", ""
    )
    policy = read("pack:release-gate", subject=bare)
    assert {check.id: check.inapplicable for check in policy.checks if not check.enabled} == {
        "calibration": "'fairness.calibration_gap' needs scores",
        "flip": "'explain.protected_flip' needs a model it can call",
        "membership": "'privacy.membership_inference' needs training rows",
        "overlap": "'privacy.train_test_overlap' needs training rows",
    }


# --- what does not fit --------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["four-fith", "4-fifths", "FOUR-FIFTHS"])
def test_a_misspelt_name_is_answered_with_the_one_meant(name: str, said: Said) -> None:
    assert said(f"pack:{name}") == [
        f"credit.aipm.yaml:2:10: there is no pack '{name}'; did you mean 'four-fifths'?"
    ]


def test_a_name_like_no_other_is_answered_with_all_there_are(said: Said) -> None:
    (line,) = said("'pack:../../etc/passwd'")
    assert line.endswith("there is no pack '../../etc/passwd'; known: " + ", ".join(BUILT_IN))


def test_a_pack_for_another_task_is_one_sentence_where_it_is_named(said: Said) -> None:
    subject = SUBJECT.replace("task: binary", "task: regression").replace("  positive: 1\n", "")
    (line,) = said("pack:release-gate", subject=subject)
    assert line == (
        "credit.aipm.yaml:2:10: pack:release-gate does not fit this policy: "
        "'fairness.demographic_parity_ratio' is for binary or multiclass, but the task is "
        "regression; remove it, or set `enabled: false`"
    )


def test_an_attribute_that_a_pack_asks_for_is_one_sentence(said: Said) -> None:
    subject = SUBJECT.replace(", race: race", "")
    (line,) = said("[pack:four-fifths, pack:nyc-ll144]", subject=subject)
    assert line == (
        "credit.aipm.yaml:2:29: pack:nyc-ll144 does not fit this policy: the attribute 'race' is "
        "not declared in subject.protected; known: sex"
    )


def test_no_groups_at_all_is_one_sentence(said: Said) -> None:
    (line,) = said("pack:four-fifths", subject=SUBJECT.replace("{sex: sex, race: race}", "{}"))
    assert line.startswith("credit.aipm.yaml:2:10: pack:four-fifths does not fit this policy: ")
    assert line.count("compares groups, but subject.protected declares none") == 1


def test_what_a_pack_brings_along_is_said_where_the_policy_names_the_pack(
    said: Said, house: Path
) -> None:
    (house / "city.aipm.yaml").write_text(f"aipm: 1\n{HEAD}extends: pack:nyc-ll144\n")
    (line,) = said("pack:city", subject=SUBJECT.replace(", race: race", ""), packs=house)
    assert line.startswith("credit.aipm.yaml:2:10: pack:nyc-ll144 does not fit this policy: ")


def test_what_a_policy_writes_itself_is_said_at_its_own_line(said: Said) -> None:
    own = "checks:\n  - {id: four-fifths, by: [sex, race, rase]}\n"
    (line,) = said("pack:four-fifths", own)
    assert line == (
        "credit.aipm.yaml:14:39: the attribute 'rase' is not declared in subject.protected; did "
        "you mean 'race'?"
    )


# --- the head -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("head", "what"),
    [
        ("pack:", "2:1: 'pack' must be a mapping, not empty; write `pack: {title"),
        ("pack: [a]", "2:1: 'pack' must be a mapping, not a list; write"),
        (HEAD.replace("as_of", "asof"), "did you mean 'as_of'?"),
        (HEAD.replace("2026-01-31", "2026-02-31"), "'2026-02-31' is no date; write YYYY-MM-DD"),
        (HEAD.replace("guidance", "in-force"), "must be one of in force, pending, repealed"),
        (
            HEAD.replace("'1'", "1.0"),
            "'version' must be text, not the number 1.0; put it in quotes",
        ),
        (HEAD.replace("guidance", "superseded"), "'superseded_by' is missing in 'pack'; name what"),
        (HEAD.replace("}", ", max_audit_age: 0}"), "'max_audit_age' must be at least 1, not 0"),
        (HEAD.replace("}", ", effective: 19}"), "'effective' must be text, not the number 19"),
        (HEAD.replace("}", ", effective: '19'}"), "'19' is no date; write YYYY-MM-DD"),
    ],
)
def test_a_head_is_checked_to_the_letter(head: str, what: str, said: Said, house: Path) -> None:
    (house / "house.aipm.yaml").write_text(HOUSE.replace(HEAD, head.rstrip() + "\n"))
    lines = said("pack:house", packs=house)
    assert all(line.startswith("pack:house:2:") for line in lines)
    assert what in "\n".join(lines)


def test_a_file_without_a_head_is_no_pack(said: Said, house: Path) -> None:
    (house / "house.aipm.yaml").write_text(HOUSE.replace(HEAD, ""))
    (line,) = said("pack:house", packs=house)
    assert line == (
        "credit.aipm.yaml:2:10: 'pack:house' is no pack: it says nothing of itself under 'pack'; "
        "add `pack: {title, version, status, as_of}` to it"
    )


def test_a_pack_has_no_subject(said: Said, house: Path) -> None:
    (house / "house.aipm.yaml").write_text(f"{HOUSE}subject: {{task: binary}}\n")
    (line,) = said("pack:house", packs=house)
    assert line == (
        "pack:house:5:1: a pack is a base for `extends` and has no 'subject'; remove it, or remove "
        "'pack'"
    )


def test_a_pack_is_never_taken_for_a_policy(tmp_path: Path, house: Path) -> None:
    with pytest.raises(PolicyError, match="a base for `extends`, because it has no 'subject'"):
        load_policy(house / "house.aipm.yaml", root=tmp_path, catalog=Catalog(extra=FAKES))


def test_a_pack_extends_packs_and_no_files(
    said: Said, read: Callable[..., Policy], house: Path
) -> None:
    strict = house / "strict.aipm.yaml"
    more = "checks:\n  - {id: gap, limit: {max: 0.05}}\n"
    strict.write_text(f"aipm: 1\n{HEAD}extends: pack:house\n{more}")
    policy = read("pack:strict", packs=house)
    assert [pack.name for pack in policy.packs] == ["house", "strict"]
    assert policy.check("gap").limit.max == 0.05
    strict.write_text(f"aipm: 1\n{HEAD}extends: house.aipm.yaml\n{more}")
    (line,) = said("pack:strict", packs=house)
    assert line == (
        "pack:strict:3:10: a pack extends other packs alone, not 'house.aipm.yaml'; write "
        "`pack:NAME`"
    )
    strict.write_text(f"aipm: 1\n{HEAD}extends: pack:strict\n{more}")
    assert said("pack:strict", packs=house) == [
        "pack:strict:3:10: 'pack:strict' extends itself, directly or in a circle; remove it here"
    ]


def test_a_policy_from_python_takes_packs_too(tmp_path: Path, house: Path) -> None:
    value = {
        "aipm": 1,
        "name": "made",
        "extends": "pack:house",
        "context": {"purpose": "p", "owner": "o"},
        "subject": {
            "task": "binary",
            "predictions": "pred",
            "data": "d.csv",
            "positive": 1,
            "protected": {"sex": "sex"},
        },
    }
    catalog = Catalog(extra=FAKES)
    policy = policy_from(value, path="made", root=tmp_path, catalog=catalog, packs=Library(house))
    assert (policy.checks[0].id, policy.packs[0].name) == ("gap", "house")


# --- where packs are found ----------------------------------------------------------------------


def test_a_folder_that_is_not_there_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="aipm_packs: there is no folder 'paks'"):
        Library(tmp_path / "paks")


def test_two_packs_of_one_name_are_refused(house: Path) -> None:
    (house / "four-fifths.aipm.yaml").write_text(HOUSE)
    with pytest.raises(PolicyError, match="two packs are called 'four-fifths': one of built in"):
        Library(house).names()


def install(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    """Make a package the only one that brings packs."""
    point = EntryPoint(name="house", value=package, group="pytest_aipm.packs")
    monkeypatch.setattr(
        "pytest_aipm.policy.library.importlib",
        SimpleNamespace(
            metadata=SimpleNamespace(entry_points=lambda **_: EntryPoints([point])),
            util=__import__("importlib.util").util,
        ),
    )


def test_an_installed_package_brings_packs_and_is_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: Callable[..., Policy]
) -> None:
    folder = tmp_path / "site/house_rules"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("raise RuntimeError('must not run')\n")
    (folder / "house-hiring.aipm.yaml").write_text(HOUSE)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    install(monkeypatch, "house_rules")
    policy = read("pack:house-hiring")
    assert (policy.packs[0].name, policy.extends) == ("house-hiring", ("pack:house-hiring",))
    assert Library().origin("house-hiring") == "house_rules"
    assert "house_rules" not in sys.modules


@pytest.mark.parametrize("package", ["rules_are_gone", "rules_are_gone.packs", "json.decoder"])
def test_an_installed_package_that_is_none_is_one_sentence(
    package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, package)
    with pytest.raises(PolicyError) as caught:
        Library().names()
    assert str(caught.value) == (
        f"the entry point 'house' of pytest_aipm.packs names '{package}', which is no package "
        "here; reinstall or uninstall what brings it"
    )


# --- time passes --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ({}, []),
        ({"as_of": "2026-05-29"}, []),
        ({"as_of": "2026-05-28"}, ["due for review since 2026-11-24"]),
        ({"review_after": "2026-11-25"}, []),
        ({"review_after": "2026-11-24"}, ["last compared with its sources on 2026-11-01"]),
        ({"valid_until": "2026-11-25"}, []),
        ({"valid_until": "2026-11-24"}, ["held until 2026-11-24 and is no longer in force"]),
        ({"status": "guidance"}, []),
        ({"status": "repealed"}, ["Rule 1 is repealed"]),
        ({"status": "pending", "effective": "2027-01-01"}, ["not in force yet (effective 2027"]),
        ({"status": "superseded", "superseded_by": "Rule 2"}, ["Rule 1 is superseded by Rule 2"]),
        (
            {"status": "repealed", "superseded_by": "Rule 2", "valid_until": "2026-01-01"},
            ["Rule 1 is repealed; see Rule 2", "held until 2026-01-01"],
        ),
    ],
)
def test_a_pack_says_when_it_may_no_longer_say_what_its_rule_says(
    more: dict[str, str], what: list[str]
) -> None:
    plain = {"title": "T", "version": "1", "citation": "Rule 1", "status": "in force"}
    head = PackHead(**{**plain, "as_of": "2026-11-01", **more})
    said = Pack("house", "0" * 64, head).concerns(TODAY)
    assert len(said) == len(what)
    assert all(part in line for part, line in zip(what, said, strict=True))
    assert Pack("house", "0" * 64, head).info(TODAY).stale is bool(what)


@pytest.mark.parametrize(
    ("head", "day", "ended"),
    [
        ({"status": "in force", "valid_until": "2026-06-30"}, "2026-06-30", False),
        ({"status": "in force", "valid_until": "2026-06-30"}, "2026-07-01", True),
        ({"status": "repealed"}, "2026-06-30", True),
        ({"status": "superseded", "superseded_by": "Rule 2"}, "2026-06-30", True),
        ({"status": "pending"}, "2026-06-30", False),
        ({"status": "guidance"}, "2036-06-30", False),  # due for review: a reason to look
    ],
)
def test_only_a_rule_that_was_in_force_and_is_no_longer_has_ended(
    head: dict[str, str], day: str, ended: bool
) -> None:
    given = {"title": "House", "version": "1", "as_of": "2026-01-31", **head}
    pack = Pack("house", "0" * 64, PackHead.model_validate(given))
    assert pack.info(date.fromisoformat(day)).ended is ended
