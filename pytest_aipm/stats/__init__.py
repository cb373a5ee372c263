"""Intervals, tests, multiplicity and power: pure numpy and scipy, no project types.

Every bound is one-sided at the stated confidence. Random draws come from generators seeded by
the caller; the global random state is never touched.
"""
