"""Labels and rewards that mislead."""

from simulator.catalogue.registry import scenario
from simulator.population import Population, alike


@scenario("noise", etr=0.63)
def noisy30():
    """Three labels in ten are bad: 15 % match nothing, 10 % are flaky, 5 % reward a mistake.

    Stresses the trap at one half: hard mislabelled tasks look half solved for ever and teach the
    wrong thing; held-out labels are clean but for the 15 %. The trap is built in by the form
    p = (1 - q) / 2, which is a guess, as are the shares; that both kinds of label noise exist is
    reported by several studies.
    """
    return {"population": Population(alike(unsolvable=0.15, flaky=0.10, mislabelled=0.05))}


@scenario("noise", etr=0.23)
def sparse_n2():
    """Groups of two rollouts: three groups in four say nothing.

    Stresses evidence that comes in crumbs, and pseudo-counts that scale with the group size.
    """
    return {"group_size": 2}


@scenario("noise", "rewards", etr=0.82)
def nonbinary():
    """A reward is the share of ten tests that pass, and the tests are correlated (0.3).

    Stresses Beta-Bernoulli beliefs: a group's mean is known better than n coins would tell, and few
    groups are all alike. Theory: beta-binomial counts. Guessed: both figures.
    """
    return {"population": Population(sub_tests=10, sub_test_correlation=0.3)}
