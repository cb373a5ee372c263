"""What all tests share: one profile of hypothesis, without deadlines on shared machines."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("aipm", deadline=None, derandomize=True)
settings.load_profile("aipm")
