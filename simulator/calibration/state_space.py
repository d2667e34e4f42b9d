"""The likelihood of a trace: success counts of tasks whose logits move in time.

Task k is unsolvable with chance pi_0: its rate is 0. Otherwise its logit starts at a draw from a
mixture of normal laws and obeys, with t in training steps,

    dl = a_k delta(t) dt + gamma tanh(l / 3) dt + mu 4 p (1 - p) dt + omega dW

where log a_k ~ N(0, s^2), p = sigma(l) is the rate, and the shared drift delta is constant in each
of some equal segments of the run. A visit itself adds kappa 2 sqrt(m (1 - m)), with m the mean
reward of its group: the weight that GRPO gives to the group, scaled so that a half-solved one adds
kappa. Counts are binomial at the rate p.

Where all tasks are visited equally often, kappa and mu are told apart by luck alone: a group that
happened to be informative against one of the same task that was not. Without mu, kappa would also
stand for half-solved tasks that improve faster for any other reason.

The likelihood is exact up to a grid on the logit, whose points follow the drift, and nodes for
log a. Tasks are independent given the parameters.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulator.calibration.backward import Floats, Grid, Ints, Rows, backward
from simulator.calibration.trace import Trace
from simulator.population import Normal

LEVEL_SCALE = 3.0
_REACH = 15.0  # logits beyond it are held at it: rates below 3e-7 or above 1 - 3e-7
_SLOPE_REACH = 2.8  # standard deviations of log a
_LEAST = 1e-300


@dataclass(frozen=True, slots=True)
class Initial:
    """The law of a task's rate before training: pi_0 and the mixture of the logits."""

    unsolvable: float
    logit: tuple[Normal, ...]


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

    spacing: float = 0.2
    nodes: int = 8


@dataclass(frozen=True, slots=True, eq=False)
class Observations:
    """A trace as the likelihood needs it; C cells are pairs of a time and an outcome."""

    steps_T: Floats
    task_R: Ints
    time_R: Ints
    cell_R: Ints
    time_C: Ints
    successes_C: Ints
    trials_C: Ints
    solved_K: npt.NDArray[np.bool_]

    @property
    def duration(self) -> float:
        """Steps from the start to the last group."""
        return max(float(self.steps_T[-1]), 1.0)

    @classmethod
    def of(cls, trace: Trace, steps_per_visit: float) -> "Observations":
        """Those of a trace, with visits without steps placed `steps_per_visit` apart."""
        times_R = trace.times_R(steps_per_visit)
        steps_T = np.unique(np.append(times_R, 0.0))
        time_R = np.searchsorted(steps_T, times_R)
        rows = np.stack([time_R, trace.successes_R, trace.trials_R])
        cells, cell_R = np.unique(rows, axis=1, return_inverse=True)
        order = np.lexsort((trace.task_R, -time_R))
        solved_K = np.zeros(trace.num_tasks, dtype=bool)
        solved_K[trace.task_R[trace.successes_R > 0]] = True
        return cls(
            steps_T, trace.task_R[order], time_R[order], cell_R[order], *cells, solved_K=solved_K
        )


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
    tasks, points = observations.solved_K.size, _grid_points(accuracy).size
    messages_JKM = np.ones((accuracy.nodes, tasks, points))
    scale_JK = np.zeros((accuracy.nodes, tasks))
    for j, (rows, grid, emissions_CM) in enumerate(_by_node(observations, dynamics, accuracy)):
        backward(
            rows,
            grid,
            emissions_CM,
            dynamics.walk_sd**2,
            messages_JKM[j],
            np.empty(points),
            scale_JK[j],
            np.full(tasks, -1),
        )
    return messages_JKM, scale_JK


def mixed(
    observations: Observations, parts: Messages, initial: Initial, accuracy: Accuracy
) -> Floats:
    """Log-likelihood of each task under an initial law, shape (K,)."""
    messages_JKM, scale_JK = parts
    top_K = scale_JK.max(axis=0)
    weights_J = _nodes(accuracy)[1]
    given_JK = messages_JKM @ _masses(initial, _grid_points(accuracy)) * np.exp(scale_JK - top_K)
    solvable_K = np.log(np.maximum(weights_J @ given_JK, _LEAST)) + top_K
    solvable_K += np.log1p(-initial.unsolvable)
    with np.errstate(divide="ignore"):
        never_K = np.where(observations.solved_K, -np.inf, np.log(initial.unsolvable))
    return np.logaddexp(solvable_K, never_K)


def _by_node(
    observations: Observations, dynamics: Dynamics, accuracy: Accuracy
) -> Iterator[tuple[Rows, Grid, Floats]]:
    """Arguments of the recursion at each node of the slope."""
    rate_C = observations.successes_C / observations.trials_C
    shift_C = dynamics.own * 2 * np.sqrt(rate_C * (1 - rate_C))
    rows = Rows(
        observations.task_R, observations.time_R, observations.cell_R, shift_C[observations.cell_R]
    )
    failures_C1 = (observations.trials_C - observations.successes_C)[:, None]
    for node in _nodes(accuracy)[0]:
        slope = float(np.exp(dynamics.slope_sd * node))
        logits_TM = moved(_grid_points(accuracy), observations.steps_T, dynamics, slope)
        logits_CM = logits_TM[observations.time_C]
        log_CM = -observations.successes_C[:, None] * np.logaddexp(0, -logits_CM)
        log_CM -= failures_C1 * np.logaddexp(0, logits_CM)
        finest_T = np.diff(logits_TM, axis=1).min(axis=1)
        yield rows, Grid(observations.steps_T, logits_TM, finest_T), np.exp(log_CM)


def moved(logits_M: Floats, steps_T: Floats, dynamics: Dynamics, slope: float) -> Floats:
    """Where initial logits are at each time without random walk and own effects, (T, M).

    One classical Runge-Kutta step from each time to the next.
    """

    def speed_M(at_M: Floats, drift: float) -> Floats:
        push_M = dynamics.level * np.tanh(at_M / LEVEL_SCALE)
        return slope * drift + push_M + dynamics.middle / np.cosh(at_M / 2) ** 2

    duration = max(float(steps_T[-1]), 1.0)
    gaps_T = np.diff(steps_T)
    drifts_T = np.diff(cumulated(steps_T, dynamics.drifts, duration)) / gaps_T
    logits_TM = np.empty((steps_T.size, logits_M.size))
    logits_TM[0] = logits_M
    for t, (gap, drift) in enumerate(zip(gaps_T, drifts_T, strict=True)):
        at_M = logits_TM[t]
        first_M = speed_M(at_M, drift)
        second_M = speed_M(at_M + gap / 2 * first_M, drift)
        third_M = speed_M(at_M + gap / 2 * second_M, drift)
        last_M = speed_M(at_M + gap * third_M, drift)
        logits_TM[t + 1] = at_M + gap / 6 * (first_M + 2 * second_M + 2 * third_M + last_M)
    return logits_TM


def cumulated(steps_T: Floats, drifts: tuple[float, ...], duration: float) -> Floats:
    """The integral of delta up to each time; the segments share `duration` equally."""
    knots = np.linspace(0.0, duration, len(drifts) + 1)
    return np.interp(steps_T, knots, np.cumsum([0.0, *(np.diff(knots) * drifts)]))


def _grid_points(accuracy: Accuracy) -> Floats:
    half = round(_REACH / accuracy.spacing)
    return np.linspace(-_REACH, _REACH, 2 * half + 1)


def _nodes(accuracy: Accuracy) -> tuple[Floats, Floats]:
    """Places and weights for the mean over a standard normal variable.

    Evenly spaced: the integrand of a task that tells its slope is narrower than the gaps that
    Gauss-Hermite nodes leave in the middle.
    """
    nodes_J = np.linspace(-_SLOPE_REACH, _SLOPE_REACH, accuracy.nodes)
    weights_J = np.exp(-(nodes_J**2) / 2)
    return nodes_J, weights_J / weights_J.sum()


def _masses(initial: Initial, logits_M: Floats) -> Floats:
    """Share of the solvable tasks nearest to each point; the ends take the tails."""
    from scipy.special import ndtr

    edges = np.concatenate([[-np.inf], (logits_M[1:] + logits_M[:-1]) / 2, [np.inf]])
    return np.sum(
        [part.share * np.diff(ndtr((edges - part.mean) / part.sd)) for part in initial.logit],
        axis=0,
    )
