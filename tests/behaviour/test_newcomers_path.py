"""The newcomer's path, from an empty folder to an expired waiver, as a reader would walk it."""

from __future__ import annotations

import json
import os
import re
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from warm_python import asking

QUICK_START = Path(__file__).parents[2] / "docs" / "quick-start.md"
RELEASE = datetime(2026, 3, 2, tzinfo=UTC)
WITHIN = datetime(2026, 3, 31, 23, tzinfo=UTC)
BEYOND = datetime(2026, 4, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Walk:
    """A folder and the commands that are given in it."""

    folder: Path
    warm: str

    def run(self, command: str, *, on: datetime = RELEASE) -> tuple[int, str]:
        """Run `aipm ...` or `pytest ...` on a day; return the exit code and what was said."""
        program, *words = command.split()
        module = {"aipm": "pytest_aipm", "pytest": "pytest"}[program]
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "GITHUB_"))}
        kept.pop("CI", None)
        done = subprocess.run(
            [*asking(self.warm, "python"), "-m", module, *words],
            cwd=self.folder,
            env={
                **kept,
                "SOURCE_DATE_EPOCH": str(int(on.timestamp())),
                # its engine takes a second to load in each run
                "PYTEST_ADDOPTS": "-p no:hypothesispytest",
                "COLUMNS": "200",
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        said = done.stdout + done.stderr
        assert "Traceback" not in said
        assert "INTERNALERROR" not in said
        return done.returncode, said

    def text(self, name: str) -> str:
        return (self.folder / name).read_text(encoding="utf-8")

    def edit(self, name: str, old: str, new: str) -> None:
        text = self.text(name)
        assert old in text
        (self.folder / name).write_text(text.replace(old, new), encoding="utf-8")

    def findings(self) -> dict[str, dict[str, object]]:
        record = json.loads(self.text("aipm-report/audit.json"))
        return {each["id"]: each for audit in record["audits"] for each in audit["findings"]}

    def page(self) -> str:
        """Return the report's words."""
        return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", self.text("aipm-report/index.html")))


def commands() -> list[str]:
    """Return the three commands of the quick start."""
    first = re.search(r"^```sh\n(.*?)^```$", QUICK_START.read_text(), re.DOTALL | re.MULTILINE)
    assert first is not None
    return first[1].splitlines()


@pytest.mark.parametrize("walk", ["my loans"], indirect=True)
def test_from_nothing_to_red_to_waived_to_red_again(walk: Walk) -> None:
    init, validate, audit = commands()
    policy = "policies/holdout.aipm.yaml"

    # the demo's rows and model stand for the newcomer's own; the policy is written by `init`
    (walk.folder / "policies" / "lending.aipm.yaml").unlink()
    (walk.folder / "policies" / "waivers.yaml").unlink()
    init = init.replace("holdout.csv", "data/holdout.csv --model loans:model")
    code, said = walk.run(init)
    assert code == 0, said
    assert f"wrote {policy}" in said
    code, said = walk.run(validate)
    assert code == 0, said
    assert "the favorable decision is 0, taken when the model's own predict says 0" in said

    # the first report
    code, said = walk.run(audit)
    assert code == 0, said
    assert "report: aipm-report/index.html" in said
    assert "selection rate" in walk.page()
    assert not any(each["failing"] for each in walk.findings().values())

    # today's model is approved; from now on it must not get worse
    code, said = walk.run("aipm approve aipm-report --by Me --reason First")
    assert code == 0, said
    assert (walk.folder / "aipm-baseline.json").is_file()
    walk.edit(policy, "# regression:", "regression:")

    # the model is broken: red, for whom and by how much
    walk.edit("loans.py", "BIASED_RECORD = False", "BIASED_RECORD = True")
    code, said = walk.run(audit)
    assert code == 1, said
    red = {name: each for name, each in walk.findings().items() if each["failing"]}
    assert "holdout::selection-ratio::race" in red
    assert "Birch" in said
    assert "FAIL" in walk.page()
    assert red["holdout::selection-ratio::race"]["baseline"]["verdict"] == "worse"
    assert not any(name.endswith("::sex") for name in red), "nothing was done to sex"

    # somebody answers for it, until the end of the month
    entries = [
        f"  - {{id: W-{i}, check: '{name}', reason: The new record is being cleaned, "
        "owner: risk@example.org, ticket: RISK-1, created: 2026-03-02, expires: 2026-03-31}"
        for i, name in enumerate(sorted(red))
    ]
    walk.edit("policies/waivers.yaml", "waivers: []", "\n".join(["waivers:", *entries]))
    code, said = walk.run(audit, on=WITHIN)
    assert code == 0, said
    waived = walk.findings()
    assert {name for name, each in waived.items() if each["verdict"] == "waived"} == set(red)
    assert "RISK-1" in walk.page()
    assert "2026-03-31" in walk.page()

    # the day after: red again, and it is said why
    code, said = walk.run(audit, on=BEYOND)
    assert code == 1, said
    assert {name for name, each in walk.findings().items() if each["failing"]} == set(red)
    assert "expired" in said.lower()


@pytest.fixture
def walk(tmp_path: Path, request: pytest.FixtureRequest, warm: str) -> Walk:
    """The demo in a folder with a blank in its name."""
    code, said = Walk(tmp_path, warm).run("aipm demo demo")
    assert code == 0, said
    return Walk((tmp_path / "demo").rename(tmp_path / request.param), warm)
