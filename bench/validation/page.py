"""Puts tables into a page that words were written around."""

import re
from collections.abc import Sequence
from pathlib import Path

from backends.files import atomic
from bench.tables import Table
from bench.validation.report import Validation, lead, summary, tables

_BLOCK = "<!-- {0} -->\n{1}\n<!-- end of {0} -->"


def blocks(validations: Sequence[Validation]) -> dict[str, str]:
    """Text by the name of the block it belongs into: `summary`, and every setting."""
    found = {"summary": _text([summary(validations)])}
    for one in validations:
        found[one.setting] = f"{lead(one)}\n\n{_text(tables(one))}"
    return found


def fill(page: Path, texts: dict[str, str]) -> list[str]:
    """Replaces the blocks `<!-- NAME --> ... <!-- end of NAME -->` of a page; those it filled.

    Raises:
        ValueError: for a page with none of these blocks.
    """
    content = page.read_text(encoding="utf-8")
    filled = [name for name in texts if f"<!-- {name} -->" in content]
    if not filled:
        raise ValueError(
            f"{page} has none of the blocks {', '.join(texts)}: write `<!-- summary -->` and "
            "`<!-- end of summary -->` where the table belongs"
        )
    for name in filled:
        pattern = _BLOCK.format(re.escape(name), ".*?")
        text = _BLOCK.format(name, texts[name])
        content = re.sub(pattern, lambda _, text=text: text, content, flags=re.DOTALL)
    with atomic(page) as temporary:
        temporary.write_text(content, encoding="utf-8")
    return filled


def _text(all_of: Sequence[Table]) -> str:
    return "\n\n".join(f"**{table.title}**\n\n{table.markdown()}" for table in all_of)
