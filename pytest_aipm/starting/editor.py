"""What lets an editor complete and check the files of a project, offline."""

from __future__ import annotations

from pytest_aipm.catalog import Catalog
from pytest_aipm.policy.schema import FILES, policy_schema, schema_text, waivers_schema

__all__ = ["schemas"]


def schemas(catalog: Catalog) -> dict[str, str]:
    """Return the schemas that the first lines of a policy and of its waivers name, by file."""
    made = {"policy": policy_schema(catalog), "waivers": waivers_schema()}
    return {f"policies/{FILES[kind]}": schema_text(each) for kind, each in made.items()}
