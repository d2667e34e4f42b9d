"""A trainer in small: it selects, learns late, and saves, until it is killed.

    python -m tests.bots.live.life.worker STATE

prints the number of batches selected after each save that has returned.
"""

import sys
from pathlib import Path

import numpy as np

from bots import Feedback, Pool, load_state, save_state
from bots.live import LiveConfig, LiveSelector

BATCH_SIZE, LAG, SAVE_EVERY = 8, 2, 3
CONFIG = LiveConfig(cooldown=2.0, retest=20.0, coverage=0.1, learned_weight=True)


def made() -> LiveSelector:
    rng = np.random.default_rng(5)
    weak_N = rng.integers(0, 5, 300) / 8
    pool = Pool.numbered(300, {"weak": weak_N, "strong": weak_N + rng.integers(0, 4, 300) / 8})
    return LiveSelector(pool, np.random.default_rng(6), CONFIG)


def num_batches(selector: LiveSelector) -> int:
    return selector.state_dict()["flights"]["next"]


def step(selector: LiveSelector) -> None:
    """Selects a batch, and learns the outcome of the one `LAG` batches before, in two parts."""
    latest = selector.draw(BATCH_SIZE).batch_id
    flights = selector.state_dict()["flights"]
    for batch_id, tasks in zip(
        flights["batches"].tolist(),
        np.split(flights["tasks"], np.cumsum(flights["sizes"])[:-1]),
        strict=True,
    ):
        if batch_id <= latest - LAG:
            solved = np.random.default_rng(batch_id).integers(0, 9, tasks.size)
            for part in (slice(0, 3), slice(3, None)):
                trials = np.full(tasks[part].size, 8)
                selector.update(Feedback(tasks[part], solved[part], trials, batch_id=batch_id))


def main(path: Path) -> None:
    selector = made()
    if path.exists():
        selector.load_state_dict(load_state(path))
    while True:
        for _ in range(SAVE_EVERY):
            step(selector)
        save_state(path, selector.state_dict())
        print(num_batches(selector), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
