from argparse import ArgumentTypeError

import pytest

from bots.command_line import named, number, whole


@pytest.mark.parametrize(("least", "text", "value"), [(1, "1", 1), (0, "0", 0), (1, "12", 12)])
def test_whole_numbers_from_the_least_on_are_taken(least, text, value):
    assert whole(least)(text) == value


@pytest.mark.parametrize("text", ["two", "0", "-1", "1.5", "", "inf"])
def test_what_is_no_whole_number_is_refused_in_plain_words(text):
    with pytest.raises(ArgumentTypeError, match=r"is not a whole number of at least 1$"):
        whole()(text)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (number(), "is not a number"),
        (number(0), "is not a number of at least 0"),
        (number(high=-1), "is not a number of at most -1"),
        (number(0, 1), "is not a number from 0 to 1"),
    ],
)
def test_numbers_out_of_range_are_refused_with_the_range(kind, words):
    assert number()("1e-3") == 1e-3
    for text in ("x", "nan", "inf", ""):
        with pytest.raises(ArgumentTypeError, match=f"{words}$"):
            kind(text)


@pytest.mark.parametrize(("kind", "edge"), [(number(0), "0"), (number(0, 1), "1")])
def test_the_ends_of_a_range_belong_to_it(kind, edge):
    assert kind(edge) == float(edge)


def test_a_name_that_is_not_known_is_answered_with_the_nearest():
    kind = named("engine", ("local", "ray"), aliases={"here": "local"})
    assert (kind("ray"), kind("here")) == ("ray", "local")
    with pytest.raises(ArgumentTypeError, match=r"no engine 'locl': do you mean local\?"):
        kind("locl")
