"""Rules over checks, and prices, as a policy writes them: a fault has its line and a way out."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_aipm.catalog import Catalog
from pytest_aipm.errors import PolicyError
from pytest_aipm.policy import load_policy

POLICY = """\
aipm: 1
name: small
context: {purpose: Choose, owner: team@example.org}
subject: {task: binary, data: rows.csv, label: y, model: model.skops, positive: 1}
checks:
  - {check: performance.metric, id: accuracy, metric: accuracy, limit: {min: 0.5}}
  - {check: performance.metric, id: share-of.yes, metric: selection_rate, limit: {max: 0.5}}
  - {check: operations.latency, id: latency, limit: {max_p95_ms: 50}}
"""


def load(tmp_path: Path, *lines: str):
    path = tmp_path / "small.aipm.yaml"
    path.write_text(POLICY + "".join(f"  - {line}\n" for line in lines), encoding="utf-8")
    return load_policy(path, root=tmp_path, catalog=Catalog())


def refused(tmp_path: Path, *lines: str) -> str:
    with pytest.raises(PolicyError) as caught:
        load(tmp_path, *lines)
    return str(caught.value)


def rule(text: str) -> str:
    return f'{{check: framing.tradeoff, id: both, rule: "{text}"}}'


@pytest.mark.parametrize(
    "text",
    [
        "accuracy >= 0.8 and latency.p95_ms <= 50",
        "latency.p99_ms <= 90 or not latency > 20",
        "`share-of.yes` < 0.3 and accuracy in [0.5, 1]",
        "accuracy - `share-of.yes` / 2 > 0.1",
    ],
)
def test_ids_and_their_units_are_known(tmp_path: Path, text: str) -> None:
    assert load(tmp_path, rule(text)).checks[-1].id == "both"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "acuracy >= 0.8",
            "column 1 of \"acuracy >= 0.8\": there is no other check 'acuracy'; did you mean",
        ),
        (
            "accuracy >= 0.8 and latency.p90_ms < 5",
            "there is no other check 'latency.p90_ms'; did you mean 'latency.p99_ms'?",
        ),
        ("both == 1", "there is no other check 'both'"),
        ("share-of.yes < 0.3", "there is no other check 'share'"),
        ("accuracy >= ", "it ends where a value is expected"),
        ("accuracy", "'rule' is a number and no condition; compare it: accuracy >= 0.8, say"),
        ("1 < 2", "'rule' names no check"),
        ("accuracy = 0.8", "write `==` to compare"),
        ("accuracy.real >= 0.8", "there is no other check 'accuracy.real'"),
        ("__import__('os') == 1", "there are no functions"),
    ],
)
def test_what_a_rule_cannot_mean_is_refused_at_its_line(
    tmp_path: Path, text: str, said: str
) -> None:
    message = refused(tmp_path, rule(text))
    assert message.startswith("small.aipm.yaml:9:")
    assert said in message
    assert "Traceback" not in message


def test_every_unknown_name_is_told_at_once(tmp_path: Path) -> None:
    message = refused(tmp_path, rule("accurate > 1 and late < 2"))
    assert "'accurate'" in message
    assert "'late'" in message


def test_a_disabled_rule_may_name_what_is_gone(tmp_path: Path) -> None:
    line = rule("gone > 1").replace("id: both", "id: both, enabled: false")
    assert not load(tmp_path, line).checks[-1].enabled


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ("limit: {max: 2}", "prices"),
        ("prices: {currency: EUR}, limit: {max: 2}", "names no price; give `per_hour` or"),
        ("prices: {per_hour: 0.4}, limit: {max: 2}", "currency"),
        ("prices: {per_hour: -1, currency: EUR}, limit: {max: 2}", "per_hour"),
        ("prices: {per_houre: 1, currency: EUR}, limit: {max: 2}", "did you mean 'per_hour'?"),
        (
            "prices: {per_hour: 1, training: 5, currency: EUR}, limit: {max: 2}",
            "has `training` alone",
        ),
        ('prices: {per_hour: 1, currency: "E\\u202eR"}, limit: {max: 2}', "no name of a currency"),
        ("prices: 3, limit: {max: 2}", "prices"),
    ],
)
def test_prices_that_are_none_are_refused_at_their_line(
    tmp_path: Path, keys: str, said: str
) -> None:
    message = refused(tmp_path, f"{{check: operations.cost, {keys}}}")
    assert message.startswith("small.aipm.yaml:9:")
    assert said in message


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{check: operations.latency, id: l, limit: {max: 50}}", "max_p95_ms"),
        ("{check: operations.latency, id: l, limit: {max_p95: 50}}", "did you mean 'max_p95_ms'?"),
        ("{check: operations.latency, id: l, budget_s: 0, limit: {max_p95_ms: 5}}", "budget_s"),
        ("{check: operations.latency, id: l, by: sex, limit: {max_p95_ms: 5}}", "takes no 'by'"),
        ("{check: operations.error_rate, id: l, limit: {max: 5}}", "write 0.05 for 5 %"),
        (
            "{check: operations.memory, id: l, decide_on: interval, limit: {max_peak_mb: 5}}",
            "the count decides",
        ),
    ],
)
def test_limits_and_budgets_that_mean_nothing_are_refused(
    tmp_path: Path, line: str, said: str
) -> None:
    message = refused(tmp_path, line)
    assert message.startswith("small.aipm.yaml:9:")
    assert said in message


def test_a_policy_of_predictions_alone_is_told_that_a_model_is_needed(tmp_path: Path) -> None:
    path = tmp_path / "p.aipm.yaml"
    text = POLICY.replace("model: model.skops", "predictions: p")
    path.write_text(text, encoding="utf-8")
    with pytest.raises(PolicyError, match=r"p.aipm.yaml:8:.*'operations.latency' needs a model"):
        load_policy(path, root=tmp_path, catalog=Catalog())
    text = text.replace("id: latency,", "id: latency, if_possible: true,")
    path.write_text(text, encoding="utf-8")
    spec = load_policy(path, root=tmp_path, catalog=Catalog()).checks[-1]
    assert not spec.enabled
    assert "needs a model it can call" in spec.inapplicable
