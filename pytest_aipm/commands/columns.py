"""Opens a policy's data, and looks for every column that the policy names.

Models stay shut: a model file is looked for and hashed, no more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from pytest_aipm.auditing.plan import Plan, champion_spec, model_spec
from pytest_aipm.errors import AipmError, MeasurementError, ModelError, Problem
from pytest_aipm.expressions import ExpressionError
from pytest_aipm.policy.model import DataRef, Policy
from pytest_aipm.sources.data import DataSource, DataSpec, open_data
from pytest_aipm.sources.files import check_pin, resolve, sha256_of, suffix_of
from pytest_aipm.sources.join import join
from pytest_aipm.sources.native.formats import NATIVE, format_of
from pytest_aipm.sources.spec import JoinSpec, ModelSpec, Where
from pytest_aipm.sources.trust import CODE

__all__ = ["Opened", "open_all"]

Column = tuple[str, tuple[str | int, ...]]
"""A column's name, and the keys of the policy that name it."""


@dataclass
class Opened:
    """What was found in data and model files.

    Attributes
    ----------
    lines : list of str
        What is there, one line a source.
    problems : list of Problem
        What is wrong.
    """

    lines: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def open_all(plan: Plan, policy: Policy) -> Opened:
    """Open the data of a policy, its training rows and the files of its attributes.

    Parameters
    ----------
    plan : Plan
        Its trust says which artifact was vouched for.
    policy : Policy

    Returns
    -------
    Opened
        Every fault is in it; none is raised.
    """
    found = Opened()
    subject = policy.subject
    data = _open(plan, policy, "data", subject.data, found)
    if data is not None:
        _require(data, policy, _named(policy), found)
        _searched(data, policy, found)
        _join(plan, policy, data, found)
    if subject.train is not None:
        train = _open(plan, policy, "train", subject.train, found)
        if train is not None and policy.needs().train:
            _require(train, policy, _trained(policy), found)
    for key, spec in (
        ("model", model_spec(policy)),
        ("champion", champion_spec(policy, plan.settings)),
    ):
        if spec is not None:
            _artifact(plan, policy, key, spec, found)
    return found


def _open(plan: Plan, policy: Policy, key: str, ref: DataRef, found: Opened) -> DataSource | None:
    spec = DataSpec(
        path=ref.path, factory=ref.factory, sha256=ref.sha256, missing=tuple(ref.missing)
    )
    try:
        source = open_data(spec, root=plan.settings.root, where=_where(policy, "subject", key))
        size = f"{source.rows:,} rows, {len(source.columns):,} columns"
    except MeasurementError as fault:
        found.problems += fault.problems
        return None
    found.lines.append(f"{key}: {source.ref}, {size}")
    return source


def _named(policy: Policy) -> Iterator[Column]:
    """Yield the columns that the data must have."""
    subject = policy.subject
    if subject.weights is not None:
        yield subject.weights.column, ("subject", "weights", "column")
    for key in ("label", "predictions", "scores", "id", "cluster", "date"):
        column = getattr(subject, key)
        if isinstance(column, dict):
            yield from ((each, ("subject", key, name)) for name, each in column.items())
        elif column is not None:
            yield column, ("subject", key)
    if subject.decision is not None and subject.decision.within is not None:
        yield subject.decision.within, ("subject", "decision", "within")
    for key in ("predictions", "scores"):
        column = None if subject.champion is None else getattr(subject.champion, key)
        if column is not None:
            yield column, ("subject", "champion", key)
    yield from _features(policy)
    for name, each in policy.subject.protected.items():
        if each.file is None:
            yield each.column or name, ("subject", "protected", name, "column")


def _features(policy: Policy) -> Iterator[Column]:
    for i, column in enumerate(policy.subject.features or ()):
        yield column, ("subject", "features", i)


def _trained(policy: Policy) -> Iterator[Column]:
    """Yield the columns that the training rows must have."""
    if policy.needs().label and policy.subject.label is not None:
        yield policy.subject.label, ("subject", "train")
    yield from ((column, ("subject", "train")) for column, _ in _features(policy))


def _require(source: DataSource, policy: Policy, columns: Iterable[Column], found: Opened) -> None:
    for column, keys in columns:
        try:
            source.require([column], _where(policy, *keys))
        except MeasurementError as fault:
            found.problems += fault.problems


def _searched(data: DataSource, policy: Policy, found: Opened) -> None:
    """Look for the columns that a check names itself or in expressions, beside the protected."""
    for check in policy.checks:
        told = next(iter(check.params.values()))
        named = getattr(told, "columns", ())
        others = [name for name in named if name not in policy.subject.protected]
        where: Where = {"path": check.path or policy.path, "line": check.line}
        try:
            data.require(others, where)
        except MeasurementError as fault:
            found.problems += fault.problems
        for key, expression in getattr(told, "expressions", {}).items():
            try:
                expression.require(data.columns)
            except ExpressionError as fault:
                found.problems += (
                    Problem(f"'{key}', {each.what}", each.fix, **where) for each in fault.problems
                )


def _join(plan: Plan, policy: Policy, data: DataSource, found: Opened) -> None:
    """Look up the attributes that live in files of their own."""
    for name, each in policy.subject.protected.items():
        if each.file is None:
            continue
        spec = JoinSpec(
            name=f"aipm:{name}",
            column=each.column or name,
            file=each.file,
            key=each.key or policy.subject.id or "",
        )
        try:
            join(
                data,
                spec,
                root=plan.settings.root,
                where=_where(policy, "subject", "protected", name),
            )
        except MeasurementError as fault:
            found.problems += fault.problems
        else:
            found.lines.append(f"{name}: {each.file}, joined by {spec.key}")


def _artifact(plan: Plan, policy: Policy, key: str, spec: ModelSpec, found: Opened) -> None:
    """Look for a model file, and hash it where it is pinned or locked."""
    if spec.path is None:
        found.lines.append(f"{key}: {spec.factory}, not opened")
        return
    root, where = plan.settings.root, _where(policy, "subject", key)
    try:
        path = resolve(spec.path, root, where=where, error=ModelError)
        if path.is_file() and suffix_of(path) in CODE:
            plan.trust.vouched(spec, sha256_of(path), root, where)
        elif path.is_file() and spec.sha256 is not None:
            check_pin(spec.sha256, sha256_of(path), spec.path, where=where, error=ModelError)
        kind = ""
        if path.is_file() and suffix_of(path) in NATIVE:
            kind = f" ({format_of(path.read_bytes(), suffix_of(path), spec.path, where).title})"
    except MeasurementError as fault:
        found.problems += fault.problems
    except AipmError:
        return  # nobody vouches for it: that is the lock's fault, and told with it
    else:
        found.lines.append(f"{key}: {spec.path}{kind}, not opened")


def _where(policy: Policy, *keys: str | int) -> Where:
    place = policy.where(*keys)
    return {"path": place.path or policy.path, "line": place.line, "column": place.column}
