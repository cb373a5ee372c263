"""What docs/packs.md shows works as it stands there."""

from __future__ import annotations

import configparser
import re
import tomllib
from pathlib import Path

import pytest

from pytest_aipm.catalog import Catalog
from pytest_aipm.policy import load_policy
from pytest_aipm.policy.library import GROUP, Library
from pytest_aipm.policy.pack import PackHead

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/packs.md").read_text(encoding="utf-8")


def block(language: str, number: int = 0) -> str:
    found = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, flags=re.DOTALL | re.MULTILINE)
    return found[number]


@pytest.mark.parametrize("own", [False, True])
def test_the_policy_of_the_page_is_read_with_the_built_in_pack_and_with_ones_own(
    tmp_path: Path, own: bool
) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules/house.aipm.yaml").write_text(block("yaml", 1))
    text = block("yaml")
    if own:
        text = text.replace("pack:four-fifths", "pack:house")
        text = text.replace("positive: 1", "positive: 1\n  label: stayed")
    (tmp_path / "hiring.aipm.yaml").write_text(text)
    packs = Library(tmp_path / "rules")
    policy = load_policy(
        tmp_path / "hiring.aipm.yaml", root=tmp_path, catalog=Catalog(), packs=packs
    )
    ids = ["missed-people"] if own else ["four-fifths", "smaller-differences"]
    assert [check.id for check in policy.checks] == ids


def test_the_keys_and_places_of_the_page_are_those_of_the_code() -> None:
    table = PAGE[PAGE.index("| key of `pack`") : PAGE.index("There are two places")]
    keys = {key for line in table.splitlines()[2:] for key in re.findall(r"`(\w+)`", line[:60])}
    assert keys - {"superseded"} == set(PackHead.model_fields)
    entry = tomllib.loads(block("toml"))["project"]["entry-points"]
    assert list(entry) == [GROUP]
    ini = configparser.ConfigParser()
    ini.read_string(block("ini"))
    assert ini["pytest"]["aipm_packs"] == "rules"


def test_the_page_names_every_built_in_pack_and_its_dates() -> None:
    for name in Library().names():
        if Library().origin(name) == "built in":
            assert f"| `{name}` |" in PAGE
            path = Library().path(name)
            assert path is not None
            assert "as_of: 2026-11-23" in path.read_text(encoding="utf-8")
    assert "As of 2026-11-23." in PAGE
    assert "not legal advice" in PAGE
