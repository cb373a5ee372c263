"""The groups of people in any rows, whatever else the policy asks of them."""

from __future__ import annotations

from dataclasses import replace

from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.groups import GroupCounts, Unknown
from pytest_aipm.evidence.subject import Subject
from pytest_aipm.sources.data import DataSource

__all__ = ["groups_in", "people_of"]


def people_of(subject: Subject) -> Subject:
    """Return a subject of which nothing but the attributes is known."""
    return Subject(
        task="binary", attributes=subject.attributes, path=subject.path, places=subject.places
    )


def _alone(evidence: Evidence, subject: Subject, source: DataSource) -> Evidence:
    return Evidence(subject, source, need_decision=False, engine=evidence.engine)


def groups_in(
    evidence: Evidence, source: DataSource, by: tuple[str, ...], unknown: Unknown
) -> GroupCounts:
    """Return the groups of a scope that occur in these rows, with their sizes.

    Labels and decisions are not read: neither must be there, nor be without gaps.

    Raises
    ------
    DataError
        When a column of an attribute is not there, or a declared group is absent.
    """
    source.require([evidence.subject.attribute(name).column for name in by])
    chosen = tuple(evidence.subject.attribute(name) for name in by)
    alone = replace(people_of(evidence.subject), attributes=chosen)
    return evidence.once(
        ("groups in", source.ref, by, unknown),
        lambda: _alone(evidence, alone, source).counts(by, unknown),
    )
