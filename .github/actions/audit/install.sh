#!/usr/bin/env bash
# Installs what the input says into the Python at hand, and tells later steps which that is.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/lib.sh"

if ! python=$(command -v python || command -v python3); then
  complain error "there is no Python here; give python-version"
  exit 1
fi

# A Python that belongs to the system refuses pip: give it a place beside, which sees the same
# libraries.
owned='import os, sys, sysconfig
marker = os.path.join(sysconfig.get_path("stdlib"), "EXTERNALLY-MANAGED")
sys.exit(not (sys.prefix == sys.base_prefix and os.path.exists(marker)))'

if [ -n "$INPUT_INSTALL" ]; then
  work=$(mktemp -d "$RUNNER_TEMP/aipm.XXXXXX")
  if "$python" -c "$owned"; then
    "$python" -m venv --system-site-packages "$work/venv"
    python=$work/venv/bin/python
  fi
  # a file, not words: pip reads its own language, and no shell reads it at all
  printf '%s\n' "$INPUT_INSTALL" >"$work/requirements.txt"
  "$python" -m pip install --quiet --disable-pip-version-check -r "$work/requirements.txt"
fi
printf 'python=%s\n' "$python" >>"$GITHUB_OUTPUT"
