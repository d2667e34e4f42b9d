"""The settings of the live selector."""

import math
from dataclasses import dataclass, fields

from bots import checks

PREDICTORS = ("line", "logit", "none")
UTILITIES = ("closeness", "informative", "variance", "deviation")
ALLOCATIONS = ("belief", "progress", "size")


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
        coverage: share of a batch that is drawn uniformly from all tasks, in [0, 1].
        cooldown: policy versions during which a measured task rests.
        retest: policy versions after which a task that was all solved or all failed is drawn from
            the prior; doubled with every visit that changes nothing. inf: never.
        patience: policy versions after which a batch without feedback counts as lost.
        allocation: how places are divided among domains: by `belief`, as they would fall without
            bounds; by `progress` in solving them; or by `size`.
        domain_floor: least share of a batch for each domain.
        domain_ceiling: greatest share.
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
    prior_successes: float = 1.0
    prior_failures: float = 1.0

    def __post_init__(self) -> None:
        for name in ("forgetting", "implicit_weight", "target", "staleness", "coverage"):
            checks.number(name, getattr(self, name), 0, 1)
        for name in ("domain_floor", "domain_ceiling"):
            checks.number(name, getattr(self, name), 0, 1)
        checks.number("momentum", self.momentum, 0, math.nextafter(1, 0))
        checks.number("min_gap", self.min_gap, math.nextafter(0, 1), 1)
        checks.number("cooldown", self.cooldown, 0)
        for name in ("retest", "patience"):
            if getattr(self, name) != math.inf:
                checks.number(name, getattr(self, name), 1)
        for name in ("prior_successes", "prior_failures"):
            checks.number(name, getattr(self, name), 1e-3)
        for name, choices in (
            ("predictor", PREDICTORS),
            ("utility", UTILITIES),
            ("allocation", ALLOCATIONS),
        ):
            if getattr(self, name) not in choices:
                raise ValueError(
                    f"{name} is {getattr(self, name)!r}; choose from {', '.join(choices)}"
                )
        for field in fields(self):
            value = getattr(self, field.name)
            if field.type is bool and not isinstance(value, bool):
                raise ValueError(f"{field.name} is {value!r}; it must be True or False")
        if self.thompson and self.utility != "closeness":
            raise ValueError(
                f"utility is {self.utility!r} with thompson=True; on a draw it orders tasks as "
                "closeness to 0.5 does: use utility='closeness', or thompson=False for expectations"
            )
        if self.domain_floor > self.domain_ceiling:
            raise ValueError(
                f"domain_floor is {self.domain_floor:g}, above domain_ceiling "
                f"{self.domain_ceiling:g}; lower the floor"
            )

    @property
    def predicts(self) -> bool:
        """Whether predictions count for anything."""
        return self.implicit_weight > 0 or self.learned_weight

    @property
    def divides(self) -> bool:
        """Whether places are divided among domains, rather than left to the ranking."""
        return self.domain_floor > 0 or self.domain_ceiling < 1 or self.allocation != "belief"

    @property
    def prior(self) -> tuple[float, float]:
        """alpha_0 and beta_0."""
        return self.prior_successes, self.prior_failures
