"""The best tasks by expected utility are those of a plain sort, ties at random.

The statistical tests of this file together raise a false alarm for fewer than one seed in 10,000.
"""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

from bots.live.choice.expectation import ExpectationLaw, rank_best
from bots.live.choice.kernels import BARRED, REMOVED, Recall
from bots.live.choice.utility import CODES
from tests.bots.live.helpers import NEVER, NOWHERE, believed, same_distribution

ALARM = 1e-5
CLASSES = np.repeat(np.arange(5), 8)
VISITED = {0: (3.0, 3.0), 9: (30.0, 20.0), 17: (1.0, 9.0), 18: (4.0, 1.5), 33: (7.0, 7.0)}


def scene(utility="closeness", parameter=0.5, strata=(0,) * 5, cost=(1.0,) * 5, recall=NEVER):
    beliefs = believed(CLASSES, (0.1, 0.4, 0.5, 0.7, 0.9), (5.0, 4.0, 3.0, 9.0, 2.0), VISITED)
    rest = (np.array(cost), np.array(strata), max(strata) + 1, recall)
    return beliefs, ExpectationLaw(utility, parameter, *rest)


def plain_ranks(beliefs, law, rates_N=None):
    """Ranks of all tasks; `rates_N`: solve rates of those that are due."""
    tasks = np.arange(CLASSES.size)
    utility_N = law.utilities(*beliefs.pseudo_counts(tasks))
    due_N = beliefs.due(tasks, law.recall)
    if due_N.any():
        utility_N = np.where(due_N, law.at(rates_N), utility_N)
    ranks_N = 1 - utility_N / law.cost_C[CLASSES]
    ranks_N[beliefs.table.flags_N & (REMOVED | BARRED) > 0] = math.inf
    return ranks_N


@pytest.mark.parametrize("utility", CODES)
@pytest.mark.parametrize("wanted", [1, 4, 9, 22, 36])
@pytest.mark.parametrize("cost", [(1.0,) * 5, (1.0, 2.0, 1.5, 1.0, 3.0)])
def test_the_ranks_are_those_of_a_plain_sort(utility, wanted, cost):
    parameter = {"closeness": 0.3, "informative": 8.0}.get(utility, 0.0)
    beliefs, law = scene(utility, parameter, cost=cost)
    beliefs.remove(np.array([9, 20]))
    barred = np.array([0, 24])
    beliefs.table.flags_N[barred] |= BARRED
    ranked = rank_best(beliefs, law, np.array([wanted]), barred, np.random.default_rng(0))
    ranks_N = plain_ranks(beliefs, law)
    assert np.unique(ranked.task_ids).size == wanted
    assert_array_equal(ranked.ranks, np.sort(ranks_N)[:wanted])
    assert_array_equal(ranks_N[ranked.task_ids], ranked.ranks)


def test_every_stratum_has_its_own_best():
    beliefs, law = scene(strata=(0, 1, 0, 2, 1))
    wanted_S = np.array([3, 20, 0])
    ranked = rank_best(beliefs, law, wanted_S, NOWHERE, np.random.default_rng(0))
    assert_array_equal(np.bincount(ranked.strata, minlength=3), [3, 16, 0])
    ranks_N = plain_ranks(beliefs, law)
    for stratum in range(2):
        own = np.flatnonzero(law.stratum_C[CLASSES] == stratum)
        here = ranked.strata == stratum
        assert np.isin(ranked.task_ids[here], own).all()
        assert_array_equal(ranked.ranks[here], np.sort(ranks_N[own])[: here.sum()])


@pytest.mark.integration
@pytest.mark.parametrize("wanted", [2, 5])
def test_tasks_that_tie_for_the_last_places_share_them(wanted):
    beliefs, law = scene()
    rng = np.random.default_rng(wanted)
    results = [rank_best(beliefs, law, np.array([wanted]), NOWHERE, rng) for _ in range(4_000)]
    ranks_N = plain_ranks(beliefs, law)
    last = np.sort(ranks_N)[wanted - 1]
    ties, better = np.flatnonzero(ranks_N == last), (ranks_N < last).sum()
    counts = np.bincount(np.concatenate([r.task_ids for r in results]), minlength=CLASSES.size)
    assert_array_equal(counts[ranks_N < last], 4_000)
    assert counts[ties].sum() == 4_000 * (wanted - better)
    share = (wanted - better) / ties.size
    assert 0 < share < 1
    assert {r.lottery_S[0] for r in results} == {share}
    # Winners exclude one another, which narrows the statistic by this factor.
    narrowed = stats.chisquare(counts[ties]).statistic * (ties.size - 1) / ties.size / (1 - share)
    assert stats.chi2(ties.size - 1).sf(narrowed) > ALARM
    pairs = [r.task_ids[np.isin(r.task_ids, ties)][:2] for r in results]
    plain = [rng.permutation(ties)[: wanted - better] for _ in range(4_000)]
    one, other = ([10_000 * min(p) + max(p) for p in side] for side in (pairs, plain))
    if wanted - better == 2:
        assert same_distribution(one, other) > ALARM


@pytest.mark.integration
@pytest.mark.parametrize("utility", CODES)
def test_due_tasks_are_ranked_by_a_draw_from_the_prior(utility):
    parameter = {"closeness": 0.3, "informative": 8.0}.get(utility, 0.0)
    beliefs, law = scene(utility, parameter, recall=Recall(10.0, 2.0))
    for k in (9, 17, 33):
        beliefs.table.streak_N[k], beliefs.table.last_N[k] = 1, 1.0
    rng = np.random.default_rng(list(CODES).index(utility))
    wanted = 9
    fast = [
        rank_best(beliefs, law, np.array([wanted]), NOWHERE, rng).task_ids for _ in range(2_000)
    ]
    slow = []
    for rates_N in rng.beta(*beliefs.prior, (2_000, CLASSES.size)):
        order = np.lexsort((rng.random(CLASSES.size), plain_ranks(beliefs, law, rates_N)))
        slow.append(order[:wanted])
    due = np.array([9, 17, 33])
    labels = [[int(np.isin(due, ids) @ [1, 2, 4]) for ids in side] for side in (fast, slow)]
    assert same_distribution(*labels) > ALARM


@pytest.mark.parametrize("utility", CODES)
@pytest.mark.parametrize("reach", [0.02, 0.2, 0.7, 1.0])
def test_the_chance_of_a_due_task_is_how_often_its_draw_ranks_better(utility, reach):
    parameter = {"closeness": 0.8, "informative": 8.0}.get(utility, 0.0)
    beliefs, law = scene(utility, parameter, recall=Recall(10.0, 2.0))
    beliefs.table.streak_N[9], beliefs.table.last_N[9] = 1, 1.0
    chance = law.chances(beliefs, np.array([9, 0]), np.array([reach, reach]))
    rates = (np.arange(200_000) + 0.5) / 200_000  # the prior is uniform
    assert_allclose(chance[0], (1 - law.at(rates) < reach).mean(), atol=2e-5)
    assert chance[1] in (0, 1)
