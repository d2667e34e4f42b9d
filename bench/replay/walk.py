"""A selector taken through a log, step by step: what it believes, and what it would choose."""

from collections.abc import Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np

from bench.entry import Strategy
from bench.replay.log import Log
from bench.strategies import make_strategy
from bots import AbstractSelector, Feedback
from bots._types import Floats, Ints

_WALK = 14  # sets the generators apart from other uses of the seed


@dataclass(frozen=True, slots=True, eq=False)
class Walked:
    """What came of it.

    Attributes:
        predicted_R: the solve rate it expected of each row's task just before it learnt of the row;
            None: it keeps no beliefs.
        asked_TB: the tasks it would have chosen before each step that has rows; empty unless asked.
    """

    predicted_R: Floats | None
    asked_TB: Ints


def made(log: Log, spec: str, seed: int) -> Strategy:
    """The strategy for the log's pool; what it draws depends on its name and the seed."""
    entropy = np.random.SeedSequence([_WALK, crc32(spec.encode()), seed])
    return make_strategy(spec, log.pool, np.random.default_rng(entropy), None, log.num_steps)


def walk(log: Log, selector: AbstractSelector, ask: int = 0) -> Walked:
    """Feeds the log's batches to the selector, in order.

    Args:
        log: the run.
        selector: fresh.
        ask: how many tasks it is asked for before each batch; 0: it is not asked.
    """
    predicted_R, asked_TB = np.empty(log.step_R.size), []
    believes = True
    for rows_B in log.batches():
        if believes:
            rates_N = selector.solve_rates()
            believes = rates_N is not None
            predicted_R[rows_B] = np.nan if rates_N is None else rates_N[log.trace.task_R[rows_B]]
        if ask:
            asked_TB.append(asked(selector, ask))
        selector.update(feedback(log, rows_B))
    return Walked(predicted_R if believes else None, np.array(asked_TB, dtype=np.int64))


def asked(selector: AbstractSelector, batch_size: int) -> Ints:
    """The batch it would choose next. Nothing changes but its generator, which moves on.

    If the generator were put back too, all answers would rest on the same draws.
    """
    before = selector.state_dict()
    task_ids_B = selector.select(batch_size)
    moved = {name: value for name, value in selector.state_dict().items() if name == "rng"}
    selector.load_state_dict(before | moved)
    return task_ids_B


def feedback(log: Log, rows_B: Sequence[int] | Ints) -> Feedback:
    """The counts of these rows."""
    trace = log.trace
    return Feedback(
        trace.task_R[rows_B],
        trace.successes_R[rows_B].astype(np.float64),
        trace.trials_R[rows_B].astype(np.float64),
        tokens_B=None if log.tokens_R is None else log.tokens_R[rows_B],
    )
