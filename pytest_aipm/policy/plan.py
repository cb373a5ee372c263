"""Which policies a run audits: one pure function, the same in every process."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from ruamel.yaml.nodes import MappingNode

from pytest_aipm.errors import OptionError, PolicyError, Problem
from pytest_aipm.policy.layers import outline
from pytest_aipm.policy.library import SUFFIX, Library
from pytest_aipm.policy.load import load_policy
from pytest_aipm.policy.model import Policy
from pytest_aipm.policy.rules import Checks
from pytest_aipm.policy.shorthand import Given
from pytest_aipm.policy.text import composed, read_source, relative
from pytest_aipm.policy.tree import Faults, Place

__all__ = ["SUFFIX", "is_policy", "policy_files", "resolve_policies"]

_SUBJECT = re.compile(r"^(subject|\"subject\"|'subject')[ \t]*:", re.MULTILINE)


def is_policy(path: Path) -> bool:
    """Return whether a file is a policy of its own, without checking it.

    A file without `subject` is a base. A file that cannot be read as a mapping counts as a
    policy, so that whoever loads it hears why.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
        if _SUBJECT.search(text):
            return True
        node = composed(text.replace("\r\n", "\n"))
    except Exception:  # noqa: BLE001 - whatever it is, the loader says it
        return True
    if not isinstance(node, MappingNode):
        return True
    return any(key.value == "subject" for key, _ in node.value)


def policy_files(folder: Path) -> tuple[Path, ...]:
    """Return every ``*.aipm.yaml`` below a folder, sorted; hidden folders are left out."""
    found: list[Path] = []
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found.extend(Path(parent, name) for name in files if name.endswith(SUFFIX))
    return tuple(sorted(found, key=lambda path: path.relative_to(folder).parts))


def resolve_policies(
    paths: Sequence[Path],
    root: Path,
    catalog: Checks,
    given: Given | None = None,
    packs: Library | None = None,
) -> list[Policy]:
    """Return the policies of a run, in the order their files were named.

    Parameters
    ----------
    paths : sequence of Path
        Policy files, and folders whose policies are all meant; bases in folders are skipped.
        Relative ones are relative to `root`.
    root : Path
    catalog : Checks
    given : mapping, optional
        What the caller brings instead of what the policy names; needs exactly one policy.
    packs : Library, optional
        Where ``pack:NAME`` is found; default what is built in or installed.

    Returns
    -------
    list of Policy
        The same for the same files, whatever the process.

    Raises
    ------
    PolicyError
        With all problems of all files at once: unreadable or wrong ones, a base that was named as
        a policy, a folder without policies, two policies with one name.
    OptionError
        When `given` meets more or fewer than one policy.
    """
    faults = Faults()
    files = list(_files(paths, root, faults))
    if given and len(files) != 1 and not faults:
        named = ", ".join(relative(path, root) for path in files) or "none"
        what = f"{', '.join(sorted(given))} can be replaced in exactly one policy, not in {named}"
        raise OptionError(Problem(what, "name the policy with --aipm-policy=PATH"))
    policies: list[Policy] = []
    for path in files:
        try:
            policies.append(load_policy(path, root=root, catalog=catalog, given=given, packs=packs))
        except PolicyError as error:
            faults.extend(error.problems)
    _one_name_each(policies, faults)
    faults.raise_as(PolicyError)
    return policies


def _files(paths: Sequence[Path], root: Path, faults: Faults) -> Iterator[Path]:
    """Yield each policy file once."""
    seen: set[str] = set()
    for named in paths:
        path = root / named
        shown = Place(relative(path, root))
        if path.is_dir():
            chosen = _in_folder(path, shown, root, faults)
        elif not path.exists():
            faults.add(shown, "there is no such policy", "check the path")
            continue
        elif not path.name.endswith(SUFFIX):
            faults.add(shown, f"a policy's name ends in '{SUFFIX}'", "rename the file")
            continue
        else:
            chosen = [path]
        for each in chosen:
            key = os.path.realpath(each)
            if key not in seen:
                seen.add(key)
                yield each


def _in_folder(folder: Path, shown: Place, root: Path, faults: Faults) -> list[Path]:
    files = policy_files(folder)
    policies = [path for path in files if is_policy(path)]
    for path in files:
        if path not in policies:
            _check_base(path, root, faults)
    if not policies and not faults:
        bases = f", only {len(files)} base(s) without 'subject'" if files else ""
        faults.add(shown, f"no policy in this folder{bases}", f"add a file '*{SUFFIX}'")
    return policies


def _check_base(path: Path, root: Path, faults: Faults) -> None:
    """Note a skipped file whose outline is wrong: 'subjekt' would drop a policy without a sound."""
    try:
        outline(read_source(path, root=root, faults=faults).tree, faults)
    except PolicyError as error:
        faults.extend(error.problems)


def _one_name_each(policies: Sequence[Policy], faults: Faults) -> None:
    first: dict[str, Policy] = {}
    for policy in policies:
        other = first.setdefault(policy.name, policy)
        if other is not policy:
            place = policy.where("name")
            what = f"the name '{policy.name}' is taken by {other.path}"
            faults.add(place, what, "give each policy its own name")
