"""A policy after it was read: complete, checked, frozen."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from pytest_aipm.checks.base import CheckParams, Needs
from pytest_aipm.policy.claims import ClaimSpec
from pytest_aipm.policy.grammar import (
    Champion,
    DataRef,
    DecideOn,
    Decision,
    ModelRef,
    ProtectedSpec,
    Publish,
    Regression,
    SubjectSpec,
    Weights,
)
from pytest_aipm.policy.ids import finding_id, scope_id
from pytest_aipm.policy.pack import Pack
from pytest_aipm.policy.reading import reading
from pytest_aipm.policy.scopes import Scope
from pytest_aipm.policy.tree import Map, Place
from pytest_aipm.records import Limit, Loosening

__all__ = [
    "Champion",
    "CheckSpec",
    "DataRef",
    "Decision",
    "ModelRef",
    "Node",
    "Policy",
    "ProtectedSpec",
    "Publish",
    "Regression",
    "SubjectSpec",
    "Weights",
]


@dataclass(frozen=True, kw_only=True)
class CheckSpec:
    """One check of a policy, with every default filled in.

    Attributes
    ----------
    check, id : str
        Full name (``fairness.demographic_parity_ratio``) and name in node ids.
    scopes : tuple of tuple of str
        Attributes of each node; ``()`` is the overall scope.
    unit : str
        Unit of `limit`, `warn` and `regression`; ``""`` is the check's own.
    params : dict of scope to CheckParams
        What the check is told in each scope. See `params_for`.
    kind : {"sample", "census"}
    value_range : tuple of float
        Lowest and highest value the check can give.
    asks, basis : str, {"text", "convention"} or None
        What the clauses ask for, and where the number of the limit comes from.
    inapplicable : str
        What the subject lacks, where the check is `if_possible`; it is then not `enabled`.
    path, line : str, int or None
        Where the check is written: in the policy itself, or in the base that brings it.
    """

    check: str
    id: str
    scopes: tuple[Scope, ...]
    limit: Limit | None
    warn: Limit | None
    unit: str
    regression: Regression | None
    decide_on: DecideOn
    confidence: float
    on_inconclusive: Literal["warn", "fail"]
    min_group_size: int
    unknown: Literal["report", "group", "fail"]
    max_unknown: float
    severity: Literal["error", "advice"]
    clauses: tuple[str, ...]
    enabled: bool
    asks: str = ""
    basis: Literal["text", "convention"] | None = None
    if_possible: bool = False
    inapplicable: str = ""
    params: dict[Scope, CheckParams]
    needs: Needs
    kind: Literal["sample", "census"]
    value_range: tuple[float, float] = (-math.inf, math.inf)
    path: str = ""
    line: int | None = None

    def params_for(self, scope: Scope, *, seed: int = 0) -> CheckParams:
        """Return what the check is told in one scope: its attributes, comparator and seed."""
        return self.params[scope].model_copy(update={"seed": seed})


@dataclass(frozen=True)
class Node:
    """One check on one scope: what pytest runs, what a waiver names."""

    policy: str
    check_id: str
    scope: Scope
    line: int | None

    @property
    def scope_id(self) -> str:
        """``overall``, ``sex`` or ``sex-x-race``."""
        return scope_id(self.scope)

    @property
    def finding_id(self) -> str:
        """``policy::check-id::scope``."""
        return finding_id(self.policy, self.check_id, self.scope)


@dataclass(frozen=True, kw_only=True)
class Policy:
    """A policy, ready to be audited.

    Attributes
    ----------
    name : str
    path : str
        File, relative to the root folder.
    sha256, text : str
        Of the file itself.
    extends : tuple of str
        All files it stands on, bases first.
    context : dict
        As written.
    loosened : tuple of Loosening
        Where it asks for less than its bases, or by another rule.
    claims : tuple of ClaimSpec
        What the context promises, and which checks show it.
    packs : tuple of Pack
        The packs among its bases.
    tree : Map
        The merged text, for positions.
    """

    name: str
    path: str
    sha256: str
    text: str
    extends: tuple[str, ...]
    context: dict[str, Any]
    subject: SubjectSpec
    publish: Publish
    checks: tuple[CheckSpec, ...]
    loosened: tuple[Loosening, ...]
    claims: tuple[ClaimSpec, ...] = ()
    packs: tuple[Pack, ...] = ()
    tree: Map = field(repr=False, compare=False, default_factory=Map)

    def reading(self) -> str:
        """Return how `positive`, `favorable` and `decision` are read, as one sentence."""
        return reading(self.subject)

    def nodes(self) -> tuple[Node, ...]:
        """Return every check on every scope, in the policy's order, disabled ones too."""
        return self._nodes

    @cached_property
    def _nodes(self) -> tuple[Node, ...]:
        return tuple(
            Node(self.name, check.id, scope, check.line)
            for check in self.checks
            for scope in check.scopes
        )

    @cached_property
    def scopes(self) -> frozenset[Scope]:
        """What its checks look at, each once."""
        return frozenset(node.scope for node in self._nodes)

    def needs(self) -> Needs:
        """Return the evidence that all enabled checks need."""
        union = Needs()
        for check in self.checks:
            if check.enabled:
                union |= check.needs
        return union

    def check(self, check_id: str) -> CheckSpec:
        """Return the check called `check_id`.

        Raises
        ------
        KeyError
            When there is none.
        """
        return self._checks[check_id]

    @cached_property
    def _checks(self) -> dict[str, CheckSpec]:
        return {check.id: check for check in self.checks}

    def where(self, *keys: str | int) -> Place:
        """Return where something is written, ``where("subject", "label")`` for example.

        Without such a key it is the place of the nearest thing around it.
        """
        return self.tree.place_of(*keys)
