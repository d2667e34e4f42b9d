"""Domains that differ in difficulty, speed, length and in how well references know them."""

from simulator.catalogue.registry import scenario
from simulator.law import LearnerLaw
from simulator.population import Domain, Normal, Population, Reference, alike

_OWN = LearnerLaw(general_weight=0.1, domain_weight=0.7)


@scenario("domains", etr=0.61)
def domains():
    """Three domains with little in common: the hardest teaches fastest, the easiest slowest.

    Stresses that a solve rate says nothing about speed. Measured: that some domains gain from
    others and some do not. Guessed: the speeds 2, 1 and 0.4, and the shares of ability.
    """
    hard = Domain(logit=(Normal(1.0, -3.0, 2.5),), speed=2.0)
    easy = Domain(logit=(Normal(1.0, 1.0, 2.5),), speed=0.4)
    return {"population": Population((hard, Domain(), easy)), "law": _OWN}


@scenario("domains", "cost", "references", etr=0.63)
def mixed_domains():
    """A mixed pool as teams train on: mathematics, code, logic puzzles and short questions.

    Stresses everything at once: chains, tests in a U-shape, guessing, lengths from 100 to 1,500
    tokens, and references that are biased by domain. Guessed throughout, after the shapes that
    public mixed pools show.
    """
    mathematics = Domain(0.4, (Normal(1.0, -1.5, 2.5),), log_tokens=6.7, tokens_slope=0.4)
    code = Domain(0.25, (Normal(1.0, 0.5, 2.5),), longest_chain=4, log_tokens=7.3)
    logic = Domain(0.2, (Normal(0.6, -4.5, 1.5), Normal(0.4, 1.5, 1.5)), speed=1.5)
    questions = Domain(0.15, (Normal(1.0, -0.5, 2.0),), guess=0.25, speed=0.5, log_tokens=4.6)
    references = (
        Reference("weak", 0.8, domain_bias_sd=1.0),
        Reference("strong", 2.4, domain_bias_sd=1.0),
    )
    return {
        "population": Population((mathematics, code, logic, questions), references=references),
        "law": _OWN,
    }


@scenario("cost", etr=0.67)
def cost():
    """Hard tasks take long answers: a standard deviation of difficulty is a factor of 1.8.

    Stresses steps against tokens and seconds. Measured: wrong answers are longer than right ones,
    and length goes with difficulty, loosely. Guessed: how steeply.
    """
    return {"population": Population(alike(tokens_slope=0.6))}
