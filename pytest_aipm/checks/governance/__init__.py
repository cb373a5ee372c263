"""Who answers for it, and is what went wrong once still mended?"""
