"""From a policy's words to open sources: what evidence is made of."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytest_aipm.auditing.plan import Plan, champion_spec, model_spec
from pytest_aipm.engine.local import Engine
from pytest_aipm.engine.spark import Spark
from pytest_aipm.engine.table import Table, table_of
from pytest_aipm.errors import DataError, ModelError, Problem
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.kept import Kept
from pytest_aipm.evidence.subject import Attribute, Classes, Decision, Subject
from pytest_aipm.policy.model import DataRef, Policy
from pytest_aipm.sources.data import DataSource, DataSpec, FileData, open_data
from pytest_aipm.sources.join import join
from pytest_aipm.sources.model import Model, open_model
from pytest_aipm.sources.spec import JoinSpec, ModelSpec, Where
from pytest_aipm.sources.weights import RepeatedData

__all__ = ["open_evidence", "subject_of"]

PLACED = (
    "id",
    "label",
    "positive",
    "favorable",
    "predictions",
    "scores",
    "decision",
    "model",
    "train",
    "features",
    "weights",
    "cluster",
    "date",
)
"""Keys of a subject that errors about the data name by their line."""

OTHER_VERSION = "InconsistentVersionWarning"
"""scikit-learn's own word that a model of another version may give invalid results."""


def subject_of(policy: Policy) -> Subject:
    """Return a policy's subject in the terms of evidence."""
    spec = policy.subject
    champion = spec.champion
    return Subject(
        task=spec.task,  # type: ignore[arg-type]
        label=spec.label,
        positive=_chosen(spec.favorable) if spec.task == "multiclass" else spec.positive,
        favorable=_chosen(spec.favorable),
        decision=_decision(policy),
        predictions=spec.predictions,
        scores=spec.scores if isinstance(spec.scores, str) else None,
        class_scores=tuple(spec.scores.items()) if isinstance(spec.scores, dict) else (),
        attributes=tuple(
            Attribute(
                name=name,
                column=_joined(name) if each.file else each.column or name,
                bins=each.bins,
                labels=each.labels,
                groups=each.groups,
                optional=each.optional,
                reference=each.reference,
                line=each.line,
            )
            for name, each in spec.protected.items()
        ),
        features=spec.features,
        champion_predictions=None if champion is None else champion.predictions,
        champion_scores=None if champion is None else champion.scores,
        id=spec.id,
        path=policy.path,
        weights=_weights(policy, "sampling"),
        cluster=spec.cluster or (None if spec.decision is None else spec.decision.within),
        date=spec.date,
        others=() if (frequency := _weights(policy, "frequency")) is None else (frequency,),
        places={
            key: (place.path, place.line)
            for key in PLACED
            if (place := policy.where("subject", key)).line is not None
        },
    )


def _chosen(favorable: object) -> object:
    return Classes(favorable) if isinstance(favorable, tuple) else favorable


def _weights(policy: Policy, kind: str) -> str | None:
    weights = policy.subject.weights
    return weights.column if weights is not None and weights.kind == kind else None


def _joined(name: str) -> str:
    """Return what a joined column is called, so that it meets no column of the data."""
    return f"aipm:{name}"


def _decision(policy: Policy) -> Decision | None:
    rule, spec = policy.subject.decision, policy.subject
    if rule is None:
        return None
    same = spec.positive == spec.favorable
    when = rule.favorable_when or ("above" if same else "below")
    return Decision(
        threshold=rule.threshold, favorable_when=when, top_k=rule.top_k, within=rule.within
    )


def open_evidence(
    plan: Plan,
    policy: Policy,
    *,
    run_dir: Path | None,
    objects: Mapping[str, Any],
    kept: Kept | None = None,
    engine: Engine | None = None,
) -> Evidence:
    """Open a policy's data and model.

    Parameters
    ----------
    plan : Plan
    policy : Policy
    run_dir : Path or None
        Folder the processes of a run share.
    objects : mapping
        ``model``, ``data``, ``train`` handed over by the caller.
    kept : Kept or None
        Predictions of earlier runs.
    engine : Engine, optional
        Where passes over the rows run.

    Raises
    ------
    MeasurementError
        When one cannot be opened.
    """
    root = plan.settings.root
    needs = policy.needs()
    data = _data(plan, policy, "data", policy.subject.data, objects, engine)
    for name, each in policy.subject.protected.items():
        if each.file is None:
            continue
        second = JoinSpec(
            name=_joined(name),
            column=each.column or name,
            file=each.file,
            key=each.key or policy.subject.id or "",
        )
        where = _where(policy, "subject", "protected", name)
        _refuse_table(data, f"attribute {name!r} is joined from a file", where)
        data = join(data, second, root=root, where=where)
    frequency = _weights(policy, "frequency")
    if frequency is not None:
        where = _where(policy, "subject", "weights")
        _refuse_table(data, "rows are repeated by their frequency", where)
        data = RepeatedData(data, frequency, where)
    train, data = None, _stays(data, engine)
    wanted = needs.train or needs.train_too
    if wanted and ("train" in objects or policy.subject.train is not None):
        train = _data(plan, policy, "train", policy.subject.train or DataRef(), objects, engine)
        train = _stays(train, engine)
    pairable = plan.pairables.get(policy.name)
    return Evidence(
        subject_of(policy),
        data,
        model=_model(plan, policy, objects),
        train=train,
        champion=_champion(plan, policy),
        pairing=None if pairable is None else pairable.pairing,
        losses=needs.losses,
        keep_scores=needs.scores,
        keep_rows=needs.rows,
        need_label=needs.label,
        need_decision=needs.predictions,
        seed=plan.settings.seed,
        run_dir=run_dir,
        key=policy.name,
        root=root,
        kept=kept,
        engine=engine,
    )


def _where(policy: Policy, *keys: str) -> Where:
    place = policy.where(*keys)
    return {"path": place.path or policy.path, "line": place.line, "column": place.column}


def _data(
    plan: Plan,
    policy: Policy,
    name: str,
    ref: DataRef,
    objects: Mapping[str, Any],
    engine: Engine | None,
) -> DataSource:
    if name in objects:
        return open_data(objects[name], root=plan.settings.root)
    if ref.table is not None or ref.query is not None:
        where = _where(policy, "subject", name)
        if not isinstance(engine, Spark):
            what = f"'{name}' is a table or a query of a Spark session"
            raise DataError(Problem(what, "run it with --aipm-engine=spark", **where))
        return table_of(engine.session, table=ref.table, query=ref.query, where=where)
    spec = DataSpec(
        path=ref.path, factory=ref.factory, sha256=ref.sha256, missing=tuple(ref.missing)
    )
    return open_data(spec, root=plan.settings.root, where=_where(policy, "subject", name))


def _stays(source: DataSource, engine: Engine | None) -> DataSource:
    """Return a source whose rows, where executors can read them, this process does not."""
    source.afar |= isinstance(engine, Spark) and isinstance(source, FileData)
    return source


def _refuse_table(data: DataSource, what: str, where: Where) -> None:
    """Refuse to read a table through this process, for what is only done here."""
    if isinstance(data, Table):
        what = f"{what} here, and the rows of {data.ref} stay where they are"
        raise DataError(Problem(what, "do it in the query of `data`", **where))


def _model(plan: Plan, policy: Policy, objects: Mapping[str, Any]) -> Model | None:
    if "model" in objects:
        return _opened(plan, policy, _own(objects["model"]))
    spec = model_spec(policy)
    return None if spec is None else _opened(plan, policy, spec)


def _own(model: Any) -> Any:
    """Return a copy, so that a `predict` that writes on its object leaves the caller's alone."""
    try:
        return copy.copy(model)
    except Exception:  # noqa: BLE001 - some hold what cannot be copied; they are asked themselves
        return model


def _champion(plan: Plan, policy: Policy) -> Model | None:
    spec = champion_spec(policy, plan.settings)
    return None if spec is None else _opened(plan, policy, spec, key="champion")


def _output(policy: Policy) -> Any:
    ref = policy.subject.model
    return None if ref is None else ref.output


def _opened(plan: Plan, policy: Policy, spec: Any, key: str = "model") -> Model:
    where = _where(policy, "subject", key)
    model = open_model(
        spec,
        root=plan.settings.root,
        trusted=plan.trust,
        task=policy.subject.task,  # type: ignore[arg-type]
        positive=policy.subject.positive,
        output=None if isinstance(spec, ModelSpec) else _output(policy),
        where=where,
    )
    other = next((each for each in model.warnings if each.startswith(OTHER_VERSION)), None)
    if other is not None:
        said = re.search(r"from version (\S+) when using version (\S+?)\.?(\s|$)", other)
        versions = f" ({said[1]}; {said[2]} is installed)" if said else ""
        what = f"{model.ref} was saved by another scikit-learn{versions}"
        raise ModelError(
            Problem(
                f"{what}, so its predictions may be wrong",
                "install the version it was saved with, or save it again",
                **where,
            )
        )
    return model
