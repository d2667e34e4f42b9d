import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from bots.live.keys import digests, matching

# NumPy ends a string at its last character that is not NUL.
texts = st.text(max_size=12).map(lambda text: text.rstrip("\0"))


def thue_morse(first: str, second: str, length: int) -> str:
    """A word whose difference to its complement every odd base's polynomial maps to 0 mod 2^64."""
    return "".join((first, second)[n.bit_count() % 2] for n in range(length))


@given(st.lists(texts, min_size=1, max_size=20), st.integers(0, 30))
def test_a_string_s_digest_depends_on_nothing_but_its_content(keys, extra):
    wide = np.array(keys, dtype=f"U{12 + extra}")
    expected = [digests(np.array([key]))[0] for key in keys]
    assert_array_equal(digests(wide), expected)
    assert_array_equal(digests(wide.astype(wide.dtype.newbyteorder())), expected)
    assert_array_equal(digests(np.repeat(wide, 2)[::2]), expected)


@given(st.lists(texts, min_size=2, max_size=50, unique=True))
def test_distinct_strings_have_distinct_digests(keys):
    assert np.unique(digests(np.array(keys))).size == len(keys)


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, unique=True))
def test_distinct_integers_have_distinct_digests(keys):
    assert np.unique(digests(np.array(keys, dtype=np.int64))).size == len(keys)


def test_an_integer_s_digest_does_not_depend_on_its_type():
    expected = digests(np.arange(100))
    for dtype in (np.uint8, np.int16, np.int32, np.uint64):
        assert_array_equal(digests(np.arange(100, dtype=dtype)), expected)


def test_splitmix64_gives_its_published_stream():
    increment = 0x9E3779B97F4A7C15
    states = np.array([1234567, 1234567 + increment], dtype=np.uint64)
    assert digests(states).tolist() == [6457827717110365317, 3203168211198807973]


def test_numbers_and_the_strings_that_spell_them_share_no_digest():
    numbers = np.arange(2000)
    assert matching(digests(numbers), digests(numbers.astype(str)))[0].size == 0


def test_digests_spread_evenly_over_their_bits():
    # 2 x 64 z-tests at 5 standard errors: a false alarm once in 13,000 choices of keys.
    for keys in (np.arange(20_000), np.array([f"math-{n:07d}" for n in range(20_000)])):
        bits = np.unpackbits(digests(keys).view(np.uint8).reshape(-1, 8), axis=1)
        assert (np.abs(bits.mean(axis=0) - 0.5) < 5 * 0.5 / np.sqrt(20_000)).all()


def test_a_collision_is_refused_by_name():
    one, other = thue_morse("a", "b", 2048), thue_morse("b", "a", 2048)
    with pytest.raises(ValueError, match=r"abbabaab.* are distinct .* rename one"):
        digests(np.array(["x", one, "y", other][::-1]))


def test_a_repeated_key_is_no_collision():
    assert np.unique(digests(np.array(["a", "b", "a"]))).size == 2


@given(st.sets(st.integers(0, 60)), st.sets(st.integers(0, 60)), st.randoms())
def test_matching_finds_every_shared_key_once(old, new, random):
    old, new = list(old), list(new)
    random.shuffle(old)
    random.shuffle(new)
    found = matching(digests(np.array(old, dtype=np.int64)), digests(np.array(new, dtype=np.int64)))
    pairs = [(old[i], new[j]) for i, j in zip(*found, strict=True)]
    assert all(a == b for a, b in pairs)
    assert sorted(a for a, _ in pairs) == sorted(set(old) & set(new))


@pytest.mark.parametrize("keys", [np.array([1.5]), np.array([["a"]]), np.array([b"a"])])
def test_keys_of_another_kind_are_refused(keys):
    with pytest.raises(ValueError, match="integers or strings"):
        digests(keys)


def calls(function, *arguments):
    """How many functions, Python's and NumPy's, are called underneath."""
    events = []
    sys.setprofile(lambda frame, event, argument: events.append(event))
    try:
        function(*arguments)
    finally:
        sys.setprofile(None)
    return sum(event in ("call", "c_call") for event in events)


def test_work_is_done_for_thousands_of_strings_at_a_time():
    few, many = (np.char.mod("task-%015d", np.arange(2**count)) for count in (14, 17))
    assert calls(digests, many) <= 8 * calls(digests, few) < 8 * 1000
