"""Checks of the privacy family."""
