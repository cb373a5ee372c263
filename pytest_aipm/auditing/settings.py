"""What a run was asked to do: plain values from options, ini keys or arguments."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["BASELINE", "REPORT", "SIGN_OFFS", "Settings"]

REPORT = "aipm-report"
BASELINE = "aipm-baseline.json"
SIGN_OFFS = "policies/sign_offs.yaml"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything a run depends on beside the files it names.

    Attributes
    ----------
    root : Path
        Folder that paths in policies are relative to.
    policies : tuple of Path
        Policy files and folders.
    report : Path
        Folder of the evidence.
    baseline : Path
        The approved baseline; `baseline_given` when it was named and must therefore exist.
    waivers : Path or None
    sign_offs : Path or None
        They are shown, and decide nothing.
    use_waivers : bool
        False decides as if no waiver existed.
    strict : bool
        Inconclusive fails.
    deep : bool
        Checks that refit the model run, too.
    trust : tuple of str
        ``sha256:HEX`` of artifacts allowed for this run.
    seed : int
    exports : tuple of str or None
        Names of the exports that are written; None means all.
    model, data : str or None
        Audited instead of what the one selected policy names.
    packs : Path or None
        The project's own packs, beside those that are built in or installed.
    update_baseline, first_baseline : bool
        Whether the run may do without an approved baseline.
    history : Path or None
        File of earlier releases.
    engine, spark_master : str
        Where passes over the rows run: ``local`` or ``spark``, and on which master.
    """

    root: Path
    policies: tuple[Path, ...]
    report: Path
    baseline: Path
    baseline_given: bool = False
    waivers: Path | None = None
    sign_offs: Path | None = None
    use_waivers: bool = True
    strict: bool = False
    deep: bool = False
    trust: tuple[str, ...] = ()
    seed: int = 0
    exports: tuple[str, ...] | None = None
    model: str | None = None
    data: str | None = None
    packs: Path | None = None
    update_baseline: bool = False
    first_baseline: bool = False
    history: Path | None = None
    engine: str = "local"
    spark_master: str = "local[*]"

    def shown(self, path: Path) -> str:
        """Return a path as messages print it: relative to the root where it lies inside."""
        try:
            return path.resolve().relative_to(self.root.resolve()).as_posix()
        except ValueError:
            return path.as_posix()
