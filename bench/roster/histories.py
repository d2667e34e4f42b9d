"""Strategies that judge every task by its own past results."""

from bench.entry import Entry, Span
from bots.baselines.histories.difficulty_pools import DifficultyPoolsSelector
from bots.baselines.histories.dps import DPSSelector
from bots.baselines.histories.exclude_solved import ExcludeSolvedSelector
from bots.baselines.histories.insight import InSightSelector
from bots.baselines.histories.kimi import KimiSelector
from bots.baselines.histories.mopps import MoPPSSelector
from bots.baselines.histories.prompt_replay import PromptReplaySelector

_CANDIDATES = Span(2, 32, log=True, whole=True)
_DECAYS = (0.3, 0.5, 0.7, 0.9, 1.0)  # values rather than a span, so that 1 is among them

ENTRIES = {
    "mopps": Entry(
        "Thompson sampling among random candidates, decay on visit",
        MoPPSSelector,
        space={
            "decay": _DECAYS,
            "target": Span(0.3, 0.7),
            "candidate_ratio": _CANDIDATES,
        },
    ),
    "insight": Entry(
        "information about the solve rate, weighted by difficulty",
        InSightSelector,
        space={
            "target": Span(0.1, 0.7),
            "sharpness": Span(0.3, 30.0, log=True),
            "decay": _DECAYS,
            "candidate_ratio": _CANDIDATES,
        },
    ),
    "dps": Entry(
        "a hidden Markov model per task predicts which groups will be mixed",
        DPSSelector,
        space={
            "decay": _DECAYS,
            "candidate_ratio": _CANDIDATES,
            "prior": Span(0.1, 10.0, log=True),
        },
    ),
    "kimi": Entry(
        "in proportion to the failure rate so far",
        KimiSelector,
        space={"decay": (0.0, 0.5, 0.8, 0.9, 1.0)},
    ),
    "difficulty-pools": Entry(
        "hard and easy tasks, by their last group, a fifth as often",
        DifficultyPoolsSelector,
        space={
            "hard_rate": Span(0.0, 0.4),
            "normal_rate": Span(0.6, 1.0),
            "hard_weight": Span(0.01, 0.5, log=True),
            "easy_weight": Span(0.01, 0.5, log=True),
        },
    ),
    "exclude-solved": Entry(
        "epoch order, without tasks that were nearly solved once",
        ExcludeSolvedSelector,
        space={"threshold": Span(0.5, 1.0)},
    ),
    "prompt-replay": Entry(
        "epoch order, half of it replaced by tasks of medium difficulty",
        PromptReplaySelector,
        space={
            "replay_share": Span(0.1, 0.9),
            "cooldown": Span(1, 20, log=True, whole=True),
            "max_reuses": Span(1, 20, log=True, whole=True),
            "lowest": Span(0.05, 0.45),
        },
    ),
}
