"""What this installation knows of checks and of itself."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec

from pytest_aipm import __version__
from pytest_aipm.catalog import Catalog
from pytest_aipm.records import Record

__all__ = ["catalog", "is_built_in", "this_version"]


@cache
def catalog() -> Catalog:
    """Return the checks of this installation; looking for those of others takes 15 ms."""
    return Catalog()


def is_built_in(check: str) -> bool:
    """Return whether a check is part of this package; another may be installed anywhere."""
    family, _, name = check.partition(".")
    if not (family.isidentifier() and name.isidentifier()):
        return False
    package = f"pytest_aipm.checks.{family}"
    return bool(find_spec(package) and find_spec(f"{package}.{name}"))


def this_version(record: Record) -> bool:
    """Return whether this version of the package wrote a record."""
    return record.run.versions.get("pytest-aipm") == __version__
