"""Claims of the context: what was promised, bound to the checks that show it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Annotated

from pydantic import AfterValidator

from pytest_aipm.policy.grammar import Grammar, Text, Texts
from pytest_aipm.policy.tree import Faults, Map, Scalar, Seq, Tree
from pytest_aipm.policy.words import closed, did_you_mean, kind_of, no_nulls, shape

__all__ = ["ClaimSpec", "claims_of"]


def _some(checks: tuple[str, ...]) -> tuple[str, ...]:
    if not checks:
        raise ValueError("must not be empty; name the checks that show it")
    return checks


class ClaimSpec(Grammar):
    """One promise in words, and the ids of the checks that must hold for it to be kept."""

    text: Text
    """The promise, in the words it was made in."""
    checks: Annotated[Texts, AfterValidator(_some)]
    """Ids of the checks that show it."""


def claims_of(context: Map, ids: Collection[str], faults: Faults) -> tuple[ClaimSpec, ...]:
    """Return the claims of a context; what is wrong with one is noted at its line.

    Parameters
    ----------
    context : Map
    ids : collection of str
        The checks of the policy.
    faults : Faults
    """
    written = context.get("claims")
    if written is None:
        return ()
    if not isinstance(written, Seq):
        what = f"'context.claims' must be a list, not {kind_of(written)}"
        faults.add(written.place, what, "start each claim with '- text: '")
        return ()
    return tuple(_claims(written, ids, faults))


def _claims(written: Seq, ids: Collection[str], faults: Faults) -> Iterator[ClaimSpec]:
    for each in written.items:
        if not isinstance(each, Map):
            what = f"a claim must be a mapping, not {kind_of(each)}"
            faults.add(each.place, what, "write `{text: ..., checks: [...]}`")
            continue
        no_nulls(each, faults)
        claim = shape(ClaimSpec, closed(each, ClaimSpec, faults, where="a claim"), faults)
        _known(each.get("checks"), ids, faults)
        if claim is not None:
            yield claim


def _known(checks: Tree | None, ids: Collection[str], faults: Faults) -> None:
    """Note each check of a claim that the policy does not have."""
    for each in checks.items if isinstance(checks, Seq) else ():
        if isinstance(each, Scalar) and isinstance(each.value, str) and each.value not in ids:
            what = f"the claim names the check '{each.value}', which is not in this policy"
            faults.add(each.place, what, did_you_mean(each.value, ids))
