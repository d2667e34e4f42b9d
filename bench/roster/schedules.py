"""Orders that are fixed, or follow labels known beforehand."""

from bench.entry import Entry
from bots.baselines import EasyToHardSelector, ShuffleSelector, UniformSelector

ENTRIES = {
    "shuffle": Entry("epoch order, every trainer's default; ratios refer to it", ShuffleSelector),
    "uniform": Entry("a fresh random sample at every step", UniformSelector),
    "easy-to-hard": Entry(
        "fixed order by the references' solve rates", EasyToHardSelector, ("references",)
    ),
}
