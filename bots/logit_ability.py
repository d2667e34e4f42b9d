"""What all tasks share: ability, domains' abilities and references' weights, tracked in logits."""

from typing import Any

import numpy as np
from scipy.special import logit

from bots._types import Floats, Ints
from bots.pool import Pool

_EDGE = 0.03  # reference rates of 0 and 1 have finite logits
_ABILITY_SD, _WEIGHT_SD, _DOMAIN_SD = 2.0, 0.3, 1.0  # prior
_WEIGHTS = 0.7  # sum of the references' weights at first
_ABILITY_DRIFT, _WEIGHT_DRIFT, _DOMAIN_DRIFT = 0.03, 0.003, 0.1  # sd per update
_MOST_DOMAINS = 200  # beyond, their covariance would cost more than it tells


class LogitAbility:
    """A Kalman filter of w, by which tasks' logits are expected to be w . x_k::

        x_k = (1, L(r_1k), ..., L(r_Kk), [domain of k = d] for all d)
        L(r) = logit(.03 + .94 r),   w ~ N(mean, covariance), a random walk

    A missing rate counts as the mean L of those that the reference has. Labels of domains are used
    if there are 2 to 200.

    Args:
        pool: the tasks.
        references: whether reference rates are used.
        domains: whether labels are.
        learned: whether w is; otherwise it stays at ability 0 and equal weights with sum .7.
    """

    def __init__(self, pool: Pool, references: bool, domains: bool, learned: bool) -> None:
        self._x_NF = _features(pool, references)
        self._domain_N, num_domains = _domains(pool, domains)
        num_references = self._x_NF.shape[1] - 1
        counts = (1, num_references, num_domains)
        self._learned = learned
        self.mean_P = np.repeat([0.0, _WEIGHTS / max(num_references, 1), 0.0], counts)
        variances_P = np.repeat([_ABILITY_SD**2, _WEIGHT_SD**2, _DOMAIN_SD**2], counts)
        self.covariance_PP = np.diag(variances_P) * learned
        walks_P = np.repeat([_ABILITY_DRIFT**2, _WEIGHT_DRIFT**2, _DOMAIN_DRIFT**2], counts)
        self._walk_PP = np.diag(walks_P) * learned

    def predictors(self, tasks_U: Ints) -> Floats:
        """x, shape (U, P)."""
        of_domains = np.zeros((tasks_U.size, self.mean_P.size - self._x_NF.shape[1]))
        if of_domains.shape[1]:
            of_domains[np.arange(tasks_U.size), self._domain_N[tasks_U]] = 1.0
        return np.concatenate([self._x_NF[tasks_U], of_domains], axis=1)

    def expected(self) -> tuple[Floats, Floats]:
        """Expected logits of all tasks, and the marginal variance of their domains' abilities.

        The intercept and the domains are told apart by their priors alone, so that variance is
        larger than the one of their sum: a doubt that keeps domains in the draw.
        """
        features = self._x_NF.shape[1]
        mean_N = self._x_NF @ self.mean_P[:features]
        if self.mean_P.size == features:
            return mean_N, np.zeros(mean_N.size)
        variance_D = np.diag(self.covariance_PP)[features:]
        return mean_N + self.mean_P[features:][self._domain_N], variance_D[self._domain_N]

    def walk(self) -> None:
        """One update's share of the random walk."""
        self.covariance_PP = self.covariance_PP + self._walk_PP

    def shared(self, x_UP: Floats) -> Floats:
        """X' covariance x, shape (U,)."""
        return np.einsum("up,pq,uq->u", x_UP, self.covariance_PP, x_UP)

    def learn(self, x_UP: Floats, surprise_U: Floats, variance_U: Floats) -> None:
        """Takes in measurements that are off by `surprise_U`, with that variance of their own::

        covariance^-1 += sum x x' / variance,   mean += covariance sum x surprise / variance
        """
        if not self._learned:
            return
        weighed_UP = x_UP / variance_U[:, None]
        precision_PP = np.linalg.inv(self.covariance_PP) + weighed_UP.T @ x_UP
        covariance_PP = np.linalg.inv(precision_PP)
        self.covariance_PP = (covariance_PP + covariance_PP.T) / 2
        self.mean_P = self.mean_P + self.covariance_PP @ (weighed_UP.T @ surprise_U)

    def state_dict(self) -> dict[str, Any]:
        """Copies of mean and covariance."""
        return {"mean_P": self.mean_P.copy(), "covariance_PP": self.covariance_PP.copy()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Puts them back.

        Raises:
            ValueError: for arrays of another shape, or that are no mean and covariance.
        """
        arrays = {}
        for name, now in self.state_dict().items():
            value = state[name]
            alike = isinstance(value, np.ndarray) and value.shape == now.shape
            if not alike or value.dtype != now.dtype or not np.isfinite(value).all():
                raise ValueError(
                    f"the state's {name} is not a finite array of shape {now.shape}: it is damaged "
                    "or another pool's; go back to an earlier checkpoint"
                )
            arrays[name] = value.copy()
        if (np.diag(arrays["covariance_PP"]) < 0).any():
            raise ValueError(
                "the state's covariance_PP has negative variances: it is damaged; go back to an "
                "earlier checkpoint"
            )
        self.mean_P, self.covariance_PP = arrays["mean_P"], arrays["covariance_PP"]


def _features(pool: Pool, references: bool) -> Floats:
    """1 and the references' logits, shape (N, 1 + K)."""
    columns = [np.ones(pool.num_tasks)]
    for name in sorted(pool.references) if references else ():
        logit_N = logit(_EDGE + (1 - 2 * _EDGE) * pool.references[name])
        known_N = np.isfinite(logit_N)
        middle = logit_N[known_N].mean() if known_N.any() else 0.0
        columns.append(np.where(known_N, logit_N, middle))
    return np.stack(columns, axis=1)


def _domains(pool: Pool, used: bool) -> tuple[Ints, int]:
    """Each task's domain and how many there are; none where they are of no use."""
    if used and pool.domains_N is not None:
        labels, domain_N = np.unique(pool.domains_N, return_inverse=True)
        if 2 <= labels.size <= _MOST_DOMAINS:
            return domain_N, labels.size
    return np.zeros(pool.num_tasks, dtype=np.int64), 0
