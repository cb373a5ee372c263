"""What `aipm init` proposes for data sets of the field, and whether a person would accept it.

For each set: which label and which protected attributes are proposed from the rows alone; whether
these are the ones its readers use (`SETS`: the documented label, the attributes that must be among
the proposed ones, and those that may be); then, with out-of-fold predictions of a simple model as a
column, what `aipm init --yes`, `aipm validate` and `pytest --aipm-audit` say.

The sets are no part of this repository: name the folder that holds them, or set
AIPM_REFERENCE_DATA.

    python benchmarks/init_proposals.py FOLDER [--only NAME]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from harness import table, versions
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import cross_val_predict
from sklearn.preprocessing import OrdinalEncoder

from pytest_aipm.starting.proposal import Said, propose
from pytest_aipm.starting.start import open_table

ADULT = (
    "age workclass fnlwgt education education-num marital-status occupation relationship race sex "
    "capital-gain capital-loss hours-per-week native-country income"
)


def plain(path: Path) -> pd.DataFrame:
    """Read a file as it is; only empty fields are missing."""
    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    return pd.read_csv(path, keep_default_na=False, na_values=[""], low_memory=False)


def adult(path: Path) -> pd.DataFrame:
    """Read a file without a header, with a blank behind each comma."""
    skip = 1 if "test" in path.name else 0
    return pd.read_csv(path, names=ADULT.split(), skiprows=skip, skipinitialspace=True)


def promoted(path: Path) -> pd.DataFrame:
    """Add the outcome that the documentation derives: a combined score of 70 or more."""
    rows = plain(path)
    return rows.assign(promoted=(rows["Combine"] >= 70).map({True: "yes", False: "no"}))


@dataclass(frozen=True)
class Set:
    """A data set, its documented label, and the attributes that must and that may be proposed."""

    file: str
    label: str | None
    must: str
    may: str = ""
    read: Callable[[Path], pd.DataFrame] = plain


SETS = {
    "compas": Set("compas/compas-scores-two-years.csv.gz", "two_year_recid", "sex race age_cat"),
    "compas_aequitas": Set(
        "compas_aequitas/compas_for_aequitas.csv", "label_value", "race sex age_cat"
    ),
    "compas_divexplorer": Set("compas_divexplorer/compas_discretized.csv", "class", "race sex age"),
    "adult": Set("adult/adult.data.gz", "income", "race sex age", "marital-status", adult),
    "adult test": Set("adult/adult.test.gz", "income", "race sex age", "marital-status", adult),
    "german": Set("german/german.csv", "credit", "personal_status age foreign_worker"),
    "hmda_boston": Set("hmda_boston/HMDA.csv", "deny", "afam", "single"),
    "hmda_boston ecdat": Set("hmda_boston/Hmda_ecdat.csv", "deny", "black", "single"),
    "law_school": Set("law_school/law_school_clean.csv.gz", "pass_bar", "race male"),
    "credit_default": Set(
        "credit_default/credit-card-clients.csv.gz", "default payment", "SEX AGE", "MARRIAGE"
    ),
    "student_por": Set("student/student_por.csv", "class", "sex age"),
    "student_mat": Set("student/student_mat.csv", "class", "sex age"),
    "ricci": Set("ricci/ricci.csv", "promoted", "Race", read=promoted),
    "titanic": Set("titanic/titanic3.csv", "survived", "sex age"),
    "verifyml loans": Set("verifyml/loan_approval.csv", "Loan_Status", "Gender", "Married"),
    # the file holds inputs only: no column says what happened
    "verifyml credit": Set(
        "verifyml/credit_risk.csv", None, "gender age ethnic", "married citizenship"
    ),
    "acs_income": Set(
        "acs_income_predictions/ACS_sample.test.parquet",
        "PINCP",
        "SEX RAC1P AGEP",
        "DIS MAR CIT NATIVITY MIL",
    ),
    "aif360_r": Set("aif360_r/data.csv.gz", "income", "race sex age", "marital-status"),
}


def accepted(one: Set, label: str | None, protected: set[str]) -> bool:
    """Return whether nobody who knows the set would edit this."""
    must, may = set(one.must.split()), set(one.may.split())
    return label == one.label and must <= protected <= must | may


def with_predictions(rows: pd.DataFrame, label: str, protected: set[str]) -> pd.DataFrame:
    """Add what a boosted model says about each row, fitted on the others and without groups."""
    inputs = rows.drop(columns=[label, *(name for name in protected if name in rows)])
    inputs = inputs.drop(columns=[name for name in inputs if len(inputs[name].unique()) < 2])
    words = inputs.select_dtypes(exclude="number").columns
    inputs[words] = OrdinalEncoder(encoded_missing_value=-1).fit_transform(
        inputs[words].astype(str)
    )
    model = HistGradientBoostingClassifier(max_iter=30, random_state=0)
    return rows.assign(predicted=cross_val_predict(model, inputs, rows[label], cv=3))


def run(folder: Path, *words: str) -> tuple[int, str, float]:
    """Run a module in a project; return its exit code, what it said, and the seconds."""
    begun = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    told = done.stdout + done.stderr
    if "Traceback" in told or "INTERNALERROR" in told:
        raise SystemExit(told)
    return done.returncode, told, time.perf_counter() - begun


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", default=os.environ.get("AIPM_REFERENCE_DATA"))
    parser.add_argument("--only")
    options = parser.parse_args()
    if options.folder is None:
        parser.error("name the folder with the sets, or set AIPM_REFERENCE_DATA")
    lines = []
    for name, one in SETS.items():
        path = Path(options.folder) / one.file
        if (options.only and options.only != name) or not path.exists():
            continue
        with tempfile.TemporaryDirectory() as place:
            lines.append(line(name, one, path, Path(place)))
            print(lines[-1], file=sys.stderr)
    head = ("set", "rows", "label", "protected", "accepted", "init", "validate", "audit", "s")
    print(table(head, lines))
    good = sum(each[4] == "yes" for each in lines)
    print(f"\naccepted without edits: {good} of {len(lines)}; {versions('pandas', 'pytest')}")


def line(name: str, one: Set, path: Path, place: Path) -> tuple[object, ...]:
    """Return one set's line of the table."""
    rows = one.read(path)
    rows.to_csv(place / "rows.csv", index=False)
    found = propose(open_table("rows.csv", place), Said(), "rows.csv")
    label = found.label.column if found.label else None
    protected = {each.column for each in found.groups}
    verdict = "yes" if accepted(one, label, protected) else "NO"
    shown = (name, f"{len(rows):,}", label or "none", ", ".join(sorted(protected)), verdict)
    if label is None or rows[label].nunique() != 2:
        return (*shown, "-", "-", "-", "-")
    with_predictions(rows, label, protected).to_csv(place / "rows.csv", index=False)
    init, _, first = run(place, "pytest_aipm", "init", "--data", "rows.csv", "--yes")
    valid, _, second = run(place, "pytest_aipm", "validate")
    code, told, third = run(place, "pytest", "--aipm-audit", "-q")
    lines = told.splitlines()
    end = next((place for place, each in enumerate(lines) if " · report:" in each), None)
    said = lines[-1][:60]
    if end is not None:
        said = f"{lines[end].partition(' ')[0]}: {lines[end - 1].partition(': ')[2]}"
    return (*shown, init, valid, f"{code} {said}", f"{first + second + third:.1f}")


if __name__ == "__main__":
    main()
