"""The likelihood of a trace: success counts of tasks whose logits move in time.

Task k is unsolvable with chance pi_0: its rate is 0. Otherwise its logit starts at a draw from a
mixture of normal laws and obeys, with t in training steps,

    dl = a_k delta(t) dt + gamma tanh(l / 3) dt + omega dW,    log a_k ~ N(0, s^2)

where the shared drift delta is constant in each of some equal segments of the run. A visit itself
adds kappa 2 sqrt(m (1 - m)), with m the mean reward of its group: the weight that GRPO gives to the
group, scaled so that a half-solved one adds kappa. Counts are binomial at the rate sigma(l).

The likelihood is exact up to a grid on the logit, whose points follow the drift, and Gauss-Hermite
nodes for log a. Tasks are independent given the parameters.
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
        own: kappa, logits per visit.
    """

    drifts: tuple[float, ...]
    level: float = 0.0
    walk_sd: float = 0.0
    slope_sd: float = 0.0
    own: float = 0.0


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Of the numerical integration: spacing of the logit grid, nodes for the slope."""

    spacing: float = 0.2
    nodes: int = 11


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
    accuracy: Accuracy = Accuracy(),  # noqa: B008  (frozen)
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
        gaps_TM = np.diff(logits_TM, axis=1)
        grid = Grid(observations.steps_T, logits_TM, gaps_TM.min(axis=1), gaps_TM.max(axis=1))
        yield rows, grid, np.exp(log_CM)


def moved(logits_M: Floats, steps_T: Floats, dynamics: Dynamics, slope: float) -> Floats:
    """Where initial logits are at each time without random walk and own effects, (T, M).

    Between two times half of the drift, the whole level term in closed form, then the other half:
    exact for either alone, of second order for both.
    """
    logits_TM = np.empty((steps_T.size, logits_M.size))
    logits_TM[0] = logits_M
    half_T = slope * np.diff(cumulated(steps_T, dynamics.drifts, max(float(steps_T[-1]), 1.0))) / 2
    growth_T = np.exp(dynamics.level * np.diff(steps_T) / LEVEL_SCALE)
    for t, (half, growth) in enumerate(zip(half_T, growth_T, strict=True)):
        stretched_M = np.sinh((logits_TM[t] + half) / LEVEL_SCALE) * growth
        logits_TM[t + 1] = LEVEL_SCALE * np.arcsinh(stretched_M) + half
    return logits_TM


def cumulated(steps_T: Floats, drifts: tuple[float, ...], duration: float) -> Floats:
    """The integral of delta up to each time; the segments share `duration` equally."""
    knots = np.linspace(0.0, duration, len(drifts) + 1)
    return np.interp(steps_T, knots, np.cumsum([0.0, *(np.diff(knots) * drifts)]))


def _grid_points(accuracy: Accuracy) -> Floats:
    half = round(_REACH / accuracy.spacing)
    return np.linspace(-_REACH, _REACH, 2 * half + 1)


def _nodes(accuracy: Accuracy) -> tuple[Floats, Floats]:
    """Standard normal Gauss-Hermite nodes and their weights."""
    nodes_J, weights_J = np.polynomial.hermite_e.hermegauss(accuracy.nodes)
    return nodes_J, weights_J / weights_J.sum()


def _masses(initial: Initial, logits_M: Floats) -> Floats:
    """Share of the solvable tasks nearest to each point; the ends take the tails."""
    from scipy.special import ndtr

    edges = np.concatenate([[-np.inf], (logits_M[1:] + logits_M[:-1]) / 2, [np.inf]])
    return np.sum(
        [part.share * np.diff(ndtr((edges - part.mean) / part.sd)) for part in initial.logit], axis=0
    )
