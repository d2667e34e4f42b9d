from itertools import islice

import numpy as np
import pytest

from backends import run, simulate
from bench.strategies import knowledge, make_strategy, options
from bots import BOTSSelector, RolloutBatch
from bots.baselines import DynamicSampling, ReplayedRounds
from simulator import Scenario

TINY = Scenario("tiny", "", num_tasks=120, num_heldout=40, batch_size=10)
BATCH = RolloutBatch([7], [[0] * 8 + [1] * 8])


def make(spec: str):
    backend, truth = simulate(TINY, 0)
    return make_strategy(spec, backend.pool, np.random.default_rng(0), truth), backend


@pytest.mark.parametrize(
    ("spec", "rollouts"),
    [("shuffle+pods", 4), ("shuffle+pods=0.5", 8), ("shuffle+pods=1", 16), ("dapo+pods=.25", 4)],
)
def test_any_strategy_can_be_thinned(spec, rollouts):
    thinning = make(spec)[0].thinning
    assert thinning is not None
    assert thinning(BATCH).num_rollouts == rollouts


def test_without_it_all_rollouts_are_trained_on():
    assert make("shuffle")[0].thinning is None


def test_options_and_knowledge_are_those_of_the_strategy():
    strategy, _ = make("bots:implicit_weight=0.2+pods=0.5")
    assert isinstance(strategy.selector, BOTSSelector)
    assert options("bots:implicit_weight=0.2+pods=0.5") == {"implicit_weight": 0.2}
    assert knowledge("bots+pods") == knowledge("bots")
    assert isinstance(make("dapo:max_rounds=2+pods")[0].collector, DynamicSampling)


@pytest.mark.parametrize("spec", ["shuffle+pods=0", "shuffle+pods=1.5", "shuffle+pods=2"])
def test_impossible_shares_are_refused(spec):
    with pytest.raises(ValueError, match="must be a share"):
        make(spec)


@pytest.mark.parametrize("spec", ["shuffle+pods=", "shuffle+pods=x", "shuffle+podz", "+pods"])
def test_other_endings_are_no_strategy(spec):
    with pytest.raises(ValueError, match="strategy"):
        make(spec)


def test_all_rollouts_are_charged_and_fed_back_and_a_share_is_trained_on():
    strategy, backend = make("shuffle+pods")
    for record in islice(run(backend, strategy.selector, 10, 16, thinning=strategy.thinning), 3):
        assert record.generated.num_rollouts == 160
        assert record.feedback.trials_B.tolist() == [16] * 10
        assert record.trained is not None
        assert record.trained.num_rollouts == 40
    assert record.progress.rollouts_generated == 480
    assert record.progress.rollouts_trained == 120


def test_replay_rolls_out_part_of_a_batch_and_goes_with_pods():
    strategy, backend = make("mopps+replay=0.25+pods")
    assert isinstance(strategy.collector, ReplayedRounds)
    steps = run(backend, strategy.selector, 16, 16, strategy.collector, None, strategy.thinning)
    *_, record = islice(steps, 6)
    assert record.generated.num_groups < 16
    assert record.trained is not None
    assert record.trained.num_rollouts == 16 * 4


def test_replay_is_refused_where_the_batch_is_gathered_otherwise():
    with pytest.raises(ValueError, match="DynamicSampling"):
        make("dapo+replay")
