"""From a policy file to a `Policy`: everything that can be known without data is checked here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pytest_aipm.errors import PolicyError, Problem
from pytest_aipm.policy.claims import claims_of
from pytest_aipm.policy.fit import attributes_fit, subject_fits, subject_lacks
from pytest_aipm.policy.grammar import CheckKeys, Publish, SubjectSpec
from pytest_aipm.policy.layers import Layer, layer_of, read_layer, unmatched
from pytest_aipm.policy.library import Library
from pytest_aipm.policy.loosening import loosenings
from pytest_aipm.policy.model import CheckSpec, Policy
from pytest_aipm.policy.pack import misfits
from pytest_aipm.policy.rules import SHARED, Checks, Modules, build_check, clauses_of
from pytest_aipm.policy.shorthand import Given
from pytest_aipm.policy.subject import build_subject
from pytest_aipm.policy.tree import Faults, Map, Place, Scalar, Seq, tree_of
from pytest_aipm.policy.words import closed, kind_of, no_nulls, shape, unknown_keys

__all__ = ["load_policy", "policy_from"]


def load_policy(
    path: Path,
    *,
    root: Path,
    catalog: Checks,
    given: Given | None = None,
    packs: Library | None = None,
) -> Policy:
    """Read, merge and check a policy file.

    Parameters
    ----------
    path : Path
    root : Path
        Folder that paths in messages are relative to.
    catalog : Checks
        The checks that may be named.
    given : mapping, optional
        What the caller brings instead of what the policy names: ``model``, ``data``, ``train``,
        each a reference, or None for an object.
    packs : Library, optional
        Where ``pack:NAME`` is found; default what is built in or installed.

    Returns
    -------
    Policy

    Raises
    ------
    PolicyError
        With every problem, once the text parses.
    """
    faults = Faults()
    layer = read_layer(path, root=root, faults=faults, packs=packs)
    return _policy(layer, catalog, given or {}, root, faults)


def policy_from(
    value: Mapping[str, Any],
    *,
    path: str,
    root: Path,
    catalog: Checks,
    given: Given | None = None,
    packs: Library | None = None,
) -> Policy:
    """Check a policy that was made in Python: same grammar, no lines.

    Parameters
    ----------
    value : mapping
        What the YAML would hold.
    path : str
        What messages call it.
    root, catalog, given, packs
        See `load_policy`; ``extends`` is relative to `root`.

    Raises
    ------
    PolicyError
    """
    faults = Faults()
    try:
        tree = tree_of(value, path)
    except TypeError as error:
        raise PolicyError(Problem(str(error), "use text, numbers, lists, mappings", path)) from None
    assert isinstance(tree, Map)  # noqa: S101 - a mapping becomes a Map
    layer = layer_of(tree, root=root, faults=faults, packs=packs)
    return _policy(layer, catalog, given or {}, root, faults)


def _policy(layer: Layer, catalog: Checks, given: Given, root: Path, faults: Faults) -> Policy:
    source, top = layer.source, layer.top
    if "subject" not in source.tree.entries:
        what = "a base for `extends`, because it has no 'subject'"
        fix = "name a policy that extends it, or add a subject"
        unnamed = Problem(what, fix, source.path)
        raise PolicyError((unnamed, *faults.problems))
    if not layer.whole:  # without its bases, much of a policy would look wrong
        faults.raise_as(PolicyError)
    name = _name(source.tree, faults)
    context = _context(top, faults)
    publish = _publish(top, faults)
    _defaults(top, faults)
    unmatched(layer, faults)
    subject = None
    if isinstance(top.get("subject"), Map):
        subject = build_subject(top.submap("subject"), given, root, faults)
    modules = Modules(catalog)
    checks = _checks(layer, subject, modules, faults)
    _beside(layer, checks, modules, faults)
    claims = claims_of(top.submap("context"), layer.checks, faults)
    loosened = loosenings(layer, _attributes(top, subject), modules, faults)
    faults.raise_as(PolicyError)
    assert subject is not None  # noqa: S101 - nothing is wrong
    assert publish is not None  # noqa: S101
    return Policy(
        name=name,
        path=source.path,
        sha256=source.sha256,
        text=source.text,
        extends=tuple(each.source.path for each in layer.walk() if each is not layer),
        context=context,
        claims=claims,
        subject=subject,
        publish=publish,
        checks=checks,
        loosened=loosened,
        packs=tuple(each.pack for each in layer.walk() if each.pack is not None),
        tree=top.having("checks", Map(layer.checks)),
    )


def _name(tree: Map, faults: Faults) -> str:
    """Return the file's own name; a base's is not inherited, or two policies would share it."""
    if "name" not in tree.entries:
        faults.add(tree.place, "'name' is missing", "add `name: ...`; it begins every node id")
    return tree.text("name") or ""


def _context(top: Map, faults: Faults) -> dict[str, Any]:
    context = top.submap("context")
    if not isinstance(top.get("context"), Map | None):
        return {}
    for key, why in (("purpose", "what the model is for"), ("owner", "who answers for it")):
        value = context.get(key)
        if value is None:
            faults.add(context.place, f"'context.{key}' is missing", f"say {why}")
        elif not isinstance(value, Scalar) or not isinstance(value.value, str):
            what = f"'context.{key}' must be text, not {kind_of(value)}"
            faults.add(value.place, what, f"say {why}")
        elif not value.value.strip():
            faults.add(value.place, f"'context.{key}' is empty", f"say {why}")
    plain: dict[str, Any] = context.plain()
    return plain


def _publish(top: Map, faults: Faults) -> Publish | None:
    tree = top.submap("publish")
    no_nulls(tree, faults)
    return shape(Publish, closed(tree, Publish, faults, where="'publish'"), faults)


def _defaults(top: Map, faults: Faults) -> None:
    tree = top.submap("defaults")
    no_nulls(tree, faults)
    unknown_keys(tree, SHARED | {"by", "override"}, faults, where="'defaults'")
    shape(CheckKeys, clauses_of(tree.only(SHARED)), faults)


def _attributes(top: Map, subject: SubjectSpec | None) -> dict[str, str | None]:
    """Return the attributes with their references; names alone when the subject is at fault."""
    if subject is None:
        return dict.fromkeys(top.submap("subject").submap("protected").entries)
    return {name: spec.reference for name, spec in subject.protected.items()}


def _beside(layer: Layer, checks: Sequence[CheckSpec], modules: Modules, faults: Faults) -> None:
    """Note what checks say of other checks that they name; ids of faulty ones are known, too."""
    units: dict[str, tuple[str, ...]] = {}
    for check_id, tree in layer.checks.items():
        name = tree.text("check")
        module = modules.get(name, tree.place, Faults()) if name else None
        units[check_id] = tuple(getattr(module, "UNITS", ("",)))
    for spec in checks:
        module = modules.get(spec.check, Place(spec.path), Faults())
        beside = getattr(module, "beside", None)
        if beside is None or not spec.enabled:
            continue
        others = {name: each for name, each in units.items() if name != spec.id}
        for params in spec.params.values():
            for key, what, fix in beside(params, others):
                faults.add(layer.checks[spec.id].place_of(key), what, fix)


def _checks(
    layer: Layer, subject: SubjectSpec | None, modules: Modules, faults: Faults
) -> tuple[CheckSpec, ...]:
    attributes, defaults = _attributes(layer.top, subject), layer.top.submap("defaults")
    written = layer.source.tree.get("checks")
    if not layer.checks and (written is None or written == Seq((), written.place)):
        place = layer.source.tree.key_place("checks")
        faults.add(place, "'checks' is empty: nothing would be audited", "add a check")
    subject_tree = layer.top.get("subject")
    protected = subject_tree.get("protected") if isinstance(subject_tree, Map) else subject_tree
    specs: list[CheckSpec] = []
    misfit: list[Problem] = []
    for check_id, tree in layer.checks.items():
        spec = build_check(check_id, tree, defaults, attributes, modules, faults)
        name = tree.text("check")
        module = modules.get(name, tree.place, Faults()) if name else None
        enabled = tree.entries.get("enabled", defaults.entries.get("enabled"))
        if module is None or (isinstance(enabled, Scalar) and enabled.value is False):
            specs.extend([spec] if spec else [])
            continue
        unfit = Faults()
        if isinstance(protected, Map | None):
            attributes_fit(tree, defaults, tuple(attributes), module.SCOPES, unfit)
        if spec is not None and subject is not None and not unfit:
            lacking = subject_lacks(spec, module, subject) if spec.if_possible else []
            if lacking:
                spec = replace(spec, enabled=False, inapplicable=lacking[0][0])
            else:
                subject_fits(spec, module, subject, tree, unfit)
        misfit.extend(unfit.problems)
        specs.extend([spec] if spec else [])
    misfits(misfit, {each.source.path: place for each, place in layer.named()}, faults)
    return tuple(specs)
