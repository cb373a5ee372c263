#!/usr/bin/env bash
# Refuses inputs that mean nothing: a misspelt `true` must not read as `false`.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/lib.sh"

wrong=0

# one_of INPUT VALUE CHOICE...
one_of() {
  local name=$1 value=$2 choice
  shift 2
  for choice; do [ "$value" = "$choice" ] && return; done
  complain error "$name: '${value:0:40}' is none of $*"
  wrong=1
}

one_of include-record "$INPUT_INCLUDE_RECORD" auto true false
one_of upload-report "$INPUT_UPLOAD_REPORT" true false
one_of sarif "$INPUT_SARIF" true false
one_of attest "$INPUT_ATTEST" true false
one_of comment "$INPUT_COMMENT" true false
if ! [[ $INPUT_RETENTION_DAYS =~ ^[0-9]{1,3}$ ]]; then
  complain error "retention-days: '${INPUT_RETENTION_DAYS:0:40}' is no number of days"
  wrong=1
fi
case $INPUT_ARTIFACT_NAME in
  '' | *[\":\<\>\|*?\\/$'\r\n']*)
    complain error "artifact-name: '${INPUT_ARTIFACT_NAME:0:40}' is empty, or holds one of \" : < > | * ? \\ /"
    wrong=1
    ;;
esac
exit "$wrong"
