"""Policies and checks for these tests: write one, load one, see what is wrong with one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import jsonschema
import pytest
from policy_samples import FAKES, GOOD

from pytest_aipm.catalog import Catalog
from pytest_aipm.errors import PolicyError
from pytest_aipm.policy import Policy, load_policy
from pytest_aipm.policy.schema import policy_schema
from pytest_aipm.policy.text import read_source
from pytest_aipm.policy.tree import Faults


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return Catalog(extra=FAKES)


@pytest.fixture(scope="session")
def fits(catalog: Catalog) -> jsonschema.Draft7Validator:
    return jsonschema.Draft7Validator(policy_schema(catalog))


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write a file below the root folder."""

    def writer(text: str | bytes, name: str = "credit.aipm.yaml") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return writer


@pytest.fixture
def load(
    write: Callable[..., Path],
    tmp_path: Path,
    catalog: Catalog,
    fits: jsonschema.Draft7Validator,
) -> Callable[..., Policy]:
    """Write a policy and load it; what is accepted must fit the schema, too."""

    def loader(
        text: str | bytes = GOOD,
        name: str = "credit.aipm.yaml",
        given: Mapping[str, str | None] | None = None,
    ) -> Policy:
        path = write(text, name)
        policy = load_policy(path, root=tmp_path, catalog=catalog, given=given)
        if not given:
            local = [tmp_path / each for each in policy.extends if not each.startswith("pack:")]
            for each in (path, *local):
                tree = read_source(each, root=tmp_path, faults=Faults()).tree
                faults = [error.message for error in fits.iter_errors(tree.plain())]
                assert faults == [], "the schema that editors read refuses what is accepted"
        return policy

    return loader


@pytest.fixture
def faults(load: Callable[..., Policy]) -> Callable[..., list[str]]:
    """Write a policy and return what is wrong with it, line by line."""

    def collect(text: str | bytes, name: str = "credit.aipm.yaml") -> list[str]:
        with pytest.raises(PolicyError) as caught:
            load(text, name)
        return str(caught.value).splitlines()

    return collect
