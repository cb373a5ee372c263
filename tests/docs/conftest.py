"""Assertions of the helpers beside speak as those of tests do."""

import pytest

pytest.register_assert_rewrite("docs_blocks", "docs_ci", "docs_policies", "docs_project")
