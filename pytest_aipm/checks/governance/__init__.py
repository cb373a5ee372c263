"""Who answers for it, and is what went wrong once still mended?"""  # noqa: D400 - it asks
