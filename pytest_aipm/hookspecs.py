"""The hooks that other plugins and a project's root ``conftest.py`` may implement.

Mark an implementation ``@pytest.hookimpl(optionalhook=True)``: then it does no harm where this
plugin is switched off with ``-p no:aipm``.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any

import pytest

__all__ = ["pytest_aipm_register_checks", "pytest_aipm_spark_session"]


@pytest.hookspec()
def pytest_aipm_register_checks() -> Mapping[str, ModuleType]:  # type: ignore[empty-body]
    """Return checks of one's own, by the name that policies call them.

    Called once in every process of the run, before policies are read, and only when the audit
    runs. A check module holds a docstring, ``Params`` and ``check(evidence, params)``, as the
    built-in ones do; it needs no other registration. Installed packages can use the entry point
    group ``pytest_aipm.checks`` instead, which the command line and the Python API see as well.

    Returns
    -------
    mapping of str to module
        ``{"family.name": module}``. A name may be registered once.

    Examples
    --------
    ::

        # conftest.py beside pyproject.toml
        @pytest.hookimpl(optionalhook=True)
        def pytest_aipm_register_checks():
            from checks import approval_speed
            return {"fairness.approval_speed": approval_speed}
    """


@pytest.hookspec(firstresult=True)
def pytest_aipm_spark_session() -> Any:
    """Return the Spark session that passes over the rows run on, under ``--aipm-engine=spark``.

    Called once, when the first pass is due. Without an implementation, or when all return None, a
    session is made on the master that the ini key ``aipm_spark_master`` names.

    Returns
    -------
    pyspark.sql.SparkSession or None
    """
