"""AdaRFT: a target difficulty that follows the mean reward."""

from typing import ClassVar

import numpy as np

from bots import checks
from bots._types import Ints
from bots.acquisition import closeness, top_b
from bots.baselines.base import AbstractBaseline, Within, barred
from bots.baselines.labels import weak_rates
from bots.feedback import Evidence
from bots.pool import Pool

_HARDEST = 100.0
_UNMEASURED = 3 * _HARDEST  # farther from every target than any label is


class AdaRFTSelector(AbstractBaseline):
    """Takes the tasks whose difficulty label is nearest a target that rises with the mean reward.

    Labels lie on a scale from 0, always solved, to 100, never: d_k = 100 (1 - p_k), with p_k the
    weak reference's solve rate. A batch is the B tasks with the smallest |d_k - T|. After each
    feedback, with r the mean reward of all its rollouts::

        T <- clip(T + step_size tanh(sensitivity (r - target)), 0, 100)

    So T settles where rewards average `target`. It starts at `start`, among the easiest tasks.

    Nothing keeps a batch from coming again: while T stands still the same tasks are trained on
    over and over, apart from those that tie for its last places. With many tasks per label, ties
    alone decide what is seen; with few, most of the pool never is.

    Source: arXiv 2504.05520 and its released code, whose behaviour the last paragraph describes.
    Cost: the labels, rolled out beforehand; none in the run.
    Defaults: step size 50, sensitivity 2, target 0.5, start 0 and the scale 0 to 100, as published.
    T then moves by up to 50 tanh(1) = 38 at once, so it swings when a batch goes all one way.
    Differences: ties for the last places are broken at random, the code leaves them to its sort.
    The code's data loader prepares batches ahead, so they follow an older T; here the next batch
    follows the T of the last feedback. The paper labels with another model's rate in 128 rollouts;
    the weak reference has fewer, and so coarser labels. Tasks without a label are taken only when
    the others do not fill the batch; the method has no rule for them.

    Args:
        pool: the tasks; needs `weak` among its references.
        rng: breaks ties.
        step_size: eta, at least 0; the most that T moves at once.
        sensitivity: alpha, at least 0.
        target: beta, the mean reward at which T stands still, in [0, 1].
        start: the first T, in [0, 100].

    Raises:
        ValueError: when the pool has no weak solve rates.
    """

    NAME = "adarft"
    STATE: ClassVar = {"difficulty": Within(0, _HARDEST)}

    def __init__(
        self,
        pool: Pool,
        rng: np.random.Generator,
        step_size: float = 50.0,
        sensitivity: float = 2.0,
        target: float = 0.5,
        start: float = 0.0,
    ) -> None:
        self._step_size = checks.number("step_size", step_size, 0)
        self._sensitivity = checks.number("sensitivity", sensitivity, 0)
        self._target = checks.number("target", target, 0, 1)
        self._difficulty = checks.number("start", start, 0, _HARDEST)
        difficulty_N = _HARDEST * (1 - weak_rates(self.NAME, pool))
        super().__init__(
            pool,
            rng,
            step_size=self._step_size,
            sensitivity=self._sensitivity,
            target=self._target,
            start=self._difficulty,
        )
        self._difficulty_N = np.nan_to_num(difficulty_N, nan=_UNMEASURED)

    def _choose(self, batch_size: int, excluded: Ints) -> Ints:
        utility_N = closeness(self._difficulty_N, self._difficulty)
        return top_b(barred(utility_N, excluded), batch_size, self._rng)

    def _learn(self, evidence: Evidence) -> None:
        reward = evidence.successes_U.sum() / evidence.trials_U.sum()
        step = self._step_size * np.tanh(self._sensitivity * (reward - self._target))
        self._difficulty = float(np.clip(self._difficulty + step, 0, _HARDEST))

    def metrics(self) -> dict[str, float]:
        """`adarft/target_difficulty`: T, from 0 to 100."""
        return {"adarft/target_difficulty": self._difficulty}
