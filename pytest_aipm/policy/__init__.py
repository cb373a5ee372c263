"""The policy language: read, merged, checked, planned. Nothing here looks at data or models."""

from pytest_aipm.policy.ids import finding_id, scope_id
from pytest_aipm.policy.load import load_policy, policy_from
from pytest_aipm.policy.model import (
    Champion,
    CheckSpec,
    DataRef,
    Decision,
    ModelRef,
    Node,
    Policy,
    ProtectedSpec,
    Publish,
    Regression,
    SubjectSpec,
)
from pytest_aipm.policy.plan import is_policy, policy_files, resolve_policies
from pytest_aipm.policy.sign_offs import load_sign_offs
from pytest_aipm.policy.waivers import Waiver, is_active, load_waivers, notice

__all__ = [
    "Champion",
    "CheckSpec",
    "DataRef",
    "Decision",
    "ModelRef",
    "Node",
    "Policy",
    "ProtectedSpec",
    "Publish",
    "Regression",
    "SubjectSpec",
    "Waiver",
    "finding_id",
    "is_active",
    "is_policy",
    "load_policy",
    "load_sign_offs",
    "load_waivers",
    "notice",
    "policy_files",
    "policy_from",
    "resolve_policies",
    "scope_id",
]
