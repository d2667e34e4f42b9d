"""Selectors: which tasks should a language model train on next during reinforcement finetuning?"""

from bots.acquisition import closeness, softmax_b, top_b
from bots.bots_selector import BOTS_VARIANTS, BOTSConfig, BOTSSelector, interpolation
from bots.collector import AbstractCollector, Collected, Gathering, OneRound
from bots.feedback import Evidence, Feedback
from bots.implicit import AbstractImplicitEvidence, NoImplicitEvidence
from bots.interpolation import InterpolationEvidence
from bots.live import LiveConfig, LiveSelector
from bots.pool import Pool
from bots.posterior import BetaPosterior
from bots.residual_memory import ResidualMemorySelector
from bots.rollouts import RolloutBatch
from bots.selector import AbstractSelector
from bots.state_file import load_state, save_state

__version__ = "0.1.0"

__all__ = [
    "BOTS_VARIANTS",
    "AbstractCollector",
    "AbstractImplicitEvidence",
    "AbstractSelector",
    "BOTSConfig",
    "BOTSSelector",
    "BetaPosterior",
    "Collected",
    "Evidence",
    "Feedback",
    "Gathering",
    "InterpolationEvidence",
    "LiveConfig",
    "LiveSelector",
    "NoImplicitEvidence",
    "OneRound",
    "Pool",
    "ResidualMemorySelector",
    "RolloutBatch",
    "closeness",
    "interpolation",
    "load_state",
    "save_state",
    "softmax_b",
    "top_b",
]
