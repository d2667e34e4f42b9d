import numpy as np
import pytest

from backends import run, simulate
from bots import Gathering, Pool, RolloutBatch
from bots.baselines.predictors.anchored import AnchoredRounds
from bots.baselines.predictors.dots import DOTSSelector
from simulator import Scenario

NOBODY = np.empty(0, dtype=np.int64)
TINY = Scenario("tiny", "", num_tasks=120, num_heldout=40, batch_size=10)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def selector_of(num_tasks: int = 80) -> DOTSSelector:
    features = rng(5).normal(size=(num_tasks, 4))
    return DOTSSelector(Pool(np.arange(num_tasks), features_ND=features), rng())


class World:
    """Rolls out what it is asked for; task k solves its rollouts by turns, or none if k % 3 = 0."""

    def __init__(self, selector, batch_size=8, absent=NOBODY):
        self.selector, self.batch_size, self.absent = selector, batch_size, absent
        self.held, self.asked = None, []

    def rollout(self, task_ids, group_size):
        self.asked.append((task_ids.tolist(), group_size))
        rewards = np.tile(np.arange(group_size) % 2, (task_ids.size, 1)).astype(float)
        rewards[task_ids % 3 == 0] = 0
        self.batches.append(RolloutBatch(task_ids, rewards))
        return self.batches[-1]

    def step(self, collector):
        """Tasks trained on and held, after one step."""
        self.batches, self.asked = [], []
        gathering = Gathering(
            lambda count: self.selector.select(count, self.absent),
            self.rollout,
            self.batch_size,
            16,
            self.absent,
            self.held,
        )
        collected = collector.collect(gathering)
        at_hand = [] if self.held is None else [self.held]
        at_hand = RolloutBatch.concatenate([*at_hand, *self.batches])
        trained = at_hand.take(collected.train)
        self.held = at_hand.take(collected.hold) if collected.hold.size else None
        return trained.task_ids_B.tolist(), [] if self.held is None else self.held.task_ids_B


def test_anchors_come_first_every_other_step_and_are_not_trained_on():
    world = World(selector_of())
    collector = AnchoredRounds(world.selector)
    for step in range(4):
        trained, held = world.step(collector)
        *anchors, (batch, group_size) = world.asked
        assert [(len(ids), size) for ids, size in anchors] == [(20, 8)] * (step % 2 == 0)
        assert (trained, group_size, len(held)) == (batch, 16, 0)
        assert len(batch) == 8


def test_anchors_change_what_is_predicted():
    world = World(selector_of())
    world.step(AnchoredRounds(world.selector))
    (anchors, _), _ = world.asked
    mean = sum(k % 3 > 0 for k in anchors) / 2 / len(anchors)
    assert abs(world.selector.solve_rates().mean() - mean) < 0.02


def test_absent_tasks_are_no_anchors():
    world = World(selector_of(), absent=np.arange(60))
    for _ in range(3):
        world.step(AnchoredRounds(world.selector))
        assert all(min(ids) >= 60 for ids, _ in world.asked)


def test_half_of_a_batch_is_replayed_once_the_first_period_is_over():
    world = World(selector_of())
    collector = AnchoredRounds(world.selector, fresh=0.5)
    before: set[int] = set()
    for step in range(6):
        trained, held = world.step(collector)
        batch, _ = world.asked[-1]
        assert len(trained) == 8
        assert len(batch) == (8 if step < 2 else 4)
        replayed = trained[: 8 - len(batch)]
        assert trained[8 - len(batch) :] == batch
        assert len(set(replayed)) == len(replayed)
        assert set(replayed) <= before
        before = {int(task) for task in held}


def test_what_is_held_is_informative_the_newest_of_its_task_and_trained_on_once():
    world = World(selector_of())
    collector = AnchoredRounds(world.selector, fresh=0.5)
    expected: list[int] = []
    for _ in range(12):
        _, held = world.step(collector)
        batch, _ = world.asked[-1]
        expected = [k for k in expected if k not in batch] + [k for k in batch if k % 3]
        assert list(held) == expected


def test_the_oldest_are_dropped_first():
    world = World(selector_of())
    collector, whole = AnchoredRounds(world.selector, fresh=0.5, capacity=7), []
    for _ in range(5):
        _, held = world.step(collector)
        batch, _ = world.asked[-1]
        whole = [k for k in whole if k not in batch] + [k for k in batch if k % 3]
        whole = whole[-7:]
        assert list(held) == whole


def test_too_few_held_groups_are_made_up_for():
    world = World(selector_of())
    collector = AnchoredRounds(world.selector, fresh=0.25, capacity=2)
    for _ in range(2):
        world.step(collector)
    trained, _ = world.step(collector)
    assert len(world.asked[-1][0]) == 6
    assert len(trained) == 8


def test_replayed_groups_are_random():
    """Two generators that agree on 4 of some 10 held groups: below 1 %."""
    picks = [DOTSSelector(Pool([0, 1], features_ND=np.eye(2)), rng(seed)) for seed in (0, 1)]
    for selector in picks:
        for _ in range(3):
            selector.begin_step(NOBODY)
    first, second = (set(selector.replayed(10, 4).tolist()) for selector in picks)
    assert len(first) == 4
    assert first != second


@pytest.mark.parametrize("fresh", [1.0, 0.5])
def test_a_whole_run_resumes_bit_for_bit(fresh):
    def start(seed):
        backend, _ = simulate(TINY, 0)
        selector = DOTSSelector(backend.pool, rng(seed))
        return backend, selector

    def go(backend, selector, steps):
        records = run(backend, selector, 10, 8, AnchoredRounds(selector, fresh=fresh))
        return [next(records).trained for _ in range(steps)]

    def ids(groups):
        return [(g.task_ids_B.tolist(), g.rewards_BG.tolist()) for g in groups]

    whole = ids(go(*start(1), 9))
    backend, selector = start(1)
    first = ids(go(backend, selector, 5))
    again, other = start(2)
    again.load_state_dict(backend.state_dict())
    other.load_state_dict(selector.state_dict())
    assert first + ids(go(again, other, 4)) == whole


@pytest.mark.parametrize(
    "option", [{"anchor_rollouts": 0}, {"fresh": 0.0}, {"fresh": 1.5}, {"capacity": 0}]
)
def test_settings_out_of_range_are_refused(option):
    with pytest.raises(ValueError, match=next(iter(option))):
        AnchoredRounds(selector_of(), **option)
