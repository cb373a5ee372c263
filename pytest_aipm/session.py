"""Starts the audit of a pytest run: settings, plan, pytest's arguments, the plugins that act."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

import pytest

from pytest_aipm import auditing, github, invocation, report
from pytest_aipm.auditing.settings import BASELINE, REPORT, SIGN_OFFS
from pytest_aipm.clock import epoch_fault
from pytest_aipm.controller import Controller
from pytest_aipm.errors import OptionError, UsageFault
from pytest_aipm.nodes import Policies, family

__all__ = ["POLICIES", "extra_checks", "refuse", "start"]

POLICIES = pytest.StashKey[Policies]()
"""Set in every process that audits; the fixture looks here."""

NO = frozenset({"", "0", "false", "no", "off"})
POLICY_FOLDER = "policies"


def start(config: pytest.Config) -> None:
    """Resolve and validate everything, then register the plugins of the audit.

    Raises
    ------
    pytest.UsageError
        Policy, waiver, baseline, trust or option; one line a problem. The older report is marked
        stale first, so that nobody takes it for this run's.
    """
    try:
        settings = _settings(config)
        _refuse_update(config)
        _refuse_epoch()
        github.refuse_mode(config)
        plan = auditing.load_plan(settings, extra_checks=extra_checks(config))
        policies = Policies(config, plan, _run_dir(config))
        config.args[:] = invocation.arguments(config, list(policies.files))
    except UsageFault as fault:
        refuse(config, str(fault).splitlines(), config.rootpath)
    except pytest.UsageError as fault:
        refuse(config, map(str, fault.args), config.rootpath)
    known = {line.partition(":")[0] for line in config.getini("markers")}
    for name in sorted({family(spec.check) for p in plan.policies for spec in p.checks}):
        if f"aipm_{name}" not in known:
            config.addinivalue_line("markers", f"aipm_{name}: a policy check of the family {name}")
    config.stash[POLICIES] = policies
    config.pluginmanager.register(policies, "aipm-policies")
    if not invocation.is_worker(config):
        controller = Controller(config, policies, command=_command(config, settings))
        config.pluginmanager.register(controller, "aipm-controller")


def refuse(config: pytest.Config, problems: Iterable[str], root: Path) -> NoReturn:
    """End with exit code 4, one line a problem, and mark the older report as stale.

    Raises
    ------
    pytest.UsageError
    """
    said = list(problems)
    if not (invocation.is_worker(config) or invocation.only_looks(config)):
        folder = report_folder(config, root)
        try:
            report.mark_stale(folder)
        except OSError as fault:
            said.append(f"{folder}: the older report cannot be marked stale ({fault.strerror})")
    raise pytest.UsageError(*said)


def report_folder(config: pytest.Config, root: Path) -> Path:
    """Return where the evidence goes; known even when the policy is broken."""
    given = config.getoption("aipm_report")
    if given:
        return _under(config.invocation_params.dir, given)
    named = invocation.ini(config, "aipm_report") if root == config.rootpath else ""
    return _under(root, named or REPORT)


def _settings(config: pytest.Config) -> auditing.Settings:
    """Options, else ini keys. Option paths start at the current folder, ini paths at rootdir."""
    option, root, here = config.getoption, config.rootpath, config.invocation_params.dir

    def path(name: str) -> Path | None:
        if option(f"aipm_{name}"):
            return _under(here, option(f"aipm_{name}"))
        text = invocation.ini(config, f"aipm_{name}")
        return _under(root, text) if text else None

    given = [_under(here, word) for word in option("aipm_policy")]
    policies = given or [_under(root, word) for word in invocation.ini(config, "aipm_policies")]
    baseline, waivers = path("baseline"), path("waivers")
    usual = root / POLICY_FOLDER / "waivers.yaml"
    history = invocation.ini(config, "aipm_history")
    signed = invocation.ini(config, "aipm_sign_offs")
    sign_offs = _under(root, signed or SIGN_OFFS)
    return auditing.Settings(
        root=root,
        policies=tuple(policies or [root / POLICY_FOLDER]),
        report=report_folder(config, root),
        baseline=baseline or root / BASELINE,
        baseline_given=baseline is not None,
        waivers=waivers or (usual if usual.exists() else None),
        sign_offs=sign_offs if signed or sign_offs.exists() else None,
        use_waivers=not (option("aipm_no_waivers") or option("runxfail", default=False)),
        strict=option("aipm_strict") or invocation.ini(config, "aipm_strict"),
        deep=option("aipm_deep") or invocation.ini(config, "aipm_deep"),
        trust=tuple(option("aipm_trust")),
        seed=invocation.seed(config),
        engine=_engine(config),
        spark_master=invocation.ini(config, "aipm_spark_master") or "local[*]",
        exports=_exports(config),
        packs=_under(root, packs) if (packs := invocation.ini(config, "aipm_packs")) else None,
        model=_reference(option("aipm_model"), root, here),
        data=_reference(option("aipm_data"), root, here),
        update_baseline=option("aipm_update_baseline"),
        first_baseline=invocation.ini(config, "aipm_first_baseline"),
        history=_under(root, history) if history else None,
    )


def _engine(config: pytest.Config) -> str:
    name = str(config.getoption("aipm_engine") or invocation.ini(config, "aipm_engine") or "local")
    if name not in ("local", "spark"):
        raise OptionError(f"--aipm-engine={name}: there is no such engine; write local or spark")
    if name == "spark" and (invocation.is_worker(config) or config.getoption("dist", "no") != "no"):
        raise OptionError("--aipm-engine=spark: Spark spreads the work itself; leave out -n")
    return name


def _exports(config: pytest.Config) -> tuple[str, ...] | None:
    words = invocation.ini(config, "aipm_exports")
    return None if words == ["all"] else report.chosen_exports(words, invocation.ini_file(config))


def _command(config: pytest.Config, settings: auditing.Settings) -> str:
    """Return the command that repeats this audit: what decides, not how it was displayed."""
    option = config.getoption
    words = ["pytest", "--aipm-audit"]
    if option("aipm_policy") or invocation.ini(config, "aipm_policies"):
        words += [f"--aipm-policy={settings.shown(path)}" for path in settings.policies]
    words += [f"--aipm-model={settings.model}"] * (settings.model is not None)
    words += [f"--aipm-data={settings.data}"] * (settings.data is not None)
    words += [f"--aipm-baseline={settings.shown(settings.baseline)}"] * settings.baseline_given
    if settings.waivers is not None and option("aipm_waivers"):
        words.append(f"--aipm-waivers={settings.shown(settings.waivers)}")
    words += ["--aipm-no-waivers"] * (not settings.use_waivers)
    words += ["--aipm-strict"] * settings.strict
    words += ["--aipm-deep"] * settings.deep
    words += [f"--aipm-engine={settings.engine}"] * (settings.engine != "local")
    words += [f"--aipm-trust={digest}" for digest in settings.trust]
    words += [f"--aipm-seed={settings.seed}"] * (settings.seed != 0)
    for flag, name in (("-k", "keyword"), ("-m", "markexpr")):
        words += [flag, option(name)] * bool(option(name, ""))
    return shlex.join(words)


def _under(folder: Path, word: str) -> Path:
    return Path(os.path.normpath(folder / word))


def _reference(word: str | None, root: Path, here: Path) -> str | None:
    """Return a model or data reference as a policy would write it: relative to rootdir."""
    if word is None or not (here / word).exists():
        return word
    return Path(os.path.relpath(here / word, root)).as_posix()


def _refuse_update(config: pytest.Config) -> None:
    """Refuse ``--aipm-update-baseline`` where it could approve what nobody looked at."""
    if not config.getoption("aipm_update_baseline"):
        return
    if invocation.distributed(config):
        raise OptionError("--aipm-update-baseline: needs one process; leave out -n")
    in_ci = os.environ.get("CI", "").lower() not in NO
    if in_ci and not invocation.ini(config, "aipm_allow_ci_update"):
        raise OptionError(
            "--aipm-update-baseline: refused under CI; approve the report folder of this run with "
            "`aipm approve FOLDER --by NAME --reason TEXT`, or set aipm_allow_ci_update = true"
        )


def _refuse_epoch() -> None:
    fault = epoch_fault()
    if fault:
        raise OptionError(fault)


def extra_checks(config: pytest.Config) -> Mapping[str, ModuleType]:
    """Return the checks that other plugins register."""
    checks: dict[str, ModuleType] = {}
    for registered in config.hook.pytest_aipm_register_checks():
        if not _is_checks(registered):
            raise OptionError(
                "pytest_aipm_register_checks: returned "
                f"{type(registered).__name__}; return a mapping of name to module"
            )
        for name, module in registered.items():
            if name in checks:
                raise OptionError(f"pytest_aipm_register_checks: {name} is registered twice")
            checks[name] = module
    return checks


def _is_checks(registered: Any) -> bool:
    return isinstance(registered, Mapping) and all(
        isinstance(name, str) and isinstance(module, ModuleType)
        for name, module in registered.items()
    )


def _run_dir(config: pytest.Config) -> Path | None:
    """Return the folder that the controller made for its workers, where this is a worker."""
    if not invocation.is_worker(config):
        return None
    given = config.workerinput.get("aipm_run_dir")  # type: ignore[attr-defined]
    folder = Path(given) if given else None
    return folder if folder and folder.is_dir() else None
