#!/usr/bin/env bash
# Attaches the evidence to a release, as one archive with its sha256: artifacts of runs expire.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/lib.sh"

archive=$("$AIPM_PYTHON" "$here/evidence.py" archive "$EVIDENCE")
if ! gh release upload --repo "$GITHUB_REPOSITORY" --clobber -- \
  "$INPUT_RELEASE" "$archive" "$archive.sha256"; then
  complain error "the evidence could not be attached to the release ${INPUT_RELEASE:0:80}"
  exit 1
fi
cat -- "$archive.sha256"
