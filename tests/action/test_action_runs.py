"""The action's own steps, run in order with bash on a project of its own, offline."""

from __future__ import annotations

import hashlib
import io
import json
import re
import subprocess
import sys
import tarfile
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from composite import ACTION, Composite, Ran

Policy = Callable[..., Path]

PROJECT = {"working_directory": "my loans", "install": ""}
HACKED = "; touch HACKED; $(touch HACKED) `touch HACKED` \" ' && touch HACKED"


def uploaded(ran: Ran) -> set[str]:
    folder = Path(ran.used["actions/upload-artifact"]["path"])
    return {path.name for path in folder.iterdir()}


@pytest.mark.usefixtures("exports")
def test_a_green_run_passes_on_all_it_was_asked_for(machine: Composite, policy: Policy) -> None:
    policy("green")
    ran = machine.run(
        **PROJECT,
        python_version="3.13",
        args="-q -k 'gap or nothing'",
        sarif="true",
        attest="true",
        release="v1.0 rc",
        comment="true",
        retention_days="30",
        artifact_name="loans (evidence)",
    )

    assert not ran.failed, ran.log
    assert ran.outputs["verdict"] == "pass"
    assert ran.outputs["exit-code"] == "0"
    assert ran.outputs["report"] == str(machine.workspace / "my loans" / "aipm-report")
    assert list(ran.used) == [
        "actions/setup-python",
        "actions/upload-artifact",
        "github/codeql-action/upload-sarif",
        "actions/attest",
    ]
    assert ran.used["actions/setup-python"] == {"python-version": "3.13"}
    assert ran.used["actions/upload-artifact"]["retention-days"] == "30"
    assert ran.used["actions/upload-artifact"]["name"] == "loans (evidence)"
    assert {"audit.json", "index.html", "manifest.json", "summary.md"} <= uploaded(ran)
    assert Path(ran.used["github/codeql-action/upload-sarif"]["sarif_file"]).name == "audit.sarif"
    attest = ran.used["actions/attest"]
    assert json.loads(Path(attest["predicate-path"]).read_text())["configuration"] is not None
    checksums = Path(attest["subject-checksums"]).read_text()
    assert re.search(r"^[0-9a-f]{64}  \S.*$", checksums, flags=re.MULTILINE)
    assert ran.summary.count("## PASS · model audit") == 1, "the plugin or the action, not both"

    release, find, write = ran.gh
    assert release["argv"][:6] == ["release", "upload", "--repo", "octo/loans", "--clobber", "--"]
    assert release["argv"][6] == "v1.0 rc"
    name = "loans-evidence-v1.0-rc.tar.gz"
    packed = bytes.fromhex(release["files"][name])
    digest = hashlib.sha256(packed).hexdigest()
    assert bytes.fromhex(release["files"][f"{name}.sha256"]).decode() == f"{digest}  {name}\n"
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        assert {Path(each).name for each in archive.getnames()} == uploaded(ran)
        assert {Path(each).parent.name for each in archive.getnames()} == {"loans-evidence-v1.0-rc"}
    assert "--paginate" in find["argv"]
    assert write["argv"][:4] == ["api", "--silent", "--method", "POST"]
    assert write["argv"][4] == "repos/octo/loans/issues/7/comments"
    assert {call["token"] for call in ran.gh} == {"t0ken"}


@pytest.mark.usefixtures("exports")
def test_a_red_run_keeps_everything_first_and_then_fails(
    machine: Composite, policy: Policy
) -> None:
    policy("red")
    mark = "<!-- pytest-aipm: aipm-report -->"
    bot, other = {"login": "github-actions[bot]"}, {"login": "mallory"}
    machine.comments = [
        {"id": 1, "user": other, "body": f"{mark}\nforged"},
        {"id": 2, "user": bot, "body": "<!-- pytest-aipm: another -->\n"},
        {"id": 3, "user": bot, "body": f"{mark}\nold"},
        {"id": 4, "user": bot, "body": f"{mark}\nolder"},
    ]
    ran = machine.run(**PROJECT, sarif="true", release="v1", comment="true")

    assert ran.failed
    assert [name for name, code in ran.ended.items() if code] == ["Verdict"]
    assert ran.ended["Verdict"] == 1
    assert (ran.outputs["verdict"], ran.outputs["exit-code"]) == ("fail", "1")
    assert "index.html" in uploaded(ran)
    scanned = Path(ran.used["github/codeql-action/upload-sarif"]["sarif_file"]).read_text()
    assert '"uri": "my%20loans/policies/red.aipm.yaml"' in scanned, "from the repository's top"
    assert '"uri": "policies/' not in scanned
    assert "my%20loans/elsewhere" not in scanned
    assert "actions/attest" not in ran.used
    assert "\n::error file=my loans/policies/red.aipm.yaml,line=13," in ran.log
    release, _, write = ran.gh
    assert release["argv"][0] == "release"
    assert write["argv"][3:5] == ["PATCH", "repos/octo/loans/issues/comments/3"]
    (body,) = (bytes.fromhex(each).decode() for each in write["files"].values())
    assert body.startswith(f"{mark}\n## FAIL · model audit\n")
    assert "https://github.example/octo/loans/actions/runs/42" in body
    assert "commit 0123456789ab" in body


def test_an_unproven_run_ends_well_and_is_no_pass(machine: Composite, policy: Policy) -> None:
    policy("unproven")
    machine.github["event.repository.private"] = "false"
    ran = machine.run(**PROJECT)
    assert not ran.failed, ran.log
    assert (ran.outputs["verdict"], ran.outputs["exit-code"]) == ("unproven", "0")
    assert "## UNPROVEN · model audit" in ran.summary
    assert "audit.json" not in uploaded(ran), "it holds small groups, and all may read this one"
    assert "index.html" in uploaded(ran)
    assert ran.gh == []


@pytest.mark.usefixtures("exports")
def test_a_usage_error_uploads_nothing_old_and_says_so_where_it_is_read(
    machine: Composite, policy: Policy, project: Path
) -> None:
    policy("green").write_text("aipm: 1\n")
    (project / "aipm-report").mkdir()
    for name in ("audit.json", "index.html", "summary.md", "audit.sarif"):
        (project / "aipm-report" / name).write_text('{"verdict": "pass"}')
    ran = machine.run(
        **PROJECT, sarif="true", attest="true", release="v1", comment="true", upload_report="true"
    )
    assert ran.ended["Verdict"] == 4
    assert ran.outputs == {"verdict": "fail", "exit-code": "4", "report": ""}
    assert ran.used == {}
    assert "left no record: a policy, a waiver, an option, trust or the baseline" in ran.summary
    assert [call["argv"][0] for call in ran.gh] == ["api", "api"]
    (body,) = (bytes.fromhex(each).decode() for each in ran.gh[1]["files"].values())
    assert "## FAIL · model audit" in body
    assert ran.log.count("::error title=pytest-aipm::") == 0, "the exit code says enough"


def test_a_report_of_an_earlier_run_is_never_taken_for_this_one(
    machine: Composite, policy: Policy, project: Path
) -> None:
    """A crash before anything is measured leaves the older folder as it was."""
    policy("green")
    (project / "aipm-report").mkdir()
    (project / "aipm-report" / "audit.json").write_text('{"verdict": "pass"}')
    (project / "conftest.py").write_text("import os\nos._exit(0)\n")
    ran = machine.run(**PROJECT)
    assert ran.ended["Verdict"] == 1
    assert ran.outputs == {"verdict": "fail", "exit-code": "0", "report": ""}
    assert "left no evidence" in ran.log
    assert "actions/upload-artifact" not in ran.used


def test_what_was_asked_for_and_is_not_there_fails_a_green_run(
    machine: Composite, canned: Path
) -> None:
    (canned / "test-result.predicate.json").unlink()
    ran = machine.run(**PROJECT, sarif="true", attest="true")
    assert ran.ended["Verdict"] == 1
    assert "::error title=pytest-aipm::sarif: this run wrote no audit.sarif" in ran.log
    assert "::error title=pytest-aipm::attest: this run wrote no test-result" in ran.log
    assert ran.summary == "## PASS · model audit\n", "the action writes what the run did not"


@pytest.mark.usefixtures("canned")
def test_inputs_are_no_commands(machine: Composite) -> None:
    ran = machine.run(
        **PROJECT,
        release=HACKED,
        comment="true",
        artifact_name=HACKED.replace('"', ""),
        args="-k 'a or $(touch HACKED)'\n; \"touch HACKED\"",
        policy=f"{HACKED}\n\ntwo words/a.aipm.yaml\n",
        report='evil"; touch HACKED; "\nverdict=unproven\n',
    )
    assert not ran.failed, ran.log
    assert ran.outputs["verdict"] == "pass"
    assert ran.outputs["report"].endswith('/my loans/evil"; touch HACKED; "\nverdict=unproven\n')
    assert not list(machine.home.rglob("HACKED"))
    assert (machine.home / "words").read_text().split("\0")[:-1] == [
        "-P",
        "-m",
        "pytest",
        "--aipm-audit",
        '--aipm-report=evil"; touch HACKED; "\nverdict=unproven\n',
        f"--aipm-policy={HACKED}",
        "--aipm-policy=two words/a.aipm.yaml",
        "-k",
        "a or $(touch HACKED)",
        ";",
        "touch HACKED",
    ]
    assert ran.gh[0]["argv"][6] == HACKED
    name = ran.gh[0]["argv"][7].rpartition("/")[2]
    assert re.fullmatch(r"[A-Za-z0-9._-]+\.tar\.gz", name), name


@pytest.mark.parametrize("args", ["--no-such-option\n; touch HACKED", f"-k {HACKED}"], ids=repr)
def test_arguments_that_pytest_or_the_shell_refuse_are_a_usage_error(
    machine: Composite, policy: Policy, args: str
) -> None:
    policy("green")
    ran = machine.run(**PROJECT, args=args)
    assert ran.ended["Verdict"] == 4
    assert ran.outputs["verdict"] == "fail"
    assert "The run ended with exit code 4 and left no record" in ran.summary
    assert not list(machine.home.rglob("HACKED"))
    quote = "::error title=pytest-aipm::args: cannot be split into words; a quote is left open"
    assert (quote in ran.log) is ("touch HACKED;" in args)


def test_misspelt_inputs_are_refused_before_anything_runs(machine: Composite) -> None:
    ran = machine.run(
        **PROJECT,
        upload_report="True",
        sarif="",
        attest="yes\n::stop-commands::x",
        retention_days="a year",
        include_record="100%",
        artifact_name="a\\b",
    )
    assert ran.ended == {"Check the inputs": 1, "Verdict": 1}
    *lines, last = ran.logs["Check the inputs"].splitlines()
    assert last.startswith(
        r"::error title=pytest-aipm::artifact-name: 'a\b' is empty, or holds one"
    )
    assert lines == [
        "::error title=pytest-aipm::include-record: '100%25' is none of auto true false",
        "::error title=pytest-aipm::upload-report: 'True' is none of true false",
        "::error title=pytest-aipm::sarif: '' is none of true false",
        "::error title=pytest-aipm::attest: 'yes%0A::stop-commands::x' is none of true false",
        "::error title=pytest-aipm::retention-days: 'a year' is no number of days",
    ]
    assert "the audit did not run" in ran.logs["Verdict"]
    assert ran.outputs["verdict"] == "fail"


@pytest.mark.usefixtures("canned")
def test_a_comment_that_may_not_be_written_fails_nothing_an_archive_does(
    machine: Composite,
) -> None:
    (machine.home / "fails").touch()
    ran = machine.run(**PROJECT, comment="true")
    assert not ran.failed, ran.log
    assert "::warning title=pytest-aipm::the comment could not be written" in ran.log
    (machine.home / "calls.jsonl").unlink()
    refused = machine.run(**PROJECT, release="v1")
    assert refused.ended["Attach to the release"] == 1
    assert refused.ended["Verdict"] == 0
    assert refused.failed


@pytest.mark.usefixtures("canned")
def test_a_run_without_a_pull_request_has_no_comment(machine: Composite) -> None:
    machine.github["event.pull_request.number"] = ""
    ran = machine.run(**PROJECT, comment="true")
    assert not ran.failed
    assert ran.gh == []


@pytest.mark.parametrize("name", ["", *'":<>|*?/\r\n'], ids=repr)
def test_names_that_no_artifact_may_have_are_refused_first(machine: Composite, name: str) -> None:
    ran = machine.run(**PROJECT, artifact_name=name and f"a{name}b")
    assert ran.ended == {"Check the inputs": 1, "Verdict": 1}


@pytest.fixture
def apart(machine: Composite) -> Path:
    """A Python of its own to install into, with this one's pip."""
    place = machine.home / "own python"
    venv.create(place, with_pip=False)
    pip = next(Path(p) for p in sys.path if (Path(p) / "pip" / "__init__.py").is_file())
    machine.program("python", f'#!/bin/sh\nPYTHONPATH="{pip}" exec "{place}/bin/python" "$@"\n')
    return place


def wheel(folder: Path) -> Path:
    folder.mkdir()
    place = folder / "stand_in-1.0-py3-none-any.whl"
    with zipfile.ZipFile(place, "w") as file:
        file.writestr("stand_in.py", "")
        file.writestr(
            "stand_in-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: stand-in\nVersion: 1\n"
        )
        file.writestr(
            "stand_in-1.0.dist-info/WHEEL",
            "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        file.writestr("stand_in-1.0.dist-info/RECORD", "")
    return place


def test_requirements_are_lines_for_pip(machine: Composite, apart: Path) -> None:
    folder = wheel(machine.workspace / "my loans" / "wheels").parent
    ran = machine.run(
        working_directory="my loans",
        install=f"# a comment\n--find-links {folder.name}\nstand-in>=0.5; python_version > '3'\n",
    )
    assert ran.ended["Install"] == 0, ran.log
    assert list(apart.rglob("stand_in.py"))


@pytest.mark.parametrize(
    "install",
    ["; touch HACKED", "$(touch HACKED)", "x\n&& touch HACKED", "-r absent.txt"],
    ids=repr,
)
def test_a_requirement_that_pip_refuses_ends_the_run(
    machine: Composite, apart: Path, install: str
) -> None:
    ran = machine.run(working_directory="my loans", install=install, comment="true")
    assert ran.ended["Install"] != 0
    assert "Audit" not in ran.ended
    assert ran.ended["Verdict"] == 1
    assert ran.outputs == {"verdict": "fail", "exit-code": "", "report": ""}
    assert not list(machine.home.rglob("HACKED"))
    assert not list(apart.rglob("stand_in.py"))
    (body,) = (bytes.fromhex(each).decode() for each in ran.gh[1]["files"].values())
    assert "The audit did not run" in body, "an older comment would still read as a pass"


def test_a_python_of_the_system_gets_a_place_beside(machine: Composite) -> None:
    """It refuses pip; the answers of such a Python are given by a script."""
    notes = machine.home / "notes"
    machine.program(
        "python",
        f"""#!/bin/bash
        printf '%s\\n' "${{0##*/aipm.??????/}} $*" >>'{notes}'
        if [ "$1 $2" = "-m venv" ]; then
          mkdir -p "${{@: -1}}/bin"
          cp "$0" "${{@: -1}}/bin/python"
        fi
        """,
    )
    ran = machine.run(working_directory="my loans", install="pytest-aipm")
    said = notes.read_text()
    assert re.search(r"-m venv --system-site-packages .*/venv\n", said)
    assert re.search(r"^venv/bin/python -m pip install .*requirements.txt$", said, re.MULTILINE)
    assert ran.ended["Install"] == 0


def test_the_archive_of_the_same_evidence_has_the_same_bytes(
    machine: Composite, tmp_path: Path
) -> None:
    packed = []
    for name in ("one", "two"):
        folder = tmp_path / name / "evidence"
        (folder / "deep").mkdir(parents=True)
        (folder / "b.txt").write_text("b")
        (folder / "deep" / "a.txt").write_text("a")
        done = subprocess.run(
            [sys.executable, ACTION / "evidence.py", "archive", folder],
            env=machine.env | {"INPUT_ARTIFACT_NAME": "a", "INPUT_RELEASE": "v1"},
            capture_output=True,
            text=True,
            check=True,
        )
        packed.append(Path(done.stdout).read_bytes())
    assert packed[0] == packed[1]


@pytest.mark.parametrize("lines", [10, 5_000])
def test_a_long_comment_is_cut_between_lines(
    machine: Composite, tmp_path: Path, lines: int
) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("".join(f"| row {i} of the Ω table |\n" for i in range(lines)))
    done = subprocess.run(
        [
            sys.executable,
            ACTION / "evidence.py",
            "comment",
            summary,
        ],
        env=machine.env | {"INPUT_ARTIFACT_NAME": "<!-- --> [x](y)"},
        capture_output=True,
        check=True,
    )
    text = done.stdout.decode()
    assert len(text) <= 65_536
    first, *rest = text.splitlines()
    assert first == "<!-- pytest-aipm: x-y -->"
    kept = sum(line.startswith("| row") for line in rest)
    assert ("more lines are in the report." in text) is (kept < lines)
    if kept < lines:
        assert f"{lines - kept:,} more lines are in the report." in text
    assert all(line.endswith(" |") for line in rest if line.startswith("| row"))


@pytest.mark.usefixtures("canned")
def test_without_a_file_that_was_tested_the_evidence_is_attested(machine: Composite) -> None:
    ran = machine.run(**PROJECT, attest="true", include_record="false")
    assert not ran.failed, ran.log
    lines = Path(ran.used["actions/attest"]["subject-checksums"]).read_text()
    manifest = Path(ran.used["actions/upload-artifact"]["path"]) / "manifest.json"
    assert lines == f"{hashlib.sha256(manifest.read_bytes()).hexdigest()}  manifest.json\n"
    assert "audit.json" not in uploaded(ran)


@pytest.mark.usefixtures("canned")
@pytest.mark.parametrize(
    ("private", "asked", "there"),
    [
        ("true", "auto", True),
        ("false", "auto", False),
        ("", "auto", False),
        ("false", "true", True),
    ],
)
def test_the_record_is_uploaded_where_few_can_read_it_or_on_request(
    machine: Composite, private: str, asked: str, there: bool
) -> None:
    machine.github["event.repository.private"] = private
    ran = machine.run(**PROJECT, include_record=asked, release="v1")
    assert ("audit.json" in uploaded(ran)) is there
    packed = next(v for k, v in ran.gh[0]["files"].items() if k.endswith(".gz"))
    with tarfile.open(fileobj=io.BytesIO(bytes.fromhex(packed))) as archive:
        assert ("aipm-report-v1/audit.json" in archive.getnames()) is there


def test_files_that_are_not_this_runs_evidence_stay(
    machine: Composite, project: Path, canned: Path
) -> None:
    (canned / "index.stale.html").write_text("old")
    (canned / ".hidden").write_text("secret")
    (canned / "link.txt").symlink_to(project / "data.csv")
    ran = machine.run(**PROJECT)
    assert uploaded(ran) == {
        "audit.json",
        "manifest.json",
        "summary.md",
        "test-result.predicate.json",
    }
