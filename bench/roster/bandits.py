"""Strategies whose arms are domains or clusters of tasks."""

from bench.entry import Entry, Span
from bots.baselines.bandits.dump import DUMPSelector
from bots.baselines.bandits.exp3s import Exp3SSelector
from bots.baselines.bandits.sec import SECSelector
from bots.baselines.bandits.tree_thompson import TreeThompsonSelector

ENTRIES = {
    "sec": Entry(
        "domains by their recent mean absolute advantage, softmax",
        SECSelector,
        ("domains",),
        space={
            "learning_rate": Span(0.05, 1.0, log=True),
            "temperature": Span(0.03, 1.0, log=True),
        },
    ),
    "dump": Entry(
        "domains by an upper confidence bound on windowed advantages",
        DUMPSelector,
        ("domains",),
        space={
            "window": Span(50, 3000, log=True, whole=True),
            "temperature": Span(0.01, 1.0, log=True),
            "exploration": Span(0.0, 3.0),
        },
    ),
    "exp3s": Entry(
        "a weight per task, raised by its gain over its chance of being drawn",
        Exp3SSelector,
        space={
            "learning_rate": Span(0.03, 10.0, log=True),
            "mixing": Span(1e-4, 0.3, log=True),
        },
    ),
    "tree-thompson": Entry(
        "thompson sampling down a tree of similar tasks towards informative groups",
        TreeThompsonSelector,
        ("features",),
        space={
            "decay": (0.7, 0.8, 0.9, 0.95, 1.0),
            "leaf_size": Span(4, 256, log=True, whole=True),
            "most_evidence": Span(8, 1024, log=True),
        },
    ),
}
