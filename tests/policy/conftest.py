"""Policies and checks for these tests: write one, load one, see what is wrong with one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from policy_samples import FAKES, GOOD

from pytest_aipm.catalog import Catalog
from pytest_aipm.errors import PolicyError
from pytest_aipm.policy import Policy, load_policy


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return Catalog(extra=FAKES)


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
def load(write: Callable[..., Path], tmp_path: Path, catalog: Catalog) -> Callable[..., Policy]:
    """Write a policy and load it."""

    def loader(
        text: str | bytes = GOOD,
        name: str = "credit.aipm.yaml",
        given: Mapping[str, str | None] | None = None,
    ) -> Policy:
        return load_policy(write(text, name), root=tmp_path, catalog=catalog, given=given)

    return loader


@pytest.fixture
def faults(load: Callable[..., Policy]) -> Callable[..., list[str]]:
    """Write a policy and return what is wrong with it, line by line."""

    def collect(text: str | bytes, name: str = "credit.aipm.yaml") -> list[str]:
        with pytest.raises(PolicyError) as caught:
            load(text, name)
        return str(caught.value).splitlines()

    return collect
