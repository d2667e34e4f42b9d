"""What a Markdown page says: its sentences, its numbers, its code and its commands."""

import re
from dataclasses import dataclass
from pathlib import Path

_FENCE = re.compile(r"^ *(```|~~~)")
_ITEM = re.compile(r"^\s*(?:[-*+]|\d+[.)])\s+")
_ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|vs|cf|al|etc|approx|resp|Fig|Eq|No|Dr|St)|\b[A-Z])\.$"
)
_END = re.compile(r"[.!?][\"'”’)\]*_]*\s+")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_DATE = re.compile(
    r"\b\d{4}-\d\d-\d\d\b|\b(?:\d{1,2} )?(?:January|February|March|April|May|June|July|August|"
    r"September|October|November|December) (?:\d{1,2}, )?\d{4}\b"
)
_BARE_POINT = re.compile(r"(?<![\w.])[−-]?\.\d+")
_SHELL = ("", "sh", "bash", "shell", "console")
_PROGRAM = re.compile(
    r"^(?:[A-Z_]+=\S+ )*(?:\S*/)?(?:python[\d.]*|pip|make|ray|rsync|git|docker|curl|apt|apt-get|"
    r"npm|cd|export|source|\.|mkdocs|torchrun|bots(?:-\w+)?) "
)


@dataclass(frozen=True, slots=True)
class Block:
    """Consecutive lines of one kind: `code`, `text`, `item`, `heading` or `row` of a table."""

    kind: str
    text: str
    language: str = ""


def blocks(page: str) -> list[Block]:
    """The page in order, paragraphs in one line each, without comments."""
    found: list[Block] = []
    lines = re.sub(r"<!--.*?-->", "", page, flags=re.DOTALL).splitlines()
    k, after_blank, in_list = 0, True, False
    while k < len(lines):
        line = lines[k]
        if fence := _FENCE.match(line):
            k, block = _fenced(lines, k, fence[1])
            found.append(block)
            after_blank = True
            continue
        if not line.strip():
            after_blank = True
        elif line.startswith("    ") and after_blank and not in_list:
            k, block = _indented(lines, k)
            found.append(block)
            continue
        else:
            in_list = bool(_ITEM.match(line)) or (in_list and line.startswith(" "))
            _add_line(found, line, after_blank)
            after_blank = False
        k += 1
    return found


def _fenced(lines: list[str], k: int, fence: str) -> tuple[int, Block]:
    end = next(
        (j for j in range(k + 1, len(lines)) if lines[j].strip().startswith(fence)), len(lines)
    )
    language = lines[k].strip()[len(fence) :].split(" ")[0]
    return end + 1, Block("code", "\n".join(lines[k + 1 : end]), language)


def _indented(lines: list[str], k: int) -> tuple[int, Block]:
    end = k
    while end < len(lines) and (lines[end].startswith("    ") or not lines[end].strip()):
        end += 1
    return end, Block("code", "\n".join(line[4:] for line in lines[k:end]).rstrip())


def _add_line(found: list[Block], line: str, after_blank: bool) -> None:
    text = line.strip().lstrip("> ")
    if line.startswith("#"):
        found.append(Block("heading", text.lstrip("# ")))
    elif text.startswith("|"):
        found.append(Block("row", text))
    elif _ITEM.match(line):
        found.append(Block("item", _ITEM.sub("", line).strip()))
    elif after_blank or found[-1].kind not in ("text", "item"):
        found.append(Block("text", text))
    else:
        found[-1] = Block(found[-1].kind, f"{found[-1].text} {text}")


def plain(text: str) -> str:
    """Without pictures, targets of links, code and emphasis; code is the word `Code`."""
    text = re.sub(r"!\[[^\]]*\]\([^)]*\)", "", text)
    text = re.sub(r"``?[^`]+``?", "Code", text)
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"<?https?://\S+>?|<[^>\s][^>]*>", "", text)
    return re.sub(r"\*\*?|(?<!\w)_|_(?!\w)", "", text).strip()


def sentences(text: str) -> list[str]:
    """Those of a paragraph; an abbreviation, a decimal point and an initial end none."""
    text, found, start = plain(text), [], 0
    for end in _END.finditer(text):
        until = text[start : end.start() + 1]
        if not _ABBREVIATION.search(until):
            found.append(text[start : end.end()].strip())
            start = end.end()
    found.append(text[start:].strip())
    return [sentence for sentence in found if words(sentence)]


def words(text: str) -> int:
    """How many of its pieces between blanks hold a letter or a digit."""
    return sum(any(c.isalnum() for c in piece) for piece in text.split())


def cells(row: str) -> list[str]:
    """Those of a table's row; none of the line below the head."""
    if re.fullmatch(r"[|:\-\s]+", row):
        return []
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", row.strip("|"))]


def running(page: str) -> list[str]:
    """The sentences of paragraphs and of lists."""
    return [
        sentence
        for block in blocks(page)
        if block.kind in ("text", "item")
        for sentence in sentences(block.text)
    ]


def tabled(page: str) -> list[str]:
    """The sentences in headings and in cells of tables."""
    texts = [
        text
        for block in blocks(page)
        if block.kind in ("heading", "row")
        for text in (cells(block.text) if block.kind == "row" else [block.text])
    ]
    return [sentence for text in texts for sentence in sentences(text)]


def numbers(page: str) -> list[str]:
    """Runs of digits outside code, links and dates."""
    texts = [block.text for block in blocks(page) if block.kind != "code"]
    unlinked = [re.sub(r"!?\[[^\]]*\]\([^)]*\)", "", text) for text in texts]
    return [number for text in unlinked for number in _NUMBER.findall(_DATE.sub("", plain(text)))]


def bare_points(page: str) -> list[str]:
    """Numbers that begin with a point, outside code."""
    texts = [block.text for block in blocks(page) if block.kind != "code"]
    return [number for text in texts for number in _BARE_POINT.findall(plain(text))]


def code(page: str, language: str) -> list[str]:
    """The fenced blocks of a language."""
    return [b.text for b in blocks(page) if b.kind == "code" and b.language == language]


def commands(page: str) -> list[str]:
    """The lines of code that are typed into a shell, with their comments."""
    found = []
    for block in blocks(page):
        if block.kind == "code" and block.language in _SHELL:
            joined = re.sub(r"\\\n\s*", "", block.text)
            lines = [line.strip().removeprefix("$ ") for line in joined.splitlines()]
            everything = block.language in ("sh", "bash", "shell")
            found += [
                line
                for line in lines
                if line and not line.startswith("#") and (everything or _PROGRAM.match(line))
            ]
    return found


def mentioned(page: str) -> list[str]:
    """Commands within sentences and tables, in backquotes, that have arguments."""
    texts = [block.text for block in blocks(page) if block.kind != "code"]
    spans = [span for text in texts for span in re.findall(r"`([^`]+)`", text)]
    return [span for span in spans if _PROGRAM.match(span)]


def read(path: Path) -> str:
    """A page's text."""
    return path.read_text(encoding="utf-8")
