"""YAML 1.2 and nothing more: hostile, broken and merely odd files."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from policy_samples import GOOD

from pytest_aipm.errors import PolicyError
from pytest_aipm.policy import Policy
from pytest_aipm.policy.text import read_source
from pytest_aipm.policy.tree import Faults

BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 10)
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "x.yaml: the file is empty; write its first key"),
        ("# nothing\n", "x.yaml: the file is empty; write its first key"),
        ("- a\n", "x.yaml:1:1: the file is not a mapping; start it with `key: value` lines"),
        ("a:\n\tb: 1\n", "x.yaml:2:1: a tab cannot stand here; indent with spaces"),
        (
            "a: 1\n  b: 2\n",
            (
                "x.yaml:2:4: a key cannot stand here; indent it like its neighbours, put text with "
                "': ' in quotes, put a space behind each ':'"
            ),
        ),
        (
            "a:\n    b: 1\n  c: 2\n",
            "x.yaml:3:3: the indentation does not fit; indent it like its neighbours",
        ),
        (
            "a: 1\nbroken\nc: 1\n",
            "x.yaml:3:1: a key without ':'; write `key: value`",
        ),
        (
            "a: [1, 2\nb: 3\n",
            "x.yaml:1:4: a '[' that is not closed on its line or below; close it",
        ),
        (
            "a: {b: 1\n",
            "x.yaml:1:4: a '{' that is not closed on its line or below; close it",
        ),
        ("a: {b: 1 c: 2}\n", "x.yaml:1:11: a ',' or a '}' is missing here; add it"),
        ("a: [1 [2]]\n", "x.yaml:1:7: a ',' or a ']' is missing here; add it"),
        (
            'a: 1\nb: "c\nd: 2\n',
            "x.yaml:2:4: a quote that is not closed on its line or below; close it",
        ),
        (
            "a: 1\n---\nb: 2\n",
            (
                "x.yaml:2:1: a second document starts here; keep one document a file and remove "
                "the line '---'"
            ),
        ),
        (
            'a: "\\UFFFFFFFF"\n',
            "x.yaml: not valid YAML: an escape stands for no character; correct it",
        ),
        ("a: *b\n", "x.yaml:1:4: an alias without an anchor; write the value out"),
        ("a: &b [*b]\n", "x.yaml:1:4: an alias that holds itself; write the value out"),
        ("%YAML 1.1\n---\na: NO\n", "x.yaml:1:1: '%YAML 1.1' is not YAML 1.2; remove this line"),
        (
            "# c\n%YAML 3.0\n---\na: 1\n",
            "x.yaml:2:1: '%YAML 3.0' is not YAML 1.2; remove this line",
        ),
        ("a: \x01\n", "x.yaml:1:4: the character U+0001 cannot stand in YAML; remove it"),
        ("[\n" * 5000, "x.yaml: nested too deep; flatten it"),
        ("[" * 5000, "x.yaml:1:61: nested deeper than 60 levels; flatten it"),
        ("a:\n" + "- " * 80 + "b", "x.yaml: nested deeper than 60 levels; flatten it"),
        (BOMB, "x.yaml: its aliases expand to more than 10,000 values; write the values out"),
        ("a: " + "x" * 250_000, "x.yaml: larger than 250,000 bytes; split it with `extends`"),
    ],
)
def test_text_that_cannot_be_read_is_one_line(
    text: str, said: str, write: Callable[..., Path], tmp_path: Path
) -> None:
    with pytest.raises(PolicyError) as caught:
        read_source(write(text, "x.yaml"), root=tmp_path, faults=Faults())
    assert str(caught.value) == said


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"a: 1\nb: caf\xe9\n", "x.yaml:2: not UTF-8: byte 0xe9 at offset 11"),
        (b"\xef\xbb\xbfa: \xff\n", "x.yaml:1: not UTF-8: byte 0xff at offset 6"),
        ("a: 1".encode("utf-16"), "x.yaml:1: not UTF-8: byte 0xff at offset 0"),
    ],
)
def test_bytes_that_are_not_utf8_are_located(
    raw: bytes, said: str, write: Callable[..., Path], tmp_path: Path
) -> None:
    with pytest.raises(PolicyError) as caught:
        read_source(write(raw, "x.yaml"), root=tmp_path, faults=Faults())
    assert str(caught.value) == f"{said}; save the file as UTF-8"


def test_a_yaml_bomb_is_refused_before_anyone_walks_it(faults: Callable[..., list[str]]) -> None:
    start = time.process_time()
    said = faults(GOOD + "x: &x0 [y]\n" + BOMB)
    assert time.process_time() - start < 1
    assert len(said) == 1


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    with pytest.raises(PolicyError, match=r"sub: is a folder, not a file; check the path"):
        read_source(tmp_path / "sub", root=tmp_path, faults=Faults())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: !!python/object:os.system x", "1:4: the tag '!!python/object:os.system'"),
        ("a: !secret x", "1:4: the tag '!secret'"),
        ("a: !!set {b, c}", "1:4: the tag '!!set'"),
        ("a: {<<: {b: 1}}", "1:5: merge keys ('<<') are not part of this language"),
        ("[a, b]: 1", "1:1: a key must be text"),
        ("a: .inf", "1:4: .inf is not a finite number"),
        ("a: 1e999", "1:4: 1e999 is not a finite number"),
        ('a: "\\ud800"', "1:4: half a character (a lone surrogate)"),
    ],
)
def test_what_the_language_does_not_need_is_refused(
    text: str, said: str, write: Callable[..., Path], tmp_path: Path
) -> None:
    faults = Faults()
    read_source(write(text, "x.yaml"), root=tmp_path, faults=faults)
    assert str(faults.problems[0]).startswith(f"x.yaml:{said}")
    assert len(faults.problems) == 1


def test_values_follow_the_core_schema_of_yaml_1_2(
    write: Callable[..., Path], tmp_path: Path
) -> None:
    text = (
        "[NO, no, on, y, true, 012, 0o12, 0x1F, 1_000, 1:30, 1e3, .5, -1, ~, '', 2026-01-01,"
        " !!str 5, '5', 1.0]"
    )
    source = read_source(write(f"a: {text}", "x.yaml"), root=tmp_path, faults=Faults())
    assert repr(source.tree.plain()["a"]) == (
        "['NO', 'no', 'on', 'y', True, 12, 10, 31, '1_000', '1:30', 1000.0, 0.5, -1, None, '',"
        " '2026-01-01', '5', '5', 1.0]"
    )


def test_the_group_NO_stays_a_group(load: Callable[..., Policy]) -> None:  # noqa: N802
    policy = load(GOOD.replace("groups: [A, B]", "groups: [NO, SE, 1, 2.0, true, off]"))
    assert policy.subject.protected["race"].groups == ("NO", "SE", "1", "2", "true", "off")


def test_aliases_that_stay_small_are_fine(load: Callable[..., Policy]) -> None:
    text = GOOD.replace("{max: 0.1}}", "&tight {max: 0.1}}\n  - {check: fairness.fake_default,")
    policy = load(text + "      limit: *tight}\n")
    assert [check.limit for check in policy.checks] == [policy.checks[0].limit] * 2


def test_windows_line_ends_and_a_byte_order_mark_change_nothing(
    load: Callable[..., Policy],
) -> None:
    policy = load(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert policy.checks[0].line == 13
    assert policy.text == GOOD


PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(
        st.characters(
            exclude_categories=["Cs", "Cc"], exclude_characters="\x85\u2028\u2029\ufeff\ufffe\uffff"
        )
    ),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text("abc", min_size=1), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(value=PLAIN)
def test_json_is_read_as_json(value: object, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("json") / "x.yaml"
    path.write_text(json.dumps({"a": value}, ensure_ascii=False), encoding="utf-8")
    faults = Faults()
    assert read_source(path, root=path.parent, faults=faults).tree.plain() == {"a": value}
    assert not faults


@given(noise=st.text(max_size=40), at=st.integers(0, len(GOOD)))
def test_no_text_breaks_the_loader(
    noise: str, at: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("noise") / "x.yaml"
    path.write_bytes((GOOD[:at] + noise + GOOD[at:]).encode("utf-8", "surrogatepass"))
    try:
        tree = read_source(path, root=path.parent, faults=Faults()).tree
    except PolicyError as error:
        assert len(str(error).splitlines()) == 1  # noqa: PT017
    else:
        assert isinstance(tree.plain(), dict)
