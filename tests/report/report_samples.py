"""Sample records: every verdict, hostile names, small cells, waivers, loosenings, baselines."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import Any

from pytest_aipm.records import (
    Approval,
    Audit,
    AuditGroup,
    BaselineChanges,
    BaselineComparison,
    BaselineRef,
    Because,
    Claim,
    ClauseInfo,
    DataInfo,
    Detectable,
    Docs,
    Finding,
    Formula,
    GroupValue,
    Limit,
    Loosening,
    Missing,
    ModelInfo,
    NotTested,
    PackInfo,
    Period,
    PolicyInfo,
    Record,
    RowsNeeded,
    RunInfo,
    RunVerdict,
    Series,
    Subject,
    Turned,
    Undeclared,
    Verdict,
    WaiverInfo,
)

SCRIPT = '<script>alert("x")</script>'
ARABIC = "\u0627\u0645\u0631\u0623\u0629"  # a right-to-left word
OVERRIDE = "\u202eevil\x1b[31m"  # turns the direction and the colour of a terminal
LONG = "W" * 200
EMOJI = "\U0001f469\U0001f3fd\u200d\U0001f680 crew"
HOSTILE = (SCRIPT, ARABIC, OVERRIDE, LONG, EMOJI)

POLICY = """\
aipm: 1
name: credit-approval
context:
  purpose: Pre-screen consumer loan applications
  owner: lending-ml@example.org
subject:
  task: binary
  model: models/credit.skops
  data: data/holdout.parquet
  label: defaulted
  positive: 1
  favorable: 0
  protected: {sex: sex, race: race}
checks:
  - check: fairness.demographic_parity_ratio
    id: selection-rate
    by: [sex, race, [sex, race]]
    limit: {min: 0.80}
    warn: {min: 0.90}
    regression: {max_change: 0.02}
  - check: fairness.equalized_odds_difference
    id: odds
    by: race
    limit: {max: 0.10}
  - check: performance.metric
    metric: roc_auc
    limit: {min: 0.70}
  - {check: explain.protected_flip, by: sex, limit: {max: 0.01}}
  - {check: privacy.membership_inference, limit: {max_auc: 0.60}}
"""

DOCS = {
    "fairness.demographic_parity_ratio": Docs(
        title="Lowest selection rate of any group divided by the highest.",
        question="Does one group get the good outcome much less often than another?",
        how="Selection rate is the share of a group's people who get the favorable decision.\n\n"
        "The value is `min / max` over the judged groups; 1 means equal rates.",
        misleads="- Rates may differ because the groups differ in what the decision is about.\n"
        "- A ratio of two small rates moves a lot when a few decisions change.",
        todo="Look at the group named first, then at the features that separate it.",
        sources="Uniform Guidelines on Employee Selection Procedures, 29 CFR 1607.4 D.",
    ),
    "fairness.equalized_odds_difference": Docs(
        title="Worse of the gaps in true and false positive rates.",
        question="Does the model err more often for one group than for another?",
        how="The larger of two gaps: true positive rates and false positive rates.",
        misleads="Labels that are themselves biased make equal errors look fair.",
    ),
    "performance.metric": Docs(
        title="A metric of scikit-learn, or of your own.",
        question="Is the model good enough at what it is for?",
        how="The metric over all judged rows, or for each group.",
        misleads="One number hides where the errors fall.",
    ),
    "explain.protected_flip": Docs(
        title="Share of decisions that change when only the protected attribute changes.",
        question="Would the same person be decided otherwise if only this attribute were other?",
    ),
    "privacy.membership_inference": Docs(
        title="How well an attacker tells training rows from others.",
        question="Can somebody find out who was in the training data?",
        how="A loss attack without refit; the AUC of telling members from others.",
        misleads="A drift between training and holdout rows looks like memory.",
    ),
    "privacy.train_test_overlap": Docs(
        title="Share of holdout rows that are also training rows.",
        question="Is the exam made of questions the model has already seen?",
    ),
}


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def wilson(x: float, n: float, z: float = 1.6448536) -> tuple[float, float]:
    """One-sided score bounds, good enough for a sample."""
    p, z2 = x / n, z * z
    middle, half = p + z2 / (2 * n), z * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    return (middle - half) / (1 + z2 / n), (middle + half) / (1 + z2 / n)


def cell(group: Mapping[str, str], x: int, of: int, **more: Any) -> GroupValue:
    """One group with `x` of `of`."""
    fields: dict[str, Any] = {
        "group": dict(group),
        "n": of,
        "numerator": x,
        "denominator": of,
        "value": x / of if of else None,
        "interval": wilson(x, of) if of else None,
    }
    return GroupValue(**(fields | more))


def finding(check: str, check_id: str, scope: Sequence[str], verdict: str, **more: Any) -> Finding:
    """One finding of the policy `credit-approval`, or of the one named by `policy`."""
    policy = more.pop("policy", "credit-approval")
    where = "-x-".join(scope) or "overall"
    fields: dict[str, Any] = {
        "id": f"{policy}::{check_id}::{where}",
        "nodeid": f"policies/{policy}.aipm.yaml::{check_id}::{where}",
        "check": check,
        "check_id": check_id,
        "scope": tuple(scope),
        "verdict": Verdict(verdict),
        "reason": f"{check_id} {where}: {verdict}.",
        "confidence": 0.95,
        "n": 3757,
        "docs": DOCS.get(check),
        "failing": verdict in ("fail", "error"),
    }
    return Finding(**(fields | more))


SELECTION = Formula(
    id="selection_rate",
    numerator="favorable decisions",
    denominator="people",
    positive="defaulted = 1",
    population="all rows with a known group",
    reference="highest",
)
CELLS = {
    ("female", "Black"): (187, 398),
    ("female", "White"): (765, 1196),
    ("female", "Asian"): (144, 262),
    ("female", "Other"): (14, 24),
    ("male", "Black"): (233, 402),
    ("male", "White"): (857, 1204),
    ("male", "Asian"): (179, 271),
}


def intersections() -> Finding:
    groups = tuple(cell({"sex": s, "race": r}, x, n) for (s, r), (x, n) in CELLS.items())
    low, high = 187 / 398, 857 / 1204
    return finding(
        "fairness.demographic_parity_ratio",
        "selection-rate",
        ("sex", "race"),
        "fail",
        because=Because.LIMIT,
        reason="selection rate 47 of 100 for female · Black, 71 of 100 for male · White: ratio "
        "0.66; with 95 % confidence below the limit of 0.80.",
        value=low / high,
        interval=(0.6011, 0.7302),
        limit=Limit(min=0.8),
        warn=Limit(min=0.9),
        formula=SELECTION,
        method="Koopman scores, closed critical value over 21 pairs",
        groups=groups,
        baseline=BaselineComparison(
            value=0.7512,
            delta=low / high - 0.7512,
            interval=(-0.1307, -0.0514),
            verdict="worse",
            limit=0.02,
            group="female · Black",
            note="two samples; the pair female · Black and male · White has widened",
        ),
        policy_line=15,
        clauses=("four-fifths rule",),
    )


def by_sex(verdict: str = "waived") -> Finding:
    return finding(
        "fairness.demographic_parity_ratio",
        "selection-rate",
        ("sex",),
        verdict,
        because=Because.LIMIT,
        reason="selection rate 59 of 100 for female, 77 of 100 for male: ratio 0.769; the limit "
        "is 0.80.",
        value=(1110 / 1880) / (1441 / 1877),
        interval=(0.7389, 0.7984),
        limit=Limit(min=0.8),
        formula=SELECTION,
        method="Koopman scores",
        groups=(cell({"sex": "female"}, 1110, 1880), cell({"sex": "male"}, 1441, 1877)),
        baseline=BaselineComparison(
            value=0.7801, delta=-0.0112, interval=(-0.031, 0.0091), verdict="same", limit=0.02
        ),
        waiver=waiver(),
        policy_line=15,
    )


def waiver(**more: Any) -> WaiverInfo:
    fields: dict[str, Any] = {
        "id": "W-2026-03",
        "check": "credit-approval::selection-rate::sex",
        "reason": "New scorecard is in review; the gap was there before and is not growing.",
        "owner": "risk@example.org",
        "ticket": "RISK-411",
        "created": "2026-10-01",
        "expires": "2026-12-31",
        "floor": Limit(min=0.72),
        "state": "applied",
    }
    return WaiverInfo(**(fields | more))


def odds() -> Finding:
    tpr, fpr = "true_positive_rate", "false_positive_rate"
    groups = (
        cell({"race": "Asian"}, 66, 101, part=tpr, n=533),
        cell({"race": "Black"}, 171, 302, part=tpr, n=800),
        cell({"race": "White"}, 380, 561, part=tpr, n=2400),
        cell({"race": "Asian"}, 52, 432, part=fpr, n=533),
        cell({"race": "Black"}, 118, 498, part=fpr, n=800),
        cell({"race": "White"}, 168, 1839, part=fpr, n=2400),
    )
    return finding(
        "fairness.equalized_odds_difference",
        "odds",
        ("race",),
        "fail",
        because=Because.REGRESSION,
        reason="false positive rate 9 of 100 for White, 24 of 100 for Black: difference 0.146; "
        "the change since the approved baseline is more than the 0.02 that the policy allows.",
        value=118 / 498 - 168 / 1839,
        interval=(0.0993, 0.1774),
        limit=Limit(max=0.1),
        formula=Formula(id="equalized_odds", reference="highest"),
        method="Farrington-Manning scores, closed critical value over 6 pairs, twice",
        groups=groups,
        baseline=BaselineComparison(
            value=0.0951, delta=0.0505, interval=(0.0211, 0.0802), verdict="worse", limit=0.02
        ),
        policy_line=21,
    )


def small_cells() -> Finding:
    """A group of three people, and hostile names."""
    names = ("White", "Black", *HOSTILE, "tiny", "few")
    counts = ((857, 1204), (233, 402), (90, 150), (61, 99), (30, 55), (48, 80), (20, 41))
    groups = [cell({"region": name}, x, n) for name, (x, n) in zip(names[:7], counts, strict=True)]
    groups.append(cell({"region": "tiny"}, 2, 3))
    groups.append(cell({"region": "few"}, 10, 17))
    return finding(
        "fairness.demographic_parity_difference",
        "approval-gap",
        ("region",),
        "inconclusive",
        because=Because.UNKNOWN,
        reason="The rates differ by 0.2240; with these rows a gap below 0.30 cannot be told from "
        "none, because tiny has 2 of 3.",
        value=857 / 1204 - 20 / 41,
        interval=(0.0713, 0.5222),
        limit=Limit(max=0.2),
        formula=SELECTION,
        method="Farrington-Manning scores, closed critical value over 36 pairs",
        groups=tuple(groups),
        detectable=Detectable(gap=0.6173, group="tiny"),
        rows_needed=RowsNeeded(total=81234, pair=("tiny", "White")),
        notes=("tiny has 2 of 3.",),
        series=(Series(name="by region", kind="bars", x=("tiny",), y=(2 / 3,), counts=(3,)),),
        policy_line=15,
    )


def others() -> tuple[Finding, ...]:
    rising = tuple(i / 10 for i in range(11))
    return (
        finding(
            "performance.metric",
            "roc-auc",
            (),
            "pass",
            reason="roc_auc is 0.728, above the limit of 0.70.",
            value=0.7281,
            interval=(0.7123, 0.7438),
            limit=Limit(min=0.7),
            decide_on="point",
            formula=Formula(id="roc_auc"),
            method="DeLong, logit interval",
            baseline=BaselineComparison(
                value=0.7322, delta=-0.0041, interval=(-0.0202, 0.0121), verdict="same"
            ),
            series=(
                Series(
                    name="ROC",
                    kind="curve",
                    x=rising,
                    y=tuple(x**0.45 for x in rising),
                    lo=tuple(max(x**0.45 - 0.04, 0) for x in rising),
                    hi=tuple(min(x**0.45 + 0.04, 1) for x in rising),
                    x_label="false positive rate",
                    y_label="true positive rate",
                ),
                Series(
                    name="guessing",
                    kind="curve",
                    x=(0.0, 1.0),
                    y=(0.0, 1.0),
                    x_label="false positive rate",
                    y_label="true positive rate",
                ),
            ),
            policy_line=25,
        ),
        finding(
            "performance.metric",
            "recall-by-sex",
            ("sex",),
            "warn",
            because=Because.LIMIT,
            reason="recall is lowest for female: 0.661, inside the limit of 0.60, beyond the "
            "warning at 0.70.",
            value=302 / 457,
            interval=(0.6183, 0.6941),
            limit=Limit(min=0.6),
            warn=Limit(min=0.7),
            formula=Formula(id="recall", numerator="true positives", denominator="positives"),
            method="Clopper-Pearson, Sidak over 2 groups",
            groups=(
                cell({"sex": "female"}, 302, 457, n=1880),
                cell({"sex": "male"}, 381, 507, n=1877),
            ),
            policy_line=25,
        ),
        finding(
            "explain.protected_flip",
            "protected-flip",
            ("sex",),
            "pass",
            reason="0.3 % of decisions change when only sex changes; at most 1 % may.",
            value=0.0032,
            interval=(0.0013, 0.0066),
            limit=Limit(max=0.01),
            n=2000,
            formula=Formula(id="flip_rate", numerator="changed decisions", denominator="rows"),
            policy_line=28,
        ),
        finding(
            "privacy.membership_inference",
            "membership",
            (),
            "inconclusive",
            because=Because.NO_EVIDENCE,
            reason="An attacker's AUC is 0.583; the interval crosses the limit of 0.60.",
            value=0.5831,
            interval=(0.5511, 0.6152),
            unit="auc",
            limit=Limit(max=0.6),
            detectable=Detectable(gap=0.0442),
            rows_needed=RowsNeeded(total=9410),
            n=2000,
            policy_line=29,
        ),
        finding(
            "privacy.train_test_overlap",
            "overlap",
            (),
            "pass",
            reason="None of 3,757 holdout rows is a training row.",
            kind="census",
            decide_on="point",
            value=0.0,
            limit=Limit(max=0.01),
        ),
        finding(
            "explain.protected_flip",
            "flip-race",
            ("race",),
            "error",
            because=Because.ERROR,
            reason="models/credit.skops: the model has no column race; name linked columns",
            limit=Limit(max=0.01),
            policy_line=28,
        ),
        finding(
            "fairness.demographic_parity_ratio",
            "age-ratio",
            ("age",),
            "not_judged",
            because=Because.DISABLED,
            reason="The policy says enabled: false.",
            severity="advice",
            policy_line=15,
        ),
    )


def region_by_sex() -> Finding:
    """Proof that a second table would give the small cell away: the same rates by region, split."""
    rows = {
        ("female", "North"): (60, 100),
        ("female", "South"): (1, 3),
        ("female", "East"): (45, 90),
        ("male", "North"): (70, 110),
        ("male", "South"): (30, 44),
        ("male", "East"): (40, 70),
    }
    groups = tuple(cell({"sex": s, "area": a}, x, n) for (s, a), (x, n) in rows.items())
    return finding(
        "fairness.demographic_parity_difference",
        "area-gap",
        ("sex", "area"),
        "pass",
        reason="The rates differ by 0.3485.",
        value=30 / 44 - 1 / 3,
        interval=(0.0101, 0.4321),
        limit=Limit(max=0.5),
        formula=SELECTION,
        groups=groups,
    )


def lending() -> Audit:
    findings = (intersections(), by_sex(), odds(), small_cells(), *others(), region_by_sex())
    groups = (
        AuditGroup(group={"sex": "female"}, n=1880, positives=457),
        AuditGroup(group={"sex": "male"}, n=1877, positives=507),
        AuditGroup(group={"race": "Asian"}, n=533, positives=101),
        AuditGroup(group={"race": "Black"}, n=800, positives=302),
        AuditGroup(group={"race": "White"}, n=2400, positives=550),
        AuditGroup(group={"race": "Other"}, n=21, positives=9),
        AuditGroup(group={"race": "(unknown)"}, n=3, positives=2),
    )
    return Audit(
        policy=PolicyInfo(
            name="credit-approval",
            path="policies/credit-approval.aipm.yaml",
            sha256=sha(POLICY),
            text=POLICY,
            extends=("org-base.aipm.yaml",),
            loosened=(
                Loosening(
                    check_id="odds",
                    what="limit max 0.05 is now 0.10",
                    reason="agreed with risk for this release",
                    owner="risk@example.org",
                    line=21,
                ),
            ),
        ),
        context={
            "purpose": "Pre-screen consumer loan applications",
            "owner": "lending-ml@example.org",
        },
        verdict=RunVerdict.FAIL,
        subject=Subject(
            task="binary",
            label="defaulted",
            positive="1",
            favorable="0",
            decision="score < 0.35",
            reading="Class 1 of defaulted is what the score predicts; the favorable decision is 0, "
            "taken when score < 0.35.",
            model=ModelInfo(
                ref="models/credit.skops", kind="skops", sha256=sha("model"), trusted_by="policy"
            ),
            data=DataInfo(
                ref="data/holdout.parquet",
                rows=3757,
                sha256=sha("data"),
                period=Period(
                    column="applied_on", first="2026-01-01", last="2026-03-31", missing=2
                ),
            ),
            features=("income", "debt", "region"),
        ),
        baseline=BaselineRef(
            ref="aipm-baseline.json",
            sha256=sha("baseline"),
            approved=Approval(by="R. Lead", when="2026-10-02", reason="release 2.3.1"),
            weakened=("rows: 5,000 then, 3,757 now",),
            changes=BaselineChanges(
                fails=(turned(intersections(), Verdict.PASS),),
                fixed=(turned(others()[0], Verdict.FAIL),),
                verdicts=(turned(small_cells(), Verdict.PASS),),
                moved=(turned(odds(), Verdict.FAIL),),
                added=(turned(others()[2], None),),
                removed=(Turned(id="credit-approval::old-check::sex", then=Verdict.PASS),),
                unchanged=7,
            ),
        ),
        waivers=(
            waiver(),
            waiver(
                id="W-2026-01",
                check="credit-approval::odds::race",
                reason="Old labels",
                state="expired",
                expires="2026-11-01",
                note="expired 22 days before this run",
                floor=None,
            ),
        ),
        groups=groups,
        claims=claims(),
        missing=Missing(rows=3757, features=3, columns={"debt": 12}),
        not_tested=(
            NotTested(
                check="fairness.calibration_gap",
                question="Does the same score mean the same risk in every group?",
                leaves_open="The same score could promise too much for one group.",
            ),
            NotTested(
                check="fairness.equalized_odds_ratio",
                question="Does one group bear several times as many errors?",
                leaves_open="One group could bear several times as many errors.",
                sibling="fairness.equalized_odds_difference",
            ),
            NotTested(
                check="robustness.noise", question="Do small errors in the input change decisions?"
            ),
        ),
        undeclared=(
            Undeclared(column="postcode", looks_like="place of living", feature=True),
            Undeclared(column="marital_status", looks_like="marital status"),
        ),
        findings=findings,
    )


def claims() -> tuple[Claim, ...]:
    """One promise of each kind."""
    return (
        Claim(
            text="Ranks applicants well",
            checks=("roc-auc",),
            state="kept",
            reason="its check holds: roc-auc overall",
        ),
        Claim(
            text="Treats women and men alike",
            checks=("selection-rate", "odds"),
            state="broken",
            reason="selection-rate by sex and race fails; odds by race fails",
        ),
        Claim(
            text="Keeps the training data secret",
            checks=("membership",),
            state="unproven",
            reason="membership overall is inconclusive",
        ),
        Claim(
            text="Is as good as the old scorecard",
            checks=("scorecard",),
            state="untested",
            reason="scorecard did not run",
        ),
    )


def turned(one: Finding, then: Verdict | None) -> Turned:
    """The finding, and another verdict that was approved."""
    return Turned(id=one.id, then=then, now=one.verdict)


def diabetes() -> Audit:
    """A second policy: a regression that passes but for one open question."""
    mae = finding(
        "performance.metric",
        "mae",
        (),
        "pass",
        policy="diabetes-progression",
        reason="mae is 43.1, below the limit of 50.",
        value=43.1127,
        interval=(40.9321, 45.4872),
        limit=Limit(max=50),
        n=442,
        unit="points",
    )
    gap = finding(
        "fairness.score_gap",
        "score-gap",
        ("sex",),
        "inconclusive",
        policy="diabetes-progression",
        because=Because.NO_EVIDENCE,
        reason="The mean scores differ by 8.2; the interval crosses the limit of 10.",
        value=8.2312,
        interval=(3.1021, 13.4432),
        limit=Limit(max=10),
        n=442,
        detectable=Detectable(gap=17.3),
        rows_needed=RowsNeeded(total=2950, pair=("sex 1", "sex 2")),
        groups=(
            GroupValue(group={"sex": "1"}, n=235, value=148.3311, interval=(143.9, 152.8)),
            GroupValue(group={"sex": "2"}, n=207, value=156.5623, interval=(151.7, 161.4)),
        ),
    )
    return Audit(
        policy=PolicyInfo(
            name="diabetes-progression",
            path="policies/diabetes-progression.aipm.yaml",
            sha256=sha("diabetes"),
            text="aipm: 1\nname: diabetes-progression\n",
        ),
        context={"purpose": "Forecast progression after a year", "owner": "clinic@example.org"},
        verdict=RunVerdict.UNPROVEN,
        subject=Subject(
            task="regression",
            decision="the predicted value",
            reading="The prediction is the progression after one year.",
            model=ModelInfo(ref="demo:regression", kind="factory"),
            data=DataInfo(ref="load_diabetes", rows=442, sha256=sha("diabetes data")),
        ),
        groups=(
            AuditGroup(group={"sex": "1"}, n=235),
            AuditGroup(group={"sex": "2"}, n=207),
        ),
        findings=(mae, gap),
    )


def record_of(*audits: Audit, **more: Any) -> Record:
    verdicts = [audit.verdict for audit in audits]
    order = (RunVerdict.FAIL, RunVerdict.UNPROVEN, RunVerdict.PASS)
    summary: dict[str, int] = {}
    for audit in audits:
        for one in audit.findings:
            summary[one.verdict.value] = summary.get(one.verdict.value, 0) + 1
    fields: dict[str, Any] = {
        "verdict": next((v for v in order if v in verdicts), RunVerdict.PASS),
        "summary": summary,
        "audits": audits,
        "run": RunInfo(
            commit="4c1f2e0a9b",
            versions={"pytest-aipm": "0.1.0", "numpy": "2.4.0", "scikit-learn": "1.9.0"},
            command="pytest --aipm-audit",
            started="2026-11-23T03:40:00+00:00",
        ),
    }
    return Record(**(fields | more)).with_digest()


def rich_record() -> Record:
    """Two policies, all verdicts; the first answers to rules."""
    return record_of(lending().model_copy(update=rules()), diabetes())


def rules() -> dict[str, Any]:
    """What a pack brings to an audit: where it comes from, and what its clauses ask."""
    pack = PackInfo(
        name="four-fifths",
        version="1.0",
        title="Uniform Guidelines on Employee Selection Procedures (1978): adverse impact",
        status="in force",
        citation="29 CFR 1607.4(D)",
        effective="1978",
        as_of="2026-11-23",
        sha256=sha("pack"),
    )
    first = ClauseInfo(
        check_id="selection-rate",
        clauses=("29 CFR 1607.4(D) sentence 1", "29 CFR 1607.4(D) sentence 3"),
        asks="No group is selected at less than four fifths of the highest group's rate",
        basis="text",
    )
    odds = ClauseInfo(check_id="odds", clauses=(SCRIPT,), asks=LONG)
    return {"packs": (pack,), "clauses": (first, odds)}


def passing_record() -> Record:
    """One policy that passes."""
    audit = lending()
    kept = tuple(f for f in audit.findings if f.verdict is Verdict.PASS and not f.groups)
    return record_of(
        audit.model_copy(
            update={
                "verdict": RunVerdict.PASS,
                "findings": kept,
                "waivers": (),
                "policy": audit.policy.model_copy(update={"loosened": ()}),
                "baseline": None,
            }
        )
    )


def unproven_record() -> Record:
    """One policy with an open question."""
    return record_of(diabetes())


def many_findings(number: int) -> Record:
    """One policy with `number` findings that have groups, charts and words."""
    audit = lending()
    kinds = (intersections(), by_sex("pass"), odds(), *others()[:5])
    found = []
    for i in range(number):
        one = kinds[i % len(kinds)]
        name = f"{one.check_id}-{i}"
        update = {"check_id": name, "id": one.id.replace(one.check_id, name)}
        found.append(one.model_copy(update=update | {"nodeid": f"policies/x.aipm.yaml::{name}"}))
    return record_of(audit.model_copy(update={"findings": tuple(found)}))
