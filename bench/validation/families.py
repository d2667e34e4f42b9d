"""Domains of a scenario from the labels of a pool: one per family, with the laws of its levels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bench.metrics import Floats
from simulator import Domain
from simulator.calibration.state_space import (
    Accuracy,
    Dynamics,
    Initial,
    Messages,
    Observations,
    messages,
    mixed,
)
from simulator.calibration.trace import Trace
from simulator.population import Normal

_ACCURACY = Accuracy(0.5, 6)
_UNSOLVABLE = (0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4)
_LOWEST, _HIGHEST = -12.0, 12.0  # mean logits
_NARROWEST, _WIDEST = 0.2, 5.0  # their sd
_MOST_TASKS = 150  # of one label that are looked at


@dataclass(frozen=True, slots=True, eq=False)
class _Label:
    """Tasks of one label and what their counts say of their initial logits."""

    name: str
    tasks: int
    observations: Observations
    parts: Messages


def family(label: str) -> str:
    """The label without its level: what is left without digits at the end.

    Example:
        >>> family("A3"), family("geometry"), family("7")
        ('A', 'geometry', '7')
    """
    return label.rstrip("0123456789") or label


def domains(
    trace: Trace, labels: Mapping[str, str], dynamics: Dynamics, like: Domain, seed: int
) -> tuple[Domain, ...]:
    """One domain per family of labels, with a normal law of initial logits per label.

    Each law has maximum likelihood, with logits moving as `dynamics` says; the share of unsolvable
    tasks is one for all, that of largest likelihood of a grid. Everything else is as in `like`.

    Args:
        trace: rollout groups.
        labels: of the trace's tasks, by name.
        dynamics: how logits move, as fitted to the whole pool.
        like: a domain of the whole pool.
        seed: of the choice of tasks where a label has more than 150.
    """
    rng = np.random.default_rng(seed)
    groups = [_label(name, trace, labels, dynamics, rng) for name in sorted({*labels.values()})]
    tried = [(u, [_law(group, u, like) for group in groups]) for u in _UNSOLVABLE]
    unsolvable, laws = max(tried, key=lambda each: sum(law[0] for law in each[1]))
    members: dict[str, list[tuple[int, Normal]]] = {}
    for group, (_, law) in zip(groups, laws, strict=True):
        members.setdefault(family(group.name), []).append((group.tasks, law))
    total = sum(group.tasks for group in groups)
    return tuple(
        _domain(parts, total, replace(like, unsolvable=unsolvable)) for parts in members.values()
    )


def _label(
    name: str, trace: Trace, labels: Mapping[str, str], dynamics: Dynamics, rng: np.random.Generator
) -> _Label:
    mine = np.flatnonzero([labels[str(task)] == name for task in trace.names_K])
    chosen = np.sort(rng.permutation(mine)[:_MOST_TASKS])
    observations = Observations.of(trace.take(chosen), 1.0)
    return _Label(name, mine.size, observations, messages(observations, dynamics, _ACCURACY))


def _law(group: _Label, unsolvable: float, like: Domain) -> tuple[float, Normal]:
    """The largest log-likelihood, and the law that has it."""
    from scipy.optimize import minimize

    def law(place: Floats) -> Normal:
        return Normal(1.0, float(place[0]), float(np.exp(place[1])))

    def miss(place: Floats) -> float:
        initial = Initial(unsolvable, (law(place),), like.slope_correlation)
        return -float(mixed(group.observations, group.parts, initial, _ACCURACY).sum())

    found = minimize(
        miss,
        np.array([_start(group.observations), 0.0]),
        method="L-BFGS-B",
        bounds=[(_LOWEST, _HIGHEST), (np.log(_NARROWEST), np.log(_WIDEST))],
    )
    return -float(found.fun), law(found.x)


def _start(observations: Observations) -> float:
    solved, tried = observations.successes_R.sum(), observations.trials_R.sum()
    return float(np.log((solved + 1) / (tried - solved + 1)))


def _domain(parts: Sequence[tuple[int, Normal]], total: int, like: Domain) -> Domain:
    size = sum(tasks for tasks, _ in parts)
    logit = tuple(replace(law, share=tasks / size) for tasks, law in parts)
    return replace(like, share=size / total, logit=logit)
