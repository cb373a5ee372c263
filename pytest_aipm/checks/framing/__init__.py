"""Is a model needed at all, and is what was promised kept?"""  # noqa: D400 - it asks
