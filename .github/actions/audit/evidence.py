"""What the steps of the action need to know of a report folder. Standard library only.

Usage: ``evidence.py words | collect EXIT_CODE FOLDER | comment SUMMARY | archive FOLDER``
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import re
import secrets
import shlex
import shutil
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

RECORD, MANIFEST, SUMMARY = "audit.json", "manifest.json", "summary.md"
SARIF = "audit.sarif"
PREDICATE, STATEMENT = "test-result.predicate.json", "test-result.intoto.json"
MOST_COMMENT = 65_536
"""Characters that GitHub takes in a comment."""
WHY = {
    "2": "it was interrupted",
    "4": "a policy, a waiver, an option, trust or the baseline is at fault",
    "5": "pytest collected nothing",
}


def words() -> None:
    """Print the input ``args`` as words that end in NUL, split as a shell does and not expanded."""
    try:
        split = shlex.split(os.environ["INPUT_ARGS"])
    except ValueError as fault:
        sys.exit(f"args: {fault}")
    sys.stdout.write("".join(f"{word}\0" for word in split))


def collect(code: str, work: Path) -> None:
    """Copy this run's evidence to `work` and write the step's outputs."""
    folder = Path(os.environ["INPUT_REPORT"] or "aipm-report").absolute()
    started = (work / "started").stat().st_mtime_ns
    record = _record(folder / RECORD, started)
    outputs = {"exit-code": code, "verdict": "fail"}
    summary = work / SUMMARY
    if record is None:
        summary.write_text(_no_record(code), encoding="utf-8")
    else:
        evidence = work / "evidence"
        _copy(folder, evidence, started, with_record=_with_record())
        verdict = str(record.get("verdict"))
        if code == "0" and verdict in ("pass", "unproven"):
            outputs["verdict"] = verdict
        said = _read(evidence / SUMMARY) or f"## {verdict.upper()} · model audit\n"
        if code != "0" and verdict != "fail":
            said += f"\nThe run ended with exit code {code}, so it fails; the log says why.\n"
        summary.write_text(said, encoding="utf-8")
        outputs |= {"report": str(folder), "evidence": str(evidence)}
        outputs |= _scannable(evidence, work)
        outputs |= _attestable(evidence, work)
    digest = "" if record is None else str(record.get("digest", ""))
    told = bool(digest) and digest in _read(Path(os.environ["GITHUB_STEP_SUMMARY"]))
    outputs |= {"summary": str(summary), "summarised": "true" if told else "false"}
    _write_outputs(outputs)


def comment(summary: str) -> None:
    """Print the comment: the mark that finds it again, the summary cut to fit, where it is from."""
    env = os.environ
    mark = f"<!-- pytest-aipm: {_safe(env['INPUT_ARTIFACT_NAME'])} -->\n"
    run = (
        f"{env['GITHUB_SERVER_URL']}/{env['GITHUB_REPOSITORY']}/actions/runs/{env['GITHUB_RUN_ID']}"
    )
    tail = f"\n[The run and its report]({run}) · commit {env['GITHUB_SHA'][:12]}\n"
    text = _read(Path(summary)) if summary else ""
    text = text or "## FAIL · model audit\n\nThe audit did not run; the log says why.\n"
    left = MOST_COMMENT - len(mark) - len(tail)
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")  # type: ignore[union-attr]
    sys.stdout.write(mark + _cut(text, left) + tail)


def archive(evidence: Path) -> None:
    """Pack the evidence with its sha256 beside it; print where. Same evidence, same bytes."""
    env = os.environ
    stem = _safe(f"{env['INPUT_ARTIFACT_NAME']}-{env['INPUT_RELEASE']}")
    when = int(env.get("SOURCE_DATE_EPOCH") or 0)
    place = evidence.parent / f"{stem}.tar.gz"
    with (
        place.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=when) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for path in sorted(p for p in evidence.rglob("*") if p.is_file()):
            entry = tarfile.TarInfo(f"{stem}/{path.relative_to(evidence).as_posix()}")
            content = path.read_bytes()
            entry.size, entry.mtime, entry.mode = len(content), when, 0o644
            tar.addfile(entry, io.BytesIO(content))
    digest = hashlib.sha256(place.read_bytes()).hexdigest()
    place.with_name(f"{place.name}.sha256").write_text(f"{digest}  {place.name}\n")
    sys.stdout.write(str(place))


def _record(path: Path, started: int) -> dict[str, Any] | None:
    """Return the record of this run; an older one, or one that cannot be read, is none."""
    try:
        if path.stat().st_mtime_ns < started:
            return None
        record = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) else None


def _no_record(code: str) -> str:
    why = WHY.get(code, "the log says why")
    return (
        f"## FAIL · model audit\n\nThe run ended with exit code {code} and left no record: {why}.\n"
    )


def _with_record() -> bool:
    """Whether uploads hold the record; where the repository may be public, only when asked to."""
    asked = os.environ["INPUT_INCLUDE_RECORD"]
    return asked == "true" or (asked == "auto" and os.environ.get("PRIVATE") == "true")


def _copy(folder: Path, to: Path, started: int, *, with_record: bool) -> None:
    """Copy what this run wrote: no older file, no link, nothing hidden or marked stale."""
    to.mkdir()
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        odd = any(part.startswith(".") for part in inside.parts) or ".stale." in path.name
        if odd or path.is_symlink() or not path.is_file() or path.stat().st_mtime_ns < started:
            continue
        if inside.as_posix() == RECORD and not with_record:
            continue
        (to / inside).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, to / inside)


def _scannable(evidence: Path, work: Path) -> dict[str, str]:
    """Return the SARIF for code scanning, whose paths start at the top of the repository.

    The run names files from its own root; where that is a folder of the repository, its name is
    put before those that exist there.
    """
    try:
        sarif = json.loads((evidence / SARIF).read_bytes())
        here = Path.cwd().relative_to(Path(os.environ["GITHUB_WORKSPACE"]).resolve())
    except (OSError, ValueError):
        return {"sarif": str(evidence / SARIF)} if (evidence / SARIF).is_file() else {}

    def placed(value: Any) -> Any:
        if isinstance(value, list):
            return [placed(each) for each in value]
        if not isinstance(value, dict):
            return value
        value = {key: placed(each) for key, each in value.items()}
        path = value.get("uri")
        if "uriBaseId" in value and isinstance(path, str) and Path(unquote(path)).is_file():
            value["uri"] = f"{quote(here.as_posix())}/{path}"
        return value

    if here != Path():
        sarif = placed(sarif)
    place = work / SARIF
    place.write_text(json.dumps(sarif), encoding="utf-8")
    return {"sarif": str(place)}


def _attestable(evidence: Path, work: Path) -> dict[str, str]:
    """Return the predicate and the checksums of its subjects, as the action ``attest`` reads them.

    Without a subject whose bytes are known (model and data are made by code), what is attested is
    the evidence itself.
    """
    if not (evidence / PREDICATE).is_file():
        return {}
    lines = []
    if (evidence / STATEMENT).is_file():
        subjects = json.loads((evidence / STATEMENT).read_bytes())["subject"]
        known = [(each["digest"].get("sha256"), str(each["name"])) for each in subjects]
        lines = [f"{digest}  {' '.join(name.split())}\n" for digest, name in known if digest]
    if not lines:
        digest = hashlib.sha256((evidence / MANIFEST).read_bytes()).hexdigest()
        lines = [f"{digest}  {MANIFEST}\n"]
    place = work / "subjects.sha256"
    place.write_text("".join(lines), encoding="utf-8")
    return {"predicate": str(evidence / PREDICATE), "subjects": str(place)}


def _cut(text: str, most: int) -> str:
    """Return the lines that fit, and how many do not."""
    if len(text) <= most:
        return text
    lines, kept, left = text.splitlines(keepends=True), 0, most - 60
    while kept < len(lines) and len(lines[kept]) <= left:
        left -= len(lines[kept])
        kept += 1
    return f"{''.join(lines[:kept])}\n{len(lines) - kept:,} more lines are in the report.\n"


def _safe(name: str) -> str:
    """Return a name that is safe in a file name, a comment of HTML and a filter."""
    return re.sub(r"[^A-Za-z0-9._]+", "-", name).strip("-.")[:100] or "aipm-report"


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _write_outputs(outputs: Mapping[str, str]) -> None:
    """Write outputs between marks that no value can know, so that none can add another."""
    with Path(os.environ["GITHUB_OUTPUT"]).open("a", encoding="utf-8") as file:
        for name, value in outputs.items():
            mark = f"end-{secrets.token_hex(16)}"
            file.write(f"{name}<<{mark}\n{value}\n{mark}\n")


if __name__ == "__main__":
    command, *rest = sys.argv[1:]
    if command == "words":
        words()
    elif command == "collect":
        collect(rest[0], Path(rest[1]))
    elif command == "comment":
        comment(rest[0])
    elif command == "archive":
        archive(Path(rest[0]))
    else:
        sys.exit(f"unknown: {command}")
