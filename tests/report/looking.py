"""Where nobody can look at a page."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def missing_browser(why: str) -> NoReturn:
    """Skip where somebody works without a browser; where CI runs, that would hide the page."""
    if os.environ.get("CI"):
        pytest.fail(f"{why}, but CI is set and the report must be looked at there", pytrace=False)
    pytest.skip(why)
