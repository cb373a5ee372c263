"""Claims of the context: what was promised, bound to the checks that show it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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


JUDGE = "framing.claims"
"""The check that counts what became of the claims: it can show none of them."""


def claims_of(context: Map, written: Mapping[str, Map], faults: Faults) -> tuple[ClaimSpec, ...]:
    """Return the claims of a context; what is wrong with one is noted at its line.

    Parameters
    ----------
    context : Map
    written : mapping of str to Map
        The checks of the policy by their ids.
    faults : Faults
    """
    claims = context.get("claims")
    if claims is None:
        return ()
    if not isinstance(claims, Seq):
        what = f"'context.claims' must be a list, not {kind_of(claims)}"
        faults.add(claims.place, what, "start each claim with '- text: '")
        return ()
    return tuple(_claims(claims, written, faults))


def _claims(claims: Seq, written: Mapping[str, Map], faults: Faults) -> Iterator[ClaimSpec]:
    for each in claims.items:
        if not isinstance(each, Map):
            what = f"a claim must be a mapping, not {kind_of(each)}"
            faults.add(each.place, what, "write `{text: ..., checks: [...]}`")
            continue
        no_nulls(each, faults)
        claim = shape(ClaimSpec, closed(each, ClaimSpec, faults, where="a claim"), faults)
        _known(each.get("checks"), written, faults)
        if claim is not None:
            yield claim


def _known(checks: Tree | None, written: Mapping[str, Map], faults: Faults) -> None:
    """Note each check of a claim that the policy does not have, or that judges claims itself."""
    for each in checks.items if isinstance(checks, Seq) else ():
        if not isinstance(each, Scalar) or not isinstance(each.value, str):
            continue
        if each.value not in written:
            what = f"the claim names the check '{each.value}', which is not in this policy"
            faults.add(each.place, what, did_you_mean(each.value, written))
        elif written[each.value].text("check") == JUDGE:
            what = f"the claim names '{each.value}', which itself counts what became of the claims"
            faults.add(each.place, what, "name the checks that show the promise")
