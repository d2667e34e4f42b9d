"""Where nothing special happens."""

from simulator.catalogue.registry import scenario
from simulator.law import LearnerLaw


@scenario("estimation", etr=0.68)
def stationary():
    """Nothing is learnt and nothing drifts.

    Stresses estimation alone: forgetting can only hurt. Nothing is to be gained from selection.
    """
    return {"law": LearnerLaw(learning_rate=0.0, drift_sd=0.0)}


@scenario("plain", etr=0.67)
def base():
    """A mild pool: two thirds of all groups teach something, so little is to be won.

    Measured: initial difficulties, learning rate, sharpening, drift (a 1.5B run). Guessed: how much
    domains share, transfer values, references.
    """
    return {}
