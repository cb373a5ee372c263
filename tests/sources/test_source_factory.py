"""Factories are the project's own code: found under the root, called alone, and named when bad."""
# ruff: noqa: NPY002 - the global random state is a subject here

import sys
import warnings

import pytest

from pytest_aipm.errors import DataError, ModelError
from pytest_aipm.sources.data import DataSpec, open_data
from pytest_aipm.sources.factory import call_factory

WHERE = {"path": "p.aipm.yaml", "line": 4}


@pytest.fixture(autouse=True)
def _own_modules():
    """Forget modules and folders that a test imports from."""
    modules, path = set(sys.modules), list(sys.path)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        del sys.modules[name]


def made(ref, root, error=DataError):
    heard = []
    return call_factory(ref, root, heard, where=WHERE, error=error), heard


def refused(ref, root, message):
    with pytest.raises(DataError) as caught:
        made(ref, root)
    assert str(caught.value) == f"p.aipm.yaml:4: {message}"


def test_a_factory_gives_data_with_a_hash_of_their_content(tmp_path, write):
    write("shop/__init__.py", "")
    write("shop/rows.py", "import pandas\ndef load():\n    return pandas.DataFrame({'x': [1]})\n")
    data = open_data(DataSpec(factory="shop.rows:load"), root=tmp_path)

    assert (data.kind, data.ref, data.rows) == ("factory", "shop.rows:load", 1)
    assert data.sha256 == open_data(data.frame(), root=tmp_path).sha256
    with pytest.raises(DataError, match=r"^'shop.rows:load' has sha256 .*, pinned is 0000"):
        open_data(DataSpec(factory="shop.rows:load", sha256="0" * 64), root=tmp_path)


def test_a_method_of_a_class_may_be_the_factory(tmp_path, write):
    write("nested_one.py", "class Shop:\n    @staticmethod\n    def load():\n        return 5\n")

    assert made("nested_one:Shop.load", tmp_path) == (5, [])


def test_the_root_goes_first_while_importing_and_stays_last(tmp_path, write):
    write("where_am_i.py", "import sys\nfirst = sys.path[0]\ndef load():\n    return first\n")
    before = list(sys.path)
    found, _ = made("where_am_i:load", tmp_path)

    assert found == str(tmp_path.resolve())
    assert sys.path == [*before, str(tmp_path.resolve())]
    made("where_am_i:load", tmp_path)
    assert sys.path == [*before, str(tmp_path.resolve())]


def test_another_project_s_module_of_the_same_name_is_not_taken(tmp_path, write):
    write("one/same_name.py", "def load():\n    return 1\n")
    write("two/same_name.py", "def load():\n    return 2\n")

    assert made("same_name:load", tmp_path / "one")[0] == 1
    refused(
        "same_name:load",
        tmp_path / "two",
        "factory 'same_name:load': another module called 'same_name' is loaded already; "
        "rename same_name.py, or run it in its own process",
    )


def test_warnings_and_random_numbers_of_a_factory_touch_nobody(tmp_path, write):
    import random

    import numpy as np

    write(
        "noisy_one.py",
        "import random, warnings\nimport numpy as np\nwarnings.warn('at import')\n"
        "def load():\n    warnings.warn('old', DeprecationWarning)\n"
        "    return random.random(), np.random.random()\n",
    )
    python, numpy = random.getstate(), np.random.get_state()[1].tolist()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        first, heard = made("noisy_one:load", tmp_path)
        second, again = made("noisy_one:load", tmp_path)

    assert heard == ["UserWarning: at import", "DeprecationWarning: old"]
    assert again == ["DeprecationWarning: old"]
    assert first == second, "what a factory draws does not depend on what ran before it"
    assert random.getstate() == python
    assert np.random.get_state()[1].tolist() == numpy


def test_warnings_of_a_data_factory_can_be_read(tmp_path, write):
    write(
        "noisy_data.py",
        "import warnings\ndef load():\n    warnings.warn('stale')\n    return {'x': [1]}\n",
    )

    assert open_data(DataSpec(factory="noisy_data:load"), root=tmp_path).warnings == (
        "UserWarning: stale",
    )


def test_what_does_not_exist_is_named_with_did_you_mean(tmp_path, write):
    write("shop_two/rows.py", "def load_rows():\n    pass\n")
    refused(
        "shop_two.rwos:load_rows",
        tmp_path,
        "factory 'shop_two.rwos:load_rows': there is no module 'shop_two.rwos'; "
        "did you mean 'rows'?",
    )
    refused(
        "zzz:load",
        tmp_path,
        "factory 'zzz:load': there is no module 'zzz'; modules are found from the root folder",
    )
    refused(
        "shop_two.rows:load_row",
        tmp_path,
        "factory 'shop_two.rows:load_row': module 'shop_two.rows' has no 'load_row'; "
        "did you mean 'load_rows'?",
    )


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            "def load():\n    raise ValueError('no rows\\nat all')\n",
            "raised ValueError: no rows (bad_one.py:2); make it run by itself, without arguments",
        ),
        (
            "import sys\ndef load():\n    sys.exit(3)\n",
            "raised SystemExit: 3 (bad_one.py:3); make it run by itself, without arguments",
        ),
        (
            "def load(path):\n    return path\n",
            (
                "raised TypeError: load() missing 1 required positional argument: 'path'; "
                "make it run by itself, without arguments"
            ),
        ),
        (
            "1 / 0\n",
            (
                ": importing it raised ZeroDivisionError: division by zero (bad_one.py:1); "
                "mend 'bad_one'"
            ),
        ),
        (
            "import not_installed_anywhere.sub\n",
            "needs module 'not_installed_anywhere'; install it (bad_one.py:1)",
        ),
        ("load = 3\n", "is of type int, not a function; name a function without arguments"),
    ],
)
def test_a_bad_factory_is_one_line_with_the_place_in_the_project(tmp_path, write, body, message):
    write("bad_one.py", body)
    glue = "" if message.startswith(":") else " "
    refused("bad_one:load", tmp_path, f"factory 'bad_one:load'{glue}{message}")


def test_a_syntax_error_is_named_with_its_line(tmp_path, write):
    write("bad_two.py", "x = 1\ndef load(:\n")
    with pytest.raises(
        DataError, match=r"raised SyntaxError: .* \(bad_two.py:2\); mend 'bad_two'$"
    ):
        made("bad_two:load", tmp_path)


def test_junk_from_a_data_factory_is_named_by_its_type(tmp_path, write):
    write("junk_one.py", "def load():\n    return 42\n")
    with pytest.raises(DataError, match=r"^junk_one:load: of type int, which is no table"):
        open_data(DataSpec(factory="junk_one:load"), root=tmp_path)


def test_the_error_is_of_the_kind_the_caller_asks_for(tmp_path):
    with pytest.raises(ModelError, match="there is no module"):
        made("nowhere_at_all:load", tmp_path, ModelError)
