"""Records to report on, made by hand: the report is a pure function of them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import report_samples

from pytest_aipm.records import Record


@pytest.fixture(scope="session")
def rich() -> Record:
    """Two policies with every verdict, hostile names, small cells, waivers and baselines."""
    return report_samples.rich_record()


@pytest.fixture(scope="session")
def lending() -> Record:
    """One policy that fails."""
    return report_samples.record_of(report_samples.lending())


@pytest.fixture(scope="session")
def passing() -> Record:
    """One policy that passes."""
    return report_samples.passing_record()


@pytest.fixture(scope="session")
def unproven() -> Record:
    """One policy with an open question."""
    return report_samples.unproven_record()


@pytest.fixture(scope="session")
def many() -> Callable[[int], Record]:
    """A record with as many findings as asked for."""
    return report_samples.many_findings
