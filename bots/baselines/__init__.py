"""The strategies that BOTS is measured against, one per file."""

from bots.baselines.filters.dapo import DynamicSampling
from bots.baselines.filters.pods import thinned
from bots.baselines.histories.mopps import MoPPSSelector
from bots.baselines.schedules.easy_to_hard import EasyToHardSelector
from bots.baselines.schedules.shuffle import ShuffleSelector
from bots.baselines.schedules.uniform import UniformSelector

__all__ = [
    "DynamicSampling",
    "EasyToHardSelector",
    "MoPPSSelector",
    "ShuffleSelector",
    "UniformSelector",
    "thinned",
]
