"""How often the explain family is wrong about a model that has not changed, and what it catches.

Each run draws other people and another seed. The model is the same in all of them: a function with
a protected column, a proxy and interactions, whose true values come from a very large sample, or,
where a number depends on how many rows there are, from the mean of many other runs. The limit of
each check is put where the truth lies, so a failure is a false one; 5 of 100 are allowed.

    python benchmarks/explain.py [--runs 2000] [--rows 300] [--only CASE ...]
        [--kept FILE] [--write docs/explainability.md]

``--kept`` is a file in which what was found is kept case by case, and from which it goes on.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from harness import bound, percent, table, versions
from scipy.stats import spearmanr

from pytest_aipm.attribution import exact, players_of
from pytest_aipm.catalog import Catalog
from pytest_aipm.checks.base import Measurement
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.reasons import reasons
from pytest_aipm.evidence.subject import Attribute, Decision, Subject
from pytest_aipm.evidence.surrogate import surrogate
from pytest_aipm.judge import Rules, judge
from pytest_aipm.records import Limit, Verdict
from pytest_aipm.sources.data import open_data
from pytest_aipm.sources.model import open_model
from pytest_aipm.sources.trust import Trust

CATALOG = Catalog()
MEAN = 2000
"""Other runs whose mean value is the limit, where that depends on the number of rows."""
BLOCK = 100
COLUMNS = ["sex", "income", "debt", "zip", "years", "age"]
MORE = [f"x{i}" for i in range(1, 7)]


def people(rows: int, seed: int) -> pd.DataFrame:
    """Return people of two sexes; zip goes along with sex, years with income."""
    rng = np.random.default_rng([seed, 1])
    sex = rng.choice(["f", "m"], rows)
    income = rng.gamma(2.0, 1.0, rows)
    frame = pd.DataFrame(
        {
            "sex": sex,
            "income": income,
            "debt": rng.exponential(1.0, rows),
            "zip": rng.integers(0, 4, rows) + 2 * (sex == "f"),
            "years": income + rng.normal(0, 1, rows),
            "age": rng.uniform(-1, 1, rows),
        }
    )
    frame["y"] = (rng.random(rows) < chance(frame)).astype(int)
    return frame.assign(**dict(zip(MORE, rng.normal(size=(len(MORE), rows)), strict=True)))


def chance(frame: pd.DataFrame, sex: float = 0.35) -> np.ndarray:
    """Return a chance with interactions of up to three columns; age turns in the middle."""
    male = (frame["sex"] == "m").to_numpy(dtype=float)
    income, debt = frame["income"].to_numpy(), frame["debt"].to_numpy()
    score = 0.45 * (income - 2) - 0.4 * debt + sex * male - 0.12 * frame["zip"].to_numpy()
    score = score + 0.2 * male * debt + 0.1 * (income > 2) * debt * (frame["years"] > 2)
    score = score + 0.8 * frame["age"].to_numpy() ** 2
    return np.asarray(1 / (1 + np.exp(-score)))


def alike(frame: pd.DataFrame) -> np.ndarray:
    """Return a chance of columns that both sexes have alike."""
    score = 0.45 * (frame["income"] - 2) - 0.4 * frame["debt"] * (1 + frame["age"])
    return np.asarray(1 / (1 + np.exp(-score)))


class Model:
    """The function as a model; `sex` says how much it leans on that column."""

    classes_ = np.array([0, 1])
    feature_names_in_ = np.array(COLUMNS, dtype=object)

    def __init__(self, sex: float = 0.35) -> None:
        self.sex = sex

    def predict_proba(self, frame: pd.DataFrame) -> np.ndarray:
        """Return the chances of both classes."""
        found = chance(frame, self.sex)
        return np.column_stack([1 - found, found])

    def predict(self, frame: pd.DataFrame) -> np.ndarray:
        """Return the likelier class."""
        return (chance(frame, self.sex) >= 0.5).astype(int)


def evidence(rows: int, seed: int, *, model: Model | None = None, champion: Any = None) -> Evidence:
    """Return the evidence of one run."""
    subject = Subject(
        task="binary",
        label="y",
        positive=1,
        favorable=1,
        decision=Decision(0.5, "above"),
        attributes=(Attribute("sex", "sex"),),
    )

    def opened(made: Any) -> Any:
        return open_model(made, root=Path(), trusted=Trust.read(Path(), ()), positive=1)

    return Evidence(
        subject,
        open_data(people(rows, seed), root=Path()),
        model=opened(model or Model()),
        champion=None if champion is None else opened(champion),
        need_label=True,
        seed=seed,
    )


def measured(found: Evidence, check: str, **keys: Any) -> Measurement:
    """Return what a check measures."""
    module = CATALOG.load(f"explain.{check}")
    return module.check(found, module.Params(seed=found.seed, **keys))


@dataclass(frozen=True)
class Case:
    """A check, what it is asked, and which side of the truth the limit is on."""

    check: str
    said: str
    keys: dict[str, Any] = field(default_factory=dict)
    end: str = "max"
    truth: Callable[[], float] | None = None
    """The limit; None takes the mean of the value over `MEAN` other runs of as many rows."""
    of_run: Callable[[Evidence], float] | None = None
    """The limit where each run has a truth of its own."""
    model: type[Model] | None = None

    @property
    def name(self) -> str:
        """What the case is called in the file of what was found."""
        return f"{self.check}: {self.said}"


class Alike(Model):
    """A model that treats everybody by what both sexes have alike."""

    def predict_proba(self, frame: pd.DataFrame) -> np.ndarray:
        """Return the chances of both classes."""
        found = alike(frame)
        return np.column_stack([1 - found, found])


class Wide(Model):
    """A model of so many columns that reasons are drawn, not enumerated; sex is of no account."""

    feature_names_in_ = np.array([*COLUMNS, *MORE], dtype=object)

    def predict_proba(self, frame: pd.DataFrame) -> np.ndarray:
        """Return the chances of both classes."""
        pull = frame[MORE].to_numpy() @ np.array([1.6, 0.9, 0.4, 0.02, 0.02, 0.02])
        odds = np.exp(pull + 0.3 * frame["x1"].to_numpy() * frame["x2"].to_numpy()) / np.exp(0.5)
        found = alike(frame)
        found = found * odds / (1 - found + found * odds)
        return np.column_stack([1 - found, found])


@lru_cache(maxsize=6)
def _large(number: int, model: type[Model]) -> Evidence:
    return evidence(20_000, 9_000_000 + number, model=model())


def _far(check: str, model: type[Model] = Model, **keys: Any) -> Callable[[], float]:
    """Return a function that measures a check on very many rows, several times."""

    def truth() -> float:
        many = {"rows": 10_000, "background": 1000, "walks": 8}
        found = [measured(_large(i, model), check, **keys, **many).estimate for i in range(6)]
        return float(np.mean([each.value for each in found if each is not None]))

    return truth


def _exact(name: str, runs: int = 40) -> float:
    """Return how far a column's ranks agree with its attributions by enumeration, either way."""
    found = []
    for run in range(runs):
        rows, background = (people(n, 9_300_000 + 2 * run + i) for i, n in enumerate((1200, 400)))
        given = rows[COLUMNS], background[COLUMNS], players_of(COLUMNS)
        values = exact(chance, *given)[0][:, COLUMNS.index(name), 0]
        found.append(abs(float(spearmanr(rows[name], values).statistic)))
    return float(np.mean(found))


def _importance() -> float:
    """Return the loss of accuracy; chances take the place of labels, so it has no noise of them."""
    losses = []
    for seed in range(20):
        frame = people(200_000, 9_000_100 + seed)
        given, rng = chance(frame), np.random.default_rng(seed)
        for _ in range(3):
            other = frame.assign(income=rng.permutation(frame["income"].to_numpy()))
            right = [np.where(said >= 0.5, given, 1 - given) for said in (given, chance(other))]
            losses.append(float(np.mean(right[0] - right[1])))
    return float(np.mean(losses))


def _shares(sex: float = 0.35) -> dict[str, float]:
    """Return the true shares of attribution."""
    found = measured(
        evidence(20_000, 9_100_000, model=Model(sex)),
        "parsimony",
        rows=10_000,
        background=1000,
        walks=8,
        share=0.999999,
    )
    (bars,) = found.series
    return dict(zip(map(str, bars.x), map(float, bars.y), strict=True))  # type: ignore[arg-type]


@lru_cache(maxsize=1)
def _approved() -> dict[str, float]:
    """Return shares of which the largest change is 0.05, as it is allowed."""
    true = _shares()
    approved = dict(true)
    approved["income"] -= 0.05
    approved["debt"] += 0.02
    approved["years"] += 0.03
    total = sum(approved.values())
    return {name: value / total for name, value in approved.items()}


def cases() -> list[Case]:
    """Return every check with its limit at the truth."""
    sex = {"by": ("sex",)}
    return [
        Case("protected_flip", "share of flips", sex, truth=_flips),
        Case("attribution_share", "share of sex", sex, truth=_far("attribution_share", **sex)),
        Case("gap_decomposition", "part of sex", sex, truth=_far("gap_decomposition", **sex)),
        Case(
            "gap_decomposition",
            "part of zip",
            {**sex, "of": ("zip",)},
            truth=_far("gap_decomposition", **sex, of=("zip",)),
        ),
        Case(
            "proxy_reliance",
            "reliance on proxies of sex",
            sex,
            truth=_far("proxy_reliance", **sex),
        ),
        Case(
            "equal_treatment",
            "a model that treats all alike",
            sex,
            truth=lambda: 0.5,
            model=Alike,
        ),
        Case("direction", "age, which turns", {"helps": ("age",)}, end="min", truth=_none),
        # in the middle noise pulls nowhere: what it does shows at limits far from 0
        *(
            Case(
                "direction",
                f"{name}, as its exact attributions say",
                {"helps" if name == "years" else "harms": (name,)},
                end="min",
                truth=partial(_exact, name),
            )
            for name in ("years", "debt")
        ),
        Case("importance", "accuracy without income", {"of": ("income",)}, truth=_importance),
        Case(
            "attribution_drift",
            "income moved by 0.05, as much as is allowed",
            {"approved": _approved},
            truth=lambda: 0.05,
        ),
        Case("parsimony", "features for 80 %", truth=_far("parsimony")),
        Case("stability", "share of rows that change by a tenth", {"change": 0.1}),
        Case(
            "surrogate_fidelity",
            "fidelity of the tree of each run",
            {"depth": 2},
            end="min",
            of_run=_fidelity,
        ),
        Case(
            "recourse",
            "share that less debt turns",
            {"mutable": {"debt": "down"}, "changes": 1},
            end="min",
        ),
        *(
            Case(
                "explanation_parity",
                f"{measure}, alike for both sexes",
                {**sex, "measure": measure, "change": 0.1},
                truth=_none,
                model=Alike,
            )
            for measure in ("stability", "fidelity", "reasons")
        ),
        Case("monotone", "no reversal", {"helps": ("income",), "harms": ("zip",)}, truth=_none),
        Case("additivity", "a model that repeats itself", truth=_none),
        Case(
            "reason_codes",
            "reasons are as stable as they must be, and proper",
            {
                "stability": _settled,
                "phrases": dict.fromkeys([*COLUMNS[1:], *MORE], "A reason"),
                "rows": 60,
            },
            end="min",
            truth=lambda: 0.9,
            model=Wide,
        ),
    ]


def _none() -> float:
    return 0.0


@lru_cache(maxsize=1)
def _settled() -> float:
    """Return how often reasons are the same when drawn again, over other runs."""
    keys: dict[str, Any] = {"k": 4, "least": 0.05, "rows": 60, "background": 16, "budget_s": None}
    found = [
        reasons(evidence(300, 6_000_000 + run, model=Wide()), output="auto", players={}, **keys)
        for run in range(500)
    ]
    return float(np.mean([each.stable.mean() for each in found if each is not None]))


def _flips() -> float:
    frame = people(400_000, 9_000_002)
    other = frame.assign(sex=np.where(frame["sex"] == "m", "f", "m"))
    return float(np.mean((chance(frame) >= 0.5) != (chance(other) >= 0.5)))


def _fidelity(found: Evidence) -> float:
    """Return how often the tree that a run has grown is right about very many people."""
    grown = surrogate(found, depth=2, rows=5000)
    if grown is None:
        return 0.0
    frame = _many()
    return float(np.mean(grown.tree.decide(frame) == (chance(frame) >= 0.5)))


@lru_cache(maxsize=1)
def _many() -> pd.DataFrame:
    return people(50_000, 9_000_003)


def limit_of(case: Case, rows: int) -> float:
    """Return the limit of a case: its truth, or the mean over runs that are not looked at again."""
    if case.of_run is not None:
        return float("nan")
    if case.truth is not None:
        return case.truth()
    made = None if case.model is None else case.model()
    values = []
    for run in range(MEAN):
        found = measured(evidence(rows, 5_000_000 + run, model=made), case.check, **case.keys)
        values.append(float("nan") if found.estimate is None else found.estimate.value)
    return float(np.nanmean(values))


def false_fails(
    asked: list[tuple[Case, float]], runs: int, rows: int, *, start: int = 0
) -> list[int]:
    """Return how many runs of each case fail although the truth lies on the limit."""
    failed = [0] * len(asked)
    for run in range(start, start + runs):
        shared: dict[type[Model] | None, Evidence] = {}
        for place, (case, limit) in enumerate(asked):
            if case.model not in shared:
                made = None if case.model is None else case.model()
                shared[case.model] = evidence(rows, run, model=made)
            own = shared[case.model]
            keys = {name: each() if callable(each) else each for name, each in case.keys.items()}
            found = measured(own, case.check, **keys)
            truth = limit if case.of_run is None else case.of_run(own)
            failed[place] += judge(found, _rules(case, truth)).verdict is Verdict.FAIL
    return failed


def _rules(case: Case, limit: float) -> Rules:
    kind = CATALOG.load(f"explain.{case.check}").KIND
    bounds = Limit(max=limit) if case.end == "max" else Limit(min=limit)
    return Rules(limit=bounds, decide_on="point" if kind == "census" else "interval")


def drift_caught(runs: int, rows: int, *, start: int = 0) -> tuple[int, float, float]:
    """Return how often a share of sex that went from 8 to 18 % is caught, and both shares."""
    low, high = _leaning(0.08), _leaning(0.18)
    rules, caught = Rules(limit=Limit(max=0.05)), 0
    for run in range(start, start + runs):
        both = evidence(rows, run, model=Model(high), champion=Model(low))
        found = measured(both, "attribution_drift")
        caught += judge(found, rules).verdict is Verdict.FAIL
    return caught, _shares(low)["sex"], _shares(high)["sex"]


def _leaning(share: float) -> float:
    """Return how much the model must lean on sex for it to have a share of the attribution."""
    low, high = -0.25, 2.0
    for _ in range(18):
        middle = (low + high) / 2
        found = measured(
            evidence(2000, 9_200_000, model=Model(middle)), "attribution_share", by=("sex",)
        )
        value = found.estimate.value if found.estimate is not None else 0.0
        low, high = (middle, high) if value < share else (low, middle)
    return (low + high) / 2


def kept_of(file: Path | None) -> dict[str, dict[str, float]]:
    """Return what was found before: limit, runs and false fails of each case."""
    if file is None or not file.exists():
        return {}
    found: dict[str, dict[str, float]] = json.loads(file.read_text(encoding="utf-8"))
    return found


def counted(
    only: list[str], runs: int, rows: int, file: Path | None
) -> dict[str, dict[str, float]]:
    """Return runs and false fails of every case, kept in a file after each block of runs.

    Cases that stand at the same run are looked at together, on the same attributions.
    """
    kept = kept_of(file)
    asked = [case for case in cases() if not only or case.check in only]
    for case in asked:
        if case.name not in kept:
            kept[case.name] = {"runs": 0, "failed": 0, "limit": limit_of(case, rows)}
    while asked:
        start = int(min(kept[case.name]["runs"] for case in asked))
        if start >= runs:
            return kept
        group = [case for case in asked if kept[case.name]["runs"] == start]
        ends = [int(kept[case.name]["runs"]) for case in asked if case not in group]
        block = min([BLOCK, runs - start, *(end - start for end in ends)])
        limits = [(case, kept[case.name]["limit"]) for case in group]
        for case, failed in zip(group, false_fails(limits, block, rows, start=start), strict=True):
            kept[case.name]["runs"] += block
            kept[case.name]["failed"] += failed
        if file is not None:
            file.write_text(json.dumps(kept, indent=1), encoding="utf-8")
        print({name: own["failed"] for name, own in kept.items()}, start + block, file=sys.stderr)
    return kept


def null_table(kept: dict[str, dict[str, float]]) -> str:
    """Return the table of false fails."""
    lines = []
    for case in cases():
        own = kept.get(case.name)
        if own is None or not own["runs"]:
            continue
        runs, failed = int(own["runs"]), int(own["failed"])
        most, limit = bound(runs, 1), "its own" if case.of_run else f"{own['limit']:.4f}"
        share = (percent(failed / runs), percent(most / runs), "yes" if failed <= most else "NO")
        lines.append((f"`explain.{case.check}`", case.said, limit, f"{runs:,}", *share))
    head = ("check", "what is true", "limit", "runs", "false fails", "at most", "within")
    return table(head, lines)


def written(page: Path, name: str, text: str) -> None:
    """Put a text between the markers of a page."""
    before, after = f"<!-- {name} -->\n", f"\n<!-- /{name} -->"
    head, rest = page.read_text(encoding="utf-8").split(before, 1)
    _, tail = rest.split(after, 1)
    page.write_text(f"{head}{before}\n{text}\n{after}{tail}", encoding="utf-8")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--rows", type=int, default=300)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--kept", type=Path)
    parser.add_argument("--write", type=Path)
    told = parser.parse_args()
    kept = counted(told.only, told.runs, told.rows, told.kept)
    text = null_table(kept)
    print(text)
    if not told.only or "drift" in told.only:
        runs = max(told.runs // 10, 20)
        caught, before, after = drift_caught(runs, 1000)
        print(
            f"\nShare of sex moved from {before:.3f} to {after:.3f}: caught in {caught} of {runs} "
            "runs of 1,000 rows."
        )
    print(f"\n{versions('numpy', 'pandas', 'scipy', 'scikit-learn')}")
    if told.write is not None:
        written(told.write, "false fails", text)


if __name__ == "__main__":
    main()
