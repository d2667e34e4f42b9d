"""Learners and pools that change under the selector's feet."""

from simulator.catalogue.registry import scenario
from simulator.law import LearnerLaw
from simulator.population import Domain, Normal, Population, alike


@scenario("drift", etr=0.62)
def jump():
    """Every mastery rises by 1.2 logits at once in the middle of the run.

    Likely answers rise further and unlikely ones less, through sharpening. Stresses beliefs that
    are suddenly stale everywhere. Guessed: such jumps, after a change of recipe or a merged model,
    have been seen but not measured.
    """
    return {"law": LearnerLaw(jump=1.2, jump_step=100)}


@scenario("drift", "forgetting", etr=0.67)
def forget():
    """Abilities decay by 0.6 % per step, and progress in one domain costs the others.

    Stresses retention: what is not trained is lost. Measured: nothing; one public run shows no
    forgetting, others report solved prompts that become unsolved.
    """
    return {"law": LearnerLaw(forgetting=0.006, interference=0.3)}


@scenario("drift", "async", etr=0.67)
def async8():
    """Generation runs eight steps behind training, and feedback arrives eight steps late.

    Stresses stale evidence and tasks selected again before their results are in. Measured: eight
    steps is a common synchronisation interval. Guessed: what staleness costs the update.
    """
    return {"law": LearnerLaw(lag=8), "feedback_delay": 8}


@scenario("drift", "pool", etr=0.67)
def arrivals():
    """Half of the tasks arrive one by one during the run.

    Stresses the cold start of new tasks. They are known beforehand and cannot be chosen before.
    """
    return {"population": Population(alike(late=0.5, late_from=20, late_to=180))}


@scenario("drift", "pool", "domains", etr=0.65)
def shift():
    """Half-way, one domain leaves, a harder one arrives, and the evaluation moves with them.

    Stresses a change of what counts. Guessed throughout.
    """
    leaving = Domain(logit=(Normal(1.0, 0.0, 2.5),), leaves=100)
    arriving = Domain(logit=(Normal(1.0, -2.0, 2.5),), late=1.0, late_from=100, late_to=100)
    return {"population": Population((leaving, Domain(), arriving), heldout_moves=True)}
