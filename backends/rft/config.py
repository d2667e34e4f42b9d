"""The settings of a real run."""

from dataclasses import dataclass

from backends.rft.advantages import ALGORITHMS, LOSS_LEVELS, STD_EPSILON, Algorithm
from bots import checks


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """How a batch of graded rollouts changes the policy.

    Attributes:
        algorithm: a name in `advantages.ALGORITHMS`.
        normalise_std: divide advantages by the group's standard deviation; None: the algorithm's
            habit.
        std_epsilon: added to that standard deviation.
        loss_level: how tokens are summed, see `loss.policy_loss`; None: the algorithm's habit.
        clip_low: how far the probability ratio may fall below 1; None: the algorithm's habit.
        clip_high: how far it may rise above 1; None: the algorithm's habit.
        kl_weight: of the penalty for leaving the policy that the run started with; 0: none, and no
            second copy of the weights.
        importance_cap: most that the correction between engine and trainer may weigh a token; None:
            no correction.
        minibatches: optimizer steps per batch.
        tokens_per_microbatch: of prompt and completion, in one forward and backward pass; lower it
            when the trainer runs out of memory. It changes nothing but rounding.
        learning_rate: of AdamW, after the warm-up.
        warmup_steps: optimizer steps over which the rate rises from 0.
        betas: of AdamW.
        weight_decay: of AdamW.
        max_grad_norm: gradients are scaled down to this norm.
        largest_grad_norm: a norm before scaling beyond this is taken for an explosion and stops the
            run.
        gradient_checkpointing: recompute activations in the backward pass: less memory, more time.
    """

    algorithm: str = "grpo"
    normalise_std: bool | None = None
    std_epsilon: float = STD_EPSILON
    loss_level: str | None = None
    clip_low: float | None = None
    clip_high: float | None = None
    kl_weight: float = 0.0
    importance_cap: float | None = 2.0
    minibatches: int = 1
    tokens_per_microbatch: int = 8192
    learning_rate: float = 1e-4
    warmup_steps: int = 10
    betas: tuple[float, float] = (0.9, 0.95)
    weight_decay: float = 0.0
    max_grad_norm: float = 1.0
    largest_grad_norm: float = 1e4
    gradient_checkpointing: bool = False

    def __post_init__(self) -> None:
        if self.algorithm not in ALGORITHMS:
            raise ValueError(
                f"algorithm is {self.algorithm!r}; it must be one of {', '.join(ALGORITHMS)}"
            )
        if self.loss_level is not None and self.loss_level not in LOSS_LEVELS:
            raise ValueError(
                f"loss_level is {self.loss_level!r}; it must be one of {', '.join(LOSS_LEVELS)}"
            )
        if self.normalise_std and self.law.normalise_std is None:
            raise ValueError(
                f"normalise_std has no meaning for {self.algorithm!r}: leave it out, or choose grpo"
            )
        for name, lowest in (("minibatches", 1), ("tokens_per_microbatch", 1), ("warmup_steps", 0)):
            checks.integer(name, getattr(self, name), lowest)
        for name in (
            "std_epsilon",
            "kl_weight",
            "learning_rate",
            "weight_decay",
            "max_grad_norm",
            "largest_grad_norm",
        ):
            checks.number(name, getattr(self, name), 0)
        checks.number("clip_low", self.clip[0], 0, 1)
        checks.number("clip_high", self.clip[1], 0)
        if self.importance_cap is not None:
            checks.number("importance_cap", self.importance_cap, 0)

    @property
    def law(self) -> Algorithm:
        """The algorithm."""
        return ALGORITHMS[self.algorithm]

    @property
    def level(self) -> str:
        """The loss level in force."""
        return self.loss_level or self.law.loss_level

    @property
    def clip(self) -> tuple[float, float]:
        """The clip range in force."""
        low = self.law.clip_low if self.clip_low is None else self.clip_low
        high = self.law.clip_high if self.clip_high is None else self.clip_high
        return low, high


@dataclass(frozen=True, slots=True)
class RolloutConfig:
    """How completions are sampled.

    Attributes:
        engine: `vllm`, `transformers`, or `auto`.
        max_new_tokens: the longest completion.
        temperature: > 0.
        max_rows: the most completions that grow at the same time; lower it when generation runs out
            of memory.
        memory_share: of the GPU's memory, for vLLM's weights and cache.
        sleep: give that memory to the trainer while it works.
        eval_samples: completions per held-out task in an evaluation by sampling.
        graders: tasks whose completions are judged at the same time.
    """

    engine: str = "auto"
    max_new_tokens: int = 11
    temperature: float = 1.0
    max_rows: int = 256
    memory_share: float = 0.4
    sleep: bool = False
    eval_samples: int = 1
    graders: int = 4

    def __post_init__(self) -> None:
        for name in ("max_new_tokens", "max_rows", "eval_samples", "graders"):
            checks.integer(name, getattr(self, name), 1)
        checks.number("temperature", self.temperature, 1e-3)
        checks.number("memory_share", self.memory_share, 0.01, 1)
