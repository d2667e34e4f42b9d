"""Simulated time: what a training step would take on a cluster."""

import math
from dataclasses import dataclass

from simulator import checks
from simulator.checks import require


@dataclass(frozen=True, slots=True)
class Clock:
    """Seconds per step, from the tokens that are generated and trained on.

    Generation takes `per_token` x (tokens of all rollouts) + `per_longest` x (tokens of the longest
    one), training `train_per_token` x (tokens of the informative groups trained on), and a step
    `overhead` besides. They follow each other, or overlap when generation runs behind training
    (lag > 0). A model that only reads a prompt, to embed or to judge it, takes `per_prompt`. The
    defaults are guesses at a small model on one node: 5 s + about 10 s + 15 s to generate and 7 s
    to train on 2,048 rollouts of 500 tokens, and 200 tokens read per prompt at ten times the speed
    of generation.
    """

    overhead: float = 5.0
    per_token: float = 1e-5
    per_longest: float = 0.01
    train_per_token: float = 1e-5
    per_prompt: float = 2e-4

    def __post_init__(self) -> None:
        checks.numbers(self)
        require(
            self,
            overhead=(0 <= self.overhead < math.inf, "must be finite and not negative"),
            per_token=(0 <= self.per_token < math.inf, "must be finite and not negative"),
            per_longest=(0 <= self.per_longest < math.inf, "must be finite and not negative"),
            train_per_token=(
                0 <= self.train_per_token < math.inf,
                "must be finite and not negative",
            ),
            per_prompt=(0 <= self.per_prompt < math.inf, "must be finite and not negative"),
        )

    def generation(self, tokens: float, longest: float) -> float:
        """Seconds of generating `tokens` in all, with a longest rollout of `longest`."""
        return self.per_token * tokens + self.per_longest * longest

    def reading(self, prompts: int) -> float:
        """Seconds of reading so many prompts."""
        return self.per_prompt * prompts

    def training(self, tokens: float) -> float:
        """Seconds of training on `tokens`."""
        return self.train_per_token * tokens

    def step(self, generation: float, training: float, overlap: bool) -> float:
        """Seconds of a step, selection left out."""
        return self.overhead + (max(generation, training) if overlap else generation + training)
