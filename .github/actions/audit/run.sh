#!/usr/bin/env bash
# Runs the audit and collects what it left. Ends well even when the audit fails: the exit code is
# kept for the last step, so that the evidence is uploaded first.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/lib.sh"

work=$(mktemp -d "$RUNNER_TEMP/aipm.XXXXXX")
touch "$work/started" # files older than this are another run's

words=(--aipm-audit "--aipm-report=${INPUT_REPORT:-aipm-report}")
while IFS= read -r path; do
  [ -z "$path" ] || words+=("--aipm-policy=$path")
done <<<"$INPUT_POLICY"

code=0
if "$AIPM_PYTHON" "$here/evidence.py" words >"$work/words"; then
  mapfile -d '' -t more <"$work/words"
  # -P: like the command `pytest`, do not import from the working directory
  "$AIPM_PYTHON" -P -m pytest "${words[@]}" "${more[@]}" || code=$?
else
  complain error "args: cannot be split into words; a quote is left open"
  code=4
fi
"$AIPM_PYTHON" "$here/evidence.py" collect "$code" "$work"
