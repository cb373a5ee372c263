"""The fixture ``aipm``: a check inside an ordinary test, measured by the same engine."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pytest_aipm import api
from pytest_aipm.errors import AipmError
from pytest_aipm.invocation import seed
from pytest_aipm.nodes import PROPERTY, in_words, parcel
from pytest_aipm.records import Audit, Finding, Record, canonical_json
from pytest_aipm.session import POLICIES, extra_checks
from pytest_aipm.violation import publish, raise_for

__all__ = ["Aipm"]


class Aipm:
    """Audits models inside a test. Its findings join the run's record when the audit runs.

    Parameters
    ----------
    node : pytest.Item
        The test that asked for the fixture.
    """

    def __init__(self, node: pytest.Item) -> None:
        self._node = node
        self._found: list[dict[str, Any]] = []
        self._names: list[str] = []

    def check(
        self,
        name: str,
        *,
        model: Any = None,
        data: Any,
        label: str | None = None,
        positive: Any = None,
        favorable: Any = None,
        by: Any = None,
        limit: Any = None,
        warn: Any = None,
        decision: Any = None,
        **params: Any,
    ) -> Finding:
        """Run one check and fail the test when its limit is broken.

        Parameters
        ----------
        name : str
            Full name of the check, such as ``fairness.demographic_parity_ratio``.
        model : object or str, optional
            Anything a policy can name, or the object itself.
        data : DataFrame or str
            Rows to audit on.
        label, positive, favorable, decision
            As in a policy's ``subject``; so are ``train``, ``task``, ``predictions``, ``scores``,
            ``protected``, ``features``, ``weights`` and ``cluster``.
        by : str or list of str, optional
            Protected attributes; several make an intersection.
        limit, warn : mapping, optional
            ``{"min": 0.8}``, ``{"max": 0.1}`` or both.
        **params
            Other keys of the check.

        Returns
        -------
        Finding
            Also when it is inconclusive, warns or is not judged.

        Raises
        ------
        CheckViolation
            The finding fails the build; an AssertionError with one readable message.
        CheckError
            It could not be measured.
        UsageFault
            The arguments are at fault.
        """
        __tracebackhide__ = True
        config = self._node.config
        given = {
            "model": model,
            "label": label,
            "positive": positive,
            "favorable": favorable,
            "by": by,
            "limit": limit,
            "warn": warn,
            "decision": decision,
        }
        given = {key: value for key, value in given.items() if value is not None}
        earlier = sum(name == each for each in self._names)
        if earlier and "id" not in params:
            params["id"] = f"{name.rpartition('.')[2]}-{earlier + 1}"
        self._names.append(name)
        try:
            audit, finding = api.check(
                name,
                nodeid=self._node.nodeid,
                seed=seed(config),
                root=config.rootpath,
                data=data,
                trust=tuple(config.getoption("aipm_trust")),
                extra_checks=extra_checks(config),
                **given,
                **params,
            )
        except AipmError as fault:
            raise type(fault)(fault.problems) from None  # the mistake is in the test's line
        self._keep(audit, finding)
        raise_for(finding, publish(finding, min_cell=audit.policy.min_cell))
        return finding

    def audit(self, policy: Any, **kwargs: Any) -> Record:
        """Audit a whole policy, as `pytest_aipm.audit` does, with rootdir as its root.

        The record is the caller's: assert on it, or call ``raise_if_failed()``. It does not join
        the run's record, which would then hold two audits of one policy.
        """
        __tracebackhide__ = True
        config = self._node.config
        kwargs.setdefault("root", config.rootpath)
        kwargs.setdefault("seed", seed(config))
        kwargs.setdefault("trust", tuple(config.getoption("aipm_trust")))
        kwargs.setdefault("extra_checks", extra_checks(config))
        kwargs.setdefault("packs", config.getini("aipm_packs") or None)
        return api.audit(policy, **kwargs)

    def _keep(self, audit: Audit, finding: Finding) -> None:
        """Put the findings of this test into its properties: all for the record, else a summary."""
        shown = publish(finding, min_cell=audit.policy.min_cell)
        public = parcel(shown)
        whole = audit.model_copy(update={"findings": (finding,)}).model_dump(mode="json")
        self._found.append({"audit": whole, "public": public})
        joins = POLICIES in self._node.config.stash
        found = self._found if joins else [one["public"] for one in self._found]
        properties = [(k, v) for k, v in self._node.user_properties if k != PROPERTY]
        text = canonical_json(json.loads(json.dumps(found)))
        self._node.user_properties[:] = [*properties, *in_words(shown), (PROPERTY, text)]
