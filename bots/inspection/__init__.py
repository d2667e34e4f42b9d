"""What a saved selector believes, in numbers, as text and as a picture, from its file alone."""

from bots.inspection.contents import contents
from bots.inspection.opened import opened
from bots.inspection.picture import draw
from bots.inspection.stored import Stored, read
from bots.inspection.summary import Summary, summarise
from bots.inspection.text import report
from bots.inspection.view import AbstractView

__all__ = [
    "AbstractView",
    "Stored",
    "Summary",
    "contents",
    "draw",
    "opened",
    "read",
    "report",
    "summarise",
]
