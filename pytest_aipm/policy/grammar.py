"""The grammar of a policy: what each key is called, which values it takes, what it means.

Shapes live here; rules that bind several keys are in `subject` and `rules`, because only they know
the lines. Everything is frozen.
"""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
)

from pytest_aipm.policy.ids import IS_ID, is_id

__all__ = [
    "INTERNAL",
    "TASKS",
    "Champion",
    "CheckKeys",
    "DataRef",
    "DecideOn",
    "Decision",
    "EntryId",
    "Grammar",
    "ModelRef",
    "Override",
    "Pairing",
    "ProtectedSpec",
    "Publish",
    "Regression",
    "SubjectSpec",
    "Text",
    "Weights",
    "ref_of",
]

TASKS = ("binary", "multiclass", "regression", "ranking")
INTERNAL = frozenset({"line", "no_worse"})
"""Fields that the loader fills; no policy may name them."""

KEYWORDS = ("highest", "largest", "overall")
"""References that are not the name of a group."""

_FACTORY = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_ENVIRONMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_SHA256 = re.compile(r"(sha256:)?[0-9a-fA-F]{64}")

DecideOn = Literal["interval", "point", "proof"]
Value = bool | int | float | str


def _text(value: str) -> str:
    if not value.strip():
        raise ValueError("must not be empty; give it a value or remove the key")
    return value


def _local(value: str) -> str:
    if _URL.match(value):
        raise ValueError(f"'{value}' is a URL; give a local path")
    return _text(value)


def _factory(value: str) -> str:
    if not _FACTORY.fullmatch(value):
        raise ValueError(f"'{value}' is no factory; write 'package.module:function'")
    return value


def _sha256(value: str) -> str:
    if not _SHA256.fullmatch(value):
        raise ValueError("is not a sha256 of 64 hex digits; copy it from `sha256sum FILE`")
    return value.removeprefix("sha256:").lower()


def _environment(value: str) -> str:
    if not _ENVIRONMENT.fullmatch(value):
        raise ValueError(
            "is not the name of an environment variable; write the name such as AIPM_PAIRING_KEY, "
            "never the key itself"
        )
    return value


def _name(value: str) -> str:
    if not is_id(value):
        raise ValueError("has letters other than A-Z, a-z, 0-9, '_', '.', '-'; shorten it")
    return value


def _group(value: object) -> object:
    """Return a group's name as reports write it: 1.0 reads ``1``, true reads ``true``."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value) if isinstance(value, int | float) else value


def _ascending(values: tuple[float, ...]) -> tuple[float, ...]:
    if any(a >= b for a, b in itertools.pairwise(values)):
        raise ValueError("must ascend; sort the cut points and name each once")
    return values


def _distinct(values: tuple[Any, ...]) -> tuple[Any, ...]:
    twice = [value for i, value in enumerate(values) if value in values[:i]]
    if twice:
        raise ValueError(f"names '{twice[0]}' twice; name each once")
    return values


def _several(values: tuple[Any, ...]) -> tuple[Any, ...]:
    if len(values) == 1:
        raise ValueError("names one class; name all of them, in the order of the model's numbers")
    return _distinct(values)


def _share_or_count(value: float) -> float:
    if value <= 0 or (value >= 1 and not isinstance(value, int)):
        raise ValueError(
            f"must be a share between 0 and 1, or a whole number of rows, not {value}; "
            "write 0.1 for one row in ten, or 10 for ten rows"
        )
    return value


SHARE_OR_COUNT = WithJsonSchema(
    {
        "anyOf": [
            {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
            {"type": "integer", "minimum": 1},
        ]
    }
)
"""What `_share_or_count` says, for editors."""


def _known_task(value: str) -> str:
    if value not in TASKS:
        raise ValueError(
            f"'{value}' is not a task of this version: {', '.join(TASKS)}; choose one of them"
        )
    return value


def _matching(pattern: str) -> WithJsonSchema:
    """Return what editors are told of a text.

    They know no Python: where its regular expressions mean another thing, the pattern allows more.
    """
    return WithJsonSchema({"type": "string", "pattern": pattern})


Text = Annotated[str, AfterValidator(_text), _matching(r"\S")]
EntryId = Annotated[Text, AfterValidator(_name), WithJsonSchema(IS_ID)]
"""A name of its own, of a waiver or an incident."""
LocalPath = Annotated[str, AfterValidator(_local), _matching(rf"^(?!{_URL.pattern})[\s\S]*\S")]
Factory = Annotated[str, AfterValidator(_factory), _matching(r"^[^\s:]+:[^\s:]+$")]
Sha256 = Annotated[str, AfterValidator(_sha256), _matching(rf"^{_SHA256.pattern}$")]
EnvironmentName = Annotated[
    str, AfterValidator(_environment), _matching(rf"^{_ENVIRONMENT.pattern}$")
]
GroupName = Annotated[
    str,
    BeforeValidator(_group),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "number"}, {"type": "boolean"}]}),
]
Task = Annotated[
    str,
    AfterValidator(_known_task),
    WithJsonSchema({"type": "string", "enum": list(TASKS)}),
]
Texts = Annotated[tuple[Text, ...], AfterValidator(_distinct)]
Groups = Annotated[tuple[GroupName, ...], AfterValidator(_distinct)]


class Grammar(BaseModel):
    """Base of all shapes: closed and immutable."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", protected_namespaces=(), use_attribute_docstrings=True
    )


class DataRef(Grammar):
    """Where rows come from. With neither path nor factory, the caller hands them over."""

    path: LocalPath | None = None
    """A file, or a folder of files: csv, parquet, feather, arrow, jsonl; from pytest's rootdir."""
    factory: Factory | None = None
    """``package.module:function``, which returns a DataFrame."""
    table: Text | None = None
    """A table of the Spark session, under `--aipm-engine=spark`."""
    query: Text | None = None
    """SQL for the Spark session, likewise."""
    sha256: Sha256 | None = None
    """Pins the file: another one is an error."""
    missing: tuple[str, ...] = ()
    """Texts that mean "missing" beside the empty field."""


class ModelRef(Grammar):
    """Where the model comes from. With neither path nor factory, the caller hands it over."""

    path: LocalPath | None = None
    """A model file, from pytest's rootdir."""
    factory: Factory | None = None
    """``package.module:function``, which returns a fitted model."""
    sha256: Sha256 | None = None
    """Pins the file: another one is an error. A file that can run code needs it, or `aipm.lock`."""
    trust: Texts = ()
    """Types that a skops file may hold."""
    output: Literal["auto", "probability", "decision_function", "label"] = "auto"
    """Which of the model's answers is its score."""
    classes: Annotated[tuple[Value, ...], AfterValidator(_several)] = ()
    """Names of the classes in the order of their numbers, for a file that holds only those."""


class Champion(Grammar):
    """The earlier model: a reference to it, or columns with what it said."""

    ref: LocalPath | None = None
    """The earlier model: a file, or ``package.module:function``."""
    predictions: Text | None = None
    """The column with what it decided."""
    scores: Text | None = None
    """The column with its scores."""


class Pairing(Grammar):
    """Where the approved decisions are kept row by row, and the variable that holds the key."""

    file: LocalPath
    """Where the approved decisions are kept; outside version control."""
    key_env: EnvironmentName
    """Name of the environment variable that holds the key, never the key itself."""


class Decision(Grammar):
    """How a score becomes a decision.

    ``top_k`` is how many rows, by score, get the favorable decision: a share of them, or a whole
    number. Without it ``threshold`` decides. ``favorable_when: above`` means ``score >=
    threshold``, or the highest scores.
    """

    threshold: float | None = None
    """The score from which on the decision turns."""
    favorable_when: Literal["above", "below"] | None = None
    """On which side of the threshold the favorable decision lies."""
    top_k: Annotated[int | float, AfterValidator(_share_or_count), SHARE_OR_COUNT] | None = None
    """Rows, by score, that get the favorable decision, instead of a threshold: a share of them, or
    a whole number."""
    within: Text | None = None
    """The column that says which rows are ranked against each other: a query, a vacancy, a day."""


class ProtectedSpec(Grammar):
    """A protected attribute: its column, in the data or in another file, and its groups."""

    column: Text | None = None
    """Default: the attribute's name."""
    file: LocalPath | None = None
    """A second file that holds the column."""
    key: Text | None = None
    """The column by which that file is joined; default: `id` of the subject."""
    bins: Annotated[tuple[float, ...], AfterValidator(_ascending)] = ()
    """Left-closed cut points: ``[25, 40]`` is under 25, 25 to under 40, 40 and over."""
    labels: Groups = ()
    """Names of the intervals that `bins` make, lowest first."""
    groups: Groups = ()
    """Groups that must occur, unless they are `optional`."""
    optional: Groups = ()
    """Declared groups that may be absent."""
    reference: GroupName | None = None
    """Compared with whom: highest, largest, overall or a group's name."""
    line: int | None = None


class Weights(Grammar):
    """How many people a row stands for.

    A plain column name means `sampling`: read as sampling weights, counts of people lose power;
    read as counts, sampling weights would show what the rows cannot.
    """

    column: Text
    """The column that holds the weights."""
    kind: Literal["sampling", "frequency"]
    """``sampling``: one person, who stands for others like them. ``frequency``: so many people
    alike, each of whom was seen."""


class SubjectSpec(Grammar):
    """What is audited.

    `positive` and `favorable` are both set for a binary classification; `favorable` of a
    multiclass one is a tuple of classes, or None.
    """

    task: Task
    """What the model predicts."""
    model: ModelRef | None = None
    """A model file, or a factory that returns a fitted model."""
    predictions: Text | None = None
    """Instead of a model: the column that holds what it decided."""
    scores: Text | dict[str, Text] | None = None
    """Instead of a model: the column that holds its scores; of a multiclass task one for each
    class, by the name of the class."""
    data: DataRef = DataRef()
    """The rows that are audited: a file, a folder of files, or a factory."""
    train: DataRef | None = None
    """The training rows, for the privacy checks."""
    label: Text | None = None
    """The column with what really happened."""
    positive: Value | None = None
    """The class the score predicts: error rates, precision and AUC speak of it."""
    favorable: Value | tuple[Value, ...] | None = None
    """The outcome that is good for a person, or several of them: the selection rate speaks of it.
    """
    decision: Decision | None = None
    """How a score becomes a decision; default: the model's own `predict`."""
    protected: dict[str, ProtectedSpec] = Field(default_factory=dict)
    """The groups of people that are compared: ``name: column``, or the long form."""
    id: Text | None = None
    """The column that identifies a row; never a feature."""
    weights: Weights | None = None
    """A column that says how many people a row stands for."""
    cluster: Text | None = None
    """The column that says whose row it is, where people have several."""
    date: Text | None = None
    """The column with the day of each row, as YYYY-MM-DD."""
    features: Texts | None = None
    """What the model is given; default: what it was fitted on, else all without another role."""
    champion: Champion | None = None
    """The model in use today: both are compared on the same rows."""
    pairing: Pairing | None = None
    """The approved decisions are remembered row by row, so that the same rows are compared."""


class Regression(Grammar):
    """Largest change for the worse: against the baseline, and against the anchor."""

    max_change: float | None = Field(default=None, ge=0)
    """Largest change for the worse against the approved baseline."""
    max_total_change: float | None = Field(default=None, ge=0)
    """Largest change for the worse against the first approved baseline."""
    no_worse: bool = False
    """From ``gate: no-worse``: the tolerance is the baseline's own retraining spread, else 0.02."""


class Publish(Grammar):
    """Cells of fewer people are counted, but their rates are withheld; rows show where allowed."""

    min_cell: int = Field(default=5, ge=0)
    """Fewest people whose rate is published; fewer are counted and judged all the same."""
    rows: int = Field(default=0, ge=0, le=5)
    """Most rows of a finding of which the page shows what was changed in them; 0 shows none."""


class Override(Grammar):
    """Who lets a policy ask for less than its base, and why."""

    reason: Text
    """Why less is asked for."""
    owner: Text
    """Who answers for it."""


class CheckKeys(Grammar):
    """The keys that every check takes, and `defaults` too."""

    decide_on: DecideOn | None = None
    """What is compared with the limit: the whole interval, the point estimate, or proof."""
    confidence: float = Field(default=0.95, gt=0.5, lt=1)
    """Level of each one-sided end of the interval."""
    on_inconclusive: Literal["warn", "fail"] = "warn"
    """Whether rows that cannot tell leave the build green or turn it red."""
    min_group_size: int = Field(default=1, ge=1)
    """Smaller groups (by the metric's denominator) are counted but not judged."""
    gate: Literal["no-worse"] | None = None
    """No worse than the approved run, beyond what an honest retrain changes."""
    severity: Literal["error", "advice"] = "error"
    """Whether a broken limit fails the build or only warns."""
    unknown: Literal["report", "group", "fail"] = "report"
    """What a missing group value means: counted apart, a group of its own, or a failure."""
    max_unknown: float = Field(default=0.05, ge=0, le=1)
    """Largest share of unknown rows before the node fails by count."""
    reference: GroupName | None = None
    """Compared with whom: highest, largest, overall or a group's name."""
    clause: tuple[Text, ...] = ()
    """Clauses of laws or rules that ask for this check; printed in the report."""
    asks: Text | None = None
    """What the clause asks for, in your words."""
    basis: Literal["text", "convention"] | None = None
    """Whether the number of the limit stands in the clause's text or is convention."""
    if_possible: bool = False
    """Where the subject lacks what the check needs: not judged, instead of refusing the policy."""
    enabled: bool = True
    """Whether the check runs; a disabled one is shown as not judged."""


def ref_of(text: str, root: Path) -> dict[str, str]:
    """Return a reference on the command line as a policy writes it.

    ``package.module:function`` is a factory, unless a file is called just so.
    """
    is_factory = _FACTORY.fullmatch(text) is not None and not (root / text).exists()
    return {"factory" if is_factory else "path": text}
