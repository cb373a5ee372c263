"""pytest-aipm: audit a machine-learning model against a policy file, with pytest.

``import pytest_aipm`` is light; names load on first use. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

__version__ = "0.1.0"
