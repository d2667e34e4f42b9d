"""What selection costs: BOTS and a whole simulated step against plain NumPy, in one run."""

import time
from collections.abc import Callable

import numpy as np

from backends import run, simulate
from bench.tables import Table
from bots import BOTSSelector, Feedback, Pool
from simulator import Scenario

_GROUP_SIZE = 16
_INNER = 10


def measure(num_tasks: int, batch_size: int, rounds: int) -> str:
    """A Markdown table of milliseconds per step and ratios to plain NumPy.

    The three contenders take turns, `rounds` times; ratios are medians over the turns, so a
    machine that changes its speed in between does not distort them.
    """
    contenders = {
        "plain NumPy: select + update": _plain(num_tasks, batch_size),
        "bots: select + update": _bots(num_tasks, batch_size),
        "bots: whole simulated step": _whole_step(num_tasks, batch_size),
    }
    for step in contenders.values():
        step()
    seconds = np.array([[_timed(step) for step in contenders.values()] for _ in range(rounds)])
    ratios = np.median(seconds / seconds[:, :1], axis=0)
    table = Table(
        "",
        ("", "ms per step", "ratio to plain NumPy"),
        tuple(
            (name, f"{1e3 * median:.2f}", f"{ratio:.2f}")
            for name, median, ratio in zip(
                contenders, np.median(seconds, axis=0), ratios, strict=True
            )
        ),
    )
    head = f"N = {num_tasks:,}, B = {batch_size}, n = {_GROUP_SIZE}, median of {rounds} turns"
    return f"{head}\n\n{table.markdown()}"


def _timed(step: Callable[[], None]) -> float:
    began = time.perf_counter()
    for _ in range(_INNER):
        step()
    return (time.perf_counter() - began) / _INNER


def _references(num_tasks: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    weak_N = rng.random(num_tasks)
    return {"weak": weak_N, "strong": weak_N + (1 - weak_N) * rng.random(num_tasks)}


def _rewards(rng: np.random.Generator, batch_size: int) -> np.ndarray:
    return rng.binomial(_GROUP_SIZE, 0.5, batch_size)


def _plain(num_tasks: int, batch_size: int) -> Callable[[], None]:
    """The arithmetic of one BOTS step as one would write it down, without any of our code."""
    references, rng = _references(num_tasks), np.random.default_rng(1)
    weak_N, strong_N = references["weak"], references["strong"]
    forgetting = implicit_weight = 0.1
    state = {"alpha": np.ones(num_tasks), "beta": np.ones(num_tasks), "capability": np.nan}

    def step() -> None:
        drawn_N = rng.beta(state["alpha"], state["beta"])
        ids_B = np.argpartition(np.abs(drawn_N - 0.5), batch_size)[:batch_size]
        rates_B = _rewards(rng, batch_size) / _GROUP_SIZE
        weak, strong = weak_N[ids_B].mean(), strong_N[ids_B].mean()
        capability = (rates_B.mean() - weak) / (strong - weak)
        if not np.isnan(state["capability"]):
            capability = 0.9 * state["capability"] + 0.1 * capability
        state["capability"] = capability
        rates_N = np.clip(capability * strong_N + (1 - capability) * weak_N, 0, 1)
        rates_N[ids_B] = rates_B
        weight_N = np.full(num_tasks, implicit_weight * _GROUP_SIZE)
        weight_N[ids_B] = _GROUP_SIZE
        keep = 1 - forgetting
        state["alpha"] = keep * state["alpha"] + forgetting + weight_N * rates_N
        state["beta"] = keep * state["beta"] + forgetting + weight_N * (1 - rates_N)

    return step


def _bots(num_tasks: int, batch_size: int) -> Callable[[], None]:
    rng, pool = np.random.default_rng(1), Pool.numbered(num_tasks, _references(num_tasks))
    selector = BOTSSelector(pool, np.random.default_rng(1))
    trials_B = np.full(batch_size, float(_GROUP_SIZE))

    def step() -> None:
        ids_B = selector.select(batch_size)
        selector.update(Feedback(ids_B, _rewards(rng, batch_size), trials_B))

    return step


def _whole_step(num_tasks: int, batch_size: int) -> Callable[[], None]:
    backend, _ = simulate(Scenario("perf", "", num_tasks=num_tasks), seed=0)
    selector = BOTSSelector(backend.pool, np.random.default_rng(1))
    records = run(backend, selector, batch_size, _GROUP_SIZE)

    def step() -> None:
        next(records)

    return step
