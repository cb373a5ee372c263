"""Claims of the context: read with their checks, or refused at their line."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from policy_samples import GOOD

from pytest_aipm.policy import Policy

CONTEXT = "context: {purpose: Pre-screen loans, owner: risk@example.org}\n"


ABSENT = "the claim names the check '{}', which is not in this policy"


def with_claims(text: str) -> str:
    """The good policy with claims from line 6 on."""
    head = "context:\n  purpose: Pre-screen loans\n  owner: risk@example.org\n"
    return GOOD.replace(CONTEXT, f"{head}{text}")


def test_claims_are_read_with_their_checks(load: Callable[..., Policy]) -> None:
    policy = load(with_claims("  claims:\n    - {text: Treats all alike, checks: [gap]}\n"))
    (claim,) = policy.claims
    assert claim.text == "Treats all alike"
    assert claim.checks == ("gap",)
    assert policy.context["claims"] == [{"text": "Treats all alike", "checks": ["gap"]}]


@pytest.mark.parametrize("text", ["", "  claims: []\n"])
def test_a_policy_without_claims_has_none(load: Callable[..., Policy], text: str) -> None:
    assert load(with_claims(text)).claims == ()


@pytest.mark.parametrize(
    ("claim", "said"),
    [
        (
            "{text: a, checks: [gpa]}",
            f"7:26: {ABSENT.format('gpa')}; did you mean 'gap'?",
        ),
        (
            "{text: a, checks: [odds]}",
            f"7:26: {ABSENT.format('odds')}; known: gap",
        ),
        (
            "{text: '  ', checks: [gap]}",
            "7:14: 'text' must not be empty; give it a value or remove the key",
        ),
        ("{checks: [gap]}", "7:7: 'text' is missing; add it"),
        ("{text: a}", "7:7: 'checks' is missing; add it"),
        ("{text: a, checks: []}", "7:25: 'checks' must not be empty; name the checks that show it"),
        ("{text: a, checks: gap}", "7:25: 'checks' must be a list, not 'gap'; correct it"),
        ("{text: a, checks: [gap, gap]}", "7:25: 'checks' names 'gap' twice; name each once"),
        (
            "{text: a, checks: [1]}",
            "7:26: item 1 of 'checks' must be text, not the number 1; put it in quotes",
        ),
        (
            "{text: 5, checks: [gap]}",
            "7:14: 'text' must be text, not the number 5; put it in quotes",
        ),
        (
            "{text: a, check: [gap], checks: [gap]}",
            "7:17: unknown key 'check' in a claim; did you mean 'checks'?",
        ),
        ("{text: , checks: [gap]}", "7:8: 'text' is empty; give it a value or remove the key"),
        (
            "just words",
            "7:7: a claim must be a mapping, not 'just words'; write `{text: ..., checks: [...]}`",
        ),
    ],
)
def test_what_is_wrong_with_a_claim_is_said_at_its_line(
    faults: Callable[..., list[str]], claim: str, said: str
) -> None:
    assert faults(with_claims(f"  claims:\n    - {claim}\n")) == [f"credit.aipm.yaml:{said}"]


@pytest.mark.parametrize(
    ("claims", "kind"),
    [("all is well", "'all is well'"), ("{text: a}", "a mapping"), ("", "empty")],
)
def test_claims_are_a_list(faults: Callable[..., list[str]], claims: str, kind: str) -> None:
    (said,) = faults(with_claims(f"  claims: {claims}\n"))
    assert f"'context.claims' must be a list, not {kind}; start each claim with" in said


def test_all_faults_of_all_claims_are_said_at_once(faults: Callable[..., list[str]]) -> None:
    said = faults(
        with_claims("  claims:\n    - {text: a, checks: [gpa]}\n    - {text: '', checks: [gap]}\n")
    )
    assert [line.split(":")[1] for line in said] == ["7", "8"]


def test_a_base_that_promises_a_check_the_child_lacks_is_said_where_it_promises(
    write: Callable[..., object], faults: Callable[..., list[str]]
) -> None:
    write("aipm: 1\ncontext:\n  claims:\n    - {text: a, checks: [gap, odds]}\n", "base.aipm.yaml")
    (said,) = faults(GOOD.replace("name: credit", "name: credit\nextends: base.aipm.yaml"))
    assert said.startswith("base.aipm.yaml:4:31: the claim names the check 'odds'")


def test_a_child_replaces_the_claims_of_its_base(
    write: Callable[..., object], load: Callable[..., Policy]
) -> None:
    write("aipm: 1\ncontext:\n  claims:\n    - {text: a, checks: [odds]}\n", "base.aipm.yaml")
    text = with_claims("  claims:\n    - {text: b, checks: [gap]}\n")
    policy = load(text.replace("name: credit", "name: credit\nextends: base.aipm.yaml"))
    assert [claim.text for claim in policy.claims] == ["b"]
