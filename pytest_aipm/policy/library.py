"""Where ``pack:NAME`` is found: built in, installed by another package, or in a project's folder.

A pack is a file ``NAME.aipm.yaml``. The entry point group ``pytest_aipm.packs`` names packages
whose folders hold such files; the ini key ``aipm_packs`` names a folder of the project.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from pytest_aipm.errors import OptionError, PolicyError, Problem

__all__ = ["GROUP", "SUFFIX", "Library", "pack_name"]

GROUP = "pytest_aipm.packs"
SUFFIX = ".aipm.yaml"
_PREFIX = "pack:"
_BUILT_IN = Path(__file__).parent / "packs"


def pack_name(text: str) -> str | None:
    """Return the name in ``pack:NAME``, or None where that is not what a text says."""
    return text[len(_PREFIX) :] if text.startswith(_PREFIX) else None


class Library:
    """The packs that a policy may extend. Folders are looked into when the first is asked for.

    Parameters
    ----------
    folder : Path, optional
        The project's own packs.

    Raises
    ------
    OptionError
        When there is no such folder.
    """

    def __init__(self, folder: Path | None = None) -> None:
        if folder is not None and not folder.is_dir():
            what = f"aipm_packs: there is no folder {folder.name!r}"
            raise OptionError(Problem(what, "correct it, or remove the key"))
        self._folder = folder

    def names(self) -> tuple[str, ...]:
        """Return the names of all packs, sorted.

        Raises
        ------
        PolicyError
            When two packs share a name, or an installed package has no folder.
        """
        return tuple(sorted(self._places))

    def path(self, name: str) -> Path | None:
        """Return a pack's file, or None when there is no such pack."""
        place = self._places.get(name)
        return None if place is None else place[0]

    def origin(self, name: str) -> str:
        """Return who brings a pack: ``built in``, ``aipm_packs`` or the installed package."""
        return self._places[name][1]

    @cached_property
    def _places(self) -> dict[str, tuple[Path, str]]:
        found: dict[str, tuple[Path, str]] = {}
        for folder, origin in self._folders():
            for path in sorted(folder.glob(f"*{SUFFIX}")):
                name = path.name.removesuffix(SUFFIX)
                taken = found.setdefault(name, (path, origin))
                if taken[0] != path:
                    what = f"two packs are called '{name}': one of {taken[1]}, one of {origin}"
                    raise PolicyError(Problem(what, "rename one"))
        return found

    def _folders(self) -> Iterator[tuple[Path, str]]:
        yield _BUILT_IN, "built in"
        if self._folder is not None:
            yield self._folder, "aipm_packs"
        points = importlib.metadata.entry_points(group=GROUP)
        for point in sorted(points, key=lambda each: (each.name, each.value)):
            for folder in _package(point.name, point.value):
                yield folder, point.value


def _package(name: str, package: str) -> list[Path]:
    """Return the folders of an installed package; its own code is not run, those above it are."""
    try:
        spec = importlib.util.find_spec(package)
    except Exception:  # noqa: BLE001 - this runs the packages around it
        spec = None
    folders = [Path(each) for each in (spec and spec.submodule_search_locations) or ()]
    if not any(folder.is_dir() for folder in folders):
        what = f"the entry point '{name}' of {GROUP} names '{package}', which is no package here"
        raise PolicyError(Problem(what, "reinstall or uninstall what brings it"))
    return folders
