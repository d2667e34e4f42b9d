import numpy as np
import pytest
from numpy.testing import assert_array_equal

from bots import Pool
from bots.live.belief.classes import classes_of
from bots.live.pools import joined, packed, unpacked
from tests.bots.live.helpers import pool_of


def test_a_joined_pool_is_the_pool_of_all_tasks():
    whole = pool_of(30, domains=3)
    parts = [
        Pool(
            whole.keys_N[part],
            {name: rates[part] for name, rates in whole.references.items()},
            None if whole.domains_N is None else whole.domains_N[part],
        )
        for part in (slice(0, 20), slice(20, 30))
    ]
    assert joined(*parts).fingerprint == whole.fingerprint


def test_features_are_joined_too():
    one, two = (Pool([key], features_ND=np.full((1, 2), key)) for key in (1, 2))
    assert_array_equal(joined(one, two).features_ND, [[1, 1], [2, 2]])


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (Pool([50], {"weak": [0.5]}, ["a"]), "references"),
        (Pool([50], {"weak": [0.5], "strong": [0.5]}), "domains"),
        (Pool(["x"], {"weak": [0.5], "strong": [0.5]}, ["a"]), "kinds of keys"),
        (Pool([50], {"weak": [0.5], "strong": [0.5]}, ["a"], np.ones((1, 2))), "features"),
        (Pool([0], {"weak": [0.5], "strong": [0.5]}, ["a"]), "distinct"),
    ],
)
def test_tasks_that_do_not_fit_are_refused(other, message):
    with pytest.raises(ValueError, match=message):
        joined(pool_of(5, domains=2), other)


def test_packed_classes_come_back():
    classes, _ = classes_of(pool_of(40, domains=3))
    again = unpacked(packed(classes))
    assert_array_equal(again.references_CK, classes.references_CK)
    assert_array_equal(again.domain_C, classes.domain_C)
    assert (again.names_K, again.domains_D) == (classes.names_K, classes.domains_D)
    assert again.levels == classes.levels


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("references", None),
        ("references", np.full((2, 2), 1.5)),
        ("names", ["weak"]),
        ("names", ["weak", "weak"]),
        ("names", [1, 2]),
        ("names", ["weak", 2]),
        ("names", "ab"),
        ("domain", np.array([99])),
        ("domain", None),
        ("domains", []),
        ("domains", ["a", "a"]),
        ("levels", 0),
        ("levels", 2.5),
        ("levels", True),
        ("more", 1),
    ],
)
def test_damaged_classes_are_refused(name, value):
    state = packed(classes_of(pool_of(40, domains=3))[0])
    with pytest.raises(ValueError, match="damaged"):
        unpacked({**state, name: value})


@pytest.mark.parametrize("state", [None, [], {}, "classes"])
def test_other_states_are_refused(state):
    with pytest.raises(ValueError, match="damaged"):
        unpacked(state)
