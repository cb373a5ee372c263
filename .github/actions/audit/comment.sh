#!/usr/bin/env bash
# Writes the summary into the one comment of this audit: finds it by a hidden mark, or makes it.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/lib.sh"

if ! [[ $PULL_REQUEST =~ ^[0-9]+$ ]]; then
  echo "this run belongs to no pull request: no comment"
  exit 0
fi

body=$(mktemp "$RUNNER_TEMP/aipm-comment.XXXXXX")
"${AIPM_PYTHON:-python3}" "$here/evidence.py" comment "$SUMMARY" >"$body"
mark=$(head -n 1 -- "$body")
comments=repos/$GITHUB_REPOSITORY/issues/$PULL_REQUEST/comments
# anyone can write the mark; only what the workflow itself wrote is overwritten
mine=".[] | select(.user.login == \"github-actions[bot]\" and (.body | startswith(\"$mark\"))) | .id"

write() {
  local found
  found=$(gh api --paginate "$comments?per_page=100" --jq "$mine") || return
  found=${found%%$'\n'*}
  if [ -n "$found" ]; then
    gh api --silent --method PATCH "repos/$GITHUB_REPOSITORY/issues/comments/$found" -F "body=@$body"
  else
    gh api --silent --method POST "$comments" -F "body=@$body"
  fi
}

# a pull request from a fork may not write; the summary of the run says the same
write || complain warning "the comment could not be written: it needs the right pull-requests: write"
