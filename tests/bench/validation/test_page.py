import pytest

from bench.validation.page import fill

PAGE = (
    "Words.\n<!-- a -->\n<!-- end of a -->\nMore.\n<!-- a+b -->\nold\n\nold\n<!-- end of a+b -->\n"
)


def test_blocks_are_replaced_and_nothing_else(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(PAGE)
    assert fill(page, {"a": "new\nlines", "a+b": r"\1", "c": "?"}) == ["a", "a+b"]
    filled = page.read_text()
    assert filled == (
        "Words.\n<!-- a -->\nnew\nlines\n<!-- end of a -->\nMore.\n"
        "<!-- a+b -->\n\\1\n<!-- end of a+b -->\n"
    )
    fill(page, {"a": "new\nlines", "a+b": r"\1"})
    assert page.read_text() == filled


@pytest.mark.parametrize("text", ["Words.", "<!-- a -->\nnever closed\n"])
def test_a_page_without_whole_blocks_is_refused_and_left_alone(tmp_path, text):
    page = tmp_path / "page.md"
    page.write_text(text)
    with pytest.raises(ValueError, match="none of the blocks"):
        fill(page, {"a": "new"})
    assert page.read_text() == text
