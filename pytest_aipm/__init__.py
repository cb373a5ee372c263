"""pytest-aipm: audit a machine-learning model against a policy file, with pytest.

>>> import pytest_aipm
>>> record = pytest_aipm.audit("policies/credit.aipm.yaml")  # doctest: +SKIP
>>> record.verdict  # doctest: +SKIP
<RunVerdict.PASS: 'pass'>

Importing the package is light; names load on first use. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_aipm.api import audit
    from pytest_aipm.attribution.explanation import explanation
    from pytest_aipm.errors import AipmError, MeasurementError, UsageFault
    from pytest_aipm.records import Finding, Record, RunVerdict, Verdict
    from pytest_aipm.violation import CheckViolation

__version__ = "0.1.0"

__all__ = [
    "AipmError",
    "CheckViolation",
    "Finding",
    "MeasurementError",
    "Record",
    "RunVerdict",
    "UsageFault",
    "Verdict",
    "__version__",
    "audit",
    "explanation",
]

_HOMES = {
    "AipmError": "errors",
    "CheckViolation": "violation",
    "Finding": "records",
    "MeasurementError": "errors",
    "Record": "records",
    "RunVerdict": "records",
    "UsageFault": "errors",
    "Verdict": "records",
    "audit": "api",
    "explanation": "attribution.explanation",
}


def __getattr__(name: str) -> Any:
    """Load a public name on first use."""
    if name in _HOMES:
        return getattr(import_module(f"pytest_aipm.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'pytest_aipm' has no attribute {name!r}")


def __dir__() -> list[str]:
    """Return the public names."""
    return sorted(__all__)
