"""Training rows inside fitted objects: every family that keeps them, none of those that do not."""

from __future__ import annotations

import ctypes
import functools
import re
import sys
import threading
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import DBSCAN, KMeans
from sklearn.compose import ColumnTransformer
from sklearn.datasets import make_classification
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.impute import KNNImputer
from sklearn.kernel_approximation import Nystroem
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import (
    KNeighborsClassifier,
    LocalOutlierFactor,
    NearestCentroid,
    RadiusNeighborsClassifier,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    QuantileTransformer,
    StandardScaler,
)
from sklearn.semi_supervised import LabelPropagation
from sklearn.svm import SVC, OneClassSVM
from sklearn.tree import DecisionTreeClassifier

from pytest_aipm.evidence import tables as module
from pytest_aipm.evidence import walk as walking
from pytest_aipm.evidence.leaves import leaves_in
from pytest_aipm.evidence.stored import stored_in

ROWS, LABEL = make_classification(200, 6, random_state=0)
FRAME = pd.DataFrame(ROWS, columns=[f"f{i}" for i in range(6)])

SOME, ALL = "some", "all"


def only_two(rows: pd.DataFrame) -> pd.DataFrame:
    if rows.shape[1] != 2:
        raise ValueError("not the columns it was made for")
    return rows


KEEPS: dict[str, tuple[Callable[[], Any], str]] = {
    "support vectors": (SVC, SOME),
    "one class": (OneClassSVM, SOME),
    "nearest neighbours": (KNeighborsClassifier, ALL),
    "a ball tree": (lambda: KNeighborsClassifier(algorithm="ball_tree"), ALL),
    "radius neighbours": (lambda: RadiusNeighborsClassifier(radius=9), ALL),
    "outlier factors": (lambda: LocalOutlierFactor(novelty=True), ALL),
    "a Gaussian process": (GaussianProcessRegressor, ALL),
    "label propagation": (LabelPropagation, ALL),
    "kernel ridge": (KernelRidge, ALL),
    "an imputer": (lambda: make_pipeline(KNNImputer(), LogisticRegression()), ALL),
    "behind a scaler": (lambda: make_pipeline(StandardScaler(), KNeighborsClassifier()), ALL),
    "behind columns": (
        lambda: make_pipeline(
            ColumnTransformer(
                [("a", StandardScaler(), ["f0", "f1"]), ("b", "passthrough", ["f2", "f3"])]
            ),
            KNeighborsClassifier(),
        ),
        ALL,
    ),
    "stacked": (lambda: StackingClassifier([("k", KNeighborsClassifier())]), ALL),
    "voting": (lambda: VotingClassifier([("k", KNeighborsClassifier())]), ALL),
    "calibrated": (lambda: CalibratedClassifierCV(SVC()), SOME),
    "bagged": (lambda: BaggingClassifier(KNeighborsClassifier(), random_state=0), SOME),
    "bagged columns": (
        lambda: BaggingClassifier(KNeighborsClassifier(), max_features=0.5, random_state=0),
        SOME,
    ),
    "clusters": (lambda: DBSCAN(eps=3), SOME),
    "landmarks": (
        lambda: make_pipeline(Nystroem(n_components=20, random_state=0), LogisticRegression()),
        SOME,
    ),
}
KEEPS_NONE: dict[str, Callable[[], Any]] = {
    "a tree": DecisionTreeClassifier,
    "a forest": lambda: RandomForestClassifier(10),
    "extra trees": lambda: ExtraTreesClassifier(10),
    "boosting": lambda: GradientBoostingClassifier(n_estimators=10),
    "histograms": lambda: HistGradientBoostingClassifier(max_iter=10),
    "stumps": lambda: AdaBoostClassifier(n_estimators=10),
    "a regression": lambda: make_pipeline(StandardScaler(), LogisticRegression()),
    "means": lambda: KMeans(8),
    "centroids": NearestCentroid,
    "bins": lambda: make_pipeline(KBinsDiscretizer(), LogisticRegression()),
    "a template in columns": lambda: make_pipeline(
        ColumnTransformer(
            [("a", make_pipeline(FunctionTransformer(only_two), StandardScaler()), ["f0", "f1"])]
        ),
        LogisticRegression(),
    ),
    "quantiles": lambda: make_pipeline(QuantileTransformer(n_quantiles=50), LogisticRegression()),
}
quiet = pytest.mark.filterwarnings("ignore")


@quiet
@pytest.mark.parametrize("name", KEEPS)
def test_rows_are_found_in_what_keeps_them(name: str) -> None:
    make, how = KEEPS[name]
    found = stored_in(make().fit(FRAME, LABEL), FRAME)
    share = found.found.mean()
    assert share == 1 if how == ALL else 0.05 < share < 1.0001
    assert found.whole


@quiet
@pytest.mark.parametrize("name", KEEPS_NONE)
def test_none_are_found_in_what_does_not(name: str) -> None:
    found = stored_in(KEEPS_NONE[name]().fit(FRAME, LABEL), FRAME)
    assert not found.found.any(), found.places
    assert found.whole


class Holder:
    def __init__(self, value: Any) -> None:
        self.value = value


class Slotted:
    __slots__ = ("empty", "value")

    def __init__(self, value: Any) -> None:
        self.value = value


def closed_over(value: Any) -> Callable[[], Any]:
    return lambda: value


class Tensor:
    """An array as libraries of networks hold it: no ndarray, and closed while gradients are kept.

    Like a tensor of PyTorch it keeps its values where no walk finds them.
    """

    __slots__ = ("_memory", "learned")

    def __init__(self, values: np.ndarray, *, learned: bool = False) -> None:
        self._memory, self.learned = memoryview(values), learned

    @property
    def shape(self) -> tuple[int, ...]:
        return self._memory.shape

    def detach(self) -> Tensor:
        return Tensor(np.asarray(self._memory))

    def __getitem__(self, rows: Any) -> Tensor:
        return Tensor(np.asarray(self._memory)[rows], learned=self.learned)

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        if self.learned:
            raise RuntimeError("call detach() first")
        return np.array(self._memory, dtype=dtype)


@pytest.mark.parametrize(
    "keep",
    [
        lambda: Holder(ROWS),
        lambda: Slotted(ROWS),
        lambda: Holder({"deep": [Holder((ROWS,))]}),
        lambda: closed_over(ROWS),
        lambda: functools.partial(len, ROWS),
        lambda: Holder(ROWS).__init__,
        lambda: Holder(ROWS.tolist()),
        lambda: Holder([tuple(row) for row in ROWS.tolist()]),
        lambda: Holder({tuple(row): 1 for row in ROWS.tolist()}),
        lambda: Holder(FRAME.to_dict("records")),
        lambda: Holder(FRAME[FRAME.columns[::-1]].assign(more=1)),
        lambda: Holder(np.column_stack([ROWS, LABEL])),
        lambda: Holder(np.column_stack([LABEL, ROWS])),
        lambda: Holder(ROWS.astype(np.float32)),
        lambda: Holder(np.asfortranarray(ROWS)),
        lambda: Holder(ROWS.astype(object)),
        lambda: Holder(sparse.csr_matrix(ROWS)),
        lambda: Holder(ROWS.reshape(20, 10, 6)),
        lambda: Holder(list(ROWS)),
        lambda: Holder(dict(enumerate(ROWS))),
        lambda: Holder({i: tuple(row) for i, row in enumerate(ROWS.tolist())}),
        lambda: Holder(np.array([*map(tuple, ROWS.tolist()), None], dtype=object)[:-1]),
        lambda: Holder(FRAME.to_records()),
        lambda: Holder({name: FRAME[name].to_numpy() for name in FRAME}),
        lambda: Holder(FRAME.to_dict("list")),
        lambda: Holder(dict(FRAME.items())),
        lambda: Holder(Tensor(ROWS)),
        lambda: Holder(Tensor(ROWS, learned=True)),
        lambda: Holder(Tensor(ROWS.astype(np.float32).reshape(20, 10, 6))),
        lambda: Holder([Tensor(row) for row in ROWS]),
        lambda: Holder({name: Tensor(FRAME[name].to_numpy()) for name in FRAME}),
    ],
)
def test_however_they_are_kept(keep: Callable[[], Any]) -> None:
    assert stored_in(keep(), FRAME).found.all()


def test_the_weights_of_a_network_as_wide_as_the_rows_are_read_and_hold_nobody() -> None:
    weights = Tensor(np.random.default_rng(0).normal(size=(8, 6)), learned=True)
    found = stored_in(Holder({"weights": weights, "bias": Tensor(np.zeros(8))}), FRAME)
    assert not found.found.any()
    assert found.whole


def test_a_tensor_that_cannot_be_held_at_once_is_read_in_blocks(monkeypatch) -> None:
    large = np.zeros((100_000, 6))
    large[:200] = ROWS
    monkeypatch.setattr(module, "MAX_CELLS", 6000)
    found = stored_in(Holder(Tensor(large)), FRAME)
    assert found.found.any()
    assert found.cut == ("Holder.value",)
    # nor one of which nothing can be said but that it is there
    far = np.broadcast_to(np.zeros((1, 6)), (10**12, 6))
    assert stored_in(Holder(Tensor(far)), FRAME).cut == ("Holder.value",)


class Watched:
    """Says whether one of its properties was run."""

    def __init__(self) -> None:
        self.asked = 0

    @property
    def shape(self) -> tuple[int, int]:
        self.asked += 1
        return (200, 6)


def test_a_property_is_run_of_arrays_alone() -> None:
    watched = Watched()
    stored_in([watched], FRAME)
    assert watched.asked == 0


def test_texts_and_missing_values_are_matched() -> None:
    rows = pd.DataFrame({"a": ["x", "y", None, "z"], "b": [1.0, np.nan, 3.0, 4.0]})
    assert stored_in(Holder(rows.copy()), rows).found.all()
    assert stored_in(Holder(rows.to_numpy(dtype=object)), rows).found.all()


def test_a_cycle_ends() -> None:
    one, two = Holder(None), Holder(ROWS)
    one.value, two.other, two.value_again = two, one, [two, one]
    loop: list[Any] = [one]
    loop.append(loop)
    assert stored_in(loop, FRAME).found.all()


class Hostile:
    """Raises whatever is asked of it."""

    def __init__(self) -> None:
        self.rows = ROWS

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)

    @property
    def trap(self) -> Any:
        raise RuntimeError("a property was run")

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("compared")

    __hash__ = None  # type: ignore[assignment]

    def __len__(self) -> int:
        raise RuntimeError("measured")


class BadMapping(dict):
    def values(self) -> Any:
        raise RuntimeError("closed")


def test_objects_that_raise_do_not_stop_the_search_and_run_no_property() -> None:
    found = stored_in([Hostile(), threading.Lock(), open, np, int], FRAME)
    assert found.found.all()


def test_a_part_that_cannot_be_opened_is_said() -> None:
    found = stored_in(Holder(BadMapping(a=1)), FRAME)
    assert not found.found.any()
    assert (found.closed, found.whole) == (1, False)


def test_a_step_that_cannot_be_followed_is_said() -> None:
    class Broken(StandardScaler):
        def transform(self, X: Any, copy: Any = None) -> Any:  # noqa: N803, ARG002
            raise RuntimeError("no")

    whole = make_pipeline(StandardScaler(), LogisticRegression()).fit(FRAME, LABEL)
    whole.steps[0] = ("broken", Broken())
    found = stored_in(whole, FRAME)
    assert (found.lost, found.whole) == (1, False)


def test_a_memory_map_larger_than_the_bound_is_read_in_blocks(tmp_path, monkeypatch) -> None:
    large = np.memmap(tmp_path / "rows", dtype=float, mode="w+", shape=(100_000, 6))
    large[:200] = ROWS
    monkeypatch.setattr(module, "MAX_BYTES", 64 * 1000)
    found = stored_in(Holder(large), FRAME)
    assert found.cut == ("Holder.value",)
    assert not found.whole
    assert found.found.any()


def test_a_map_of_ten_gigabytes_takes_a_moment(tmp_path) -> None:
    import time

    # a sparse file: nothing of it is on the disk
    large = np.memmap(tmp_path / "rows", dtype=float, mode="w+", shape=(210_000_000, 6))
    start = time.process_time()
    found = stored_in(Holder(large), FRAME)
    assert found.cut == ("Holder.value",)
    assert time.process_time() - start < 60


def test_time_and_number_of_objects_are_bounded(monkeypatch) -> None:
    deep: Any = ROWS
    for _ in range(3000):
        deep = [deep]
    assert stored_in(deep, FRAME, seconds=1e-9).stopped.startswith("after 1e-09 seconds")
    monkeypatch.setattr(walking, "MAX_OBJECTS", 100)
    assert stored_in(deep, FRAME).stopped == "after 100 objects"


def test_rows_that_many_equal_and_rows_of_zeros_are_no_ones() -> None:
    rows = pd.DataFrame({"a": [1, 1, 1, 1, 1, 2, 0], "b": [0, 0, 0, 0, 0, 1, 0]})
    found = stored_in(Holder(rows.to_numpy()), rows)
    assert found.found.tolist() == [False] * 5 + [True, False]
    assert found.crowd == 5


def test_the_walk_leaves_the_model_and_the_random_state_alone() -> None:
    np.random.seed(5)  # noqa: NPY002
    before = np.random.get_state()[1].tolist()  # noqa: NPY002
    model = make_pipeline(StandardScaler(), KNeighborsClassifier()).fit(FRAME, LABEL)
    said = model.predict_proba(FRAME).tolist()
    stored_in(model, FRAME)
    assert model.predict_proba(FRAME).tolist() == said
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002


class TestLeaves:
    def test_are_those_of_the_tree(self) -> None:
        tree = DecisionTreeClassifier(max_depth=4, random_state=0).fit(ROWS, LABEL)
        (found,), stopped = leaves_in(make_pipeline(StandardScaler(), tree))
        sizes = np.unique(tree.apply(ROWS.astype(np.float32)), return_counts=True)[1]
        assert sorted(found) == sorted(sizes)
        assert stopped == ""

    def test_are_those_of_every_tree_of_an_ensemble(self) -> None:
        forest = RandomForestClassifier(7, min_samples_leaf=5, bootstrap=False).fit(ROWS, LABEL)
        found, _ = leaves_in(forest)
        assert len(found) == 7
        assert min(each.min() for each in found) >= 5
        assert all(each.sum() == len(ROWS) for each in found)

    def test_are_those_of_boosting_by_histograms(self) -> None:
        model = HistGradientBoostingClassifier(max_iter=4).fit(ROWS, LABEL)
        found, _ = leaves_in(model)
        assert len(found) == 4
        assert all(each.sum() == len(ROWS) for each in found)
        assert min(each.min() for each in found) >= 20

    def test_there_are_none_without_trees(self) -> None:
        assert leaves_in(LogisticRegression().fit(ROWS, LABEL))[0] == []


class Session:
    """Wraps something compiled, as a session of a runtime does."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner


def test_compiled_parts_out_of_sight_are_said_and_nothing_found_is_no_pass() -> None:
    stored = stored_in(Session(ctypes.c_void_p(3)), FRAME)
    assert (stored.opaque, stored.whole) == (("ctypes.c_void_p",), False)
    leaves, unread = leaves_in(Session(ctypes.c_void_p(3)))
    assert (leaves, unread) == ([], "compiled parts cannot be looked into (ctypes.c_void_p)")


def test_locks_files_generators_and_weak_references_hide_nothing() -> None:
    whole = Session(threading.Lock())
    whole.inner = [
        threading.Condition(),
        sys.stdin,
        (each for each in ()),
        weakref.ref(whole),
        {}.values(),
        np.random.default_rng(0),
        re.compile("a"),
        functools.lru_cache(len),
        pd.Timestamp("2026-01-01"),
        whole,
    ]
    assert stored_in(whole, FRAME).whole


def booster(name: str) -> Any:
    library = pytest.importorskip(name)
    if name == "xgboost":
        return library.XGBClassifier(n_estimators=3)
    if name == "lightgbm":
        return library.LGBMClassifier(n_estimators=3, min_child_samples=7, verbose=-1)
    return library.CatBoostClassifier(iterations=3, verbose=0, allow_writing_files=False)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["xgboost", "lightgbm", "catboost"])
def test_boosters_of_other_libraries_hold_no_rows(name: str) -> None:
    stored = stored_in(booster(name).fit(FRAME, LABEL), FRAME)
    assert (int(stored.found.sum()), stored.whole) == (0, True)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["lightgbm", "catboost"])
def test_their_leaves_hold_as_many_rows_as_the_library_puts_there(name: str) -> None:
    model = booster(name).fit(FRAME, LABEL)
    leaves, unread = leaves_in(model)
    assert unread == ""
    if name == "lightgbm":
        where = model.predict(FRAME, pred_leaf=True)
    else:
        where = model.calc_leaf_indexes(FRAME)
    for tree, places in zip(leaves, np.asarray(where).T, strict=True):
        counts = np.unique(places.astype(int), return_counts=True)[1]
        assert sorted(tree.tolist()) == sorted(counts.tolist())


def test_what_xgboost_does_not_count_is_not_taken_for_a_model_without_trees() -> None:
    leaves, unread = leaves_in(booster("xgboost").fit(FRAME, LABEL))
    assert leaves == []
    assert unread == "a Booster does not say how many rows its leaves hold"
