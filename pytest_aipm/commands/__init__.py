"""The subcommands of ``aipm``, one file each; `pytest_aipm.cli` imports the one asked for."""
