"""Data that cannot be audited are refused in one line: where, what, how to mend."""

import gzip

import pandas as pd
import pytest

from pytest_aipm.errors import DataError
from pytest_aipm.sources.data import DataSpec, open_data

WHERE = {"path": "policies/p.aipm.yaml", "line": 9}


def refused(call, message):
    with pytest.raises(DataError) as caught:
        call()
    assert str(caught.value) == message
    assert "\n" not in str(caught.value)


def read(data):
    return data.frame()


def test_a_missing_file_is_named_with_its_nearest_neighbour(tmp_path, write):
    write("data/holdout.csv", "x\n1\n")
    refused(
        lambda: open_data(DataSpec("data/holduot.csv"), root=tmp_path, where=WHERE),
        "policies/p.aipm.yaml:9: there is no file 'data/holduot.csv'; did you mean 'holdout.csv'?",
    )
    refused(
        lambda: open_data(DataSpec("dta/holdout.csv"), root=tmp_path, where=WHERE),
        "policies/p.aipm.yaml:9: there is no file 'dta/holdout.csv': no folder 'dta'; "
        "check the name; paths are relative to the root folder",
    )


def test_a_dangling_link_is_said_to_be_one(opened, tmp_path):
    (tmp_path / "data.csv").symlink_to("gone.csv")
    refused(
        lambda: opened("data.csv"),
        "'data.csv' is a link to a file that is not there; mend the link",
    )


def test_a_link_is_as_good_as_its_file(opened, write, tmp_path):
    write("kept/data.csv", "x\n1\n")
    (tmp_path / "link.csv").symlink_to("kept/data.csv")

    assert opened("link.csv").frame()["x"].tolist() == [1]
    assert opened("link.csv").sha256 == opened("kept/data.csv").sha256


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("data.cvs", "'data.cvs' is of no format that can be read (.cvs); did you mean '.csv'?"),
        (
            "data.xlsx",
            (
                "'data.xlsx' is of no format that can be read (.xlsx); known suffixes "
                "are .csv, .tsv, "
                ".jsonl, .ndjson, .parquet, .feather, .arrow, .arrows, .ipc, .pq, "
                ".csv.gz, .tsv.gz, "
                ".jsonl.gz, .ndjson.gz"
            ),
        ),
        ("data.pkl", "'data.pkl' is of no format that can be read (.pkl); did you mean"),
        ("data", "'data' is of no format that can be read; known suffixes are .csv"),
    ],
)
def test_a_wrong_suffix_is_named_with_those_that_are_known(opened, write, name, message):
    write(name, "x\n1\n")
    with pytest.raises(DataError) as caught:
        opened(name)
    assert str(caught.value).startswith(message.removesuffix(" did you mean"))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "", "a.csv: the file is empty; write a header and rows into it"),
        ("a.csv", "\n\n", "a.csv: the file is empty; write a header and rows into it"),
        ("a.csv", "x,y\n", "a.csv: there is a header, but no row; name a file with rows"),
        ("a.csv", "x,y", "a.csv: there is a header, but no row; name a file with rows"),
        ("a.jsonl", "", "a.jsonl: there is no row; name a file with rows"),
        (
            "a.csv",
            "x,y,x\n1,2,3\n",
            "a.csv: the column name 'x' occurs 2 times; rename one of them",
        ),
        (
            "a.jsonl",
            '{"x": 1}\n{"x": 1, "x": 2}\n',
            "a.jsonl:2: the key 'x' stands twice in one object; keep one",
        ),
        (
            "a.csv",
            "x,y\n1,2\n\n3\n4,5\n",
            (
                "a.csv:4: row 2 has 1 fields, the header has 2; "
                "quote fields that hold the separator, or fill in the row"
            ),
        ),
        (
            "a.csv",
            "x,y\n1,2\n3",
            (
                "a.csv:3: row 2 has 1 fields, the header has 2; "
                "it is the last: write the file again, or fill in the row"
            ),
        ),
        (
            "a.csv",
            'x,y\n"two\nlines",2\n1,2,3\n',
            (
                "a.csv:4: row 2 has 3 fields, the header has 2; "
                "quote fields that hold the separator, or fill in the row"
            ),
        ),
        (
            "a.csv",
            'x,y\n1,2\n"3,4\n5,6\n',
            "a.csv:3: a quote is never closed; close it, or double it",
        ),
        (
            "a.csv",
            'x,y\n1,2\n3,"4\n5,6\n',
            "a.csv:3: a quote is never closed; close it, or double it",
        ),
        (
            "a.csv",
            'x,y\n1,2\n3,"4\n' + "5,6\n" * 400_000,
            "a.csv:3: a quote is never closed; close it, or double it",
        ),
        (
            "a.csv",
            "name,y\nAda,2\nJürgen,1\n".encode("cp1252"),
            (
                "a.csv:3: byte 14 is not UTF-8 text; "
                "convert it, for instance: iconv -f CP1252 -t UTF-8 a.csv"
            ),
        ),
        (
            "a.csv",
            "größe,y\n1,1\n".encode("cp1252"),
            (
                "a.csv:1: byte 2 is not UTF-8 text; "
                "convert it, for instance: iconv -f CP1252 -t UTF-8 a.csv"
            ),
        ),
        (
            "a.csv",
            "x,y\n1,1\n".encode("utf-16"),
            (
                "a.csv:1: byte 0 is not UTF-8 text; "
                "convert it, for instance: iconv -f UTF-16 -t UTF-8 a.csv"
            ),
        ),
        *(
            (
                "a.csv",
                text,
                (
                    "a.csv: its fields seem to be separated by semicolons, not by commas; write it "
                    'anew: python -c "import pandas; '
                    "pandas.read_csv('a.csv', sep=';', decimal=',')"
                    ".to_csv('a-comma.csv', index=False)\""
                ),
            )
            for text in ("x;y;z\n1;1.5;0\n", "x;y;z\n1,5;1,5;0,5\n")
        ),
        (
            "a.csv",
            "x\ty\n1\t1\n",
            "a.csv: its fields seem to be separated by tabs, not by commas; rename it to .tsv",
        ),
        (
            "a.tsv",
            "x,y\n1,1\n",
            "a.tsv: its fields seem to be separated by commas, not by tabs; rename it to .csv",
        ),
        (
            "$(a);'.csv",
            "x|y\n1|1\n",
            (
                "$(a);'.csv: its fields seem to be separated by bars, not by commas; "
                'write it anew: python -c "import pandas; '
                "pandas.read_csv('FILE.csv', sep='|', decimal=',')"
                ".to_csv('FILE-comma.csv', index=False)\""
            ),
        ),
        (
            "a.csv.gz",
            gzip.compress(b"x,y\n1,2\n" * 1000, mtime=0)[:-10],
            (
                "a.csv.gz: cannot be read (Compressed file ended before the "
                "end-of-stream marker was "
                "reached); write the file again"
            ),
        ),
        (
            "a.csv.gz",
            "x,y\n1,2\n",
            "a.csv.gz: cannot be read (Not a gzipped file (b'x,')); write the file again",
        ),
        (
            "a.jsonl",
            '{"x": 1}\n{"x": 1\n',
            "a.jsonl:2:8: no JSON (Expecting ',' delimiter); write one object a line",
        ),
        (
            "a.jsonl",
            "[1, 2]\n",
            "a.jsonl:1: JSON of type list, not an object; write one object a line",
        ),
        ("a.jsonl", "{}\n", "a.jsonl:1: the object is empty; give it keys and values"),
        (
            "a.jsonl",
            '{"x": "ü"}'.encode("latin-1"),
            "a.jsonl:1: byte 7 of the line is not UTF-8 text; convert the file to UTF-8",
        ),
        (
            "a.jsonl",
            '{"x": ' + "[" * 100_000,
            "a.jsonl:1: the object is nested without end; flatten it",
        ),
        (
            "a.jsonl",
            '{"x": [1]}\n',
            "a.jsonl: column 'x' holds lists or objects; flatten them into columns of their own",
        ),
    ],
)
def test_what_is_wrong_with_a_text_file_is_said_with_its_line(
    opened, write, name, content, message
):
    write(name, content)
    refused(lambda: opened(name).frame(), message)


def test_a_csv_row_longer_than_a_block_is_said_to_be_so(opened, write):
    write("a.csv", "x,y\n" + "a" * 100_000 + ",1\n" + ",".join(["b" * 1_200_000] * 2) + "\n")
    with pytest.raises(DataError, match=r"^a.csv:3: row 2 holds a field of more than 128 KiB"):
        opened("a.csv").frame()
    long = ",".join(["c" * 100_000] * 26)
    write("c.csv", ",".join("abcdefghijklmnopqrstuvwxyz") + f"\n{long}\n{long}\n")
    refused(
        lambda: opened("c.csv").frame(),
        "c.csv: a row is longer than 1 MiB; leave the long column out, or save it as Parquet",
    )


def test_a_file_may_have_very_many_columns(opened, write):
    header = ",".join(f"c{i}" for i in range(20_000))
    write("a.csv", f"{header}\n{header}\n")
    assert opened("a.csv").frame(["c19999"])["c19999"].tolist() == ["c19999"]

    write("b.csv", f"{header}\n{header}\n{header}{header}\n")
    with pytest.raises(DataError, match=r"^b.csv:3: row 2 has 39999 fields, the header has 20000"):
        opened("b.csv").frame(["c0"])


def test_a_csv_column_may_have_no_name(opened, write):
    write("a.csv", ",x\n0,5\n1,6\n")

    assert opened("a.csv").columns == ("", "x")
    assert opened("a.csv").frame(["", "x"]).to_numpy().tolist() == [[0, 5], [1, 6]]


def test_a_gzip_file_that_was_cut_short_is_said_to_be_so(opened, write):
    write("a.jsonl.gz", gzip.compress(b'{"x": 1}\n' * 1000)[:-10])
    with pytest.raises(DataError, match=r"^a.jsonl.gz:\d+: cannot be read \(Compressed file ended"):
        opened("a.jsonl.gz")


@pytest.mark.parametrize("name", ["a.parquet", "a.feather", "a.arrows"])
@pytest.mark.parametrize("damage", ["truncated", "empty", "text"])
def test_a_damaged_columnar_file_is_refused_in_one_line(opened, tmp_path, name, damage):
    frame = pd.DataFrame({"x": range(1000)})
    frame.to_parquet(tmp_path / name) if name == "a.parquet" else frame.to_feather(tmp_path / name)
    whole = (tmp_path / name).read_bytes()
    content = {"truncated": whole[: len(whole) // 2], "empty": b"", "text": b"x\n1\n"}[damage]
    (tmp_path / name).write_bytes(content)

    with pytest.raises(DataError) as caught:
        opened(name).frame()
    text = str(caught.value)
    assert text.startswith(f"{name}: cannot be read as {'Parquet' if 'pa' in name else 'Arrow'} (")
    assert text.endswith("write the file again; it is damaged, cut short or of another format")
    assert "\n" not in text


def test_feather_1_is_named(opened, write):
    write("a.feather", b"FEA1" + b"\0" * 100)
    with pytest.raises(DataError, match="Feather 1 is no longer supported"):
        opened("a.feather")


@pytest.mark.parametrize("name", ["a.parquet", "a.feather"])
def test_columnar_files_without_rows_or_with_nested_columns_are_refused(opened, tmp_path, name):
    save = pd.DataFrame.to_parquet if name == "a.parquet" else pd.DataFrame.to_feather
    save(pd.DataFrame({"x": [1], "list": [[1, 2]]}), tmp_path / name)
    assert opened(name).frame(["x"])["x"].tolist() == [1], "columns nobody asks for do not matter"
    with pytest.raises(DataError, match=r"^a.*: column 'list' holds list<.*>; flatten it into"):
        opened(name).frame()

    save(pd.DataFrame({"x": [1]}).iloc[:0], tmp_path / name)
    refused(lambda: opened(name), f"{name}: there is no row; name a file with rows")


def test_an_unknown_column_is_an_error_at_the_policy_s_line_with_did_you_mean(tmp_path, write):
    write("a.csv", "income,sex\n1,F\n")
    data = open_data(DataSpec("a.csv"), root=tmp_path, where=WHERE)
    refused(
        lambda: data.batches(["incme"]),
        "policies/p.aipm.yaml:9: there is no column 'incme' in a.csv; did you mean 'income'?",
    )
    refused(
        lambda: data.require(["age", "SEX"], {"path": "other.yaml", "line": 3}),
        "other.yaml:3: there are no columns 'age', 'SEX' in a.csv; did you mean 'sex'?",
    )
    refused(
        lambda: data.require(["zzz"]),
        "policies/p.aipm.yaml:9: there is no column 'zzz' in a.csv; its columns are income, sex",
    )


def test_data_with_another_hash_than_the_pinned_one_are_refused(opened, write):
    write("a.csv", "x\n1\n")
    digest = opened("a.csv").sha256
    assert opened("a.csv", sha256=digest).sha256 == digest
    assert opened("a.csv", sha256=f"sha256:{digest.upper()}").sha256 == digest
    refused(
        lambda: opened("a.csv", sha256="0" * 64),
        f"'a.csv' has sha256 {digest[:12]}..., pinned is 000000000000...; "
        f"restore the pinned file, or pin this one: sha256: {digest}",
    )


@pytest.mark.parametrize("spec", [DataSpec(), DataSpec(path="a.csv", factory="a:b")])
def test_data_need_exactly_one_source(tmp_path, spec):
    refused(
        lambda: open_data(spec, root=tmp_path),
        "the data need one source; give one of path and factory",
    )


@pytest.mark.parametrize("name", ["a.csv", "a.parquet", "a.jsonl", "parts"])
def test_a_file_that_may_not_be_read_is_said_to_be_so(opened, write, forbidden, name):
    write("parts/b.csv" if name == "parts" else name, "x\n1\n")
    forbidden("b.csv" if name == "parts" else name)
    named = "b.csv" if name == "parts" else name
    refused(lambda: opened(name), f"{named!r} cannot be read (Permission denied); make it readable")


def test_a_batch_of_no_rows_is_refused(opened, write):
    write("a.csv", "x\n1\n")
    refused(
        lambda: opened("a.csv").batches(size=0), "a.csv: a batch of 0 rows is none; use 1 or more"
    )


def test_a_reference_of_the_command_line_is_a_path_before_it_is_code(tmp_path, write):
    assert DataSpec.parse("pkg.mod:make", tmp_path) == DataSpec(factory="pkg.mod:make")
    assert DataSpec.parse("data/a.csv", tmp_path) == DataSpec(path="data/a.csv")
    assert DataSpec.parse("C:\\a.csv", tmp_path) == DataSpec(path="C:\\a.csv")
    write("mod:make", "")
    assert DataSpec.parse("mod:make", tmp_path) == DataSpec(path="mod:make")
