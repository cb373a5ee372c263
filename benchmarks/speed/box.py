"""Where contenders run: their interpreter, their environment, their files, this machine."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmarks.speed.spent import Process, environment_of, process

__all__ = ["ROOT", "Box", "cache_folder", "machine"]

ROOT = Path(__file__).resolve().parents[2]


def cache_folder() -> Path:
    """Return where environments of other libraries and results are kept from run to run."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "pytest-aipm-benchmarks"


@dataclass(frozen=True)
class Box:
    """What a section needs to measure.

    Attributes
    ----------
    cache : Path
        Kept from run to run.
    temporary : Path
        Taken away afterwards.
    quick : bool
        Small sizes, to try whether it works.
    """

    cache: Path
    temporary: Path
    quick: bool = False
    made: dict[str, Path] = field(default_factory=dict)

    def say(self, what: str) -> None:
        """Tell on standard error how far it is."""
        print(f"benchmarks: {what}", file=sys.stderr, flush=True)

    def run(
        self,
        contender: str,
        *,
        python: str | Path = sys.executable,
        threads: int | None = 1,
        **given: Any,
    ) -> dict[str, Any]:
        """Run a contender as a process of its own.

        Parameters
        ----------
        contender : str
            Module in ``contenders``.
        python : path
            Its interpreter.
        threads : int or None
            Threads of linear algebra and OpenMP; None leaves them as they are.
        **given
            Its arguments.

        Returns
        -------
        dict
            What it printed.

        Raises
        ------
        DiedError
            When it did not end well.
        """
        ended = self.watch(contender, python=python, threads=threads, **given)
        found: dict[str, Any] = json.loads(ended.printed.strip().splitlines()[-1])
        return found

    def watch(
        self,
        contender: str,
        *,
        python: str | Path = sys.executable,
        threads: int | None = 1,
        **given: Any,
    ) -> Process:
        """Run a contender, watched from outside: interpreter and imports count."""
        words = [f"{key}={_word(value)}" for key, value in given.items()]
        module = f"benchmarks.speed.contenders.{contender}"
        self.say(f"  {contender} {' '.join(words)}"[:160])
        return process(
            [python, "-m", module, *words],
            folder=ROOT,
            environment=environment_of(threads, PYTHONPATH=ROOT, TMPDIR=self.temporary),
        )

    def python(self, folder: Path, *words: str | Path) -> Process:
        """Run Python from nothing in a folder; a red audit is no fault."""
        environment = environment_of(1, PYTHONPATH=ROOT)
        return process(
            [sys.executable, *words], folder=folder, environment=environment, ends=(0, 1)
        )

    def pytest(self, folder: Path, *words: str) -> Process:
        """Run pytest in a folder, from nothing."""
        return self.python(folder, "-m", "pytest", *words)

    def environment(self, name: str, *requirements: str) -> Path:
        """Return the interpreter of a virtual environment with these packages, made once.

        Raises
        ------
        DiedError
            When they do not install.
        """
        folder = self.cache / "environments" / name
        python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        done = folder / "installed.txt"
        if done.is_file() and done.read_text(encoding="utf-8") == "\n".join(requirements):
            return python
        self.say(f"  installs {' '.join(requirements)} in {folder}")
        shutil.rmtree(folder, ignore_errors=True)
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        for command in ([sys.executable, "-m", "venv", folder], [*pip, *requirements]):
            process(command, folder=self.temporary, environment=environment_of(None))
        done.write_text("\n".join(requirements), encoding="utf-8")
        return python

    def file(self, name: str, make: Any) -> Path:
        """Return a file of this run, made by the first who asks."""
        if name not in self.made:
            path = self.temporary / name
            self.say(f"  writes {name}")
            make(path)
            self.made[name] = path
        return self.made[name]


def _word(value: Any) -> str:
    return (
        value
        if isinstance(value, str)
        else str(value)
        if isinstance(value, Path)
        else json.dumps(value)
    )


def versions_of(python: str | Path, *names: str) -> dict[str, str]:
    """Return the versions of packages in another interpreter's environment."""
    code = "import sys; from importlib import metadata; print(*map(metadata.version, sys.argv[1:]))"
    said = subprocess.run([python, "-c", code, *names], capture_output=True, text=True, check=True)
    return dict(zip(names, said.stdout.split(), strict=True))


def machine() -> dict[str, Any]:
    """Return the machine and the versions behind the figures."""
    names = ("numpy", "pandas", "scipy", "scikit-learn", "fairlearn", "pyarrow", "pytest")
    return {
        "cores": os.cpu_count(),
        "cpu": _cpu(),
        "memory": _memory(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": {name: metadata.version(name) for name in ("pytest-aipm", *names)},
    }


def _cpu() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or "unknown"
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return found[1] if found else platform.processor() or "unknown"


def _memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return None


def free_bytes(folder: Path) -> int:
    """Return how many bytes still fit on the disk of a folder."""
    return shutil.disk_usage(folder).free


def java_version() -> str | None:
    """Return the version of the Java runtime; None without one."""
    if shutil.which("java") is None:
        return None
    said = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False)
    found = re.search(r'version "([^"]+)"', said.stderr + said.stdout)
    return found[1] if found else None


def load() -> float | None:
    """Return how many processes wanted a core in the last minute."""
    try:
        return os.getloadavg()[0]
    except (OSError, AttributeError):
        return None
