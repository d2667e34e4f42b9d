"""Prediction by an online logistic regression on reference rates and domains."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from bots import checks
from bots._types import Floats, Ints
from bots.live.belief.classes import TaskClasses
from bots.live.prediction.logistic import Counts, excess, fitted, shrinkage, sigmoid
from bots.live.prediction.predictor import AbstractPredictor

_PRIOR_SD = {"ability": 2.0, "weight": 0.5, "missing": 1.0, "domain": 1.0}  # logits
_DRIFT_SD = {"ability": 0.05, "weight": 0.003, "missing": 0.003, "domain": 0.02}  # a version
_RESIDUAL_RANGE = (0.1, 4.0)  # logits
_TINY = 1e-300


_LARGEST = 1e6  # of means and covariances: far beyond what a logit can be


@dataclass(frozen=True, slots=True, eq=False)
class _Belief:
    """A normal belief about theta_0, w_1..w_K, v_1..v_K and then the domains' theta_d."""

    names_K: tuple[str, ...]
    domains_D: tuple[str, ...]
    mean_P: Floats
    covariance_PP: Floats


class LogitPrediction(AbstractPredictor):
    """Tracks the learner's ability, overall and per domain, and the weight of every reference.

    A measured task of class c in domain d has s successes in n trials::

        eta_c = theta_0 + theta_d + sum_k w_k z_ck + sum_k v_k 1[r_ck missing]
        s ~ Binomial(n, sigmoid(eta_c + e)),   e ~ N(0, tau^2) a residual of the task
        z_ck = logit((16 r_ck + 0.5) / 17), 0 when r_ck is missing

    The belief about the 1 + 2 K + D parameters is normal. Every call adds `versions` steps of a
    random walk to it, never beyond the prior's variance, and then moves it to the mode given the
    call's counts, by Newton steps in the Fisher-information form. With m = sigmoid(a eta),
    a = 1 / sqrt(1 + pi tau^2 / 8), the mean over the residual, a task's information about eta is::

        a^2 n m (1 - m) / (1 + tau^2 a^2 (n - 1) m (1 - m))

    so that many trials of one task tell no more about the others than 1 / tau^2. tau^2 is learned
    from what the spread of measured rates around the fit exceeds that of the binomial. A class
    with eta ~ N(h, u) is predicted E[sigmoid(eta + e)], about sigmoid(h / sqrt(1 + pi v / 8)) with
    v = u + tau^2.

    There may be any number of references, none too: then domains have means. A domain without a
    measurement has theta_d = 0 give or take 1, so it is predicted from theta_0.

    Source: extended Kalman filter for dynamic generalised linear models (Fahrmeir, JASA 87, 1992);
    the approximate mean of a logistic normal (MacKay, Neural Computation 4, 1992). Not in the
    paper, which interpolates linearly: `LinePrediction`.

    Measured tasks are taken as a random sample of their class. A selector chooses some of them for
    their residual, so ability leans towards p* in classes that are often measured.

    Cost of `observe`: O(U P^2 + P^3), which 20 domains make 0.6 ms for U = 512, and 300 make 35 ms.

    Args:
        residual: tau before the first call, in logits, in [0.1, 4].
        momentum: of the moving averages that tau^2 is learned from, in [0, 1]; 1 keeps `residual`.
        drift: factor on the standard deviation of the random walk, at least 0. At 1 a version moves
            theta_0 by 0.05, theta_d by 0.02 and weights by 0.003.

    Example:
        >>> classes = TaskClasses(np.array([[0.1], [0.9]]), ("weak",), np.array([0, 0]), ("",))
        >>> logit = LogitPrediction()
        >>> logit.observe(classes, np.array([0, 0]), np.array([3.0, 5.0]), np.full(2, 8.0), 1)
        >>> logit.predict(classes).round(1).tolist()
        [0.5, 0.9]
    """

    def __init__(self, residual: float = 1.0, momentum: float = 0.95, drift: float = 1.0) -> None:
        residual = checks.number("residual", residual, *_RESIDUAL_RANGE)
        self._momentum = checks.number("momentum", momentum, 0.0, 1.0)
        self._drift = checks.number("drift", drift, 0.0)
        self._belief: _Belief | None = None
        self._spread = np.array([residual**2, 1.0])  # sums whose ratio is tau^2

    def observe(
        self,
        classes: TaskClasses,
        class_U: Ints,
        successes_U: Floats,
        trials_U: Floats,
        versions: float,
    ) -> None:
        """One step of drift, then of learning; ValueError when the references have changed."""
        versions = checks.number("versions", versions, 0.0)
        belief = _drifted(_extended(self._belief, classes), versions * self._drift**2)
        some_U = trials_U > 0
        if some_U.any():
            trials_U = trials_U[some_U]
            x_UP = _design(belief, classes, class_U[some_U])
            counts = Counts(x_UP, successes_U[some_U] / trials_U, trials_U)
            mean_P, covariance_PP = fitted(
                belief.mean_P, belief.covariance_PP, counts, self._variance
            )
            spread = excess(mean_P, covariance_PP, counts, self._variance)
            self._spread = self._momentum * self._spread + (1 - self._momentum) * spread
            belief = _Belief(belief.names_K, belief.domains_D, mean_P, covariance_PP)
        self._belief = belief

    @property
    def _variance(self) -> float:
        """tau^2."""
        lowest, highest = _RESIDUAL_RANGE
        return float(np.clip(self._spread[0] / max(self._spread[1], _TINY), lowest**2, highest**2))

    def predict(self, classes: TaskClasses) -> Floats | None:
        """E[sigmoid(eta + e)] of every class; None before the first call of `observe`."""
        if self._belief is None:
            return None
        belief = _extended(self._belief, classes)
        x_CF = _features(classes.references_CK)
        count = x_CF.shape[1]
        own_C = count + _places(belief, classes)[classes.domain_C]
        shared_CF = x_CF @ belief.covariance_PP[:count, :count]
        cross_CF = belief.covariance_PP[own_C, :count]
        variance_C = ((shared_CF + 2 * cross_CF) * x_CF).sum(axis=1)
        variance_C += belief.covariance_PP[own_C, own_C] + self._variance
        mean_C = x_CF @ belief.mean_P[:count] + belief.mean_P[own_C]
        return sigmoid(mean_C * shrinkage(variance_C))

    def metrics(self) -> dict[str, float]:
        """theta_0, its standard deviation, tau, and every w_k and theta_d, in logits.

        They are `predictor/ability`, `predictor/ability_sd`, `predictor/residual`,
        `predictor/weight/NAME` and `predictor/ability/DOMAIN`; only tau before the first call.
        """
        figures = {"predictor/residual": float(np.sqrt(self._variance))}
        if self._belief is None:
            return figures
        mean_P, count = self._belief.mean_P, len(self._belief.names_K)
        weights = zip(self._belief.names_K, mean_P[1:], strict=False)
        domains = zip(self._belief.domains_D, mean_P[1 + 2 * count :], strict=True)
        return (
            figures
            | {
                "predictor/ability": float(mean_P[0]),
                "predictor/ability_sd": float(np.sqrt(self._belief.covariance_PP[0, 0])),
            }
            | {f"predictor/weight/{name}": float(weight) for name, weight in weights}
            | {f"predictor/ability/{label}": float(ability) for label, ability in domains}
        )

    def state_dict(self) -> dict[str, Any]:
        """The belief with the names it is about, and the sums behind tau."""
        belief = self._belief or _Belief((), (), np.empty(0), np.empty((0, 0)))
        return {
            "references": list(belief.names_K),
            "domains": list(belief.domains_D),
            "mean": belief.mean_P.copy(),
            "covariance": belief.covariance_PP.copy(),
            "spread": self._spread.copy(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Puts all of it back."""
        entries = {"references", "domains", "mean", "covariance", "spread"}
        if not isinstance(state, dict) or set(state) != entries:
            raise ValueError(
                f"the predictor's state is {state!r}; logistic regression needs exactly "
                f"{sorted(entries)}: build the selector with the predictor it was saved with"
            )
        spread = checks.vector("spread", state["spread"])
        if spread.size != 2 or spread[1] < 0:
            raise ValueError(f"spread is {spread}; it must hold two sums, the second at least 0")
        self._belief, self._spread = _restored(state), spread


def _features(references_RK: Floats) -> Floats:
    """1, z and what is missing, shape (R, 1 + 2 K), for R rows of rates."""
    missing_RK = np.isnan(references_RK)
    chance_RK = (16 * np.where(missing_RK, 0.5, references_RK) + 0.5) / 17
    z_RK = np.log(chance_RK / (1 - chance_RK))
    return np.column_stack([np.ones(len(references_RK)), z_RK, missing_RK])


def _per_parameter(sds: dict[str, float], num_references: int, num_domains: int) -> Floats:
    counts = (1, num_references, num_references, num_domains)
    return np.repeat([sds[kind] for kind in ("ability", "weight", "missing", "domain")], counts)


def _extended(belief: _Belief | None, classes: TaskClasses) -> _Belief:
    """The belief with the prior for the parameters that it lacks."""
    names_K = classes.names_K
    if belief is None:
        mean_P = np.repeat([0.0, 1 / max(len(names_K), 1), 0.0], (1, len(names_K), len(names_K)))
        covariance_PP = np.diag(_per_parameter(_PRIOR_SD, len(names_K), 0) ** 2)
        belief = _Belief(names_K, (), mean_P, covariance_PP)
    if belief.names_K != names_K:
        raise ValueError(
            f"the predictor has learned with references {list(belief.names_K)}, the classes have "
            f"{list(names_K)}: give the pool the same references (NaN where not measured)"
        )
    if belief.domains_D == classes.domains_D:
        return belief
    new = [label for label in classes.domains_D if label not in set(belief.domains_D)]
    size = belief.mean_P.size
    covariance_PP = np.eye(size + len(new)) * _PRIOR_SD["domain"] ** 2
    covariance_PP[:size, :size] = belief.covariance_PP
    mean_P = np.append(belief.mean_P, np.zeros(len(new)))
    return _Belief(names_K, (*belief.domains_D, *new), mean_P, covariance_PP)


def _places(belief: _Belief, classes: TaskClasses) -> Ints:
    """Where the belief has each of the classes' domains, shape (D,)."""
    if belief.domains_D == classes.domains_D:
        return np.arange(len(belief.domains_D))
    place = {label: d for d, label in enumerate(belief.domains_D)}
    return np.array([place[label] for label in classes.domains_D])


def _design(belief: _Belief, classes: TaskClasses, class_U: Ints) -> Floats:
    """The measured tasks' rows, shape (U, P), with eta = x . parameters."""
    features_UF = _features(classes.references_CK[class_U])
    x_UP = np.zeros((class_U.size, belief.mean_P.size))
    x_UP[:, : features_UF.shape[1]] = features_UF
    own_U = _places(belief, classes)[classes.domain_C[class_U]]
    x_UP[np.arange(class_U.size), features_UF.shape[1] + own_U] = 1
    return x_UP


def _drifted(belief: _Belief, versions: float) -> _Belief:
    """After a random walk; no parameter becomes less certain than it was at first."""
    sizes = (len(belief.names_K), len(belief.domains_D))
    covariance_PP = belief.covariance_PP.copy()
    diagonal_P = np.einsum("pp->p", covariance_PP)
    diagonal_P += versions * _per_parameter(_DRIFT_SD, *sizes) ** 2
    shrink_P = np.minimum(_per_parameter(_PRIOR_SD, *sizes) / np.sqrt(diagonal_P), 1)
    covariance_PP *= shrink_P[:, None] * shrink_P
    return _Belief(belief.names_K, belief.domains_D, belief.mean_P, covariance_PP)


def _restored(state: dict[str, Any]) -> _Belief | None:
    for name in ("references", "domains"):
        labels = state[name]
        if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
            raise ValueError(f"the state's {name} are {labels!r}; they must be labels")
    names_K, domains_D = tuple(state["references"]), tuple(state["domains"])
    mean_P = checks.vector("mean", state["mean"])
    covariance_PP = checks.numbers("covariance", state["covariance"])
    size = 1 + 2 * len(names_K) + len(domains_D)
    if mean_P.size == 0 and covariance_PP.size == 0 and not (names_K or domains_D):
        return None
    if mean_P.size != size or covariance_PP.shape != (size, size):
        raise ValueError(
            f"the state has a mean of shape {mean_P.shape} and a covariance of shape "
            f"{covariance_PP.shape} for {len(names_K)} references and {len(domains_D)} domains; "
            f"they must be ({size},) and ({size}, {size}): go back to an earlier checkpoint"
        )
    if not _plausible(mean_P, covariance_PP):
        raise ValueError(
            "the state's covariance is not finite, symmetric and positive, or its mean is beyond "
            "use: it is damaged, go back to an earlier checkpoint"
        )
    return _Belief(names_K, domains_D, mean_P, covariance_PP)


def _plausible(mean_P: Floats, covariance_PP: Floats) -> bool:
    """Whether the covariance is symmetric and positive, and neither is beyond use."""
    if not np.isfinite(covariance_PP).all() or np.abs(covariance_PP).max() > _LARGEST:
        return False
    symmetric = np.abs(covariance_PP - covariance_PP.T).max() <= 1e-9
    lowest = np.linalg.eigvalsh(covariance_PP)[0]
    return bool(symmetric and lowest > 0 and np.abs(mean_P).max() <= _LARGEST)
