"""The lending demo as a project of one's own: rows, a model that can be broken, policy, CI."""

from __future__ import annotations

from pathlib import Path

from pytest_aipm.catalog import Catalog
from pytest_aipm.demo import lending
from pytest_aipm.demo.population import THRESHOLD
from pytest_aipm.errors import OptionError, Problem
from pytest_aipm.policy.schema import MODELINE, modeline
from pytest_aipm.starting.editor import schemas
from pytest_aipm.starting.files import write_new
from pytest_aipm.starting.policy_text import template

__all__ = ["write_demo"]

OVERSTATED = 0.25
"""Share of the group Birch that the biased record calls a default, whatever really happened."""


def write_demo(folder: Path) -> list[str]:
    """Write the project and return its files, relative to the folder.

    Raises
    ------
    OptionError
        When the folder holds anything: a demo is no part of another project.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        what = "is no empty folder"
        raise OptionError(Problem(what, "name another: aipm demo FOLDER", str(folder)))
    files = {
        "README.md": template("demo/README.md.j2"),
        "loans.py": template("demo/loans.py.j2", share=OVERSTATED),
        "policies/lending.aipm.yaml": template(
            "demo/lending.aipm.yaml.j2", threshold=THRESHOLD, modeline=MODELINE
        ),
        "policies/waivers.yaml": template(
            "waivers.yaml.j2",
            modeline=modeline("waivers"),
            example="lending::selection-rate::race",
            floor="{min: 0.50}",
        ),
        **schemas(Catalog()),
        "data/holdout.csv": lending.evaluation().to_csv(index=False),
        "data/train.csv": lending.training().to_csv(index=False),
        "pytest.ini": template("demo/pytest.ini.j2"),
        ".gitignore": template("gitignore.j2"),
        ".github/workflows/aipm.yml": template(
            "workflow.yml.j2", folder="", prefix="", install="pytest-aipm"
        ),
    }
    write_new(folder, files)
    return list(files)
