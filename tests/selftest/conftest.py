"""Fixtures of `selftest_gates`."""

from __future__ import annotations

import pytest
from selftest_gates import RATIO, Gate, Namer, people


@pytest.fixture
def gate(tmp_path):
    """Make a gate of some checks; without any, the four-fifths rule alone."""
    return lambda *checks, **subject: Gate(tmp_path, list(checks) or [RATIO], **subject)


@pytest.fixture
def other_people():
    """People of the same groups, none of whom is in the data."""
    return people(0.25)


@pytest.fixture
def namer():
    return Namer()
