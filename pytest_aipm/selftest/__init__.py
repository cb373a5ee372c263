"""The gate's own negative control: harm is planted, and the checks must turn red."""

from __future__ import annotations

from pytest_aipm.selftest.harms import HARMS
from pytest_aipm.selftest.results import Curve, Hidden, Report, Row, Trial
from pytest_aipm.selftest.trials import selftest

__all__ = ["HARMS", "Curve", "Hidden", "Report", "Row", "Trial", "selftest"]
