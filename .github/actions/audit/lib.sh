# shellcheck shell=bash
# Sourced by the steps.

# complain LEVEL TEXT: an annotation of the run; the text cannot become a command of its own
complain() {
  local text=${2//'%'/%25}
  text=${text//$'\r'/%0D}
  printf '::%s title=pytest-aipm::%s\n' "$1" "${text//$'\n'/%0A}"
}
