"""Is it fast, small and cheap enough to run?"""
