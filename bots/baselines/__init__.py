"""The strategies that BOTS is measured against, one per file."""

from bots.baselines.dapo import DynamicSampling
from bots.baselines.easy_to_hard import EasyToHardSelector
from bots.baselines.mopps import MoPPSSelector
from bots.baselines.shuffle import ShuffleSelector
from bots.baselines.uniform import UniformSelector

__all__ = [
    "DynamicSampling",
    "EasyToHardSelector",
    "MoPPSSelector",
    "ShuffleSelector",
    "UniformSelector",
]
