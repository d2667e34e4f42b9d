"""Text between two lines of a page that words were written around."""


def replaced(page: str, first: str, last: str, content: str) -> str | None:
    """The page with `content` between the first `first` and the next `last`; None without them.

    Example:
        >>> replaced("a <b> old </b> c", "<b>", "</b>", " new ")
        'a <b> new </b> c'
    """
    before, opened, rest = page.partition(first)
    _, closed, after = rest.partition(last)
    return f"{before}{opened}{content}{closed}{after}" if opened and closed else None
