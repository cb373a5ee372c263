"""``aipm verify``: whether a report folder still is what a run wrote, and follows from itself."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pytest_aipm.commands.paths import here
from pytest_aipm.commands.project import root_of, sign_offs_of
from pytest_aipm.commands.say import say
from pytest_aipm.records import canonical_json
from pytest_aipm.report.plain import plain_line
from pytest_aipm.verification import Asked, Line, State, verified

__all__ = ["verify"]

FORMAT = "aipm-verify/1"
WIDTH = max(len(state.value) for state in State)


def verify(
    folder: str,
    *,
    models: Sequence[str] = (),
    data: Sequence[str] = (),
    policies: Sequence[str] = (),
    root: str | None = None,
    key: str | None = None,
    as_json: bool = False,
) -> int:
    """Look at a report folder and print one line for each thing that was looked at.

    Parameters
    ----------
    folder : str
    models, data, policies : sequence of str
        Files (data: folders, too) that are held against the hashes of the record.
    root : str, optional
        Where policies and baseline lie; default the current folder.
    key : str, optional
        The public key of whoever signed, as PEM.
    as_json : bool
        One JSON object instead of lines.

    Returns
    -------
    int
        1 when something does not hold, else 0.

    Raises
    ------
    UsageFault
        When there is nothing to verify, or a file that was named is not there.
    """
    base = root_of(root)
    paths = {here(word): word for word in (*models, *data, *policies)}
    lines = verified(
        Asked(
            folder=here(folder),
            shown=folder.rstrip("/") or folder,
            root=base,
            sign_offs=sign_offs_of(base, None),
            models=_paths(models),
            data=_paths(data),
            policies=_paths(policies),
            key=None if key is None else here(key),
            names=paths,
        )
    )
    wrong = sum(line.state is State.BROKEN for line in lines)
    say(_json(lines, holds=not wrong) if as_json else _text(lines, wrong))
    return 1 if wrong else 0


def _paths(words: Sequence[str]) -> tuple[Path, ...]:
    return tuple(map(here, words))


def _text(lines: Sequence[Line], wrong: int) -> str:
    shown = [
        f"{line.state.value:{WIDTH}}  {plain_line(f'{line.what}: {line.said}')}" for line in lines
    ]
    untold = sum(line.state is State.UNTOLD for line in lines)
    last = f"{wrong} of {len(lines)} do not hold" if wrong else "nothing is wrong"
    if untold:
        last += f"; {untold} cannot be told"
    return "\n".join([*shown, last])


def _json(lines: Sequence[Line], *, holds: bool) -> str:
    told = {
        "schema": FORMAT,
        "holds": holds,
        "checks": [
            {"what": line.what, "state": line.state.value, "said": line.said} for line in lines
        ],
    }
    return canonical_json(told, indent=1)
