"""One engine for pytest, the command line and the API: from settings to a record.

``load_plan`` reads everything that can be known without data; an ``Auditor`` measures and judges
the nodes of one policy; ``assemble`` makes the record.
"""

from __future__ import annotations

from pytest_aipm.auditing.assemble import assemble
from pytest_aipm.auditing.auditor import Auditor
from pytest_aipm.auditing.plan import Plan, load_plan
from pytest_aipm.auditing.settings import Settings

__all__ = ["Auditor", "Plan", "Settings", "assemble", "load_plan"]
