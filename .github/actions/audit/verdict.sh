#!/usr/bin/env bash
# Ends as the audit did, and fails when something was asked for that this run could not give.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/lib.sh"

if [ -z "$EXIT_CODE" ]; then
  complain error "the audit did not run"
  exit 1
fi
echo "verdict: $VERDICT, exit code $EXIT_CODE"

missing=0
# promised INPUT PLACE REASON
promised() {
  if [ -z "$2" ]; then
    complain error "$1: $3"
    missing=1
  fi
}
if [ -n "$EVIDENCE" ]; then # without evidence the exit code says enough
  [ "$INPUT_SARIF" = false ] ||
    promised sarif "$SARIF" "this run wrote no audit.sarif: aipm_exports leaves it out"
  [ "$INPUT_ATTEST" = false ] || promised attest "$PREDICATE" \
    "this run wrote no test-result.predicate.json: a partial run, or aipm_exports leaves it out"
elif [ "$EXIT_CODE" = 0 ]; then
  complain error "the run ended well and left no evidence: no policy ran, or it was written elsewhere"
  missing=1
fi
[ "$EXIT_CODE" = 0 ] || exit "$EXIT_CODE"
exit "$missing"
