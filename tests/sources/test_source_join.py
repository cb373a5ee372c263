"""A protected column from a second file meets the data row by row."""

import pandas as pd
import pytest

from pytest_aipm.errors import DataError
from pytest_aipm.sources.data import DataSpec, open_data
from pytest_aipm.sources.join import JoinSpec, join

WHERE = {"path": "p.aipm.yaml", "line": 7}


@pytest.fixture
def joined(tmp_path, write):
    """Join a second CSV file to a first one."""

    def join_(data, second, column="race", name="joined", **more):
        write("data.csv", data)
        write("second.csv", second)
        spec = JoinSpec(name=name, column=column, file="second.csv", key="id", **more)
        return join(
            open_data(DataSpec("data.csv"), root=tmp_path), spec, root=tmp_path, where=WHERE
        )

    return join_


def refused(call, message):
    with pytest.raises(DataError) as caught:
        call()
    assert str(caught.value) == message


def test_values_are_found_by_key_and_absent_ids_are_missing(joined):
    data = joined("id,x\n3,a\n1,b\n9,c\n1,d\n,e\n", "race,id\nA,1\nB,2\nC,3\n,4\n")
    frame = data.frame()

    assert data.columns == ("id", "x", "joined")
    assert frame["x"].tolist() == list("abcde")
    assert frame["joined"].tolist()[:2] == ["C", "A"]
    assert frame["joined"].isna().tolist() == [False, False, True, False, True]


def test_batches_keep_order_numbers_and_types(joined):
    data = joined("id,x\n3,a\n1,b\n9,c\n", "race,id\n7,1\n8,2\n9,3\n")
    batches = list(data.batches(["joined", "x"], size=1))

    assert [list(batch.index) for batch in batches] == [[0], [1], [2]]
    assert [list(batch) for batch in batches] == [["joined", "x"]] * 3
    assert {str(batch["joined"].dtype) for batch in batches} == {"float64"}
    assert [batch["joined"].iloc[0] for batch in batches[:2]] == [9.0, 7.0]


def test_the_first_file_alone_is_read_when_the_joined_column_is_not_asked_for(joined):
    data = joined("id,x\n1,a\n", "race,id\nA,2\n")

    assert data.frame(["x"])["x"].tolist() == ["a"]
    assert (data.rows, data.kind, data.ref) == (1, "csv", "data.csv")
    ((ref, digest),) = data.joined
    assert ref == "second.csv"
    assert len(digest) == len(data.sha256) == 64


def test_several_columns_can_be_joined_one_after_the_other(joined, tmp_path):
    data = joined("id,x\n1,a\n2,b\n", "race,age,id\nA,30,1\nB,40,2\n")
    more = JoinSpec(name="years", column="age", file="second.csv", key="id")
    both = join(data, more, root=tmp_path)

    assert both.frame(["years", "joined"]).to_numpy().tolist() == [[30.0, "A"], [40.0, "B"]]


def test_the_key_itself_can_be_the_joined_column(joined):
    assert joined("id\n1\n5\n", "race,id\nA,1\n", column="id").frame()["joined"][0] == 1.0


def test_texts_are_keys_too_and_words_can_be_missing(joined):
    data = joined("id\nx\ny\n", "race,id\n?,x\nB,y\n", missing=("?",))

    assert data.frame()["joined"].isna().tolist() == [True, False]


def test_identifiers_beyond_2_to_53_do_not_meet_their_neighbours(joined):
    wide = 2**53
    data = joined(f"id\n{wide}\n{wide + 1}\n", f"race,id\nA,{wide}\nB,{wide + 1}\n")

    assert data.frame()["joined"].tolist() == ["A", "B"]


def test_a_wide_integer_column_is_joined_exactly(joined):
    data = joined("id\n1\n2\n", f"race,id\n{2**53 + 1},1\n")

    assert data.frame()["joined"].tolist()[0] == 2**53 + 1


def test_numbers_with_gaps_and_without_are_the_same_numbers(joined):
    assert joined('id\n1\n""\n', "race,id\nA,1\n").frame()["joined"].tolist()[0] == "A"


def test_duplicate_ids_are_refused_by_row_and_count_never_by_value(joined):
    refused(
        lambda: joined("id\n7001\n", "race,id\nA,7001\nB,7002\nA,7001\nA,7002\nA,7002\nC,7003\n"),
        "second.csv: 2 values of 'id' occur more than once, the first in rows 1 and 3; "
        "keep one row for each",
    )


def test_rows_without_an_id_are_no_duplicates(joined):
    assert joined("id\n1\n", "race,id\nA,1\nB,\nC,\n").frame()["joined"].tolist() == ["A"]


def test_texts_never_meet_numbers(joined):
    data = joined("id\n1\n2\n", "race,id\nA,x1\nB,x2\n")
    refused(
        data.frame,
        "p.aipm.yaml:7: the key 'id' holds numbers in the data and texts in second.csv; "
        "write it the same way in both",
    )


def test_files_that_do_not_belong_together_are_refused(joined):
    refused(
        joined("id\n1\n2\n", "race,id\nA,3\nB,4\n").frame,
        "p.aipm.yaml:7: no 'id' of data.csv occurs in second.csv; "
        "name the file and the key that belong to these data",
    )


@pytest.mark.parametrize(
    ("data", "second", "more", "message"),
    [
        (
            "key\n1\n",
            "race,id\nA,1\n",
            {},
            "there is no column 'id' in data.csv; its columns are key",
        ),
        (
            "id\n1\n",
            "rase,id\nA,1\n",
            {},
            "there is no column 'race' in second.csv; did you mean 'rase'?",
        ),
        (
            "id\n1\n",
            "race,iid\nA,1\n",
            {},
            "there is no column 'id' in second.csv; did you mean 'iid'?",
        ),
        (
            "id,joined\n1,2\n",
            "race,id\nA,1\n",
            {},
            "data.csv has a column 'joined' already; give the joined column another name",
        ),
    ],
)
def test_what_cannot_be_joined_is_refused_at_the_policy_s_line(joined, data, second, more, message):
    refused(lambda: joined(data, second, **more), f"p.aipm.yaml:7: {message}")


def test_a_frame_can_be_joined_with_a_file(tmp_path, write):
    write("second.csv", "race,id\nA,1\n")
    frame = pd.DataFrame({"id": [1, 2]})
    spec = JoinSpec(name="race", column="race", file="second.csv", key="id")
    data = join(open_data(frame, root=tmp_path), spec, root=tmp_path)

    assert data.frame()["race"].isna().tolist() == [False, True]
    assert list(frame) == ["id"]
