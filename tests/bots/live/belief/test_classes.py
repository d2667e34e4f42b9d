import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from bots import Pool
from bots.live.belief import grouping
from bots.live.belief.classes import TaskClasses, classes_of

RATE = st.sampled_from([0.0, 0.25, 0.3, 1.0, np.nan])


def pool_of(weak, strong=None, domains=None, first_key=0) -> Pool:
    references = {"weak": weak} if strong is None else {"weak": weak, "strong": strong}
    return Pool(np.arange(first_key, first_key + len(weak)), references, domains)


def rows(classes: TaskClasses, class_N: np.ndarray) -> list[tuple]:
    """What the classes say about every task."""
    return [
        (*np.nan_to_num(classes.references_CK[c], nan=-1), classes.domains_D[classes.domain_C[c]])
        for c in class_N
    ]


def expected(pool: Pool, levels: int | None = None) -> list[tuple]:
    columns = [pool.references[name] for name in sorted(pool.references)]
    if levels is not None:
        columns = [np.rint(column * levels) / levels for column in columns]
    columns = [np.nan_to_num(column, nan=-1) for column in columns]
    domains = np.full(pool.num_tasks, "") if pool.domains_N is None else pool.domains_N.astype(str)
    return list(zip(*columns, domains.tolist(), strict=True))


@given(st.lists(st.tuples(RATE, RATE, st.sampled_from("ab")), min_size=1, max_size=30))
def test_tasks_share_a_class_exactly_when_their_rows_are_equal(tasks):
    pool = pool_of(*(list(column) for column in zip(*tasks, strict=True)))
    classes, class_N = classes_of(pool)
    assert rows(classes, class_N) == expected(pool)
    assert classes.num_classes == len(set(expected(pool)))
    assert classes.levels is None
    assert classes.names_K == ("strong", "weak")


@given(st.lists(RATE, min_size=1, max_size=20), st.lists(RATE, min_size=1, max_size=20))
def test_known_classes_keep_their_numbers_and_new_ones_follow(before, after):
    known, _ = classes_of(pool_of(before))
    pool = pool_of(after, domains=["new" if rate == 1 else "" for rate in after])
    classes, class_N = classes_of(pool, known)
    assert rows(classes, class_N) == expected(pool)
    count = known.num_classes
    assert_array_equal(classes.references_CK[:count], known.references_CK)
    assert_array_equal(classes.domain_C[:count], known.domain_C)
    assert classes.domains_D[: len(known.domains_D)] == known.domains_D
    everything = rows(classes, np.arange(classes.num_classes))
    assert len(set(everything)) == classes.num_classes


def test_extending_by_the_same_pool_changes_nothing():
    rng = np.random.default_rng(0)
    pool = pool_of(rng.random(3000), rng.random(3000), rng.integers(0, 5, 3000))
    known, class_N = classes_of(pool, max_classes=1000)
    assert known.levels is not None
    again, class_again_N = classes_of(pool, known, max_classes=1000)
    assert_array_equal(class_again_N, class_N)
    assert_array_equal(again.references_CK, known.references_CK)
    assert again.levels == known.levels


def test_too_many_rows_are_rounded_to_the_finest_grid_that_fits():
    rng = np.random.default_rng(0)
    pool = pool_of(rng.random(5000), np.where(rng.random(5000) < 0.1, np.nan, rng.random(5000)))
    classes, class_N = classes_of(pool, max_classes=300)
    finer = 2 * classes.levels
    assert classes.num_classes <= 300 < len(set(expected(pool, finer)))
    assert rows(classes, class_N) == expected(pool, classes.levels)
    error = np.abs(classes.reference("weak")[class_N] - pool.references["weak"])
    assert error.max() <= 1 / (2 * classes.levels)


def test_permuting_tasks_permutes_their_classes():
    rng = np.random.default_rng(0)
    rates, order = rng.random(500), rng.permutation(500)
    classes, class_N = classes_of(pool_of(rates), max_classes=50)
    permuted, class_permuted_N = classes_of(pool_of(rates[order]), max_classes=50)
    assert_array_equal(class_permuted_N, class_N[order])
    assert_array_equal(permuted.references_CK, classes.references_CK)


def test_chunks_and_tables_change_nothing(monkeypatch):
    rng = np.random.default_rng(0)
    weak = np.where(rng.random(1000) < 0.2, np.nan, rng.integers(0, 9, 1000) / 8)
    pool = pool_of(weak, rng.integers(0, 9, 1000) / 8, rng.choice(["a", "b", "cc"], 1000))
    classes, class_N = classes_of(pool)
    monkeypatch.setattr(grouping, "_CHUNK", 7)
    monkeypatch.setattr(grouping, "_TABLE", 1)
    chunked, class_chunked_N = classes_of(pool)
    assert_array_equal(class_chunked_N, class_N)
    assert_array_equal(chunked.references_CK, classes.references_CK)
    assert chunked.domains_D == classes.domains_D


def test_a_pool_without_references_or_domains_is_one_class():
    classes, class_N = classes_of(Pool.numbered(3))
    assert classes.references_CK.shape == (1, 0)
    assert classes.domains_D == ("",)
    assert class_N.dtype == np.uint16
    assert class_N.tolist() == [0, 0, 0]


def test_whole_domains_and_their_strings_are_the_same_domain():
    known, _ = classes_of(Pool(["a", "b"], domains_N=np.array([7, 12])))
    classes, class_N = classes_of(Pool(["c", "d"], domains_N=np.array(["12", "8"])), known)
    assert classes.domains_D == ("7", "12", "8")
    assert class_N.tolist() == [1, 2]


def test_every_number_of_sixteen_bits_is_used():
    pool = Pool.numbered(1 << 16, {"weak": np.arange(1 << 16) / (1 << 16)})
    classes, class_N = classes_of(pool, max_classes=1 << 16)
    assert classes.levels is None
    assert_array_equal(classes.reference("weak")[class_N], pool.references["weak"])


def test_errors_name_the_rule_and_the_remedy():
    pool = Pool(["a", "b", "c"], {"weak": [0.1, 0.2, 0.9]}, domains_N=["x", "y", "y"])
    known, _ = classes_of(pool)
    with pytest.raises(ValueError, match="give the pool the same references"):
        classes_of(Pool.numbered(2), known)
    with pytest.raises(ValueError, match="merge domains"):
        classes_of(pool, max_classes=1)
    with pytest.raises(ValueError, match="drop references"):
        classes_of(pool, max_classes=2)
    with pytest.raises(ValueError, match="anew"):
        classes_of(pool_of([0.3, 0.4], first_key=5), known, max_classes=4)
    with pytest.raises(ValueError, match="max_classes is 65537"):
        classes_of(pool, max_classes=65_537)
    with pytest.raises(ValueError, match=r"Pool\(references"):
        known.reference("strong")
    twice = TaskClasses(np.array([[0.1], [0.1]]), ("weak",), np.array([0, 0]), ("x",))
    with pytest.raises(ValueError, match="two known classes are equal"):
        classes_of(pool, twice)


@pytest.mark.parametrize(
    "fields",
    [
        (np.zeros((2, 1)), (), np.zeros(2, int), ("",)),
        (np.zeros((2, 1)), ("weak",), np.zeros(3, int), ("",)),
        (np.zeros((0, 1)), ("weak",), np.zeros(0, int), ("",)),
        (np.full((1, 1), 1.5), ("weak",), np.zeros(1, int), ("",)),
        (np.zeros((1, 1)), ("weak",), np.ones(1, int), ("",)),
        (np.zeros((1, 1)), ("weak",), -np.ones(1, int), ("",)),
    ],
)
def test_classes_that_do_not_fit_together_are_refused(fields):
    with pytest.raises(ValueError, match=r"must be|lies in|positions"):
        TaskClasses(*fields)


def test_more_distinct_rates_than_numbers_are_rounded():
    rates = np.arange(70_000) / 70_000
    classes, class_N = classes_of(Pool.numbered(70_000, {"weak": rates}))
    assert (classes.levels, classes.num_classes) == (256, 257)
    assert np.abs(classes.reference("weak")[class_N] - rates).max() <= 1 / 512
