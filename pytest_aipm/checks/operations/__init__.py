"""Whether it is fast, small and cheap enough to run."""
