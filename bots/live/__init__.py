"""The selector for pools that are huge and change, with feedback that comes when it comes."""

from bots.live.config import LiveConfig
from bots.live.estimate import Estimate, Smoothed, pool_mean
from bots.live.selector import LiveSelector, Selection

__all__ = ["Estimate", "LiveConfig", "LiveSelector", "Selection", "Smoothed", "pool_mean"]
