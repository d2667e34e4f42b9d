"""A sound selector, and ones that break one law each."""

import random
import time
from dataclasses import replace
from functools import partial

import numpy as np

from backends import simulate
from bench.checking.worlds import still
from bench.entry import Strategy
from bots import AbstractCollector, AbstractSelector, Collected, checks, state
from simulator import Scenario


class Sound(AbstractSelector):
    """Scores tasks by chance and by the last solve rate that was measured."""

    sees = ()

    def __init__(self, pool, rng):
        self.pool, self.rng = pool, rng
        self.last_N = np.full(pool.num_tasks, 0.5)

    def select(self, batch_size, exclude=None):
        batch_size = checks.batch_size(batch_size, self.pool.num_tasks)
        excluded = checks.excluded(exclude, batch_size, self.pool.num_tasks)
        return self.best(self.scores(), batch_size, excluded)

    def scores(self):
        return self.rng.random(self.pool.num_tasks) + self.last_N

    def best(self, score_N, batch_size, excluded):
        score_N[excluded] = -np.inf
        return np.argsort(score_N)[-batch_size:]

    def update(self, feedback):
        checks.within(feedback.task_ids_B, self.pool.num_tasks)
        evidence = feedback.evidence()
        self.last_N[evidence.task_ids_U] = evidence.solve_rates_U

    def solve_rates(self):
        return self.last_N.copy()

    def metrics(self):
        return {"sound/mean": float(self.last_N.mean())}

    def header(self):
        return state.header("sound", 1, self.pool, self.rng)

    def state_dict(self):
        return {**self.header(), "last": self.last_N.copy()}

    def load_state_dict(self, saved):
        state.check(saved, self.header(), ["last"])
        last_N = checks.shares("last", saved["last"])
        if last_N.size != self.pool.num_tasks:
            raise ValueError("the state has another number of tasks")
        self.rng, self.last_N = state.generator(saved["rng"]), last_N.copy()


class Repeats(Sound):
    def best(self, score_N, batch_size, excluded):
        score_N[excluded] = -np.inf
        return np.full(batch_size, np.argmax(score_N))


class ReturnsScores(Sound):
    def best(self, score_N, batch_size, excluded):
        return np.sort(score_N)[-batch_size:]


class IgnoresExclude(Sound):
    def best(self, score_N, batch_size, excluded):
        return np.argsort(score_N)[-batch_size:]


class NoExclude(Sound):
    def select(self, batch_size):
        batch_size = checks.batch_size(batch_size, self.pool.num_tasks)
        return np.argsort(self.scores())[-batch_size:]


class EmptyExcludeDraws(Sound):
    def select(self, batch_size, exclude=None):
        if exclude is not None:
            self.rng.random()
        return super().select(batch_size, exclude)


class NeedsAnArray(Sound):
    def select(self, batch_size, exclude=None):
        if exclude is not None and exclude.size == 0:
            exclude = None
        return super().select(batch_size, exclude)


class CountsExclusions(Sound):
    told = 0

    def select(self, batch_size, exclude=None):
        self.told += exclude is not None
        return super().select(batch_size, exclude)

    def state_dict(self):
        return {**super().state_dict(), "told": self.told}

    def load_state_dict(self, saved):
        told = checks.integer("told", saved.get("told"), 0)
        super().load_state_dict({k: v for k, v in saved.items() if k != "told"})
        self.told = told


class FlattensExclude(Sound):
    def select(self, batch_size, exclude=None):
        return super().select(batch_size, None if exclude is None else np.ravel(exclude))


class ReturnsAList(Sound):
    def best(self, score_N, batch_size, excluded):
        return super().best(score_N, batch_size, excluded).tolist()


class TakesAnySize(Sound):
    def select(self, batch_size, exclude=None):
        return self.best(self.scores(), int(batch_size or 1), np.array(exclude or [], dtype=int))


class DrawsBeforeRefusing(Sound):
    def select(self, batch_size, exclude=None):
        score_N = self.scores()
        batch_size = checks.batch_size(batch_size, self.pool.num_tasks)
        excluded = checks.excluded(exclude, batch_size, self.pool.num_tasks)
        return self.best(score_N, batch_size, excluded)


class OwnGenerator(Sound):
    def __init__(self, pool, rng):
        super().__init__(pool, np.random.default_rng())


class GlobalNumpy(Sound):
    def scores(self):
        return np.random.rand(self.pool.num_tasks) + self.last_N  # noqa: NPY002


class GlobalPython(Sound):
    def scores(self):
        return super().scores() + random.random()


class Shared(Sound):
    visits = 0

    def scores(self):
        type(self).visits += 1
        return super().scores() + np.roll(np.arange(self.pool.num_tasks), self.visits)


class SortsExclude(Sound):
    def select(self, batch_size, exclude=None):
        if isinstance(exclude, np.ndarray):
            exclude.sort()
        return super().select(batch_size, exclude)


class WritesToFeedback(Sound):
    def update(self, feedback):
        super().update(feedback)
        feedback.successes_B[:] = 0


class ReturnsItsOwnArray(Sound):
    def solve_rates(self):
        return self.last_N


class DividesByTrials(Sound):
    def update(self, feedback):
        checks.within(feedback.task_ids_B, self.pool.num_tasks)
        if (feedback.trials_B == 0).any():
            raise ZeroDivisionError("no trials")
        super().update(feedback)


class CountsToTwo(Sound):
    def update(self, feedback):
        checks.within(feedback.task_ids_B, self.pool.num_tasks)
        if np.bincount(feedback.task_ids_B).max() > 2:
            raise NotImplementedError("a task three times")
        super().update(feedback)


class LosesFarTasks(Sound):
    def update(self, feedback):
        super().update(feedback.only(feedback.task_ids_B < 10**6))


class LearnsBeforeRefusing(Sound):
    def update(self, feedback):
        for task, solved in zip(feedback.task_ids_B, feedback.informative_B, strict=True):
            if task >= self.pool.num_tasks:
                raise ValueError(f"task {task} is not in the pool")
            self.last_N[task] = solved


class Overconfident(Sound):
    def solve_rates(self):
        return self.last_N * 1.5


class OneBelief(Sound):
    def solve_rates(self):
        return float(self.last_N.mean())


class CountsInMetrics(Sound):
    def metrics(self):
        return {"sound/updates": 3}


class UngroupedMetrics(Sound):
    def metrics(self):
        return {"mean rate": 0.5}


class DrawsBeliefs(Sound):
    def solve_rates(self):
        return self.rng.random(self.pool.num_tasks)


class ForgetsPasses(Sound):
    passes = 0

    def forward_passes(self):
        self.passes += 1
        return 10 - self.passes


class ForgetsItsGenerator(Sound):
    def load_state_dict(self, saved):
        rng = self.rng
        super().load_state_dict(saved)
        self.rng = rng


class SavesASet(Sound):
    def state_dict(self):
        return {**super().state_dict(), "seen": {1, 2}}

    def load_state_dict(self, saved):
        super().load_state_dict({k: v for k, v in saved.items() if k != "seen"})


class SavesAView(Sound):
    def state_dict(self):
        return {**self.header(), "last": self.last_N}


class LoadsAView(Sound):
    def load_state_dict(self, saved):
        super().load_state_dict(saved)
        self.last_N = saved["last"]


class TakesAnyPool(Sound):
    def load_state_dict(self, saved):
        super().load_state_dict({**saved, "pool": self.header().get("pool")})


class TakesAnyState(Sound):
    def state_dict(self):
        return {**super().state_dict(), "note": "free"}

    def load_state_dict(self, saved):
        super().load_state_dict({k: v for k, v in saved.items() if k != "note"})


class TakesAnyVersion(Sound):
    def load_state_dict(self, saved):
        version = saved["version"] if isinstance(saved.get("version"), int) else None
        super().load_state_dict(saved if version is None else {**saved, "version": 1})


class TakesAnyCounts(Sound):
    def state_dict(self):
        return {**super().state_dict(), "counts": {"seen": 3}}

    def load_state_dict(self, saved):
        if not isinstance(saved.get("counts"), dict):
            raise ValueError("the state has no counts")
        super().load_state_dict({k: v for k, v in saved.items() if k != "counts"})


class AssignsBeforeChecking(Sound):
    def load_state_dict(self, saved):
        self.last_N = np.zeros(self.pool.num_tasks)
        super().load_state_dict(saved)


class NeedsDomains(Sound):
    """Stumbles when the pool has none."""

    sees = ("domains",)

    def scores(self):
        return super().scores() + len(self.pool.domains_N) + (self.pool.domains_N == 0)


class FreeFeatures(Sound):
    sees = ("features",)

    def scores(self):
        features_ND = self.pool.features_ND
        return super().scores() + (0 if features_ND is None else features_ND.sum(axis=1))


class PaysLate(FreeFeatures):
    steps = 0

    def update(self, feedback):
        super().update(feedback)
        self.steps += 1

    def forward_passes(self):
        return self.pool.num_tasks if self.steps else 0


def peeks(pool, rng):
    _, truth = simulate(Scenario("tiny", "", num_tasks=20, num_heldout=5, batch_size=5), 0)
    selector = Sound(pool, rng)
    selector.peek = partial(lambda size: truth.solve_rates()[:size], 3)
    return selector


def hoards(pool, rng):
    selector = Sound(pool, rng)
    selector.more = {"pool": still().pool}
    return selector


peeks.sees = hoards.sees = ()


class SeesTooMuch(Sound):
    sees = ("references",)


class Slow(Sound):
    def scores(self):
        if self.pool.num_tasks > 1000:
            until = time.process_time() + 0.011
            while time.process_time() < until:
                pass
        return super().scores()


class Raises(Sound):
    def update(self, feedback):
        raise RuntimeError("this selector\nalways fails")


class Exits(Sound):
    def select(self, batch_size, exclude=None):
        raise SystemExit(3)


class RememberingCollector(AbstractCollector):
    """Trains on one group fewer at every step."""

    def __init__(self):
        self.steps = 0

    def collect(self, step):
        batch = step.rollout(step.select(step.batch_size), step.group_size)
        self.steps = min(self.steps + 1, batch.num_groups)
        return Collected(np.arange(self.steps))


class GreedyCollector(AbstractCollector):
    """Trains on more than there is."""

    def collect(self, step):
        batch = step.rollout(step.select(step.batch_size), step.group_size)
        return Collected(np.arange(batch.num_groups + 1))


class NewTasksCollector(AbstractCollector):
    """Rolls out tasks of its own choice."""

    def collect(self, step):
        batch = step.rollout(np.arange(200, 200 + step.batch_size), step.group_size)
        return Collected(np.arange(batch.num_groups))


def remembering(pool, rng):
    return Strategy(Sound(pool, rng), RememberingCollector())


def greedy(pool, rng):
    return replace(remembering(pool, rng), collector=GreedyCollector())


def own_tasks(pool, rng):
    return replace(remembering(pool, rng), collector=NewTasksCollector())


remembering.sees = greedy.sees = own_tasks.sees = ()


def returns_a_number(pool, rng):
    return 42


def cannot_be_built(pool, rng):
    raise KeyError("weak")


class WritesToPool(Sound):
    """Marks a task in the pool itself."""

    def scores(self):
        self.pool.keys_N[0] = 7
        return super().scores()
