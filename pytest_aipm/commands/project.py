"""Where a project keeps what commands work on: the same places as a run of pytest uses."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from pytest_aipm.auditing.settings import BASELINE, REPORT, SIGN_OFFS, Settings
from pytest_aipm.commands.ini import Ini, exports_of, read_ini
from pytest_aipm.commands.paths import here, root_of
from pytest_aipm.policy.library import Library

__all__ = ["baseline_of", "packs_of", "root_of", "settings_of", "sign_offs_of"]

POLICIES = "policies"
WAIVERS = f"{POLICIES}/waivers.yaml"


def baseline_of(root: Path, given: str | None) -> Path:
    """Return the approved baseline's path: as given, else the ini key's, else the usual one."""
    return here(given) if given is not None else _ini_baseline(root, read_ini(root))


def sign_offs_of(root: Path, given: str | None) -> Path:
    """Return where sign-offs are kept: as given, else the ini key's, else the usual place."""
    return here(given) if given is not None else _ini_sign_offs(root, read_ini(root))


def settings_of(root: Path, policies: Sequence[str]) -> Settings:
    """Return the settings that a run of pytest in `root` would have.

    Parameters
    ----------
    root : Path
    policies : sequence of str
        Files and folders; none means those of the ini key, or ``policies/``.
    """
    ini = read_ini(root)
    named = [here(word) for word in policies]
    named = named or [_under(root, word) for word in ini.words("aipm_policies")]
    waivers = _under(root, ini.text("aipm_waivers") or WAIVERS)
    sign_offs = _ini_sign_offs(root, ini)
    return Settings(
        root=root,
        policies=tuple(named or [root / POLICIES]),
        report=_under(root, ini.text("aipm_report") or REPORT),
        baseline=_ini_baseline(root, ini),
        baseline_given=bool(ini.text("aipm_baseline")),
        waivers=waivers if ini.text("aipm_waivers") or waivers.exists() else None,
        sign_offs=sign_offs if ini.text("aipm_sign_offs") or sign_offs.exists() else None,
        first_baseline=ini.flag("aipm_first_baseline"),
        exports=exports_of(ini),
        packs=_packs(root, ini),
    )


def packs_of(root: Path) -> Library:
    """Return the packs that a policy in `root` may extend."""
    return Library(_packs(root, read_ini(root)))


def _packs(root: Path, ini: Ini) -> Path | None:
    return _under(root, ini.text("aipm_packs")) if ini.text("aipm_packs") else None


def _ini_baseline(root: Path, ini: Ini) -> Path:
    return _under(root, ini.text("aipm_baseline") or BASELINE)


def _ini_sign_offs(root: Path, ini: Ini) -> Path:
    return _under(root, ini.text("aipm_sign_offs") or SIGN_OFFS)


def _under(folder: Path, word: str) -> Path:
    return Path(os.path.normpath(folder / word))
