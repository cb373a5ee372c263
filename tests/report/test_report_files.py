"""The report folder: whole files or none, vouched for by the manifest, stale when outdated."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from pytest_aipm.errors import OptionError
from pytest_aipm.records import Record
from pytest_aipm.report import (
    FILES,
    files,
    index_html,
    mark_stale,
    summary_md,
    write_reports,
)
from pytest_aipm.report.html import page_and_style


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_folder_holds_the_record_and_its_views(rich: Record, tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "aipm-report"
    write_reports(rich, folder)
    assert names(folder) == sorted(FILES)
    assert Record.from_json((folder / "audit.json").read_bytes()) == rich
    assert (folder / "index.html").read_text(encoding="utf-8") == index_html(rich)
    assert (folder / "audit.css").read_text(encoding="utf-8") == page_and_style(rich)[1]
    assert (folder / "summary.md").read_text(encoding="utf-8") == summary_md(rich)


def test_the_manifest_holds_the_hash_of_each_file(rich: Record, tmp_path: Path) -> None:
    write_reports(rich, tmp_path)
    manifest = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["digest"] == rich.digest
    assert sorted(manifest["files"]) == sorted(set(FILES) - {"manifest.json"})
    for name, digest in manifest["files"].items():
        assert hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() == digest


def test_two_writes_give_the_same_bytes(rich: Record, tmp_path: Path) -> None:
    write_reports(rich, tmp_path / "a")
    write_reports(rich, tmp_path / "b")
    for name in FILES:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_the_project_file_is_complete_and_the_views_are_not(rich: Record, tmp_path: Path) -> None:
    write_reports(rich, tmp_path)
    assert "tiny has 2 of 3" in (tmp_path / "audit.json").read_text(encoding="utf-8")
    for name in set(FILES) - {"audit.json"}:
        assert "tiny has 2 of 3" not in (tmp_path / name).read_text(encoding="utf-8")


def test_only_the_exports_that_were_chosen_are_written(rich: Record, tmp_path: Path) -> None:
    base = ["audit.css", "audit.json", "index.html", "manifest.json", "summary.md"]
    rich.write(tmp_path / "none", exports=[])
    assert names(tmp_path / "none") == base
    rich.write(tmp_path / "two", exports=["test-result", "sarif"])
    exports = ["audit.sarif", "test-result.intoto.json", "test-result.predicate.json"]
    assert names(tmp_path / "two") == sorted([*base, *exports])
    rich.write(tmp_path / "all")
    assert names(tmp_path / "all") == sorted(FILES)
    with pytest.raises(OptionError, match="did you mean 'sarif'"):
        rich.write(tmp_path / "bad", exports=["sarif", "sarrif"])
    assert not (tmp_path / "bad").exists()


def test_an_export_that_is_not_chosen_any_more_is_renamed(rich: Record, tmp_path: Path) -> None:
    write_reports(rich, tmp_path)
    before = (tmp_path / "model-card.md").read_bytes()
    (tmp_path / "model-card.stale.md").write_text("older still", encoding="utf-8")
    written = write_reports(rich, tmp_path, exports=["sarif"])
    assert written.stale == (
        "test-result.intoto.stale.json",
        "test-result.predicate.stale.json",
        "mlbom.cdx.stale.json",
        "model-card.stale.md",
        "gl-code-quality.stale.json",
    )
    assert names(tmp_path) == sorted((*written.files, *written.stale))
    assert (tmp_path / "model-card.stale.md").read_bytes() == before
    manifest = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    assert sorted(manifest["files"]) == sorted(set(written.files) - {"manifest.json"})
    assert write_reports(rich, tmp_path, exports=["sarif"]).stale == ()


def test_a_partial_run_leaves_no_attestation_that_looks_new(rich: Record, tmp_path: Path) -> None:
    write_reports(rich, tmp_path)
    partial = rich.model_copy(update={"partial": True}).with_digest()
    written = write_reports(partial, tmp_path)
    attested = {"test-result.intoto.json", "test-result.predicate.json"}
    assert set(written.files) == set(FILES) - attested
    why = "the run is partial, and a part attests nothing"
    assert written.left_out == dict.fromkeys(attested, why)
    assert set(written.stale) == {
        "test-result.intoto.stale.json",
        "test-result.predicate.stale.json",
    }
    assert not any((tmp_path / name).exists() for name in attested)
    manifest = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["left_out"] == written.left_out
    write_reports(rich, tmp_path)
    assert all((tmp_path / name).exists() for name in attested)
    assert "left_out" not in json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("step", range(13))
def test_a_disk_that_fails_while_exports_are_renamed_leaves_all_as_it_was(
    rich: Record, passing: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    write_reports(passing, tmp_path)
    (tmp_path / "audit.stale.sarif").write_text("older still", encoding="utf-8")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    calls = iter(range(100))
    unlink, replace = Path.unlink, Path.replace

    def failing_replace(self: Path, target: Path) -> Path:
        if self.suffix == ".part" and next(calls) == step:
            raise OSError(28, "No space left on device")
        return replace(self, target)

    def failing_unlink(self: Path, missing_ok: bool = False) -> None:
        if not missing_ok and next(calls) == step:
            raise OSError(30, "Read-only file system")
        unlink(self, missing_ok=missing_ok)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", failing_replace)
        patch.setattr(Path, "unlink", failing_unlink)
        with pytest.raises(OSError, match=r"No space|Read-only"):
            write_reports(rich, tmp_path, exports=["test-result", "mlbom", "model-card"])
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_crash_while_rendering_leaves_the_older_report(
    rich: Record, passing: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_reports(passing, tmp_path)
    before = {name: (tmp_path / name).read_bytes() for name in FILES}

    def broken(record: Record) -> str:
        raise RuntimeError(record.digest)

    monkeypatch.setattr(files, "summary_md", broken)
    with pytest.raises(RuntimeError):
        write_reports(rich, tmp_path)
    assert {name: (tmp_path / name).read_bytes() for name in FILES} == before


def test_a_full_disk_leaves_no_half_file(
    rich: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Path.write_bytes

    def full(self: Path, data: bytes) -> int:
        if "summary" in self.name:
            raise OSError(28, "No space left on device")
        return write(self, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space"):
        write_reports(rich, tmp_path)
    assert names(tmp_path) == []


def test_an_older_report_is_renamed_so_that_nobody_takes_it_for_new(
    rich: Record, tmp_path: Path
) -> None:
    (tmp_path / "audit.stale.json").write_text("older still", encoding="utf-8")
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    write_reports(rich, tmp_path)
    moved = mark_stale(tmp_path)
    assert [path.name for path in moved] == [
        "audit.stale.json",
        "index.stale.html",
        "audit.stale.css",
        "summary.stale.md",
        "audit.stale.sarif",
        "test-result.intoto.stale.json",
        "test-result.predicate.stale.json",
        "mlbom.cdx.stale.json",
        "model-card.stale.md",
        "gl-code-quality.stale.json",
        "manifest.stale.json",
    ]
    assert names(tmp_path) == sorted(["notes.txt", *(path.name for path in moved)])
    assert Record.from_json((tmp_path / "audit.stale.json").read_bytes()) == rich


def test_there_is_nothing_to_rename_where_no_report_is(tmp_path: Path) -> None:
    assert mark_stale(tmp_path / "absent") == []
    assert mark_stale(tmp_path) == []
