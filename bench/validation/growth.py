"""Makes a scenario grow under shuffle as the real model did under shuffle."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from bench.metrics import Floats
from bench.validation.evidence import Evidence
from simulator import LearnerLaw, Scenario, build
from simulator.calibration.replay import batches

_SEEDS = 3  # simulated runs whose mean is matched
_WINDOW = 5  # the reward's growth is that from the first to the last fifth of the steps
_STEP = 0.2  # of a constant's logarithm, for derivatives: simulated moments are not smooth
_EVALUATIONS = 20
_CLOSE = 3e-3  # of a gain: where the search ends


@dataclass(frozen=True, slots=True)
class Moments:
    """What a run under shuffle came to, in solve rates.

    Attributes:
        start: held-out solve rate before training.
        heldout: gain of the held-out solve rate from the start to the end.
        halfway: share of that gain which is there after half of the steps.
        reward: growth of the mean reward from the first to the last fifth of the steps.
    """

    start: float
    heldout: float
    halfway: float
    reward: float


@dataclass(frozen=True, slots=True)
class Knob:
    """A constant of the law, the moment that tells it, and where to look for it.

    Attributes:
        name: a field of `LearnerLaw`.
        moment: a field of `Moments`.
        start: where the search begins.
        least: end of the range.
        largest: its other end.
    """

    name: str
    moment: str
    start: float
    least: float
    largest: float


RATE = Knob("learning_rate", "heldout", 0.03, 1e-4, 3.0)
MEMORY = Knob("memory_rate", "reward", 30.0, 0.3, 3e4)
CAPACITY = Knob("capacity", "halfway", 2.0, 0.05, 50.0)
REPETITION = Knob("repetition_visits", "halfway", 4.0, 0.02, 1e3)
FORGETTING = Knob("forgetting", "halfway", 0.01, 1e-4, 0.2)


def real_moments(evidence: Evidence) -> Moments:
    """Those of the real runs, mean over seeds."""
    steps = evidence.config["steps"]
    start, half, end = (evidence.heldout_at(share * steps) for share in (0, 0.5, 1))
    growths = []
    for run in evidence.runs:
        reward_R = run.trace.successes_R / run.trace.trials_R
        early_R = run.trace.when_R <= steps / _WINDOW
        late_R = (run.trace.when_R > steps - steps / _WINDOW) & (run.trace.when_R <= steps)
        growths.append(reward_R[late_R].mean() - reward_R[early_R].mean())
    gain = end - start
    return Moments(start, gain, _share(half - start, gain), float(np.mean(growths)))


def simulated_moments(scenario: Scenario, seeds: Sequence[int] = range(_SEEDS)) -> Moments:
    """Those of the scenario's own runs under shuffle, mean over seeds."""
    runs = np.array([_run(scenario, seed) for seed in seeds]).mean(axis=0)
    start, half, end, early, late = runs.tolist()
    gain = end - start
    return Moments(start, gain, _share(half - start, gain), late - early)


def matched(scenario: Scenario, target: Moments, knobs: Sequence[Knob]) -> Scenario:
    """The scenario with constants such that its moments are those of `target`.

    Least squares in the constants' logarithms, with the same simulated draws throughout; gains are
    compared in units of the target's held-out gain. A moment out of reach is met as nearly as the
    ranges allow.
    """
    from scipy.optimize import least_squares

    def misses(logarithms: Floats) -> Floats:
        moments = simulated_moments(_with(scenario, knobs, logarithms))
        return np.array([_miss(moments, target, knob.moment) for knob in knobs])

    found = least_squares(
        misses,
        np.log([knob.start for knob in knobs]),
        partial(_slopes, misses),  # type: ignore[arg-type]  (the stub knows strings alone)
        bounds=np.log([[knob.least for knob in knobs], [knob.largest for knob in knobs]]),
        xtol=_CLOSE,
        ftol=_CLOSE**2,
        gtol=_CLOSE**2,
        max_nfev=_EVALUATIONS,
    )
    return _with(scenario, knobs, found.x)


def _miss(moments: Moments, target: Moments, name: str) -> float:
    missed = getattr(moments, name) - getattr(target, name)
    return missed if name == "halfway" else missed / target.heldout


def _slopes(misses: Callable[[Floats], Floats], logarithms: Floats) -> Floats:
    """Derivatives by forward differences, shape (moments, constants)."""
    here = misses(logarithms)
    steps = _STEP * np.eye(logarithms.size)
    return np.array([(misses(logarithms + step) - here) / _STEP for step in steps]).T


def _run(scenario: Scenario, seed: int) -> list[float]:
    """Held-out solve rate at the start, half-way and at the end; early and late mean reward."""
    learner, steps = build(scenario, seed).learner, scenario.steps
    heldout, rewards = [learner.heldout_solve_rate()], []
    for step, ids_B in enumerate(batches(scenario, seed, steps), 1):
        rewards_BG, _ = learner.sample(ids_B, scenario.group_size)
        learner.train(ids_B, rewards_BG)
        rewards.append(rewards_BG.mean())
        if step in (steps // 2, steps):
            heldout.append(learner.heldout_solve_rate())
    window = max(steps // _WINDOW, 1)
    return [*heldout[-3:], float(np.mean(rewards[:window])), float(np.mean(rewards[-window:]))]


def _share(part: float, whole: float) -> float:
    return part / whole if abs(whole) > 1e-9 else math.nan


def _with(scenario: Scenario, knobs: Sequence[Knob], logarithms: Floats) -> Scenario:
    values = {knob.name: float(math.exp(x)) for knob, x in zip(knobs, logarithms, strict=True)}
    law: LearnerLaw = replace(scenario.law, **values)
    return replace(scenario, law=law)
