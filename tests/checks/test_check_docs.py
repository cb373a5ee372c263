"""A check's module is its page, its grammar and its work: each part is there, in its place."""

from __future__ import annotations

import ast
import inspect
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import pytest_aipm.checks
from pytest_aipm.catalog import Catalog
from pytest_aipm.checks.base import CheckParams, Measurement, Needs, needs_of
from pytest_aipm.checks.framing._worth import CELLS
from pytest_aipm.policy.grammar import TASKS

CATALOG = Catalog()
SECTIONS = [
    "Question",
    "How it is measured",
    "When it misleads",
    "What to do",
    "If left out",
    "Sources",
]
FILES = sorted(Path(pytest_aipm.checks.__file__).parent.rglob("*.py"))


@pytest.mark.parametrize("name", CATALOG.names())
class TestCheck:
    def test_the_docstring_has_a_title_and_six_sections_in_order(self, name: str) -> None:
        text = inspect.getdoc(CATALOG.load(name))
        title, blank, *_ = text.splitlines()
        assert re.fullmatch(r"[A-Z].*\.", title)
        assert len(title) <= 90
        assert not blank
        assert re.findall(r"^## (.*)$", text, flags=re.MULTILINE) == SECTIONS

    def test_no_section_is_empty_and_the_sources_are_a_list(self, name: str) -> None:
        docs = CATALOG.docs(name)
        assert docs.question.rstrip().endswith("?")
        assert len(docs.how) > 80
        assert docs.misleads.startswith("- ")
        assert len(docs.todo) > 40
        assert docs.sources.startswith("- ")

    def test_it_states_what_it_needs_and_what_it_offers(self, name: str) -> None:
        module = CATALOG.load(name)
        assert isinstance(module.NEEDS, Needs)
        assert module.KIND in {"sample", "census"}
        assert module.SCOPES in {"groups", "overall", "either"}
        assert module.UNITS
        assert all(isinstance(unit, str) for unit in module.UNITS)
        assert set(getattr(module, "TASKS", ("binary",))) <= set(TASKS)

    def test_a_default_limit_is_in_a_unit_it_offers_and_names_its_basis(self, name: str) -> None:
        module = CATALOG.load(name)
        limit = getattr(module, "DEFAULT_LIMIT", {})
        ends = {f"{end}_{unit}".rstrip("_") for end in ("min", "max") for unit in module.UNITS}
        assert set(limit) <= ends
        assert bool(limit) == bool(getattr(module, "BASIS", ""))

    def test_a_census_is_decided_by_the_count(self, name: str) -> None:
        module = CATALOG.load(name)
        if module.KIND == "census":
            assert module.DECIDE_ON == "point"

    def test_its_parameters_are_closed_frozen_and_each_is_explained(self, name: str) -> None:
        module = CATALOG.load(name)
        assert issubclass(module.Params, CheckParams)
        assert module.Params.model_config["extra"] == "forbid"
        assert module.Params.model_config["frozen"] is True
        assert module.Params.__doc__
        own = set(module.Params.model_fields) - set(CheckParams.model_fields)
        texts = "".join(inspect.getsource(each) for each in _own_classes(module.Params))
        for field in own:
            assert re.search(rf"^    {field}: .*\n(?:    .*\n)*?    \"\"\"", texts, re.MULTILINE)

    def test_its_parameters_have_a_json_schema(self, name: str) -> None:
        assert json.dumps(CATALOG.load(name).Params.model_json_schema())

    def test_check_takes_evidence_and_parameters_and_returns_a_measurement(self, name: str) -> None:
        signature = inspect.signature(CATALOG.load(name).check, eval_str=True)
        assert list(signature.parameters) == ["evidence", "params"]
        assert signature.return_annotation is Measurement

    def test_needs_that_depend_on_parameters_are_a_function(self, name: str) -> None:
        module = CATALOG.load(name)
        told = {
            "pinned": "schema.yaml",
            "metric": "accuracy",
            "factors": ("income",),
            "of": ("income",),
            "helps": ("income",),
            "phrases": {"income": "Income is low"},
            "mutable": {"income": "up"},
            "quasi_identifiers": ("age",),
            "sensitive": "age",
            "ids": (7,),
            "epsilon": 1.0,
            "protects": "row",
            "accountant": "own count",
            "population": "census.csv",
            "serving": "served.csv",
            "rule": "income >= 3",
            "prices": {"per_hour": 1, "currency": "EUR"},
            "values": dict(zip(CELLS, (0, -1, -2, 1), strict=True)),
            "roles": ("model risk",),
            "log": "log.csv",
        }
        fields = module.Params.model_fields
        required = {key: told[key] for key in told if key in fields}
        if name.startswith(("privacy.", "data.", "governance.")):
            required.pop("of", None)  # whose rows there, not which columns
        if "quasi_identifiers" in fields:
            required.pop("sensitive")
        if name.startswith("privacy."):
            required.pop("of", None)  # there it is which rows, not which columns
        needs = needs_of(module, module.Params(**required))
        assert needs | module.NEEDS == needs


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_checks_import_no_pytest_no_templates_no_shap_and_no_data_frames(path: Path) -> None:
    assert not imported(path) & {"pandas", "pytest", "jinja2", "shap", "sklearn", "fairlearn"}


def test_listing_needs_and_parameters_loads_neither_scikit_learn_nor_fairlearn_nor_shap() -> None:
    code = (
        "import sys; from pytest_aipm.catalog import Catalog; c = Catalog()\n"
        "for name in c.names(): c.load(name)\n"
        "heavy = {'sklearn', 'fairlearn', 'shap', 'jinja2', 'numba'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.strip() == "[]"


def _own_classes(params: type) -> list[type]:
    return [each for each in params.__mro__ if issubclass(each, CheckParams)][:-1]


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return {name.partition(".")[0] for name in names}
