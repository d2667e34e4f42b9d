"""The belief: one Beta distribution per task over its current solve rate."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bots import checks
from bots._types import Floats
from bots.feedback import Evidence


@dataclass(frozen=True, slots=True, eq=False)
class BetaPosterior:
    """Independent beliefs p_k ~ Beta(alpha_k, beta_k) about the solve rates of N tasks.

    Attributes:
        alpha_N: shape (N,), > 0, pseudo-counts of success.
        beta_N: shape (N,), > 0, pseudo-counts of failure.

    Raises:
        ValueError: when a pseudo-count is not finite and positive, or the lengths differ.
    """

    alpha_N: Floats
    beta_N: Floats

    def __post_init__(self) -> None:
        alpha_N, beta_N = _pseudo_counts("alpha", self.alpha_N), _pseudo_counts("beta", self.beta_N)
        if alpha_N.size != beta_N.size:
            raise ValueError(
                f"{alpha_N.size} alphas for {beta_N.size} betas; give one of each per task"
            )
        object.__setattr__(self, "alpha_N", alpha_N)
        object.__setattr__(self, "beta_N", beta_N)

    @staticmethod
    def uniform(num_tasks: int) -> "BetaPosterior":
        """Beta(1, 1) for every task: any solve rate is as likely as any other."""
        ones_N = np.ones(checks.integer("num_tasks", num_tasks, 1))
        return BetaPosterior(ones_N, ones_N)

    @property
    def num_tasks(self) -> int:
        """N."""
        return int(self.alpha_N.size)

    def mean(self) -> Floats:
        """Expected solve rates alpha / (alpha + beta), shape (N,)."""
        return self.alpha_N / (self.alpha_N + self.beta_N)

    def effective_sample_size(self) -> Floats:
        """How many rollouts each belief is worth, alpha + beta, shape (N,), prior included."""
        return self.alpha_N + self.beta_N

    def sample(self, rng: np.random.Generator) -> Floats:
        """One independent draw of every solve rate, shape (N,)."""
        return rng.beta(self.alpha_N, self.beta_N)

    def update(
        self,
        evidence: Evidence,
        prior: "BetaPosterior",
        forgetting: float = 0.0,
        implicit_weight: float = 0.0,
        predicted_N: Floats | None = None,
        out: "BetaPosterior | None" = None,
    ) -> "BetaPosterior":
        """The belief after one training step, by the generalised update of BOTS.

        For a task that was measured, with s successes and f failures::

            alpha' = (1 - lambda) alpha + lambda alpha_0 + s
            beta'  = (1 - lambda) beta  + lambda beta_0  + f

        and for every other task, with p~ its predicted solve rate and n the mean group size::

            alpha' = (1 - lambda) alpha + lambda alpha_0 + rho n p~
            beta'  = (1 - lambda) beta  + lambda beta_0  + rho n (1 - p~)

        A measured task gains exactly its trials whatever rho: the paper weighs explicit evidence
        by 1 - rho and implicit evidence by rho, and lets the measurement stand in for the
        prediction of a measured task, so the two weights add up to 1. Under a constant stream of
        evidence the effective sample size settles between alpha_0 + beta_0 + rho n / lambda, for a
        task that is never measured, and alpha_0 + beta_0 + n / lambda, for one that always is.

        Source: arXiv 2510.26374, the generalised posterior update and Proposition 2. Differences:
        n is the mean size of the groups in `evidence`, not a constant that the user must keep equal
        to the trainer's setting; counts are taken as they are, so partial groups weigh less; a NaN
        prediction is no evidence at all.

        Args:
            evidence: counts of the measured tasks.
            prior: alpha_0 and beta_0, one per task.
            forgetting: lambda in [0, 1], the pull towards the prior: 0 never forgets, 1 keeps
                only this step's evidence. The weight of a measurement halves every
                ln 2 / -ln(1 - lambda) steps: 6.6 for 0.1.
            implicit_weight: rho in [0, 1], what a prediction weighs against a measurement.
            predicted_N: p~, shape (N,), in [0, 1] or NaN; None when nothing is predicted.
            out: another posterior of N tasks whose memory the result may take; it must not be used
                afterwards. Fresh memory for two vectors costs more than the arithmetic.

        Returns:
            The new posterior; this one is left as it is.

        Raises:
            ValueError: for lambda, rho or a prediction outside [0, 1], or a prediction of another
                length.

        Example:
            >>> from bots import Feedback
            >>> evidence = Feedback([0], [3], [4]).evidence()
            >>> prior = BetaPosterior.uniform(2)
            >>> after = prior.update(evidence, prior, 0.1, 0.5, np.array([0.9, 0.25]))
            >>> after.alpha_N.tolist(), after.beta_N.tolist()
            ([4.0, 1.5], [2.0, 2.5])
        """
        checks.number("forgetting", forgetting, 0, 1)
        weight = checks.number("implicit_weight", implicit_weight, 0, 1) * evidence.group_size
        if predicted_N is not None:
            _check_prediction(predicted_N, self.num_tasks)
        tasks_U = evidence.task_ids_U
        failures_U = evidence.trials_U - evidence.successes_U
        alpha_U = (
            _decayed(self.alpha_N[tasks_U], prior.alpha_N[tasks_U], forgetting)
            + evidence.successes_U
        )
        beta_U = _decayed(self.beta_N[tasks_U], prior.beta_N[tasks_U], forgetting) + failures_U

        alpha_N, beta_N = _arrays(self.num_tasks, out)
        _decayed(self.alpha_N, prior.alpha_N, forgetting, alpha_N)
        _decayed(self.beta_N, prior.beta_N, forgetting, beta_N)
        if predicted_N is not None and weight > 0:
            _add_prediction(alpha_N, beta_N, predicted_N, weight)
        alpha_N[tasks_U], beta_N[tasks_U] = alpha_U, beta_U
        return _trusted(alpha_N, beta_N)


def _pseudo_counts(name: str, values: npt.ArrayLike) -> Floats:
    array = checks.vector(name, values)
    bad = np.flatnonzero(array <= 0)
    if bad.size:
        raise ValueError(f"{name}[{bad[0]}] is {array[bad[0]]:g}; a pseudo-count must be > 0")
    return array


def _check_prediction(predicted_N: Floats, num_tasks: int) -> None:
    if predicted_N.shape != (num_tasks,):
        raise ValueError(
            f"predicted solve rates have shape {predicted_N.shape}; they must be ({num_tasks},)"
        )
    lowest, highest = np.fmin.reduce(predicted_N), np.fmax.reduce(predicted_N)
    if lowest < 0 or highest > 1:
        raise ValueError(
            f"predicted solve rates span [{lowest:g}, {highest:g}]; they must lie in [0, 1] "
            "or be NaN: clip them"
        )


def _decayed(counts: Floats, prior: Floats, forgetting: float, out: Floats | None = None) -> Floats:
    """(1 - lambda) counts + lambda prior, without a temporary, exact for lambda 0 and 1."""
    out = np.subtract(counts, prior, out=out)
    out *= 1 - forgetting
    out += prior
    if forgetting == 0:
        out[...] = counts
    return out


def _add_prediction(alpha_N: Floats, beta_N: Floats, predicted_N: Floats, weight: float) -> None:
    successes_N = weight * predicted_N
    known_N = True if np.isfinite(successes_N.sum()) else ~np.isnan(predicted_N)
    np.add(alpha_N, successes_N, out=alpha_N, where=known_N)
    np.add(beta_N, weight, out=beta_N, where=known_N)
    np.subtract(beta_N, successes_N, out=beta_N, where=known_N)


def _arrays(num_tasks: int, out: BetaPosterior | None) -> tuple[Floats, Floats]:
    if out is None:
        return np.empty(num_tasks), np.empty(num_tasks)
    out.alpha_N.setflags(write=True)
    out.beta_N.setflags(write=True)
    return out.alpha_N, out.beta_N


def _trusted(alpha_N: Floats, beta_N: Floats) -> BetaPosterior:
    """A posterior without the constructor's checks and copies, for arrays computed here."""
    posterior = object.__new__(BetaPosterior)
    for name, array in (("alpha_N", alpha_N), ("beta_N", beta_N)):
        array.setflags(write=False)
        object.__setattr__(posterior, name, array)
    return posterior
