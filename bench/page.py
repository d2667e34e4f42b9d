"""A report as Markdown and as one self-contained HTML page."""

import base64
import html
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.tables import Table


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, a paragraph, and below it a picture or tables."""

    title: str
    text: str
    picture: Path | None = None
    tables: tuple[Table, ...] = ()


def markdown(
    title: str,
    verdict: Sequence[str],
    lead: Sequence[str],
    commands: Sequence[str],
    sections: Sequence[Section],
) -> str:
    """The report in Markdown, the verdict first; pictures lie in the folder `figures` beside it."""
    parts = [
        f"# {title}",
        "\n".join(f"- {line}" for line in verdict),
        *lead,
        "```\n" + "\n".join(commands) + "\n```",
    ]
    for section in sections:
        parts += [f"## {section.title}", section.text]
        if section.picture:
            parts.append(f"![{section.title}](figures/{section.picture.name})")
            parts.append(f"*Made by `{'; '.join(commands)}`*")
        for table in section.tables:
            parts += [f"**{table.title}**", table.markdown()] if table.title else [table.markdown()]
    return "\n\n".join(parts) + "\n"


def page(
    title: str,
    verdict: Sequence[str],
    lead: Sequence[str],
    commands: Sequence[str],
    sections: Sequence[Section],
) -> str:
    """The report as HTML, the verdict first, with its pictures inside."""
    source = html.escape("; ".join(commands))
    body = [f"<h1>BOTS benchmark: {html.escape(title)}</h1>"]
    body.append('<section class="verdict">')
    body += [f"<p>{html.escape(line).replace(' %', '&nbsp;%')}</p>" for line in verdict]
    body.append("</section>")
    body += [f'<p class="lead">{html.escape(line)}</p>' for line in lead]
    body.append("<pre>" + html.escape("\n".join(commands)) + "</pre>")
    for section in sections:
        body.append(f"<h2>{html.escape(section.title)}</h2><p>{html.escape(section.text)}</p>")
        if section.picture:
            data = base64.b64encode(section.picture.read_bytes()).decode()
            alt = html.escape(section.title)
            body.append(
                f'<figure><div><img alt="{alt}" src="data:image/png;base64,{data}"></div>'
                f"<figcaption>{source}</figcaption></figure>"
            )
        for table in section.tables:
            if table.title:
                body.append(f"<h3>{html.escape(table.title)}</h3>")
            body.append(f'<div class="table">{table.html()}</div>')
    style = (Path(__file__).parent / "report.css").read_text(encoding="utf-8")
    return (
        "<!doctype html><html lang=en><meta charset=utf-8>"
        '<meta name=viewport content="width=device-width, initial-scale=1">'
        f"<title>BOTS benchmark: {html.escape(title)}</title><style>{style}</style>"
        f"<body><main>{''.join(body)}</main></body></html>"
    )
