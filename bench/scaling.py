"""How the simulated learner's cost grows with its pool, against plain NumPy in the same run."""

import multiprocessing
import resource
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np

from bench.tables import Table
from simulator import Learner, LearnerLaw, Scenario, Tasks, build, plain
from simulator.gains import GAIN_LAWS
from simulator.tasks import Ability

SIZES = (10_000, 100_000, 1_000_000, 10_000_000)
BATCH_SIZE, GROUP_SIZE = 256, 16
_INNER = 5  # steps per turn
_LEAST_SIZE = BATCH_SIZE
_SLICE = 1_000_000
_SWEEPS = 3  # passes over a whole pool, at least

Step = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Scale:
    """What a pool of one size costs.

    Attributes:
        num_tasks: N.
        build_seconds: to draw the pool and its references.
        bytes_per_task: of the learner.
        peak_bytes: of the whole process, at its worst, which is while it draws the pool.
        step: seconds to sample and train on one batch.
        ratio: of that to plain NumPy on the batch alone, median over turns.
        ratio_of_all: to plain NumPy that keeps the solve rates of the whole pool up to date.
        sweeps: seconds to compute all solve rates, with one thread and with two.
    """

    num_tasks: int
    build_seconds: float
    bytes_per_task: float
    peak_bytes: int
    step: float
    ratio: float
    ratio_of_all: float
    sweeps: tuple[float, float]


def measure_scaling(sizes: Sequence[int] = SIZES, rounds: int = 20) -> str:
    """A Markdown table of memory and time by number of tasks.

    Each size is measured in a process of its own, so that peak memory is its own. Step and NumPy
    twin take turns, `rounds` times, on the same pool and the same tasks.

    Raises:
        ValueError: for a pool smaller than the batch.
    """
    for size in sizes:
        if size < _LEAST_SIZE:
            raise ValueError(
                f"a pool of {size} tasks is smaller than the batch of {BATCH_SIZE} that is timed: "
                "name larger --sizes"
            )
    context = multiprocessing.get_context("spawn")
    scales = []
    for size in sizes:
        with ProcessPoolExecutor(1, context) as process:
            scales.append(process.submit(measure_size, size, rounds).result())
    head = f"B = {BATCH_SIZE}, n = {GROUP_SIZE}, medians of {rounds} turns"
    return f"{head}\n\n{_table(scales).markdown()}"


def measure_size(num_tasks: int, rounds: int) -> Scale:
    """What a pool of this size costs, measured in this process."""
    build(_scenario(_LEAST_SIZE), seed=0)  # loads the compiled kernels
    began = time.perf_counter()
    learner, *_ = build(_scenario(num_tasks), seed=0)
    built = time.perf_counter() - began
    mine, twin = _turns([_compiled(learner), _plain(learner.tasks)], rounds)
    sweeps = [lambda threads=t: learner.solve_rates(threads=threads) for t in (1, 2)]
    one, two = _turns(sweeps, max(_SWEEPS, rounds // 4), inner=1)
    everything = _timed(lambda: _all_in_numpy(learner), inner=1)
    return Scale(
        num_tasks,
        built,
        learner.num_bytes / num_tasks,
        _peak_bytes(),
        float(np.median(mine)),
        float(np.median(mine / twin)),
        float(np.median(mine / (twin + everything))),
        (float(np.median(one)), float(np.median(two))),
    )


def _scenario(num_tasks: int) -> Scenario:
    return Scenario("scaling", "", num_tasks=num_tasks, batch_size=BATCH_SIZE)


def _turns(contenders: Sequence[Step], rounds: int, inner: int = _INNER) -> np.ndarray:
    """Seconds per call, shape (contenders, rounds); they take turns after one call unmeasured."""
    for contender in contenders:
        contender()
    return np.array(
        [[_timed(contender, inner) for contender in contenders] for _ in range(rounds)]
    ).T


def _timed(contender: Step, inner: int) -> float:
    began = time.perf_counter()
    for _ in range(inner):
        contender()
    return (time.perf_counter() - began) / inner


def _batches(num_tasks: int) -> Callable[[], np.ndarray]:
    rng = np.random.default_rng(0)
    return lambda: np.unique(rng.integers(num_tasks, size=BATCH_SIZE))


def _compiled(learner: Learner) -> Step:
    batch = _batches(learner.tasks.num_tasks)

    def step() -> None:
        task_ids_B = batch()
        rewards_BG, _ = learner.sample(task_ids_B, GROUP_SIZE)
        learner.train(task_ids_B, rewards_BG)

    return step


def _plain(tasks: Tasks) -> Step:
    """The same arithmetic in vectorised NumPy, without checks and without a learner's books."""
    law, batch = LearnerLaw(), _batches(tasks.num_tasks)
    size = 1 + int(tasks.skill_N.max())
    shares = law.general_weight, law.domain_weight, 1 - law.general_weight - law.domain_weight
    keys = np.random.SeedSequence(0).generate_state(3, np.uint64).astype(np.uint64)
    memory_C = np.zeros(tasks.num_tasks, dtype=np.float32)
    touched_C = np.zeros(tasks.num_tasks, dtype=np.int32)
    visits_C = np.zeros(tasks.num_tasks, dtype=np.int64)
    state = {"skills": np.zeros(size), "step": 0}

    def step() -> None:
        task_ids_B, skills_D, now = batch(), state["skills"], state["step"]
        ability = Ability(
            skills_D,
            *np.sqrt(shares).tolist(),
            sharpening=law.sharpening * max(skills_D.mean(), 0.0),
            wandering=0.0,
            gate=1.0,
            step=now,
            drift_sd=law.drift_sd,
            key=keys[2],
            memory_C=memory_C,
            touched_C=touched_C,
            memory_steps=law.memory_steps,
        )
        rewards_BG, _ = plain.rollouts(
            tasks, task_ids_B, ability, GROUP_SIZE, 1, 0.0, keys[:2], now
        )
        mean_B, variance_B, size_B = plain.moments(rewards_BG)
        weights_B = GAIN_LAWS[law.gain](mean_B, variance_B, size_B) / task_ids_B.size
        gradient_D1 = plain.learn(
            tasks,
            task_ids_B,
            weights_B,
            ability,
            visits_C,
            law.repetition_visits,
            law.memory_rate,
            law.disturbance * law.memory_rate,
        )
        room_D = np.maximum(1 - skills_D / law.capacity, 0)
        state["skills"] = skills_D + law.learning_rate * gradient_D1[:-1] * room_D
        state["step"] = now + 1

    return step


def _all_in_numpy(learner: Learner) -> None:
    """All solve rates and their sensitivities, slice by slice to bound the memory."""
    size, ability = learner.tasks.num_tasks, learner.ability
    for start in range(0, size, _SLICE):
        plain.responses(learner.tasks, np.arange(start, min(start + _SLICE, size)), ability)


def _peak_bytes() -> int:
    """The most memory that this process has held; kilobytes on Linux, bytes on macOS."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _table(scales: Sequence[Scale]) -> Table:
    return Table(
        "",
        (
            "tasks",
            "build, s",
            "learner, bytes/task",
            "peak of the process, MB",
            "step, ms",
            "ratio to NumPy",
            "ratio to NumPy on the pool",
            "all solve rates, ms",
            "with 2 threads, ms",
        ),
        tuple(
            (
                f"{scale.num_tasks:,}",
                f"{scale.build_seconds:.2f}",
                f"{scale.bytes_per_task:.0f}",
                f"{scale.peak_bytes / 1e6:,.0f}",
                f"{1e3 * scale.step:.2f}",
                f"{scale.ratio:.2f}",
                f"{scale.ratio_of_all:.5f}",
                *(f"{1e3 * seconds:,.2f}" for seconds in scale.sweeps),
            )
            for scale in scales
        ),
    )
