"""Checks of the explain family."""
