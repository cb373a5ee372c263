"""What all tests share: one profile of hypothesis, and a build server that is out of sight.

An audit of this repository loads this file too, because of ``testpaths``, and needs no test tools.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.util import find_spec

import pytest

if find_spec("hypothesis"):
    from hypothesis import settings

    settings.register_profile("aipm", deadline=None, derandomize=True)
    settings.load_profile("aipm")


@pytest.fixture(autouse=True, scope="session")
def _no_build_server() -> Iterator[None]:
    """Keep the audits inside tests from writing into the log and summary of the run's own server.

    A fixture, so that an audit of this repository still speaks to the server it runs on.
    """
    mine = {name: value for name, value in os.environ.items() if name.startswith("GITHUB_")}
    for name in mine:
        del os.environ[name]
    yield
    os.environ.update(mine)
