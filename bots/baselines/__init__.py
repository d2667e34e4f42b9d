"""The strategies that BOTS is measured against, one per file, by what they go by."""

from bots.baselines.bandits.dump import DUMPSelector
from bots.baselines.bandits.exp3s import Exp3SSelector
from bots.baselines.bandits.sec import SECSelector
from bots.baselines.bandits.tree_thompson import TreeThompsonSelector
from bots.baselines.filters.balanced import BalancedFilter
from bots.baselines.filters.dapo import DynamicSampling
from bots.baselines.filters.greso import AdaptiveBatches, GRESOSelector
from bots.baselines.filters.lilo import Learnability
from bots.baselines.filters.pods import thinned
from bots.baselines.filters.replay import ReplayedRounds
from bots.baselines.filters.speed import Screening
from bots.baselines.filters.vcrl import MemoryBank, VCRLSelector
from bots.baselines.histories.difficulty_pools import DifficultyPoolsSelector
from bots.baselines.histories.dps import DPSSelector
from bots.baselines.histories.exclude_solved import ExcludeSolvedSelector
from bots.baselines.histories.insight import InSightSelector
from bots.baselines.histories.kimi import KimiSelector
from bots.baselines.histories.mopps import MoPPSSelector
from bots.baselines.histories.prompt_replay import PromptReplaySelector
from bots.baselines.predictors.anchored import AnchoredRounds
from bots.baselines.predictors.dots import DOTSSelector
from bots.baselines.predictors.gaussian_process import GaussianProcessSelector
from bots.baselines.predictors.logistic import LogisticSelector
from bots.baselines.predictors.pcl import PCLSelector
from bots.baselines.schedules.adarft import AdaRFTSelector
from bots.baselines.schedules.e2h import E2HSelector
from bots.baselines.schedules.easy_to_hard import EasyToHardSelector
from bots.baselines.schedules.hardest_decile import HardestDecileSelector
from bots.baselines.schedules.offline_filter import OfflineFilterSelector
from bots.baselines.schedules.shuffle import ShuffleSelector
from bots.baselines.schedules.uniform import UniformSelector

__all__ = [
    "AdaRFTSelector",
    "AdaptiveBatches",
    "AnchoredRounds",
    "BalancedFilter",
    "DOTSSelector",
    "DPSSelector",
    "DUMPSelector",
    "DifficultyPoolsSelector",
    "DynamicSampling",
    "E2HSelector",
    "EasyToHardSelector",
    "ExcludeSolvedSelector",
    "Exp3SSelector",
    "GRESOSelector",
    "GaussianProcessSelector",
    "HardestDecileSelector",
    "InSightSelector",
    "KimiSelector",
    "Learnability",
    "LogisticSelector",
    "MemoryBank",
    "MoPPSSelector",
    "OfflineFilterSelector",
    "PCLSelector",
    "PromptReplaySelector",
    "ReplayedRounds",
    "SECSelector",
    "Screening",
    "ShuffleSelector",
    "TreeThompsonSelector",
    "UniformSelector",
    "VCRLSelector",
    "thinned",
]
