"""EXP3.S with every task an arm: a tabular curator."""

from typing import ClassVar

import numpy as np

from bots import checks
from bots._types import Ints
from bots.baselines.bandits.advantage import mean_absolute_advantage
from bots.baselines.base import POSITIVE, AbstractBaseline, available
from bots.feedback import Evidence
from bots.pool import Pool

_LARGEST_EXPONENT = 1.0  # the analysis of EXP3 needs exponents of at most 1


class Exp3SSelector(AbstractBaseline):
    """Keeps a weight per task that grows with the gain the task last showed, divided by its chance.

    A batch is drawn one task after another, without replacement, in proportion to the weights w,
    which sum to 1. Afterwards, for every measured task k with gain u_k (its mean |A|, twice the
    standard deviation of its rewards up to a factor of the group's size)::

        w_k <- w_k exp(min(eta u_k / q_k, 1))
        w   <- (1 - g) w / sum(w) + g / N

    eta is `learning_rate`, g is `mixing`, and q_k is how likely task k was drawn, in units of what
    a uniform batch would give it, B / N. Rarely drawn tasks so count for more, which makes
    u_k / q_k, 0 for tasks that were not drawn, an unbiased estimate of every task's gain. The
    mixing lets the curator follow gains that move, and never gives up on a task.

    Chances without replacement: drawing in proportion to w is a race of clocks that ring after
    E_k / w_k with independent exponential E_k, and the batch are the first B. Given the time T at
    which the next clock would ring, the chance is 1 - exp(-w_k T). Weighting by it is exactly
    unbiased (priority sampling; arXiv 2002.06043 for this use), so that nothing is approximated. It
    is remembered at selection, and feedback may come late; a task that was never selected has
    q = 1. When all tasks that may be drawn are drawn, the chance is 1.

    Source: the tabular form of Actor-Curator (arXiv 2602.20532), whose neural curator is trained by
    online mirror descent on importance-weighted gains; EXP3.S of Auer, Cesa-Bianchi, Freund and
    Schapire, SIAM J. Comput. 32 (2002).

    Cost: no extra rollouts, no labels.

    Defaults: none is published for many arms and few draws of each; EXP3.S' own tuning would mix
    with g = 1 for this many arms. eta 1 and g 0.01 let a task of full gain grow by a factor of e
    when it is drawn at the uniform rate, and halve what was learnt in about 70 steps.

    Differences: Actor-Curator's curator is a network, which generalises between tasks, and its gain
    is an estimate of policy improvement; here each task stands alone, and the gain is mean |A|.
    EXP3.S draws one arm per round from (1 - gamma) w / sum(w) + gamma / N, multiplies by
    exp(gamma u / (N p)), with p the chance of that draw, and adds e alpha / N times the sum of the
    old weights. Here a batch is one round; eta / q stands for gamma / (N p), to which it comes down
    for B = 1, eta = gamma and q by the chance p; exponents are cut at 1, which EXP3.S' cannot
    exceed by construction; and one mixture after normalising is both its exploration (gamma) and
    its share (e alpha). With the cut the estimate of a large u / q is no longer unbiased, but low.
    One q is kept per task, that of its last draw: a task drawn again before the feedback of its
    first draw came has that feedback weighted by the later chance. That is close
    where its weight moved little in between, and exact where feedback comes before the next draw.

    Args:
        pool: the tasks; only their number is used.
        rng: the selector's own random numbers.
        learning_rate: eta, at least 0; 0 stays uniform.
        mixing: g, in [1e-6, 1]; 1 stays uniform.
    """

    NAME = "exp3s"
    STATE: ClassVar = {"weight_N": POSITIVE, "chance_N": POSITIVE}

    def __init__(
        self,
        pool: Pool,
        rng: np.random.Generator,
        learning_rate: float = 1.0,
        mixing: float = 0.01,
    ) -> None:
        self._learning_rate = checks.number("learning_rate", learning_rate, 0)
        self._mixing = checks.number("mixing", mixing, 1e-6, 1)
        super().__init__(pool, rng, learning_rate=learning_rate, mixing=mixing)
        self._weight_N = np.full(pool.num_tasks, 1 / pool.num_tasks)
        self._chance_N = np.ones(pool.num_tasks)  # q, at the last selection

    def _choose(self, batch_size: int, excluded: Ints) -> Ints:
        num_tasks = self._pool.num_tasks
        if batch_size == num_tasks - excluded.size:
            chosen, chance_B = available(num_tasks, excluded), np.ones(batch_size)
        else:
            clock_N = self._rng.standard_exponential(num_tasks) / self._weight_N
            clock_N[excluded] = np.inf
            first = np.argpartition(clock_N, batch_size)[: batch_size + 1]
            chosen, next_time = first[:batch_size], clock_N[first[batch_size]]
            chance_B = -np.expm1(-self._weight_N[chosen] * next_time)
        least = np.finfo(np.float64).tiny
        self._chance_N[chosen] = np.maximum(chance_B * num_tasks / batch_size, least)
        return chosen

    def _learn(self, evidence: Evidence) -> None:
        tasks_U = evidence.task_ids_U
        gain_U = mean_absolute_advantage(evidence.successes_U, evidence.trials_U)
        limit_U = _LARGEST_EXPONENT * self._chance_N[tasks_U]
        exponent_U = np.minimum(self._learning_rate * gain_U, limit_U) / self._chance_N[tasks_U]
        self._weight_N[tasks_U] *= np.exp(exponent_U)
        self._weight_N *= (1 - self._mixing) / self._weight_N.sum()
        self._weight_N += self._mixing / self._weight_N.size

    def metrics(self) -> dict[str, float]:
        """Effective share of the pool, 1 / (N sum w^2), and the largest weight times N."""
        num_tasks, squares = self._weight_N.size, float((self._weight_N**2).sum())
        return {
            "exp3s/effective_share": 1 / (num_tasks * squares),
            "exp3s/largest_weight": num_tasks * float(self._weight_N.max()),
        }
