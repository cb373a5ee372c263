"""A file that is written to while it is audited is refused, whatever it holds then."""

import os
import threading

import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import feather

from pytest_aipm.errors import DataError
from pytest_aipm.sources.data import DataSpec, open_data
from pytest_aipm.sources.delimited import Delimited
from pytest_aipm.sources.join import JoinSpec, join

NAMES = ["data.csv", "data.parquet", "data.feather", "data.jsonl", "parts"]


def save(folder, name, frame, **how):
    path = folder / name
    if name == "parts":
        path.mkdir(exist_ok=True)
        path = path / "b.csv"
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    elif path.suffix == ".parquet":
        frame.to_parquet(path, index=False, **how)
    elif path.suffix == ".feather":
        feather.write_feather(pa.Table.from_pandas(frame, preserve_index=False), path, **how)
    else:
        frame.to_json(path, orient="records", lines=True)
    return path


def later(path, seconds=7):
    """Let a file have been written then: a test is quicker than some clocks of disks."""
    when = path.stat().st_mtime_ns + seconds * 10**9
    os.utime(path, ns=(when, when))


def said(call):
    with pytest.raises(DataError) as caught:
        call()
    return str(caught.value)


OTHERS = {
    "as many rows": pd.DataFrame({"x": [4, 5, 6], "sex": ["m", "f", "m"]}),
    "fewer rows": pd.DataFrame({"x": [4], "sex": ["m"]}),
    "other columns": pd.DataFrame({"z": [4, 5]}),
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_a_file_written_to_between_two_passes_is_refused(opened, tmp_path, name, other):
    path = save(tmp_path, name, pd.DataFrame({"x": [1, 2, 3], "sex": ["f", "m", "f"]}))
    data = opened(name)
    assert data.frame(["x"])["x"].tolist() == [1, 2, 3]
    save(tmp_path, name, other)
    later(path)
    ref = "parts/b.csv" if name == "parts" else name
    wanted = f"{ref}: was written to since it was opened; audit a file that nobody writes to"
    assert said(lambda: data.frame(["sex"])).startswith(wanted)


@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_is_taken_away_is_not_called_damaged(opened, tmp_path, name):
    path = save(tmp_path, name, pd.DataFrame({"x": [1, 2, 3]}))
    data = opened(name)
    path.unlink()
    assert "is gone since it was opened; " in said(data.frame)


@pytest.mark.parametrize("name", ["data.csv", "data.parquet", "data.arrows"])
def test_a_file_written_to_in_the_middle_of_a_pass_ends_the_pass(opened, tmp_path, name):
    rows = 150_000  # more than are kept decoded
    frame = pd.DataFrame({"x": range(rows)})
    if name == "data.arrows":
        table = pa.Table.from_pandas(frame)
        path = str(tmp_path / name)
        with pa.OSFile(path, "wb") as file, pa.ipc.new_stream(file, table.schema) as writer:
            writer.write_table(table, max_chunksize=10_000)
    else:
        save(tmp_path, name, frame)
    data = opened(name)
    batches = data.batches(size=10_000)
    next(batches)
    with (tmp_path / name).open("ab") as file:
        file.write(b"7\n")
    assert "was written to since it was opened" in said(lambda: list(batches))


def test_damage_that_came_meanwhile_is_not_called_damage(opened, tmp_path):
    path = save(tmp_path, "data.parquet", pd.DataFrame({"x": range(9)}), row_group_size=3)
    data = opened("data.parquet")
    raw = path.read_bytes()
    before = path.stat()
    path.write_bytes(raw[:8] + bytes(100) + raw[108:])
    later(path)
    assert "was written to since it was opened" in said(data.frame)
    # where nobody can tell, by size and time, the damage itself is said
    os.utime(path, ns=(before.st_mtime_ns, before.st_mtime_ns))
    assert "data.parquet, row group 1: cannot be read as Parquet" in said(data.frame)


def test_the_same_bytes_may_be_written_once_more(opened, tmp_path):
    path = save(tmp_path, "data.csv", pd.DataFrame({"x": [1, 2], "y": [3, 4]}))
    data = opened("data.csv")
    save(tmp_path, "data.csv", pd.DataFrame({"x": [1, 2], "y": [3, 4]}))
    later(path)
    assert data.frame()["y"].tolist() == [3, 4]


def test_a_copy_with_another_date_is_as_good_for_another_process(opened, tmp_path):
    path = save(tmp_path, "data.parquet", pd.DataFrame({"x": range(6)}), row_group_size=3)
    first, second = opened("data.parquet").parts(["x"])
    later(path)
    assert next(second.batches())["x"].tolist() == [3, 4, 5]
    save(tmp_path, "data.parquet", pd.DataFrame({"x": range(5)}), row_group_size=3)
    assert "was written to" in said(lambda: next(first.batches()))


def test_a_second_file_is_in_memory_and_may_go(tmp_path):
    save(tmp_path, "data.csv", pd.DataFrame({"id": [1, 2], "x": [3, 4]}))
    path = save(tmp_path, "race.csv", pd.DataFrame({"id": [1, 2], "race": ["a", "b"]}))
    spec = JoinSpec(name="race", column="race", file="race.csv", key="id")
    data = join(open_data(DataSpec("data.csv"), root=tmp_path), spec, root=tmp_path)
    path.unlink()
    assert data.frame(["race"])["race"].tolist() == ["a", "b"]


def test_what_takes_a_pass_of_its_own_is_found_by_whoever_asks(opened, tmp_path, monkeypatch):
    """A thread that reads ahead is waited for at an interruption, so it may only read a batch."""
    save(tmp_path, "data.csv", pd.DataFrame({"x": [1, 2], "key": [1, 2], "n": [1, 2]}))
    save(tmp_path, "race.csv", pd.DataFrame({"key": [1, 2], "race": ["a", "b"]}))
    seen, genuine = [], Delimited.traits

    def traits(self, names):
        seen.append(threading.current_thread())
        return genuine(self, names)

    monkeypatch.setattr(Delimited, "traits", traits)
    spec = JoinSpec(name="race", column="race", file="race.csv", key="key")
    joined = join(opened("data.csv"), spec, root=tmp_path)
    for data in (opened("data.csv"), joined):
        seen.clear()
        batches = data.batches()
        thread = threading.Thread(target=list, args=[batches])
        thread.start()
        thread.join()
        assert set(seen) == {threading.current_thread()}
