"""Where a finding belongs: the line of the policy that asks for it, and what tells it apart."""

from __future__ import annotations

import hashlib
import re
from urllib.parse import quote

from pytest_aipm.records import Audit, Finding, canonical_json

__all__ = ["fingerprint", "in_tests", "line_of", "path_of", "uri_of"]

_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


def in_tests(audit: Audit) -> bool:
    """Return whether an audit is a check inside an ordinary test."""
    return "::" in audit.policy.path


def path_of(audit: Audit) -> str:
    """Return the policy's file, or that of the test; relative to the root where it lies inside.

    What cannot be seen is dropped, for the path is printed.
    """
    return _UNSEEN.sub("", _file(audit)) or "policy"


def _file(audit: Audit) -> str:
    return audit.policy.path.partition("::")[0] or "policy"


def uri_of(audit: Audit) -> tuple[str, bool]:
    """Return the file as a URI reference, and whether it is relative to the root."""
    path = _file(audit)
    drive = path[1:3] == ":/"
    if not (drive or path.startswith("/")):
        return quote(_octets(path), safe="/"), True
    return f"file://{'/' if drive else ''}{quote(_octets(path), safe='/:')}", False


def _octets(path: str) -> bytes:
    """Return a path's bytes; names of files may hold some that are no text."""
    try:
        return path.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return path.encode("utf-8", "replace")


def line_of(finding: Finding) -> int:
    """Return the policy's line; the first where another file asks for the check."""
    return max(finding.policy_line or 1, 1)


def fingerprint(audit: Audit, finding: Finding) -> str:
    """Return what a finding keeps while its value, its verdict and its line change.

    Several scopes of a check stand on one line, so a hash of the line would make them one.
    """
    policy = audit.policy.path if in_tests(audit) else audit.policy.name
    parts = [policy, finding.check_id, list(finding.scope)]
    return hashlib.sha256(canonical_json(parts).encode()).hexdigest()
