"""DOTS: difficulty-targeted selection by attention to tasks just rolled out."""

from typing import ClassVar

import numpy as np

from bots import checks
from bots._types import Floats, Floats32, Ints
from bots.acquisition import closeness, softmax_b
from bots.baselines.base import COUNT, RATE, AbstractBaseline, available, barred
from bots.baselines.predictors.prediction import standardised
from bots.feedback import Feedback
from bots.pool import Pool

_SMALLEST_SHARE = 4  # at most one task in 4 is an anchor
_BLOCK = 4096  # tasks that are predicted at a time


class DOTSSelector(AbstractBaseline):
    """Predicts all solve rates from a few anchors rolled out anew, and selects near the target.

    In every `period`-th step, `anchors` random tasks are rolled out (`AnchoredRounds` does it, with
    8 rollouts each that are not trained on) and show solve rates y_r. Task q is then predicted by
    attention to them, and a straight line fitted to the anchors themselves::

        w_qr = softmax_r( <x_q, x_r> sqrt(D) / attention ),    base_q = sum_r w_qr y_r
        p_q = clip(slope base_q + intercept, 0, 1)

    where the features x are standardised and divided by sqrt(D), so that the exponent is
    <h_q, h_r> / sqrt(D) of standardised h for `attention` 1. Batches are drawn without replacement
    in proportion to exp(-|p_q - target| / `temperature`), and no task twice in a period while there
    are others. Feedback of training is ignored; until the first anchors every p_q is 1/2.

    Source: arXiv 2506.05316 and its released code. Cost: `anchors` x 8 rollouts every `period`
    steps; a forward pass per task for the embedding. Defaults: period 2, 256 anchors, target 0.5
    and temperature 1e-3 as released. Differences: the source passes embeddings through three-layer
    networks, and base_q through a sigmoid with a temperature and a bias computed from the anchors,
    all trained beforehand on rates that other models were measured to have. No such rates may be
    seen here, so features attend as they are, and `attention` stands for the trained scale. The
    line is fitted by least squares as in the released code, but each anchor leaves itself out of
    its own base: features that were not trained to look elsewhere attend to themselves, and the
    line would take that for skill. A falling line, the mark of anchors that say nothing of one
    another, is made level. Of the tasks at hand, a quarter at most are anchors.

    Args:
        pool: the tasks; their features are used, standardised.
        rng: the selector's own random numbers.
        target: in [0, 1].
        period: mu, steps for which anchors serve, at least 1.
        anchors: K, at least 1.
        attention: temperature of the attention, positive.
        temperature: of the selection, positive.

    Raises:
        ValueError: when the pool has no features.
    """

    NAME = "dots"
    STATE: ClassVar = {"rate_N": RATE, "chosen_N": RATE, "steps": COUNT}

    def __init__(
        self,
        pool: Pool,
        rng: np.random.Generator,
        target: float = 0.5,
        period: int = 2,
        anchors: int = 256,
        attention: float = 1.0,
        temperature: float = 1e-3,
    ) -> None:
        self._target = checks.number("target", target, 0, 1)
        self._period = checks.integer("period", period, 1)
        self._anchors = checks.integer("anchors", anchors, 1)
        self._attention = checks.number("attention", attention, 1e-6)
        self._temperature = checks.number("temperature", temperature, 1e-6)
        super().__init__(
            pool,
            rng,
            target=target,
            period=period,
            anchors=anchors,
            attention=attention,
            temperature=temperature,
        )
        self._features_ND = standardised(pool, "dots")
        self._rate_N = np.full(pool.num_tasks, 0.5)
        self._chosen_N = np.zeros(pool.num_tasks, dtype=np.bool_)  # in this period
        self._steps = 0

    def begin_step(self, absent: Ints) -> Ints:
        """Counts a step and returns the tasks that it must roll out as anchors; mostly none."""
        self._steps += 1
        if (self._steps - 1) % self._period:
            return np.empty(0, dtype=np.int64)
        self._chosen_N = np.zeros_like(self._chosen_N)
        possible = available(self._pool.num_tasks, absent)
        count = min(self._anchors, max(possible.size // _SMALLEST_SHARE, 1))
        return self._rng.choice(possible, count, replace=False)

    def learn_anchors(self, feedback: Feedback) -> None:
        """Predicts all tasks from the rollouts of anchors; keeps its predictions if all were lost.

        Args:
            feedback: counts of the tasks that `begin_step` returned.
        """
        evidence = feedback.evidence()
        if evidence.task_ids_U.size == 0:
            return
        rates_K, anchors_KD = evidence.solve_rates_U, self._features_ND[evidence.task_ids_U]
        slope, intercept = self._line(anchors_KD, rates_K)
        for first in range(0, self._pool.num_tasks, _BLOCK):
            part = slice(first, first + _BLOCK)
            base = attend(self._features_ND[part], anchors_KD, rates_K, self._attention)
            self._rate_N[part] = np.clip(slope * base + intercept, 0, 1)

    def replayed(self, num_held: int, count: int) -> Ints:
        """Places of at most `count` random groups of those held; none in the first period."""
        if self._steps <= self._period:
            count = 0
        return self._rng.choice(num_held, min(count, num_held), replace=False)

    def _line(self, anchors_KD: Floats32, rates_K: Floats) -> tuple[float, float]:
        """Slope and intercept of the anchors' rates over what the others say of them."""
        if rates_K.size < 3:  # two points are always on a line
            return 0.0, float(rates_K.mean())
        base_K = attend(anchors_KD, anchors_KD, rates_K, self._attention, itself=False)
        off_K = base_K - base_K.mean()
        slope = max(float(off_K @ rates_K) / max(float(off_K @ off_K), 1e-12), 0.0)
        return slope, float(rates_K.mean() - slope * base_K.mean())

    def _choose(self, batch_size: int, excluded: Ints) -> Ints:
        gone_N = self._chosen_N.copy()
        gone_N[excluded] = True
        if gone_N.size - np.count_nonzero(gone_N) < batch_size:
            self._chosen_N = np.zeros_like(gone_N)
            gone_N[:] = False
            gone_N[excluded] = True
        utility_N = barred(closeness(self._rate_N, self._target), np.flatnonzero(gone_N))
        chosen = softmax_b(utility_N, batch_size, self._temperature, self._rng)
        self._chosen_N[chosen] = True
        return chosen

    def solve_rates(self) -> Floats:
        """What the latest anchors predict; 1/2 before there were any."""
        return self._rate_N.copy()

    def forward_passes(self) -> int:
        """One per task."""
        return self._pool.num_tasks


def attend(
    queries_QD: Floats32,
    anchors_KD: Floats32,
    rates_K: Floats,
    temperature: float,
    itself: bool = True,
) -> Floats:
    """What each query takes from the anchors' rates, shape (Q,), in proportion to its attention.

    Args:
        queries_QD: standardised features divided by sqrt(D).
        anchors_KD: likewise.
        rates_K: in [0, 1].
        temperature: the lower, the more the nearest anchors count.
        itself: whether query k attends to anchor k; False: they are the same tasks and it must not.

    Example:
        >>> features = np.eye(2, dtype=np.float32)
        >>> attend(features, features, np.array([0.0, 1.0]), 1e-3).round(3).tolist()
        [0.0, 1.0]
    """
    scale = np.float32(np.sqrt(anchors_KD.shape[1]) / temperature)
    weights_QK = queries_QD @ (anchors_KD.T * scale)
    if not itself:
        np.fill_diagonal(weights_QK, -np.inf)
    weights_QK -= weights_QK.max(axis=1, keepdims=True)
    np.exp(weights_QK, out=weights_QK)
    return (weights_QK @ rates_K.astype(np.float32) / weights_QK.sum(axis=1)).astype(np.float64)
