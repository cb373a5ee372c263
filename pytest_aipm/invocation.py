"""What a pytest run asks of the audit: whether it runs, and on which of pytest's arguments.

Everything here is a function of the command line, the environment and the ini file, so that the
controller and xdist's workers, who get the same words, come to the same answer. Standard library
and pytest only: a plain run comes this far.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

__all__ = [
    "Asked",
    "arguments",
    "asked",
    "distributed",
    "hidden_on_purpose",
    "ini",
    "ini_file",
    "is_worker",
    "only_looks",
    "readable_epoch",
    "seed",
    "strays",
]

SUFFIX = ".aipm.yaml"
WITH_VALUE = frozenset(
    f"--aipm-{name}"
    for name in (
        "policy",
        "model",
        "data",
        "report",
        "baseline",
        "waivers",
        "trust",
        "engine",
        "seed",
    )
)
IN_TESTS_TOO = frozenset({"--aipm-audit", "--aipm-seed"})
"""Options that the fixture heeds, or that need no audit to make sense."""


@dataclass(frozen=True)
class Asked:
    """Whether policies run, and what to say when the project wants them and they do not."""

    audit: bool
    note: str = ""


def asked(config: pytest.Config) -> Asked:
    """Return whether this run audits.

    Raises
    ------
    pytest.UsageError
        An option of the audit was given and would have been ignored.
    """
    if _switched_off(config):
        return Asked(audit=False, note="aipm: no policy ran: switched off by -o aipm_audit=false")
    if config.getoption("aipm_audit"):
        return Asked(audit=True)
    if ini(config, "aipm_audit"):
        if _names_tests(config):
            return Asked(
                audit=False,
                note="aipm: no policy ran, because this run names test files or node ids; "
                "a bare pytest, or --aipm-audit, runs them",
            )
        return Asked(audit=True)
    given = {str(word).partition("=")[0] for word in config.invocation_params.args}
    idle = sorted(w for w in given if w.startswith("--aipm-") and w not in IN_TESTS_TOO)
    if idle:
        raise pytest.UsageError(f"{', '.join(idle)}: does nothing without --aipm-audit; add it")
    return Asked(audit=False)


def ini(config: pytest.Config, key: str) -> Any:
    """Return an ini value; one of the wrong type is a usage error in one line."""
    try:
        return config.getini(key)
    except (TypeError, ValueError, pytest.UsageError) as fault:
        raise pytest.UsageError(f"{ini_file(config)}: {key}: {fault}") from None


def seed(config: pytest.Config) -> int:
    """Return the seed of all resampling.

    Raises
    ------
    pytest.UsageError
        It is not a whole number, or below 0.
    """
    given = config.getoption("aipm_seed")
    text = str(ini(config, "aipm_seed") if given is None else given)
    if not re.fullmatch(r"\d{1,18}", text):
        raise pytest.UsageError(f"--aipm-seed={text}: a seed is a whole number, 0 or more")
    return int(text)


@contextmanager
def readable_epoch() -> Iterator[None]:
    """Hide an unreadable ``SOURCE_DATE_EPOCH`` while libraries are imported.

    numpy reads it on import and would end the run with a traceback, before anyone can refuse it.
    """
    from pytest_aipm.clock import EPOCH, epoch_fault  # noqa: PLC0415 - a run without audit has none

    epoch = os.environ.get(EPOCH)
    if epoch is None or not epoch_fault():
        yield
        return
    del os.environ[EPOCH]
    try:
        yield
    finally:
        os.environ[EPOCH] = epoch


def is_worker(config: pytest.Config) -> bool:
    """Return whether this process is a worker of pytest-xdist."""
    return hasattr(config, "workerinput")


def distributed(config: pytest.Config) -> bool:
    """Return whether this process hands its tests to workers."""
    return config.getoption("dist", "no") != "no" and bool(config.getoption("tx", None))


def only_looks(config: pytest.Config) -> bool:
    """Return whether pytest lists what it would run, without running it."""
    return any(config.getoption(name, False) for name in ("collectonly", "setuponly", "setupplan"))


def strays(config: pytest.Config) -> list[str]:
    """Return the problems with paths outside the invocation folder given as separate words.

    pytest looks for its root before it knows this plugin's options, and takes such a word for a
    test path: the root moves, and another project's policies would be audited.

    Returns
    -------
    list of str
        One line a path, naming the form with an equals sign; ``PYTEST_ADDOPTS`` is read too.
    """
    folder = config.invocation_params.dir
    words = shlex.split(os.environ.get("PYTEST_ADDOPTS", ""))
    words += map(str, config.invocation_params.args)
    return [
        f"{option} {word}: a path outside {folder}, given as a separate word, moves pytest's "
        f"rootdir to another project; write {option}={word}"
        for option, word in pairwise(words)
        if option in WITH_VALUE and not word.startswith("-") and _outside(word, folder)
    ]


def arguments(config: pytest.Config, files: Sequence[Path]) -> list[str]:
    """Return pytest's arguments with the policy files.

    Parameters
    ----------
    config : pytest.Config
    files : sequence of Path
        The policy files of this run, absolute.

    Returns
    -------
    list of str
        The files alone under ``--aipm-audit`` without paths. Otherwise the arguments, and those
        files that none of them covers: pytest 8.4 loses the ordinary tests of a folder when a
        file in it is named as well. Arguments that name policies are taken as they are.

    Raises
    ------
    pytest.UsageError
        An argument names a policy file that is none of `files`.
    """
    given = list(config.args)
    named = config.args_source is config.ArgsSource.ARGS
    if not named and config.getoption("aipm_audit"):
        return list(map(str, files))
    places = [_place(config, arg) for arg in given]
    policies = [place for place in places if place.name.endswith(SUFFIX)]
    known = {file.resolve() for file in files}
    problems = [
        f"{place}: not one of this run's policies; write --aipm-policy={place}"
        for place in policies
        if place.resolve() not in known
    ]
    if problems:
        raise pytest.UsageError(*problems)
    if policies:
        return given
    folders = [place for place in places if place.is_dir()]
    return given + [str(file) for file in files if not _covered(file, folders)]


def hidden_on_purpose(config: pytest.Config, path: Path) -> bool:
    """Return whether ``--ignore`` or ``--ignore-glob`` names a path."""
    folder = config.invocation_params.dir
    ignored: Iterable[str] = config.getoption("ignore") or ()
    globs: Iterable[str] = config.getoption("ignore_glob") or ()
    return any(_absolute(folder, str(p)) == path for p in ignored) or any(
        fnmatch(str(path), str(_absolute(folder, str(g)))) for g in globs
    )


def _switched_off(config: pytest.Config) -> bool:
    """``-o aipm_audit=false`` switches off whatever asks for the audit."""
    overrides: Sequence[str] = config.getoption("override_ini") or ()
    given = any(word.replace(" ", "").startswith("aipm_audit=") for word in overrides)
    return given and not ini(config, "aipm_audit")


def _names_tests(config: pytest.Config) -> bool:
    """Return whether arguments name test files or node ids, and no policy."""
    if config.args_source is not config.ArgsSource.ARGS:
        return False
    places = [_place(config, arg) for arg in config.args]
    if any(place.name.endswith(SUFFIX) for place in places):
        return False
    return any("::" in a or p.is_file() for a, p in zip(config.args, places, strict=True))


def _place(config: pytest.Config, argument: str) -> Path:
    """Return the file or folder of an argument, without node id and parameters."""
    return _absolute(config.invocation_params.dir, argument.partition("[")[0].partition("::")[0])


def _absolute(folder: Path, word: str) -> Path:
    return Path(os.path.normpath(folder / word))


def _covered(file: Path, folders: Iterable[Path]) -> bool:
    real = file.resolve()
    return any(
        file.is_relative_to(folder) or real.is_relative_to(folder.resolve()) for folder in folders
    )


def _outside(word: str, folder: Path) -> bool:
    place = _absolute(folder, word.partition("::")[0])
    return os.path.exists(place) and not place.is_relative_to(folder)  # noqa: PTH110 - no OSError


def ini_file(config: pytest.Config) -> str:
    """Return the name of the file that configures pytest, for messages."""
    return config.inipath.name if config.inipath else "-o"
