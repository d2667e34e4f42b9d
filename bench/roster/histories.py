"""Strategies that judge every task by its own past results."""

from bench.entry import Entry, Span
from bots.baselines import MoPPSSelector

ENTRIES = {
    "mopps": Entry(
        "Thompson sampling among random candidates, decay on visit",
        MoPPSSelector,
        space={
            "decay": Span(0.3, 1.0),
            "target": Span(0.3, 0.7),
            "candidate_ratio": Span(2, 64, log=True, whole=True),
        },
    ),
}
