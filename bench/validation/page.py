"""Puts tables into a page that words were written around."""

from collections.abc import Sequence
from pathlib import Path

from backends.files import atomic
from bench.blocks import replaced
from bench.tables import Table
from bench.validation.report import lead
from bench.validation.result import Validation
from bench.validation.tables import summary, tables


def blocks(validations: Sequence[Validation]) -> dict[str, str]:
    """Text by the name of the block it belongs into: `summary`, and every setting."""
    found = {"summary": _text([summary(validations)])}
    for one in validations:
        found[one.setting] = f"### {one.setting}\n\n{lead(one)}\n\n{_text(tables(one))}"
    return found


def fill(page: Path, texts: dict[str, str]) -> list[str]:
    """Replaces the blocks `<!-- NAME --> ... <!-- end of NAME -->` of a page; those it filled.

    Raises:
        ValueError: for a page with none of these blocks.
    """
    content, filled = page.read_text(encoding="utf-8"), []
    for name, text in texts.items():
        changed = replaced(content, f"<!-- {name} -->\n", f"<!-- end of {name} -->", f"{text}\n")
        if changed is not None:
            content, filled = changed, [*filled, name]
    if not filled:
        raise ValueError(
            f"{page} has none of the blocks {', '.join(texts)}: write `<!-- summary -->` and "
            "`<!-- end of summary -->` on lines of their own where the table belongs"
        )
    with atomic(page) as temporary:
        temporary.write_text(content, encoding="utf-8")
    return filled


def _text(all_of: Sequence[Table]) -> str:
    return "\n\n".join(f"**{table.title}**\n\n{table.markdown()}" for table in all_of)
