"""A synthetic learner whose latent solve rates evolve as it is trained."""

from simulator.build import build
from simulator.catalogue import SCENARIOS, TAGS
from simulator.clock import Clock
from simulator.law import LearnerLaw
from simulator.learner import Learner
from simulator.population import Domain, Normal, Population, Reference, alike
from simulator.scenario import Scenario
from simulator.tasks import Tasks, assemble
from simulator.variants import VARIANTS, vary

__all__ = [
    "SCENARIOS",
    "TAGS",
    "VARIANTS",
    "Clock",
    "Domain",
    "Learner",
    "LearnerLaw",
    "Normal",
    "Population",
    "Reference",
    "Scenario",
    "Tasks",
    "alike",
    "assemble",
    "build",
    "vary",
]
