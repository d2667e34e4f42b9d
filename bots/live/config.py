"""The settings of the live selector."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import numpy as np

from bots import checks
from bots._types import Floats
from bots.feedback import LATEST_VERSION

PREDICTORS = ("line", "logit", "none")
UTILITIES = ("closeness", "informative", "variance", "deviation")
ALLOCATIONS = ("belief", "progress", "size")

_ROUNDING = 1e-9  # of shares that are written with a few decimals


@dataclass(frozen=True, slots=True)
class LiveConfig:
    """What `LiveSelector` believes and prefers; the defaults are the paper's law, and nothing else.

    Attributes:
        forgetting: lambda in [0, 1], the share of a belief that is lost per policy version.
        implicit_weight: rho in [0, 1], what a prediction weighs against a measurement.
        learned_weight: whether rho is learned from the predictions' errors; it begins at
            `implicit_weight` (`LearnedWeight`).
        predictor: where predictions come from: the paper's `line` between the references `weak` and
            `strong`; `logit`, an ability per domain and any number of references; or `none`.
        momentum: gamma of the line, in [0, 1).
        min_gap: of the line, in (0, 1].
        target: p* in [0, 1].
        thompson: whether solve rates are drawn from the beliefs; False takes expectations.
        utility: what is chosen for. `closeness` to the target (the paper); under expectations also
            `informative`, the chance that a group holds successes and failures, `variance`,
            E[p (1 - p)], or `deviation`, E[sqrt(p (1 - p))].
        per_token: whether utilities are divided by expected tokens.
        fractional: whether rewards between 0 and 1 count as more than one trial each
            (`Evidence.information`).
        staleness: share of a count that is lost per version between generation and arrival, in
            [0, 1].
        coverage: share of a batch that is drawn uniformly from all tasks, in [0, 1]; shares of
            domains are of the other places.
        cooldown: policy versions during which a measured task rests.
        retest: policy versions after which a task that was all solved or all failed is drawn from
            the prior; doubled with every visit that changes nothing. inf: never.
        patience: policy versions after which a batch without feedback counts as lost.
        allocation: how places are divided among domains: by `belief`, as they would fall without
            bounds; by `progress` in solving them; or by `size`.
        domain_floor: least share of a batch for each domain.
        domain_ceiling: greatest share.
        domain_shares: least and greatest share of the domains that have their own, by label; equal
            ones are a quota.
        prior_successes: alpha_0 > 0.
        prior_failures: beta_0 > 0.
    """

    forgetting: float = 0.1
    implicit_weight: float = 0.1
    learned_weight: bool = False
    predictor: str = "line"
    momentum: float = 0.9
    min_gap: float = 0.02
    target: float = 0.5
    thompson: bool = True
    utility: str = "closeness"
    per_token: bool = False
    fractional: bool = False
    staleness: float = 0.0
    coverage: float = 0.0
    cooldown: float = 0.0
    retest: float = math.inf
    patience: float = 256.0
    allocation: str = "belief"
    domain_floor: float = 0.0
    domain_ceiling: float = 1.0
    domain_shares: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    prior_successes: float = 1.0
    prior_failures: float = 1.0

    def __post_init__(self) -> None:
        for name in ("forgetting", "implicit_weight", "target", "staleness", "coverage"):
            self._number(name, 0, 1)
        self._number("momentum", 0, math.nextafter(1, 0))
        self._number("min_gap", math.nextafter(0, 1), 1)
        self._number("cooldown", 0, LATEST_VERSION)
        for name in ("retest", "patience"):
            value = getattr(self, name)
            if not isinstance(value, float | np.floating) or value != math.inf:
                self._number(name, 1, LATEST_VERSION)
        for name in ("prior_successes", "prior_failures"):
            self._number(name, 1e-3)
        for name, choices in (
            ("predictor", PREDICTORS),
            ("utility", UTILITIES),
            ("allocation", ALLOCATIONS),
        ):
            if getattr(self, name) not in choices:
                raise ValueError(
                    f"{name} is {getattr(self, name)!r}; choose from {', '.join(choices)}"
                )
        for setting in fields(self):
            if setting.type is bool:
                checks.flag(setting.name, getattr(self, setting.name))
        if self.thompson and self.utility != "closeness":
            raise ValueError(
                f"utility is {self.utility!r} with thompson=True; on a draw it orders tasks as "
                "closeness to 0.5 does: use utility='closeness', or thompson=False for expectations"
            )
        _check_shares("every domain", self.domain_floor, self.domain_ceiling)
        for name in ("domain_floor", "domain_ceiling"):
            self._number(name, 0, 1)
        if not isinstance(self.domain_shares, Mapping):
            raise ValueError(f"domain_shares is {self.domain_shares!r}; map labels to two shares")
        for label, shares in self.domain_shares.items():
            if (
                not isinstance(label, str)
                or not isinstance(shares, list | tuple)
                or len(shares) != 2
            ):
                raise ValueError(
                    f"domain_shares has {label!r}: {shares!r}; map a label, as a string, to its "
                    "least and greatest share"
                )
            _check_shares(f"domain {label!r}", *shares)
        own = {
            label: (float(low), float(high)) for label, (low, high) in self.domain_shares.items()
        }
        object.__setattr__(self, "domain_shares", own)

    def _number(self, name: str, lowest: float, highest: float = math.inf) -> None:
        """Checks a setting, and keeps it as Python's own float."""
        value = checks.number(name, getattr(self, name), lowest, highest)
        object.__setattr__(self, name, value)

    @property
    def predicts(self) -> bool:
        """Whether predictions count for anything."""
        return self.implicit_weight > 0 or self.learned_weight

    @property
    def divides(self) -> bool:
        """Whether places are divided among domains, rather than left to the ranking."""
        bounded = self.domain_floor > 0 or self.domain_ceiling < 1 or len(self.domain_shares) > 0
        return bounded or self.allocation != "belief"

    def bounds(self, domains_D: Sequence[str]) -> tuple[Floats, Floats]:
        """Least and greatest share of each of these domains.

        Raises:
            ValueError: for shares of a domain that is not there, or that cannot add up to 1.
        """
        unknown = set(self.domain_shares) - set(domains_D)
        if unknown:
            raise ValueError(
                f"domain_shares names {sorted(unknown)}; the pool's domains are {list(domains_D)}"
            )
        everywhere = (self.domain_floor, self.domain_ceiling)
        shares = np.array([self.domain_shares.get(label, everywhere) for label in domains_D])
        if shares[:, 0].sum() > 1 + _ROUNDING or shares[:, 1].sum() < 1 - _ROUNDING:
            raise ValueError(
                f"the domains' shares add up to at least {shares[:, 0].sum():g} and at most "
                f"{shares[:, 1].sum():g}; 1 must lie between: change domain_floor, domain_ceiling "
                "or domain_shares"
            )
        return shares[:, 0], shares[:, 1]

    def as_json(self) -> dict[str, Any]:
        """The settings as JSON values."""
        values = asdict(self)
        shares = {label: list(bounds) for label, bounds in self.domain_shares.items()}
        plain = {k: str(v) if v == math.inf else v for k, v in values.items()}
        return {**plain, "domain_shares": shares}

    @staticmethod
    def of_json(values: Mapping[str, Any]) -> "LiveConfig":
        """The settings that `as_json` gave.

        Raises:
            ValueError: for unknown or impossible settings.
        """
        unknown = set(values) - {setting.name for setting in fields(LiveConfig)}
        if unknown:
            raise ValueError(
                f"there is no setting {sorted(unknown)}; was this saved by a newer release?"
            )
        settings: dict[str, Any] = {
            k: math.inf if isinstance(v, str) and v == "inf" else v for k, v in values.items()
        }
        return LiveConfig(**settings)

    @property
    def prior(self) -> tuple[float, float]:
        """alpha_0 and beta_0."""
        return self.prior_successes, self.prior_failures


def _check_shares(whose: str, floor: object, ceiling: object) -> None:
    low = checks.number(f"the least share of {whose}", floor, 0, 1)
    high = checks.number(f"the greatest share of {whose}", ceiling, 0, 1)
    if low > high:
        raise ValueError(
            f"the least share of {whose} is {low:g}, above its greatest, {high:g}; lower it"
        )
