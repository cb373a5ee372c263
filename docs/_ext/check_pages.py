"""One page a check, one a family, one for all: from docstrings, `Params` and constants."""

from __future__ import annotations

import re
import textwrap
from dataclasses import fields
from pathlib import Path
from types import ModuleType

from pieces import code, table
from ruamel.yaml import YAML

from pytest_aipm.catalog import Catalog
from pytest_aipm.checks.base import CheckParams, Needs, needs_of
from pytest_aipm.commands.explain import FLOORED, KINDS, SCOPES, _flow
from pytest_aipm.commands.params import Param, params_of
from pytest_aipm.policy.grammar import CheckKeys

__all__ = ["check_pages", "example"]

PACKAGE = "pytest_aipm.checks."
FAMILIES = {
    "fairness": "Does the model, or what it is right about, differ between groups of people?",
    "performance": "Is it good enough, for all rows and for every group?",
    "explain": "Do decisions rest on what they should rest on?",
    "privacy": "Does the model give away whom it has seen?",
    "data": "Are the rows clean, sufficient, representative and lawfully held?",
    "framing": "Is a model needed at all, and is what was promised kept?",
    "operations": "Is it fast, small and cheap enough to run?",
    "governance": "Who answers for it, and is what went wrong once still mended?",
}
"""What a family asks; a family without a line here has its checks speak for it."""

SUBJECTS = {
    "binary": """\
  task: binary
  model: {factory: "pytest_aipm.demo.lending:fair_model"}
  data: {factory: "pytest_aipm.demo.lending:evaluation"}
  train: {factory: "pytest_aipm.demo.lending:training"}
  label: defaulted
  positive: 1
  favorable: 0
  decision: {threshold: 0.35, favorable_when: below}
  id: application_id
  protected: {sex: sex, race: race}
""",
    "regression": """\
  task: regression
  model: {factory: "pytest_aipm.demo.diabetes:model"}
  data: {factory: "pytest_aipm.demo.diabetes:evaluation"}
  train: {factory: "pytest_aipm.demo.diabetes:training"}
  label: progression
  protected: {sex: sex}
""",
    "ranking": """\
  task: ranking
  scores: bmi
  data: {factory: "pytest_aipm.demo.diabetes:evaluation"}
  decision: {top_k: 1, within: age}
  protected: {sex: sex}
""",
}
"""What the example of a check is about, by task: the demos that come with the package."""

PURPOSES = {
    "binary": "Grant consumer loans",
    "regression": "Plan visits",
    "ranking": "Choose whom of an age to see first",
}

EXAMPLES = YAML(typ="safe").load(Path(__file__).with_name("examples.yaml"))
"""What the example of a check says beyond that; the file explains."""

NEEDS = {
    "predictions": "decisions (or predicted numbers)",
    "label": "the label",
    "answer": "a label, whatever its values",
    "scores": "scores",
    "rows": "single rows",
    "model": "a model that can be asked",
    "train": "training rows",
    "train_too": "training rows where there are some",
    "losses": "losses of each row",
}
BESIDE = ("subject", "context", "limit", "beside")
"""Keys of an example that are none of the check's parameters."""
ATTRIBUTE = "sex"
"""By whom examples compare: both demos have it."""


def check_pages() -> dict[str, str]:
    """Return pages by name: `index`, one a family, one a check of this package."""
    catalog = Catalog()
    modules = {name: catalog.load(name) for name in catalog.names()}
    own = {name: one for name, one in modules.items() if one.__name__.startswith(PACKAGE)}
    families: dict[str, list[str]] = {}
    for name in own:
        families.setdefault(name.partition(".")[0], []).append(name)
    pages = {name: _page(name, module, catalog) for name, module in own.items()}
    for family, names in families.items():
        pages[family] = _family(family, names, catalog)
    pages["index"] = _index(families)
    return pages


def _index(families: dict[str, list[str]]) -> str:
    rows = [
        [f"[{family}]({family}.md)", FAMILIES.get(family, ""), str(len(names))]
        for family, names in families.items()
    ]
    return f"""\
# Every check

These pages are written from the checks themselves; `aipm explain CHECK` prints the same.
{sum(map(len, families.values()))} checks come with the package, and
[a check of your own](../writing-a-check.md) is one small file.

{table(["family", "question", "checks"], rows)}

A **sample** check gives an estimate with its interval, which decides
([how](../verdicts.md)). A **census** check counts the given rows, and the count decides.

{_toctree(list(families))}
"""


def _family(family: str, names: list[str], catalog: Catalog) -> str:
    rows = [
        [f"[{name.partition('.')[2]}]({name}.md)", _first(catalog.docs(name).question)]
        for name in names
    ]
    return f"""\
# {family}

{FAMILIES.get(family, "")}

{table(["check", "question"], rows)}

{_toctree([f"{name.partition('.')[2]} <{name}>" for name in names])}
"""


def _toctree(entries: list[str]) -> str:
    lines = "\n".join(entries)
    return f"```{{toctree}}\n:hidden:\n\n{lines}\n```"


def _first(text: str) -> str:
    return " ".join(text.split("\n\n", maxsplit=1)[0].split())


def _page(name: str, module: ModuleType, catalog: Catalog) -> str:
    docs = catalog.docs(name)
    parts = [
        f"# {name}",
        f"**{docs.title}**",
        docs.question,
        f":::{{rst-class}} facts\n:::\n{table(['', ''], _facts(name, module))}",
        f"## How it is measured\n\n{docs.how}",
        f"## When it misleads\n\n{docs.misleads}",
        f"## What to do\n\n{docs.todo}",
        f"## If a policy leaves it out\n\n{catalog.left_out(name)}",
        f"## Example\n\n{_example_words(module)}\n\n```yaml\n{example(name, module)}```",
        f"## Parameters\n\n{_parameters(module)}",
        f"## Sources\n\n{docs.sources}",
    ]
    return "\n\n".join(parts) + "\n"


def _facts(name: str, module: ModuleType) -> list[list[str]]:
    units = getattr(module, "UNITS", ("",))
    keys = [f"{end}_{unit}".rstrip("_") for unit in units for end in ("min", "max")]
    default = getattr(module, "DEFAULT_LIMIT", None)
    limit = ", ".join(map(code, keys)) + "; "
    if default:
        limit += f"default {code(_flow(default))} ({getattr(module, 'BASIS', '')})"
    else:
        limit += "no default: the policy says what is good enough"
    tasks = getattr(module, "TASKS", ("binary",))
    weighted = "heeded" if getattr(module, "WEIGHTED", False) else "refused"
    return [
        ["kind", f"{module.KIND}: {KINDS[module.KIND]}"],
        ["scope (`by`)", SCOPES[module.SCOPES]],
        ["tasks", ", ".join(tasks)],
        ["needs", _needs(name, module)],
        ["limit", limit],
        ["decided by", _decided(name, module)],
        ["sampling weights, repeated people", weighted],
    ]


def _decided(name: str, module: ModuleType) -> str:
    if module.KIND == "census":
        return "the count"
    fixed = getattr(module, "DECIDE_ON", None)
    if fixed or not name.startswith("performance."):
        return f"the {fixed or 'interval'}, unless `decide_on` says otherwise"
    return "with `by` the interval, else the value itself, unless `decide_on` says otherwise"


def _needs(name: str, module: ModuleType) -> str:
    asked: Needs = module.NEEDS
    if hasattr(module, "needs"):
        given = {key: YAML(typ="safe").load(value) for key, value in _given(name, module).items()}
        asked = asked | needs_of(module, module.Params(**given))
    words = [NEEDS[each.name] for each in fields(asked) if getattr(asked, each.name)]
    depends = "; other parameters may need more or less" if hasattr(module, "needs") else ""
    return (", ".join(words) or "the rows alone") + depends


def _own(module: ModuleType) -> tuple[Param, ...]:
    return params_of(module.Params, without=CheckParams)


def _given(name: str, module: ModuleType) -> dict[str, str]:
    """Return the keys that the example of a check gives to it.

    Raises
    ------
    LookupError
        The check wants a key that examples.yaml does not give.
    """
    given = {k: v for k, v in EXAMPLES.get(name, {}).items() if k not in BESIDE}
    for param in _own(module):
        if param.required and param.name not in given:
            raise LookupError(f"docs/_ext/examples.yaml gives {name} no '{param.name}'; add one")
    return given


def example(name: str, module: ModuleType) -> str:
    """Return a whole policy that asks for this check and nothing else."""
    tasks = getattr(module, "TASKS", ("binary",))
    task = next(task for task in tasks if task in SUBJECTS)
    subject = SUBJECTS[task]
    for key, value in EXAMPLES.get(name, {}).get("subject", {}).items():
        subject = re.sub(rf"^  {key}: .*\n", "", subject, flags=re.MULTILINE)
        subject += f"  {key}: {value}\n"
    limit = getattr(module, "DEFAULT_LIMIT", None) or _limit(name, module)
    lines = [f"  - {each}" for each in EXAMPLES.get(name, {}).get("beside", [])]
    lines += [f"  - check: {name}"]
    lines += [f"    {key}: {value}" for key, value in _given(name, module).items()]
    lines += [f"    by: {ATTRIBUTE}"] * (module.SCOPES == "groups")
    lines += [f"    limit: {_flow(limit)}"]
    purpose = PURPOSES[task]
    more = "".join(f", {k}: {v}" for k, v in EXAMPLES.get(name, {}).get("context", {}).items())
    context = f"context: {{purpose: {purpose}, owner: owner@example.org{more}}}\n"
    checks = "\n".join(lines)
    return f"aipm: 1\nname: example\n{context}subject:\n{subject}checks:\n{checks}\n"


def _limit(name: str, module: ModuleType) -> dict[str, float]:
    given: dict[str, float] | None = EXAMPLES.get(name, {}).get("limit")
    if given is not None:
        return given
    unit = getattr(module, "UNITS", ("",))[0]
    end, value = ("min", 0.80) if name.endswith(FLOORED) else ("max", 0.10)
    return {f"{end}_{unit}".rstrip("_"): value}


def _example_words(module: ModuleType) -> str:
    return textwrap.fill(
        "A whole policy on a demo that comes with the package. The limit is "
        + ("the default." if getattr(module, "DEFAULT_LIMIT", None) else "an example."),
        width=100,
    )


def _parameters(module: ModuleType) -> str:
    rows = [[code(one.name), one.kind, one.default, one.doc] for one in _own(module)]
    shared = ", ".join(code(name) for name in CheckKeys.model_fields)
    every = f"Every check also takes {shared} ([meaning](../policy.md#a-check))."
    if not rows:
        return f"None of its own. {every}"
    return f"{table(['key', 'type', 'default', 'meaning'], rows)}\n\n{every}"
