"""What a rollout of a task costs: expected tokens by domain and predicted solve rate."""

from typing import Any

import numpy as np
import numpy.typing as npt

from bots import checks
from bots._types import Floats, Ints

_CLIP = 0.02  # rates nearer to 0 or 1 than this are told apart by no group of rollouts
_STEEPEST = float(np.log((1 - _CLIP) / _CLIP))
_MOST_EXPENSIVE = 64.0
_PRIOR_TASKS = 10.0  # measured tasks that outweigh what is assumed of a domain
_SUMS = 5


class ExpectedTokens:
    """Learns how long rollouts are, so that a task's utility can be divided by its cost.

    Hard tasks make long rollouts, and domains differ. Within a domain d the log of the tokens per
    rollout is a line in the logit x of the predicted solve rate, clipped to [0.02, 0.98]::

        log tokens = a_d + b_d x

    fitted by least squares with exponential forgetting: each call makes all earlier data weigh
    `momentum` times less. Ten tasks' worth of prior pulls the line over all domains towards slope
    0, and each domain's towards that one, so a domain seen little or never costs what the others
    do. The line gives medians rather than means; their ratios agree if lengths scatter alike.

    A domain is a number from 0; memory grows with the largest one seen.

    Args:
        momentum: in [0, 1). 0.99 halves the weight of data every 69 calls.

    Example:
        >>> tokens = ExpectedTokens()
        >>> tokens.observe([0] * 100, [0.1, 0.9] * 50, [4000.0, 1000.0] * 50)
        >>> tokens.costs([0, 0, 7], [0.1, 0.9, 0.1]).round(1).tolist()
        [4.0, 1.0, 3.9]
    """

    def __init__(self, momentum: float = 0.99) -> None:
        self._momentum = checks.number("momentum", momentum, 0.0, np.nextafter(1.0, 0.0))
        self._sums_DS = np.zeros((0, _SUMS))  # per domain: weight, x, y, x x, x y

    def observe(
        self, domain_U: npt.ArrayLike, rate_U: npt.ArrayLike, tokens_per_rollout_U: npt.ArrayLike
    ) -> None:
        """Takes in the rollouts of one feedback; without any, nothing is forgotten either.

        Args:
            domain_U: each measured task's domain, >= 0, shape (U,).
            rate_U: its solve rate as predicted before, in [0, 1]: `costs` will know no other.
            tokens_per_rollout_U: mean length of its rollouts, > 0.

        Raises:
            ValueError: for lengths that differ, or values out of range.
        """
        domain_U, x_U = _placed(domain_U, rate_U)
        tokens_U = checks.vector("tokens_per_rollout", tokens_per_rollout_U)
        if tokens_U.size != domain_U.size:
            raise ValueError(
                f"{tokens_U.size} token counts for {domain_U.size} tasks; give one per task"
            )
        if (tokens_U <= 0).any():
            raise ValueError(
                f"tokens_per_rollout holds {tokens_U.min():g}; a rollout has tokens: leave out a "
                "task whose rollouts were all lost"
            )
        if tokens_U.size == 0:
            return
        y_U = np.log(tokens_U)
        self._grow(int(domain_U.max()) + 1)
        self._sums_DS *= self._momentum
        terms_US = np.stack([np.ones_like(x_U), x_U, y_U, x_U * x_U, x_U * y_U], axis=1)
        np.add.at(self._sums_DS, domain_U, terms_US)

    def _grow(self, num_domains: int) -> None:
        missing = num_domains - len(self._sums_DS)
        if missing > 0:
            self._sums_DS = np.concatenate([self._sums_DS, np.zeros((missing, _SUMS))])

    def costs(self, domain_C: npt.ArrayLike, rate_C: npt.ArrayLike) -> Floats:
        """Tokens per rollout relative to the cheapest of these classes, shape (C,), in [1, 64].

        All 1 before the first observation.

        Args:
            domain_C: domains, shape (C,).
            rate_C: predicted solve rates, in [0, 1].

        Raises:
            ValueError: for lengths that differ, or values out of range.
        """
        domain_C, x_C = _placed(domain_C, rate_C)
        if domain_C.size == 0 or not self._sums_DS[:, 0].any():
            return np.ones(domain_C.size)
        overall, lines_D2 = self._fit()
        lines_D2 = np.concatenate([lines_D2, overall[None]])
        line_C2 = lines_D2[np.minimum(domain_C, len(lines_D2) - 1)]
        log_tokens_C = line_C2[:, 0] + line_C2[:, 1] * x_C
        surplus_C = np.minimum(log_tokens_C - log_tokens_C.min(), np.log(_MOST_EXPENSIVE))
        return np.clip(np.exp(surplus_C), 1.0, _MOST_EXPENSIVE)

    def _fit(self) -> tuple[Floats, Floats]:
        """The line (a, b) over all domains, and each domain's, shape (D, 2)."""
        total_S = self._sums_DS.sum(axis=0)
        overall = _line(total_S[None], np.array([0.0, _PRIOR_TASKS]), np.zeros(2))[0]
        return overall, _line(self._sums_DS, np.full(2, _PRIOR_TASKS), overall)

    def metrics(self) -> dict[str, float]:
        """The line over all domains; NaN before the first observation.

        `tokens/at_half`: expected tokens per rollout of a task that is solved half the time.
        `tokens/slope`: b, negative if harder tasks make longer rollouts. `tokens/tasks`: the
        weight of all data in tasks.
        """
        tasks = float(self._sums_DS[:, 0].sum())
        intercept, slope = self._fit()[0] if tasks > 0 else (np.nan, np.nan)
        return {
            "tokens/at_half": float(np.exp(intercept)),
            "tokens/slope": float(slope),
            "tokens/tasks": tasks,
        }

    def state_dict(self) -> dict[str, Any]:
        """The weighted sums of every domain."""
        return {"sums": self._sums_DS.copy()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Puts them back.

        Raises:
            ValueError: for other entries, or sums that no data leads to.
        """
        if not isinstance(state, dict) or set(state) != {"sums"}:
            raise ValueError(f"the token costs' state is {state!r}; it needs exactly `sums`")
        sums_DS = np.array(state["sums"])
        if sums_DS.ndim != 2 or sums_DS.shape[1] != _SUMS or sums_DS.dtype != np.float64:
            raise ValueError(
                f"sums have shape {sums_DS.shape} and dtype {sums_DS.dtype}; they must be "
                f"(domains, {_SUMS}) float64: go back to an earlier checkpoint"
            )
        if 0 < sums_DS[:, 0].sum() < 1 - 1e-9:
            raise ValueError(
                f"the sums weigh {sums_DS[:, 0].sum():g} tasks; the latest feedback alone weighs 1 "
                "or more: the state is damaged; go back to an earlier checkpoint"
            )
        bad = np.flatnonzero(~_plausible(sums_DS))
        if bad.size:
            raise ValueError(
                f"the sums of domain {bad[0]} are {sums_DS[bad[0]].tolist()}, to which no data "
                "leads: the state is damaged; go back to an earlier checkpoint"
            )
        self._sums_DS = sums_DS


def _placed(domain: npt.ArrayLike, rate: npt.ArrayLike) -> tuple[Ints, Floats]:
    """Domains as positions, and the clipped logits of solve rates."""
    domains, rates = np.asarray(domain), checks.shares("rate", rate)
    if domains.shape != rates.shape:
        raise ValueError(f"{domains.shape} domains for {rates.shape} rates; give one of each")
    if domains.size and (domains.dtype.kind not in "iu" or domains.min() < 0):
        raise ValueError(
            f"domains have dtype {domains.dtype} and start with {domains[0]}; they must be "
            "integers >= 0: number the domains"
        )
    rates = np.clip(rates, _CLIP, 1 - _CLIP)
    return domains.astype(np.int64), np.log(rates / (1 - rates))


def _line(sums_DS: Floats, ridge: Floats, centre: Floats) -> Floats:
    """Per domain the (a, b) of least sum w (y - a - b x)^2 + ridge . ((a, b) - centre)^2."""
    weight, x, y, xx, xy = sums_DS.T
    right_a, right_b = y + ridge[0] * centre[0], xy + ridge[1] * centre[1]
    weight, xx = weight + ridge[0], xx + ridge[1]
    determinant = weight * xx - x * x
    return (
        np.stack([xx * right_a - x * right_b, weight * right_b - x * right_a], 1)
        / (determinant[:, None])
    )


def _plausible(sums_DS: Floats) -> npt.NDArray[np.bool_]:
    """Which sums are finite and obey |x| <= logit(0.98) and Cauchy-Schwarz, up to rounding."""
    weight, x, _, xx, _ = sums_DS.T
    room = 1e-9 * (1 + weight)
    return (
        np.isfinite(sums_DS).all(axis=1)
        & (weight >= 0)
        & (np.abs(x) <= _STEEPEST * weight + room)
        & (xx <= _STEEPEST**2 * weight + room)
        & (weight * xx >= x * x - room)
    )
