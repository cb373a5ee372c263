"""Checks of the fairness family."""
