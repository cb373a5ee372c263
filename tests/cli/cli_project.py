"""A small project: 400 rows with decisions in them, so that no model is needed.

``sex`` has a gap of 0.30 (fails a limit of 0.10), ``region`` none (passes), and ``team`` has one
group of 16 rows (inconclusive).
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from pytest_aipm.records import Record

__all__ = ["GAP", "GREEN", "RED", "Project", "Said", "write_rows"]

GAP = "fairness.demographic_parity_difference"
HEAD = """\
aipm: 1
name: {name}
context: {{purpose: Show what the command does, owner: owner@example.org}}
subject:
  task: binary
  predictions: pred
  data: {data}
  label: y
  positive: 1
  favorable: 1
  protected: {{sex: sex, region: region, team: team}}
checks:
"""
RED = f"{{check: {GAP}, id: gap, by: [sex, region, team], limit: {{max: 0.10}}}}"
GREEN = f"{{check: {GAP}, id: gap, by: region, limit: {{max: 0.15}}}}"


@dataclass(frozen=True)
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str


class Project:
    """A folder with data and policies, which is the current folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def policy(
        self, name: str, *checks: str, data: str = "data.csv", subject: dict[str, str] | None = None
    ) -> Path:
        """Write a policy; `subject` replaces lines of its subject by key."""
        lines = HEAD.format(name=name, data=data).splitlines()
        for key, value in (subject or {}).items():
            lines = [line for line in lines if not line.startswith(f"  {key}:")]
            lines.insert(lines.index("checks:"), f"  {key}: {value}")
        place = self.path / f"policies/{name}.aipm.yaml"
        place.parent.mkdir(exist_ok=True)
        place.write_text("\n".join([*lines, *(f"  - {check}" for check in checks), ""]))
        return place

    def file(self, name: str, text: str) -> Path:
        """Write a file."""
        place = self.path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        return place

    def report(self, record: Record, name: str = "aipm-report") -> Path:
        """Write a record's report, with the digest that belongs to it."""
        record.with_digest().write(self.path / name)
        return self.path / name


def write_rows(path: Path) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["y", "pred", "sex", "region", "team"])
        for i in range(400):
            sex, region, team = "FM"[i % 2], "NS"[i // 2 % 2], "Y" if i % 26 == 0 else "X"
            chosen = i // 4 % 10 < (3 if sex == "F" else 6)
            writer.writerow([i // 7 % 2, int(chosen), sex, region, team])
