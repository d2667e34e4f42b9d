"""Lines and tables of text, and what every state's file says about itself."""

from collections.abc import Sequence

from bots.inspection.stored import Stored

WIDTH = 26  # of a label


def clean(value: object, longest: int = 60) -> str:
    r"""Text that was read from a file, in one line and without control characters.

    Example:
        >>> clean("a\x1b[2Jb"), clean(0.25), clean("word " * 9, longest=8)
        ("'a\\x1b[2Jb'", '0.25', 'word wo…')
    """
    text = str(value)
    text = text if text.isprintable() else ascii(text)
    return text if len(text) <= longest else text[: longest - 1] + "…"


def header(stored: Stored) -> list[str]:
    """The file, the selector and the pool."""
    size = f"{stored.num_bytes / 1e6:,.1f} MB"
    if stored.num_bytes < 1e6:
        size = f"{stored.num_bytes / 1e3:,.1f} kB"
    written = stored.written.strftime("%Y-%m-%d %H:%M UTC")
    return [
        line("file", f"{clean(stored.path)}, {size}, schema {stored.schema}, written {written}"),
        line("selector", f"{clean(stored.selector)}, version {clean(stored.state['version'])}"),
        line("pool", f"fingerprint {clean(stored.state['pool'], 13)}"),
    ]


def line(label: str, value: object) -> str:
    """A figure and its label."""
    return f"  {label:<{WIDTH}} {value}"


def number(value: float) -> str:
    """Whole numbers with commas, others with four digits."""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:.4g}"


def share(value: float) -> str:
    """As a percentage, aligned."""
    return f"{100 * value:5.1f} %"


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns as wide as what is in them; the first to the left."""
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    lines = []
    for first, *others in (heads, *rows):
        cells = [f"  {cell:>{width}}" for cell, width in zip(others, widths[1:], strict=True)]
        lines.append(f"  {first:<{widths[0]}}{''.join(cells)}")
    return lines
