"""The outline of a policy file: what stands at its top, and what begins each of its checks.

The loader reads these keys itself, because their lines decide what it says; this is what there is
to know about them, for the loader and for editors.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict, Field

from pytest_aipm.policy.claims import ClaimSpec
from pytest_aipm.policy.grammar import Grammar, Override, Publish, Text
from pytest_aipm.policy.pack import PackHead

__all__ = ["CheckOutline", "ContextOutline", "PolicyOutline"]

Names = Text | list[Text]


class ContextOutline(Grammar):
    """What readers of the report must know. Open: any other key is printed, too."""

    model_config = ConfigDict(extra="allow")

    purpose: Text | None = None
    """What the model is for."""
    owner: Text | None = None
    """Who answers for it."""
    claims: list[ClaimSpec] | None = None
    """What was promised, bound to the checks that show it."""


class PolicyOutline(Grammar):
    """A policy of pytest-aipm: what is audited, what must hold, and who answers for it."""

    aipm: Literal[1]
    """Version of the policy language."""
    name: str | None = None
    """First part of every finding's id; unique in a run."""
    pack: PackHead | None = None
    """Makes the file a pack: a base that says whose rule it answers to."""
    extends: Names | None = None
    """Files to build on, relative to this one, or ``pack:NAME``. Later ones win, this file over
    all; asking for less than they do needs an `override`."""
    context: ContextOutline | None = None
    """What readers of the report must know; `purpose` and `owner` are required."""
    subject: dict[str, Any] | None = None
    """What is audited. A file without it is a base for `extends`."""
    defaults: dict[str, Any] | None = None
    """Keys of all checks, unless a check says otherwise."""
    publish: Publish | None = None
    """What the report withholds."""
    checks: list[CheckOutline] | None = None
    """What must hold. Checks of the files it extends are matched by `id`."""


class CheckOutline(Grammar):
    """What begins a check; `CheckKeys` and the check's own parameters follow."""

    check: str | None = None
    """What is measured: ``family.name``. `aipm explain NAME` prints its documentation."""
    id: str | None = None
    """Its name in reports and node ids; default: the check's name. Unique in a policy."""
    by: Text | list[Text | list[Text]] | None = Field(default=None)
    """Its groups: ``sex``, ``[sex, race]`` (two tests) or ``[[sex, race]]`` (their intersection);
    default for fairness: every protected attribute."""
    limit: dict[str, float] | None = None
    """What must hold: ``{min: ...}``, ``{max: ...}`` or both."""
    warn: dict[str, float] | None = None
    """A stricter limit that warns."""
    regression: dict[str, float] | None = None
    """How much worse than the approved baseline it may be."""
    override: Override | None = None
    """Who lets this file ask for less than the files it extends, and why."""
