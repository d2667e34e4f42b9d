"""A synthetic learner whose latent solve rates evolve as it is trained."""

from simulator.learner import Learner, LearnerLaw
from simulator.population import Population
from simulator.scenarios import SCENARIOS, Scenario, build
from simulator.tasks import Tasks

__all__ = ["SCENARIOS", "Learner", "LearnerLaw", "Population", "Scenario", "Tasks", "build"]
