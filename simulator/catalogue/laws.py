"""The same pool under other assumptions about learning."""

from simulator.catalogue.registry import scenario
from simulator.law import LearnerLaw
from simulator.population import Population, alike


@scenario("law", etr=0.67)
def plateau():
    """Abilities saturate at 0.4, within the run.

    Stresses what is left to win when growth ends. Measured: that compute curves of RL are sigmoid.
    Guessed: where they end.
    """
    return {"law": LearnerLaw(capacity=0.4)}


@scenario("law", etr=0.67)
def sgd():
    """A step grows in proportion to its informative groups (alpha = 1).

    The most that selection can hope for. The data do not fix alpha.
    """
    return {"law": LearnerLaw(batch_exponent=1.0)}


@scenario("law", etr=0.67)
def drgrpo():
    """GRPO without division by the group's standard deviation.

    Extreme solve rates teach less than under GRPO. Theory: exact for binary rewards.
    """
    return {"law": LearnerLaw(gain="drgrpo")}


@scenario("law", etr=0.67)
def transfer_hetero():
    """Tasks differ widely in what they teach others (log-sd 0.8), which no solve rate shows.

    Stresses value beyond difficulty. Guessed: a run's counts cannot identify it.
    """
    return {"population": Population(alike(transfer_sd=0.8))}
