"""From one file to a project: what ``aipm init`` writes."""

from __future__ import annotations

import csv
import gzip
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from pytest_aipm.catalog import Catalog
from pytest_aipm.errors import DataError, Problem
from pytest_aipm.policy.schema import modeline
from pytest_aipm.sources.data import DataSpec, open_data
from pytest_aipm.sources.files import suffix_of
from pytest_aipm.sources.typed import is_number
from pytest_aipm.starting.editor import schemas
from pytest_aipm.starting.expected import expected_text, schema_name
from pytest_aipm.starting.files import repository_of
from pytest_aipm.starting.policy_text import template
from pytest_aipm.starting.proposal import Proposal
from pytest_aipm.starting.table import Table, look

__all__ = ["Files", "common_files", "open_table", "schema_of"]

WORKFLOW = ".github/workflows/aipm.yml"
WAIVERS = "policies/waivers.yaml"
IGNORED = ".gitignore"

_PACKED = {
    ".zip": "unzip {name}",
    ".bz2": "bunzip2 {name}",
    ".xz": "unxz {name}",
    ".zst": "unzstd {name}",
    ".7z": "7z x {name}",
    ".tar": "tar xf {name}",
    ".tgz": "tar xzf {name}",
}
_SHEETS = {".xlsx", ".xls", ".ods", ".xlsm"}
_OTHER = {".dta", ".sav", ".sas7bdat", ".rds", ".rdata", ".h5", ".hdf5", ".mat", ".npy", ".npz"}


@dataclass(frozen=True)
class Files:
    """Files beside the policy: those to write, and those that are there already."""

    new: dict[str, str]
    kept: tuple[str, ...]


def open_table(ref: str, root: Path) -> Table:
    """Open data and look at them.

    Parameters
    ----------
    ref : str
        A path from the root, or ``package.module:function``.
    root : Path

    Raises
    ------
    DataError
        When it is no table that an audit can read; it says how to make one of it.
    """
    spec = DataSpec.parse(ref, root)
    if spec.path is not None:
        _readable(root / spec.path, ref)
    try:
        source = open_data(spec, root=root)
    except DataError:
        if spec.path is not None:
            _headed(root / spec.path, ref)  # without names, two columns can seem to be called alike
        raise
    if spec.path is not None:
        _headed(root / spec.path, ref)
    return look(source)


def _readable(path: Path, ref: str) -> None:
    """Say how to unpack or save what is no table, where its name or its first bytes tell."""
    suffix = suffix_of(path)
    last = path.suffix.lower()
    if not path.is_file():
        return
    name = path.name
    if last in _PACKED:
        fix = f"unpack it first: {_PACKED[last].format(name=name)} (.csv.gz is read as it is)"
        raise DataError(Problem("is packed in a way that is not read", fix, ref))
    if last in _SHEETS or (suffix == ".csv" and zipfile.is_zipfile(path)):
        raise DataError(Problem("is a spreadsheet", "save the sheet as CSV (UTF-8)", ref))
    if last in _OTHER:
        fix = "save the rows as CSV or Parquet (pandas reads most formats)"
        raise DataError(Problem(f"is no format that can be read ({last})", fix, ref))
    if last == ".txt":
        raise DataError(Problem("the suffix .txt does not say what it is", "name it .csv", ref))


def _headed(path: Path, ref: str) -> None:
    """Refuse a delimited file whose first line is a row."""
    mark = {".csv": ",", ".csv.gz": ",", ".tsv": "\t", ".tsv.gz": "\t"}.get(suffix_of(path))
    if mark is None or not path.is_file():
        return
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            first = file.readline(1 << 20).decode("utf-8-sig", errors="replace")
    except (OSError, EOFError, zlib.error):
        return
    fields = next(csv.reader([first], delimiter=mark), [])
    numbers = sum(map(is_number, fields))
    if len(fields) > 1 and numbers >= 0.3 * len(fields):
        what = "its first line holds values, not names of columns"
        raise DataError(Problem(what, "write a first line with names", ref, 1))


def common_files(proposal: Proposal, root: Path, check_id: str, catalog: Catalog) -> Files:
    """Return the files that all policies of a project share; what is there is kept."""
    scope = proposal.groups[0].name if proposal.groups else "overall"
    top = repository_of(root)
    folder = root.relative_to(top).as_posix() if top is not None and top != root else ""
    wanted = {
        WAIVERS: template(
            "waivers.yaml.j2",
            modeline=modeline("waivers"),
            example=f"{proposal.name}::{check_id}::{scope}",
            floor="{min: 0.70}",
        ),
        WORKFLOW: template(
            "workflow.yml.j2",
            folder=folder,
            prefix=f"{folder}/" if folder else "",
            install=_installs(root),
        ),
        IGNORED: template("gitignore.j2"),
        **schemas(catalog),
    }
    there = tuple(name for name in wanted if (root / name).exists())
    return Files({name: text for name, text in wanted.items() if name not in there}, there)


def schema_of(proposal: Proposal, catalog: Catalog) -> dict[str, str]:
    """Return the file of expected columns that the policy names, where there is such a check."""
    if "data.schema" not in catalog.names():
        return {}
    return {schema_name(proposal): expected_text(proposal)}


def _installs(root: Path) -> str:
    if (root / "requirements.txt").is_file():
        return "-r requirements.txt pytest-aipm"
    return "-e . pytest-aipm" if (root / "pyproject.toml").is_file() else "pytest-aipm"
