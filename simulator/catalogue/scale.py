"""Pools so large that no task is met twice, and so small that every task is met often."""

from simulator.catalogue.registry import scenario
from simulator.law import LearnerLaw
from simulator.population import Population


@scenario("scale", etr=0.67)
def huge():
    """Ten million tasks, of which a run sees one in a thousand.

    Stresses generalisation from task to task, and what a selector costs per step.
    """
    return {
        "num_tasks": 10_000_000,
        "steps": 60,
        "truth_every": 30,
        "population": Population(embedding_size=0),  # it would not fit into memory
    }


@scenario("scale", "repetition", etr=0.65)
def tiny():
    """512 tasks, each visited about fifty times, teaching half as much after twenty lessons.

    Stresses over-repetition. The price is a guess that decides the outcome; see the variants.
    """
    return {"num_tasks": 512, "law": LearnerLaw(repetition_visits=20.0)}


@scenario("repetition", "pool", etr=0.67)
def duplicates():
    """Every task comes in ten near copies, which drift, remember and tire together.

    Stresses diversity: a new task may be an old one in new words. Lessons from copies add up; here
    a task teaches half as much after twenty. Guessed throughout.
    """
    return {"population": Population(copies=10), "law": LearnerLaw(repetition_visits=20.0)}
