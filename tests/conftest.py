"""What all tests share: hypothesis, a warm Python, and a build server that is out of sight.

An audit of this repository loads this file too, because of ``testpaths``, and needs no test tools.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

if find_spec("hypothesis"):
    from hypothesis import HealthCheck, settings

    settings.register_profile(  # no clock decides, and no chance
        "aipm",
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow],
    )
    settings.load_profile("aipm")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Let workers take whole stretches of tests, so that few fixtures are made in each of them."""
    from xdist.scheduler import WorkStealingScheduling

    return WorkStealingScheduling(config, log) if config.getvalue("dist") == "load" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the pages, whose tests take longest: none of them is waited for at the end."""
    pages = Path(__file__).parent / "docs"
    items.sort(key=lambda item: pages not in item.path.parents)


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


@pytest.fixture(autouse=True, scope="session")
def _interruptible() -> Iterator[None]:
    """Let tests of Ctrl-C interrupt what they start, also where nobody can interrupt this run.

    What a shell starts in the background ignores Ctrl-C, and hands that on to all its children.
    """
    ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    if ignored:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    if ignored:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


@pytest.fixture(scope="session")
def warm() -> Iterator[str]:
    """Start the Python of `warm_python` and end it; its address is given."""
    with tempfile.TemporaryDirectory(prefix="aipm") as folder:  # a socket's name must be short
        address = Path(folder) / "s"
        script = Path(__file__).with_name("warm_python.py")
        command = [sys.executable, "-P", script, "serve", address]
        with subprocess.Popen(command, cwd=folder) as server:
            try:
                for _ in range(1200):
                    if address.exists() or server.poll() is not None:
                        break
                    time.sleep(0.1)
                yield str(address)
            finally:
                server.terminate()
