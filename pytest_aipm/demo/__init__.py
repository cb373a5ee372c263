"""Two subjects to try an audit on: seeded loans with a known bias, and a real study of diabetes."""
