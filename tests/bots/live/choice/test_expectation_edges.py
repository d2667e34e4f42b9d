import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from bots.live.choice.expectation import ExpectationLaw
from bots.live.choice.kernels import Recall
from tests.bots.live.helpers import NEVER, believed

RATES = np.array([0.0, 0.1, 0.5, 0.8, 1.0])


def law_of(utility: str, parameter: float, recall: Recall = NEVER) -> ExpectationLaw:
    return ExpectationLaw(utility, parameter, np.array([1.0, 2.0]), np.zeros(2, int), 1, recall)


@pytest.mark.parametrize(
    ("utility", "parameter", "expected"),
    [
        ("closeness", 0.8, 1 - np.abs(RATES - 0.8) / 0.8),
        ("informative", 4.0, 1 - RATES**4 - (1 - RATES) ** 4),
        ("variance", 0.0, 4 * RATES * (1 - RATES)),
        ("deviation", 0.0, 2 * np.sqrt(RATES * (1 - RATES))),
    ],
)
def test_a_known_rate_has_the_utility_of_the_formula(utility, parameter, expected):
    assert_allclose(law_of(utility, parameter).at(RATES), expected, atol=1e-4)


def test_a_task_that_is_not_due_ranks_better_for_sure_or_not_at_all():
    beliefs = believed([0, 0, 1, 1], (0.3, 0.6), (4.0, 9.0), {1: (5.0, 5.0), 3: (9.0, 2.0)})
    law, tasks = law_of("closeness", 0.5), np.arange(4)
    alpha, beta = beliefs.pseudo_counts(tasks)
    rates = alpha / (alpha + beta)
    ranks = 1 - (1 - np.abs(rates - 0.5) / 0.5) / np.array([1, 1, 2, 2])
    for reach in (0.0, *(ranks + 1e-9), 1.0):
        chances = law.chances(beliefs, tasks, np.full(4, reach))
        assert_array_equal(chances, (ranks < reach).astype(float))


@pytest.mark.parametrize("target", [0.2, 0.5, 0.7])
@pytest.mark.parametrize("reach", [0.1, 0.6, 0.9])
def test_a_due_task_has_the_chance_of_a_uniform_draw_under_a_uniform_prior(target, reach):
    beliefs = believed([0, 0, 1, 1], (0.3, 0.6), (4.0, 9.0), {1: (9.0, 1.0)})
    beliefs.table.streak_N[1], beliefs.table.last_N[1] = 1, 0.0
    law, half = law_of("closeness", target, Recall(9.0, 2.0)), max(target, 1 - target) * reach
    chance = law.chances(beliefs, np.array([1]), np.array([reach]))
    assert_allclose(chance, min(1, target + half) - max(0, target - half), rtol=1e-6)
