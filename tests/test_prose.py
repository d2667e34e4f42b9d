"""Pages are written in plain sentences, and the README is short."""

from pathlib import Path

import pytest

from tests.markdown import (
    bare_points,
    blocks,
    cells,
    commands,
    mentioned,
    numbers,
    read,
    running,
    sentences,
    tabled,
    words,
)
from tests.test_layout import ROOT

README = ROOT / "README.md"
GENERATED = {"scenarios.md", "strategies.md", "log.md"}  # made by commands, or dated notes
PAGES = [
    README,
    *(page for page in sorted((ROOT / "docs").glob("*.md")) if page.name not in GENERATED),
]
STUDIES = [
    page for page in sorted((ROOT / "docs" / "research").glob("*.md")) if page.name != "index.md"
]
LONGEST, MEAN = 40, 25  # words of a sentence
MOST_WORDS, MOST_NUMBERS = 1_000, 65  # of the README
ANSWER_SENTENCES, ANSWER_LONGEST = 3, 30


def too_long(page: str, longest: int = LONGEST) -> list[str]:
    return [s for s in [*running(page), *tabled(page)] if words(s) > longest]


def mean_length(page: str) -> float:
    lengths = [words(sentence) for sentence in running(page)]
    return sum(lengths) / max(len(lengths), 1)


def answer(page: str) -> list[str]:
    """The sentences of the paragraph that follows the title."""
    return sentences(blocks(page)[1].text)


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_no_sentence_of_a_page_is_long(page):
    found = too_long(read(page))
    assert not found, "\n".join(found)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_the_sentences_of_a_page_are_short_on_average(page):
    assert mean_length(read(page)) <= MEAN


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_numbers_of_a_page_have_a_leading_zero(page):
    found = bare_points(read(page))
    assert not found, found


def test_the_readme_is_short():
    assert sum(words(sentence) for sentence in running(read(README))) <= MOST_WORDS


def test_the_readme_has_few_numbers():
    assert len(numbers(read(README))) <= MOST_NUMBERS


@pytest.mark.parametrize("page", STUDIES, ids=name)
def test_a_study_opens_with_its_answer(page):
    opening = answer(read(page))
    assert len(opening) == ANSWER_SENTENCES, opening
    assert not [sentence for sentence in opening if words(sentence) > ANSWER_LONGEST]
    assert not [sentence for sentence in opening if bare_points(sentence)]


# The checker itself.


@pytest.mark.parametrize(
    "text",
    [
        "One. Two.",
        "See arXiv 2510.26374. It has all, e.g. Code and i.e. this.",
        "It gains 0.7 points vs. shuffle. `bots` loses.",
        'It said "no." Then it stopped.',
        "(It is one.) **Two.**",
        "Smith et al. measured it in Fig. 3. J. Doe did not.",
    ],
)
def test_two_sentences_are_told_apart(text):
    assert len(sentences(text)) == 2


def test_a_long_sentence_is_found_wherever_it_stands():
    long = " ".join(["word"] * 41)
    for page in (f"{long}.", f"- {long}.", f"| a | {long} |", f"# {long}", f"Short. {long}, so."):
        assert too_long(page)
    assert not too_long(f"    {long}\n\n```\n{long}\n```\n\n<!-- {long} -->\n\n`{long}`")


def test_lines_of_a_paragraph_are_one_and_items_of_a_list_are_not():
    assert running("one\ntwo\n\nthree") == ["one two", "three"]
    assert running("- one\n  two\n- three\n\n1. four") == ["one two", "three", "four"]


def test_a_link_counts_as_its_text_and_a_picture_as_nothing():
    assert running("See [the page](a/long/path.md) ![of all](b.png).") == ["See the page ."]


def test_a_table_has_cells_and_no_line_below_its_head():
    assert cells(r"| a \| b | `c` |") == [r"a \| b", "`c`"]
    assert cells("|---|:--:|") == []


@pytest.mark.parametrize("text", [".57", "−.11 or so", "- [.81, 0.84]", "| a | -.5 |", "(.5)"])
def test_a_number_without_a_leading_zero_is_found(text):
    assert bare_points(text)


@pytest.mark.parametrize("text", ["0.57", "`.57`", "3.11", "and so on ...", "a.b", "    .5"])
def test_a_number_with_a_leading_zero_is_none(text):
    assert not bare_points(text)


def test_numbers_are_counted_outside_code_links_and_dates():
    page = "12 of 1,000 at 0.5, [arXiv 2510.26374](x2.md), `3`, 2026-01-02, May 2026\n\n    4 5"
    assert numbers(page) == ["12", "1,000", "0.5"]


def test_commands_are_found_in_code_and_in_backquotes():
    page = (
        "Text with `python -m bench run core` and `python`.\n\n    make demo  # 1 minute\n"
        "    | a table |\n\n```sh\nls \\\n  -l\n```\n\n```python\nmake = 1\n```\n"
    )
    assert commands(page) == ["make demo  # 1 minute", "ls -l"]
    assert mentioned(page) == ["python -m bench run core"]
