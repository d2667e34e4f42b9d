"""A million updates: beliefs stay within their equilibria, and nothing grows."""

import os
from pathlib import Path

import numpy as np
import pytest

from bots import Feedback, Pool, load_state, save_state
from bots.live import LiveConfig, LiveSelector
from bots.live.choice.kernels import Recall

UPDATES, SAVE_EVERY = 1_000_000, 100_000
NUM_TASKS, BATCH_SIZE, PART = 2_000, 64, 4
SMALLEST, LARGEST = 4, 8  # rollouts per group
CONFIG = LiveConfig(cooldown=2.0, retest=50.0, coverage=0.1, staleness=0.01)
ROUNDING = 1e-5  # of alpha + beta
needs_proc = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux's /proc")


def made(seed: int) -> LiveSelector:
    rng = np.random.default_rng(0)
    weak_N = rng.integers(0, 5, NUM_TASKS) / 8
    strong_N = weak_N + rng.integers(1, 4, NUM_TASKS) / 8
    pool = Pool.numbered(NUM_TASKS, {"weak": weak_N, "strong": strong_N})
    return LiveSelector(pool, np.random.default_rng(seed), CONFIG)


def resident() -> int:
    """Bytes of memory in use."""
    return os.sysconf("SC_PAGE_SIZE") * int(Path("/proc/self/statm").read_text().split()[1])


def check(selector: LiveSelector) -> None:
    """Proposition 2: alpha + beta lies between that of a task never measured and of one always."""
    alpha_N, beta_N = selector.beliefs.pseudo_counts(np.arange(NUM_TASKS))
    assert np.isfinite([alpha_N, beta_N]).all()
    assert (np.minimum(alpha_N, beta_N) >= 1).all()
    beyond_N = alpha_N + beta_N - 2
    lowest = CONFIG.implicit_weight * SMALLEST / CONFIG.forgetting
    assert beyond_N.min() >= lowest - ROUNDING * (2 + lowest)
    assert beyond_N.max() <= LARGEST / CONFIG.forgetting * (1 + ROUNDING)
    assert np.isfinite(selector.beliefs.table.excess_N2).all()
    assert np.isfinite(list(selector.metrics().values())).all()
    assert selector.beliefs.num_bytes <= 24 * NUM_TASKS


def live(selector: LiveSelector, updates: range, rng: np.random.Generator) -> None:
    """One update per policy version, for a part of a batch each; some groups are lost."""
    per_batch = BATCH_SIZE // PART
    for start in range(updates.start, updates.stop, per_batch):
        batch = selector.draw(BATCH_SIZE)
        size_BP = rng.integers(SMALLEST, LARGEST + 1, BATCH_SIZE).reshape(-1, PART)
        size_BP[:, 0] *= rng.random(len(size_BP)) < 0.95
        solved_BP = rng.binomial(size_BP, rng.choice([0.0, 0.3, 0.5, 1.0], size_BP.shape))
        for part in range(per_batch):
            version = float(start + part)
            selector.update(
                Feedback(
                    batch.task_ids_B[part * PART : (part + 1) * PART],
                    solved_BP[part],
                    size_BP[part],
                    batch_id=batch.batch_id,
                    policy_version=float(start),
                    current_version=version,
                )
            )


def soak(folder: Path, updates: int, save_every: int) -> None:
    selector, rng, path = made(1), np.random.default_rng(2), folder / "state.npz"
    memory, sizes = [], []
    for start in range(0, updates, save_every):
        live(selector, range(start, start + save_every), rng)
        check(selector)
        save_state(path, selector.state_dict())
        again = made(seed=start)
        again.load_state_dict(load_state(path))
        assert again.draw(8).task_ids_B.tolist() == selector.draw(8).task_ids_B.tolist()
        selector = again
        memory.append(resident())
        sizes.append(path.stat().st_size)
    assert selector.metrics()["feedback/version"] == updates - 1
    assert max(memory) - memory[0] < 16 * 2**20
    assert max(sizes) < 1.5 * sizes[0]


@pytest.mark.integration
@needs_proc
def test_thousands_of_updates(tmp_path):
    soak(tmp_path, 6_400, 1_600)


@pytest.mark.slow
@needs_proc
def test_a_million_updates(tmp_path):
    soak(tmp_path, UPDATES, SAVE_EVERY)


def spans(version: float, unit: float) -> tuple[float, float]:
    """How long a task rests after a visit at this version, and until it is tested again."""
    config = LiveConfig(
        predictor="none", forgetting=0.0, thompson=False, target=1.0, cooldown=3.0, retest=8.0
    )
    selector = LiveSelector(Pool.numbered(3), np.random.default_rng(0), config)

    def measure(task: int, now: float) -> None:
        selector.update(Feedback([task], [8], [8], policy_version=now, current_version=now))

    def rests() -> bool:
        batch = selector.draw(1, np.array([1]))  # task 0 is nearer to the target than task 2
        selector.cancel(batch.batch_id)
        return batch.task_ids_B.tolist() == [2]

    measure(0, version)
    rested, due, now = 0.0, False, version
    while not due:
        rested += unit * rests()
        now += unit
        measure(1, now)
        due = selector.beliefs.due(np.array([0]), Recall(now, config.retest))[0]
    return rested, now - version


@pytest.mark.integration
@pytest.mark.parametrize(
    ("version", "unit"),
    [(0.0, 1.0), (1e6, 1.0), (1e7, 1.0), (2.0**24 - 9, 1.0), (1e6, 0.125), (2.0**21 - 9, 0.125)],
)
def test_tasks_rest_and_return_to_the_version(version, unit):
    for later in range(3):
        assert spans(version + later * unit, unit) == (3.0, 8.0)


@pytest.mark.parametrize("version", [2.0**24, 2.0**25, 1e8])
def test_beyond_2_to_the_24_versions_they_do_so_to_the_spacing_of_single_precision(version):
    for later in range(8):
        spacing = float(np.spacing(np.float32(version)))
        rested, returned = spans(version + later, 1.0)
        assert abs(rested - 3) <= spacing
        assert abs(returned - 8) <= spacing
