"""``python -m pytest_aipm`` is ``aipm``."""

from __future__ import annotations

import sys

from pytest_aipm.cli import main

if __name__ == "__main__":
    sys.exit(main())
