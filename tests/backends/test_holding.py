"""Groups that are held between steps and joined, and what a strategy has a model read."""

from dataclasses import replace
from itertools import islice, pairwise

import numpy as np
import pytest

from backends import run, simulate
from bench.strategies import make_strategy
from bots import AbstractCollector, Collected
from bots.baselines import ShuffleSelector
from bots.baselines.filters.speed import Screening
from simulator import Scenario
from tests.backends.fakes import FakeBackend

TINY = Scenario("tiny", "", num_tasks=300, num_heldout=50)


def records(collector, steps, backend=None, selector=None, start=None):
    backend = backend or simulate(TINY, 0)[0]
    selector = selector or ShuffleSelector(backend.pool, np.random.default_rng(0))
    return list(islice(run(backend, selector, 8, 4, collector, start), steps))


class Deferring(AbstractCollector):
    """Trains on what the step before generated, the last group first."""

    def collect(self, step):
        fresh = step.rollout(step.select(step.batch_size), step.group_size)
        hold = step.num_held + np.arange(fresh.num_groups)
        return Collected(np.arange(step.num_held)[::-1], hold)


def test_held_groups_are_trained_on_in_a_later_step():
    made = records(Deferring(), 4)
    assert made[0].trained is None
    assert made[0].progress.rollouts_trained == 0
    for before, now in pairwise(made):
        assert now.kept_B.size == 0
        assert now.trained_ids_B.tolist() == before.generated.task_ids_B[::-1].tolist()
        assert now.trained.rewards_BG.tolist() == before.generated.rewards_BG[::-1].tolist()
        assert now.trained.payload_B == before.generated.payload_B[::-1]
    assert made[-1].progress.rollouts_generated == 4 * 32
    assert made[-1].progress.rollouts_trained == 3 * 32


class Keeping(AbstractCollector):
    """Holds the groups it is told to in each step, and trains on none."""

    def __init__(self, *places):
        self._places, self.seen = list(places), []

    def collect(self, step):
        self.seen.append([] if step.held is None else step.held.task_ids_B.tolist())
        step.rollout(step.select(2), step.group_size)
        return Collected(np.empty(0, dtype=np.int64), np.array(self._places.pop(0)))


def test_groups_are_held_in_the_order_given_until_they_are_not_named_again():
    collector = Keeping([1, 0], [2, 0], [1], [])
    made = records(collector, 4) + records(Keeping([]), 1)
    a, b = made[0].generated.task_ids_B.tolist()
    c = made[1].generated.task_ids_B[0].item()
    assert collector.seen == [[], [b, a], [c, b], [b]]


def test_nothing_is_held_any_more_once_nothing_is_named():
    backend = simulate(TINY, 0)[0]
    records(Keeping([0], []), 2, backend)
    assert backend.held() is None


class Halves(AbstractCollector):
    """Two rollouts of each task, then three more, in another order, joined."""

    def collect(self, step):
        tasks = step.select(step.batch_size)
        step.rollout(tasks, 2)
        step.rollout(tasks[::-1], 3)
        return Collected(np.arange(2 * step.batch_size), joined=True)


def test_joined_groups_have_all_rollouts_and_payloads():
    (record,) = records(Halves(), 1)
    first, second = record.generated.rewards_BG[:8, :2], record.generated.rewards_BG[8:][::-1]
    assert record.trained.task_ids_B.tolist() == record.generated.task_ids_B[:8].tolist()
    assert record.trained.rewards_BG.tolist() == np.hstack([first, second]).tolist()
    assert record.progress.rollouts_trained == record.progress.rollouts_generated == 40
    parts = record.generated.payload_B
    for b, joined in enumerate(record.trained.payload_B):
        assert joined == parts[b] + parts[15 - b]
        assert len(joined) == 5


def test_the_selector_hears_of_every_part_once():
    (record,) = records(Halves(), 1)
    assert record.feedback.trials_B.tolist() == [2] * 8 + [3] * 8


class Wrong(AbstractCollector):
    def __init__(self, **answer):
        self._answer = answer

    def collect(self, step):
        step.rollout(step.select(4), step.group_size)
        return Collected(**({"train": np.arange(2)} | self._answer))


@pytest.mark.parametrize("places", [[4], [-1], [1, 1], [0.5], [[0]], None])
@pytest.mark.parametrize("what", ["train", "hold"])
def test_places_out_of_range_are_refused(what, places):
    says = "the collector trains on" if what == "train" else "the collector holds"
    with pytest.raises(ValueError, match=says):
        records(Wrong(**{what: places}), 1)


def test_more_groups_than_the_batch_are_refused_after_joining():
    class TooMany(AbstractCollector):
        def collect(self, step):
            step.rollout(step.select(9), 2)
            return Collected(np.arange(9), joined=True)

    with pytest.raises(ValueError, match="trains on 9 groups"):
        records(TooMany(), 1)


def traced(made):
    return [
        (
            record.progress,
            record.generated.task_ids_B.tolist(),
            record.trained_ids_B.tolist(),
            [] if record.trained is None else record.trained.rewards_BG.tolist(),
            record.train_metrics,
        )
        for record in made
    ]


@pytest.mark.parametrize("collector", [Screening(300, initial=2), Deferring()])
@pytest.mark.parametrize("delay", [0, 2])
def test_a_run_that_holds_groups_resumes_bit_for_bit(collector, delay):
    scenario = replace(TINY, feedback_delay=delay)

    def world():
        backend = simulate(scenario, 0)[0]
        return backend, ShuffleSelector(backend.pool, np.random.default_rng(0))

    whole = traced(records(collector, 12, *world()))
    backend, selector = world()
    first = records(collector, 5, backend, selector)
    assert backend.held() is not None
    states = backend.state_dict(), selector.state_dict()
    records(collector, 2, backend, selector, first[-1].progress)
    backend, selector = world()
    backend.load_state_dict(states[0])
    selector.load_state_dict(states[1])
    second = records(collector, 7, backend, selector, first[-1].progress)
    assert traced(first) + traced(second) == whole


def test_speed_trains_on_full_batches_of_mixed_groups_from_the_first_step():
    backend, truth = simulate(TINY, 0)
    strategy = make_strategy("speed", backend.pool, np.random.default_rng(0), truth)
    steps = islice(run(backend, strategy.selector, 8, 8, strategy.collector), 10)
    for record in steps:
        assert record.trained.num_groups == 8
        assert record.trained.num_rollouts == 64
        assert record.trained.informative_B.all()


class Reading(ShuffleSelector):
    """Had 100 prompts read beforehand, and has 10 more read whenever it learns."""

    _read = 100

    def forward_passes(self):
        return self._read

    def _learn(self, evidence):
        self._read += 10


def test_forward_passes_reach_backend_and_record():
    backend = FakeBackend(40)
    selector = Reading(backend.pool, np.random.default_rng(0))
    made = records(None, 3, backend, selector)
    assert backend.charged == [100, 10, 10]
    assert [record.forward_passes for record in made] == [100, 10, 10]


def test_a_resumed_run_charges_the_forward_passes_that_a_whole_one_does():
    backend = FakeBackend(40)
    selector = Reading(backend.pool, np.random.default_rng(0))
    first = records(None, 2, backend, selector)
    records(None, 2, backend, selector, first[-1].progress)
    assert backend.charged == [100, 10, 10, 10]


def test_forward_passes_take_simulated_time():
    clock = replace(TINY.clock, per_prompt=0.5)
    times = []
    for kind in (ShuffleSelector, Reading):
        backend = simulate(replace(TINY, clock=clock), 0)[0]
        made = records(None, 2, backend, kind(backend.pool, np.random.default_rng(0)))
        times.append([record.train_metrics["time/step"] for record in made])
    assert np.subtract(times[1], times[0]) == pytest.approx([50.0, 5.0])


@pytest.mark.parametrize(
    ("entry", "damage"), [("held_uses", -1), ("held_steps", np.nan), ("held_steps", -3.0)]
)
def test_damaged_groups_in_the_state_are_refused(entry, damage):
    backend = simulate(TINY, 0)[0]
    backend.hold(backend.rollout(np.arange(4), 8))
    state = backend.state_dict()
    state[entry][0] = damage
    with pytest.raises(ValueError, match="held groups"):
        simulate(TINY, 0)[0].load_state_dict(state)
