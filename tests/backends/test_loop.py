from itertools import islice

import numpy as np
import pytest

from backends import SimulatedBackend, run, simulate
from bots import (
    AbstractCollector,
    AbstractSelector,
    BOTSSelector,
    Collected,
    Feedback,
    Pool,
)
from bots.baselines import DynamicSampling, MoPPSSelector, ShuffleSelector, UniformSelector
from simulator import Scenario
from tests.backends.fakes import FakeBackend

HARD = Scenario("tiny", "", num_tasks=300, num_heldout=50)


def records(collector=None, steps=10, start=None, backend=None, selector=None):
    backend = backend or simulate(HARD, 0)[0]
    selector = selector or BOTSSelector(backend.pool, np.random.default_rng(0))
    return list(islice(run(backend, selector, 16, 8, collector, start), steps))


def test_one_round_trains_on_all_it_generates():
    for step, record in enumerate(records(), start=1):
        assert record.progress.steps == step
        assert record.progress.rollouts_generated == record.progress.rollouts_trained == step * 128
        assert sorted(record.trained_ids_B) == sorted(record.feedback.task_ids_B)
        assert [told.task_ids_B.tolist() for told in record.delivered] == [
            record.feedback.task_ids_B.tolist()
        ]


def test_filtered_rollouts_are_charged_and_fed_back():
    for record in records(DynamicSampling()):
        assert record.feedback.task_ids_B.size % 16 == 0
        assert record.trained_ids_B.size == 16
    assert record.progress.rollouts_generated > 1.2 * record.progress.rollouts_trained
    assert record.progress.rollouts_trained == 10 * 128


def test_the_selector_is_updated_once_per_step_with_all_groups():
    backend, updates = simulate(HARD, 0)[0], []
    selector = ShuffleSelector(backend.pool, np.random.default_rng(0))
    selector.update = lambda feedback: updates.append(feedback.task_ids_B.size)
    made = records(DynamicSampling(), backend=backend, selector=selector)
    assert updates == [record.feedback.task_ids_B.size for record in made]


class Scripted(AbstractCollector):
    """Rolls out one group per task, and answers what it is told to."""

    def __init__(self, kept):
        self.kept = kept

    def collect(self, step):
        step.rollout(step.select(step.batch_size), step.group_size)
        return Collected(self.kept)


def test_a_step_in_which_no_group_is_kept_trains_nothing():
    backend, _ = simulate(HARD, 0)
    before = backend.evaluate()
    (record,) = records(Scripted(np.empty(0)), steps=1, backend=backend)
    assert record.trained_ids_B.size == 0
    assert record.progress.rollouts_generated == 128
    assert record.progress.rollouts_trained == 0
    assert backend.evaluate() == before


@pytest.mark.parametrize("kept", [[16], [-1], [3, 3], [0.5], [[1]], None, "all"])
def test_only_groups_of_this_step_can_be_trained_on_and_only_once(kept):
    with pytest.raises(ValueError, match="the collector trains on"):
        records(Scripted(kept), steps=1)


def test_no_more_groups_than_the_batch_can_be_trained_on():
    class Greedy(AbstractCollector):
        def collect(self, step):
            batch = step.rollout(step.select(2 * step.batch_size), step.group_size)
            return Collected(np.arange(batch.num_groups))

    with pytest.raises(ValueError, match="trains on 32 groups"):
        records(Greedy(), steps=1)


@pytest.mark.parametrize(
    "choice", [[0] * 16, list(range(15)), list(range(17)), [0.5] * 16, list(range(290, 306)), None]
)
def test_a_selector_that_breaks_its_contract_is_stopped(choice):
    class Wrong(ShuffleSelector):
        def select(self, batch_size, exclude=None):
            return choice

    backend, _ = simulate(HARD, 0)
    with pytest.raises(ValueError, match=r"task|chose"):
        records(backend=backend, selector=Wrong(backend.pool, np.random.default_rng(0)), steps=1)


def revolving(step):
    """Half of a pool of 40, another half at every step."""
    return np.random.default_rng(step).permutation(40)[:20].tolist()


@pytest.mark.parametrize("collector", [None, DynamicSampling(refill=True)])
def test_an_absent_task_is_never_selected(collector):
    backend = FakeBackend(40, revolving)
    selector = MoPPSSelector(backend.pool, np.random.default_rng(0))
    made = records(collector, 12, backend=backend, selector=selector)
    for step, record in enumerate(made):
        assert not set(record.generated.task_ids_B.tolist()) & set(revolving(step))


class Plain(AbstractSelector):
    """Written without `exclude`: always the first tasks."""

    def select(self, batch_size):
        return np.arange(batch_size)

    def update(self, feedback):
        pass

    def solve_rates(self):
        return None

    def metrics(self):
        return {}

    def state_dict(self):
        return {}

    def load_state_dict(self, state):
        pass


def test_a_selector_without_exclude_works_until_a_task_is_absent():
    backend = FakeBackend(40, lambda step: [39] if step == 3 else [])
    steps = run(backend, Plain(), 16, 8)
    for _ in range(3):
        assert next(steps).generated.task_ids_B.tolist() == list(range(16))
    with pytest.raises(ValueError, match=r"Plain\.select does not take `exclude`.*\(1\)"):
        next(steps)


def test_a_selector_that_chooses_absent_tasks_is_stopped():
    class Deaf(ShuffleSelector):
        def select(self, batch_size, exclude=None):
            return np.arange(batch_size)

    backend = FakeBackend(40, lambda step: [3, 5, 30])
    selector = Deaf(backend.pool, np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"chose task 3 \(2 such tasks\)"):
        records(backend=backend, selector=selector, steps=1)


@pytest.mark.parametrize(
    "releases",
    [lambda step: int(step >= 3), lambda step: 3 * (step % 3 == 2)],
    ids=["three steps late", "every third step"],
)
def test_late_feedback_reaches_the_selector_in_order(releases):
    backend, told = FakeBackend(40, releases=releases), []
    selector = ShuffleSelector(backend.pool, np.random.default_rng(0))
    selector.update = told.append
    made = records(backend=backend, selector=selector, steps=9)
    assert [len(record.delivered) for record in made] == [releases(step) for step in range(9)]
    assert told == [feedback for record in made for feedback in record.delivered]
    assert len(told) >= 6
    for feedback, record in zip(told, made, strict=False):
        assert feedback.task_ids_B.tolist() == record.feedback.task_ids_B.tolist()
        assert feedback.successes_B.tolist() == record.feedback.successes_B.tolist()


@pytest.mark.parametrize("collector", [None, DynamicSampling()])
def test_a_run_resumes_bit_for_bit(collector):
    def world():
        backend = simulate(HARD, 0)[0]
        return backend, BOTSSelector(backend.pool, np.random.default_rng(0))

    def trace(made):
        return [
            (r.progress, r.feedback.task_ids_B.tolist(), r.feedback.successes_B.tolist())
            for r in made
        ]

    backend, selector = world()
    whole = trace(records(collector, 40, backend=backend, selector=selector))
    backend, selector = world()
    first = records(collector, 20, backend=backend, selector=selector)
    states = backend.state_dict(), selector.state_dict()
    backend, selector = world()
    backend.load_state_dict(states[0])
    selector.load_state_dict(states[1])
    second = records(collector, 20, first[-1].progress, backend, selector)
    assert trace(first) + trace(second) == whole


def test_seconds_are_split_by_stage():
    (record,) = records(steps=1)
    assert set(record.seconds) == {"select", "rollout", "train", "update"}
    assert all(value > 0 for value in record.seconds.values())


def test_learner_and_pool_must_match():
    learner = simulate(HARD, 0)[0]._learner
    with pytest.raises(ValueError, match="300"):
        SimulatedBackend(learner, Pool.numbered(299))


def test_strategies_are_paired_by_seed():
    """Two selectors that pick the same task at the same step see the same rollouts of it."""

    class Fixed(ShuffleSelector):
        def select(self, batch_size, exclude=None):
            return np.array(self.choice)

    seen = []
    for choice in ([5, 9], [80, 5]):
        backend, _ = simulate(HARD, 0)
        selector = Fixed(backend.pool, np.random.default_rng(0))
        selector.choice = choice
        feedback: Feedback = next(run(backend, selector, 2, 32)).feedback
        seen.append(feedback.successes_B[feedback.task_ids_B == 5])
    assert seen[0] == seen[1]


class Hoarding(AbstractCollector):
    """Rolls out what it selected before instead of what it selects now."""

    def __init__(self):
        self._kept = None

    def collect(self, step):
        chosen = step.select(step.batch_size)
        before, self._kept = self._kept, chosen
        step.rollout(chosen if before is None else before, step.group_size)
        return Collected(np.arange(step.batch_size))


def test_a_collector_cannot_roll_out_tasks_that_are_gone():
    backend = FakeBackend(20, away=lambda step: [] if step == 0 else list(range(10)))
    selector = UniformSelector(backend.pool, np.random.default_rng(0))
    records = run(backend, selector, 10, 4, Hoarding())
    next(records)
    with pytest.raises(ValueError, match="not in the pool now"):
        next(records)
