"""The likelihood of a trace: success counts of tasks whose logits move in time.

Task k is unsolvable with chance pi_0: its rate is 0. Otherwise its logit starts at a draw from a
mixture of normal laws and obeys, with t in training steps,

    dl = a_k delta(t) dt + gamma tanh(l / 3) dt + mu 4 p (1 - p) dt + omega dW

where log a_k ~ N(0, s^2), of correlation rho with the initial logit, p = sigma(l) is the rate, and
the shared drift delta is constant in each of some equal segments of the run. A visit itself adds
kappa 2 sqrt(m (1 - m)), with m the mean reward of its group: the weight that GRPO gives to the
group, scaled so that a half-solved one adds kappa. Counts are binomial at the rate p.

Where all tasks are visited equally often, kappa and mu are told apart by luck alone: a group that
happened to be informative against one of the same task that was not. Without mu, kappa would also
stand for half-solved tasks that improve faster for any other reason.

The likelihood is exact up to a grid on the logit, whose points follow all but the random walk, and
nodes for log a. Tasks are independent given the parameters.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulator.calibration.backward import Floats, Ints, Motion, Rows, backward
from simulator.calibration.trace import Trace
from simulator.population import Normal

_REACH = 15.0  # logits beyond it are held at it: rates below 3e-7 or above 1 - 3e-7
_SLOPE_REACH = 2.8  # standard deviations of log a
_LEAST = 1e-300


@dataclass(frozen=True, slots=True)
class Initial:
    """The law of a task before training.

    Attributes:
        unsolvable: pi_0.
        logit: the mixture of initial logits.
        slope_correlation: rho, of log a with the initial logit.
    """

    unsolvable: float
    logit: tuple[Normal, ...]
    slope_correlation: float = 0.0


@dataclass(frozen=True, slots=True)
class Dynamics:
    """How logits move.

    Attributes:
        drifts: delta in each of equal segments of the run, logits per step.
        level: gamma, logits per step; positive where likely answers get likelier.
        walk_sd: omega, logits per square root of a step.
        slope_sd: s.
        middle: mu, logits per step.
        own: kappa, logits per visit.
    """

    drifts: tuple[float, ...]
    level: float = 0.0
    walk_sd: float = 0.0
    slope_sd: float = 0.0
    middle: float = 0.0
    own: float = 0.0


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Of the numerical integration: spacing of the logit grid, nodes for the slope."""

    spacing: float = 0.25
    nodes: int = 8


@dataclass(frozen=True, slots=True, eq=False)
class Observations:
    """A trace as the likelihood needs it.

    Attributes:
        start_K: first row of each task, and the number of rows, shape (K + 1,).
        steps_R: training steps taken before each row.
        successes_R: solved rollouts.
        trials_R: rollouts.
        solved_K: whether the task was ever solved.
        duration: steps from the start to the last group.
    """

    start_K: Ints
    steps_R: Floats
    successes_R: Ints
    trials_R: Ints
    solved_K: npt.NDArray[np.bool_]
    duration: float

    @classmethod
    def of(cls, trace: Trace, steps_per_visit: float) -> "Observations":
        """Those of a trace, with visits without steps placed `steps_per_visit` apart."""
        steps_R = trace.times_R(steps_per_visit)
        start_K = np.concatenate([[0], np.cumsum(trace.visits_K)])
        solved_K = np.add.reduceat(trace.successes_R, start_K[:-1]) > 0
        counts = trace.successes_R, trace.trials_R
        return cls(start_K, steps_R, *counts, solved_K, max(float(steps_R.max()), 1.0))


def log_likelihoods(
    observations: Observations,
    initial: Initial,
    dynamics: Dynamics,
    accuracy: Accuracy = Accuracy(),
) -> Floats:
    """Log-likelihood of each task's counts, without binomial coefficients, shape (K,)."""
    return mixed(observations, messages(observations, dynamics, accuracy), initial, accuracy)


Messages = tuple[Floats, Floats]


def messages(observations: Observations, dynamics: Dynamics, accuracy: Accuracy) -> Messages:
    """P(counts | initial logit, slope) on the grid, (J, K, M), and its log scale, (J, K).

    They do not depend on the initial law, which therefore is cheap to vary.
    """
    points_M, tasks = _grid(accuracy), observations.solved_K.size
    longest = int(np.diff(observations.start_K).max())
    messages_JKM = np.empty((accuracy.nodes, tasks, points_M.size))
    scale_JK = np.empty((accuracy.nodes, tasks))
    logits_VM, work_M = np.empty((longest, points_M.size)), np.empty(points_M.size)
    rows = _rows(observations, dynamics)
    for j, node in enumerate(_nodes(accuracy)):
        motion = Motion(
            math.exp(dynamics.slope_sd * node),
            float(dynamics.level),
            float(dynamics.middle),
            float(dynamics.walk_sd) ** 2,
        )
        backward(rows, motion, points_M, messages_JKM[j], scale_JK[j], logits_VM, work_M)
    return messages_JKM, scale_JK


def mixed(
    observations: Observations, parts: Messages, initial: Initial, accuracy: Accuracy
) -> Floats:
    """Log-likelihood of each task under an initial law, shape (K,)."""
    messages_JKM, scale_JK = parts
    top_K = scale_JK.max(axis=0)
    weights_JM = _slope_weights(initial, accuracy) * _masses(initial, _grid(accuracy))
    given_JK = np.matmul(messages_JKM, weights_JM[:, :, None])[:, :, 0] * np.exp(scale_JK - top_K)
    solvable_K = np.log(np.maximum(given_JK.sum(axis=0), _LEAST)) + top_K
    solvable_K += np.log1p(-initial.unsolvable)
    with np.errstate(divide="ignore"):
        never_K = np.where(observations.solved_K, -np.inf, np.log(initial.unsolvable))
    return np.logaddexp(solvable_K, never_K)


def _rows(observations: Observations, dynamics: Dynamics) -> Rows:
    rate_R = observations.successes_R / observations.trials_R
    passed_R = cumulated(observations.steps_R, dynamics.drifts, observations.duration)
    return Rows(
        observations.start_K,
        _since_before(observations.steps_R, observations.start_K),
        _since_before(passed_R, observations.start_K),
        observations.successes_R,
        observations.trials_R - observations.successes_R,
        dynamics.own * 2 * np.sqrt(rate_R * (1 - rate_R)),
    )


def _since_before(values_R: Floats, start_K: Ints) -> Floats:
    """Differences to the task's row before; the first row's own value."""
    since_R = np.diff(values_R, prepend=0.0)
    since_R[start_K[:-1]] = values_R[start_K[:-1]]
    return since_R


def cumulated(steps_T: Floats, drifts: tuple[float, ...], duration: float) -> Floats:
    """The integral of delta up to each time; the segments share `duration` equally."""
    knots = np.linspace(0.0, duration, len(drifts) + 1)
    return np.interp(steps_T, knots, np.cumsum([0.0, *(np.diff(knots) * drifts)]))


def _grid(accuracy: Accuracy) -> Floats:
    half = round(_REACH / accuracy.spacing)
    return np.linspace(-_REACH, _REACH, 2 * half + 1)


def _nodes(accuracy: Accuracy) -> Floats:
    """Places of log a, in units of s, for means over its law.

    Evenly spaced: the integrand of a task that tells its slope is narrower than the gaps that
    Gauss-Hermite nodes leave in the middle.
    """
    return np.linspace(-_SLOPE_REACH, _SLOPE_REACH, accuracy.nodes)


def _slope_weights(initial: Initial, accuracy: Accuracy) -> Floats:
    """P(log a | initial logit), shape (J, M): a normal law of mean rho z and variance 1 - rho^2.

    z is the initial logit in units of the mixture's standard deviations from its mean.
    """
    shares = np.array([part.share for part in initial.logit])
    means = np.array([part.mean for part in initial.logit])
    sds = np.array([part.sd for part in initial.logit])
    mean = shares @ means
    sd = math.sqrt(shares @ (sds**2 + (means - mean) ** 2))
    rho = initial.slope_correlation
    place_M = np.clip((_grid(accuracy) - mean) / sd, -_SLOPE_REACH, _SLOPE_REACH)
    away_JM = (_nodes(accuracy)[:, None] - rho * place_M) ** 2
    weights_JM = np.exp(-away_JM / (2 * (1 - rho**2)))
    return weights_JM / weights_JM.sum(axis=0)


def _masses(initial: Initial, logits_M: Floats) -> Floats:
    """Share of the solvable tasks nearest to each point; the ends take the tails."""
    from scipy.special import ndtr

    edges = np.concatenate([[-np.inf], (logits_M[1:] + logits_M[:-1]) / 2, [np.inf]])
    return np.sum(
        [part.share * np.diff(ndtr((edges - part.mean) / part.sd)) for part in initial.logit],
        axis=0,
    )
