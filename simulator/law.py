"""How the simulated learner learns."""

import math
from dataclasses import dataclass

from simulator import checks
from simulator.checks import require
from simulator.gains import GAIN_LAWS


@dataclass(frozen=True, slots=True)
class LearnerLaw:
    """The constants of learning. `docs/simulator.md` gives each one's equation and basis.

    Raises:
        ValueError: for a constant outside its range.
    """

    gain: str = "grpo"  # what a group's rewards are worth; a name of GAIN_LAWS
    learning_rate: float = 0.015  # eta, logits per step at the reference batch and unit gradient
    batch_exponent: float = 0.5  # alpha in [0, 1]: a step grows as (informative groups)^alpha
    general_weight: float = 0.35  # share of a task's logit variance that general ability carries
    domain_weight: float = 0.45  # likewise the task's domain; the rest is its skill's
    sharpening: float = 0.22  # s >= 0: growth makes likely answers likelier
    off_axis: float = 0.0  # o >= 0: a task's own response to growth, logits per logit
    drift_sd: float = 0.4  # sd of a task's own drift after 400 steps, in logits
    capacity: float = 8.0  # R > 0: an ability stops growing there
    noise: float = 0.1  # gradient noise in units of the sampling error of the batch mean
    forgetting: float = 0.0  # delta in [0, 1): share of every ability that is lost per step
    interference: float = 0.0  # iota >= 0: what one domain's progress takes from the others
    memory_rate: float = 30.0  # kappa >= 0: gain of a task's own logit, relative to ability's
    memory_steps: float = 400.0  # tau_m > 0: steps after which 1/e of that is left
    disturbance: float = 0.0  # xi >= 0: general ability lost per logit of a first lesson's memory
    repetition_visits: float = math.inf  # nu > 0: after so many lessons a task teaches half as much
    gate_logit: float = math.inf  # phi at the start; infinity: every answer is in format
    gate_rate: float = 0.0  # kappa_phi: how fast the format is learnt, relative to ability
    lag: int = 0  # steps by which the policy that generates is older than the one trained
    lag_cost: float = 0.03  # omega >= 0: a step shrinks by exp(-omega lag)
    reuse_cost: float = (
        1.0  # chi >= 0: rollouts trained on u times before are worth 1 / (1 + chi u)
    )
    jump: float = 0.0  # logits that every mastery gains at once ...
    jump_step: int = 100  # ... before this step

    def __post_init__(self) -> None:
        checks.numbers(self, integers=("lag", "jump_step"), others=("gain",))
        require(
            self,
            gain=(self.gain in GAIN_LAWS, f"must be one of {', '.join(GAIN_LAWS)}"),
            learning_rate=(0 <= self.learning_rate < math.inf, "must be finite and not negative"),
            batch_exponent=(0 <= self.batch_exponent <= 1, "must lie in [0, 1]"),
            general_weight=(0 <= self.general_weight <= 1, "must lie in [0, 1]"),
            domain_weight=(
                0 <= self.domain_weight <= 1 - self.general_weight + 1e-12,
                "must lie in [0, 1 - general_weight]: the shares sum to at most 1",
            ),
            sharpening=(0 <= self.sharpening < math.inf, "must be finite and not negative"),
            off_axis=(0 <= self.off_axis < math.inf, "must be finite and not negative"),
            drift_sd=(0 <= self.drift_sd < math.inf, "must be finite and not negative"),
            capacity=(self.capacity > 0, "must be positive"),
            noise=(0 <= self.noise < math.inf, "must be finite and not negative"),
            forgetting=(0 <= self.forgetting < 1, "must lie in [0, 1)"),
            interference=(0 <= self.interference < math.inf, "must be finite and not negative"),
            memory_rate=(0 <= self.memory_rate < math.inf, "must be finite and not negative"),
            memory_steps=(self.memory_steps > 0, "must be positive"),
            disturbance=(0 <= self.disturbance < math.inf, "must be finite and not negative"),
            repetition_visits=(self.repetition_visits > 0, "must be positive; inf: no price"),
            gate_logit=(self.gate_logit >= -30, "must be at least -30; inf: no gate"),
            gate_rate=(0 <= self.gate_rate < math.inf, "must be finite and not negative"),
            lag=(self.lag >= 0, "must not be negative"),
            reuse_cost=(0 <= self.reuse_cost < math.inf, "must be finite and not negative"),
            lag_cost=(0 <= self.lag_cost < math.inf, "must be finite and not negative"),
            jump=(math.isfinite(self.jump), "must be finite"),
            jump_step=(self.jump_step >= 0, "must not be negative"),
        )
