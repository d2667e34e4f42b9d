"""Groups that the synthetic learner holds between steps, as arrays in a backend's state."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from backends.base import Floats
from bots import RolloutBatch, checks

ENTRIES = ("held_tasks", "held_rewards", "held_tokens", "held_steps", "held_uses")


@dataclass(frozen=True, slots=True)
class Answers:
    """What is known of a group besides its rewards.

    Attributes:
        step: in which it was sampled; the mean over its rollouts.
        tokens_G: of each rollout.
    """

    step: float
    tokens_G: tuple[float, ...]

    @property
    def num_tokens(self) -> float:
        """Of all rollouts."""
        return sum(self.tokens_G)

    def __len__(self) -> int:
        return len(self.tokens_G)

    def __add__(self, other: "Answers") -> "Answers":
        """Both as one group."""
        size = len(self) + len(other)
        step = (self.step * len(self) + other.step * len(other)) / size
        return Answers(step, self.tokens_G + other.tokens_G)


def tokens(batch: RolloutBatch) -> Floats:
    """Tokens of every rollout, shape (B, G); 0 where a group is smaller."""
    tokens_BG = np.zeros(batch.rewards_BG.shape)
    for row, answers in zip(tokens_BG, batch.payload_B, strict=False):
        row[: len(answers)] = answers.tokens_G
    return tokens_BG


def keys(batch: RolloutBatch) -> list[tuple[float, int]]:
    """What tells held groups apart: when they were sampled, and their task."""
    steps = [answers.step for answers in batch.payload_B]
    return list(zip(steps, batch.task_ids_B.tolist(), strict=False))


def packed(held: RolloutBatch | None, uses: Counter[tuple[float, int]]) -> dict[str, Any]:
    """The groups that are held, as arrays."""
    if held is None:
        return {
            "held_tasks": np.empty(0, dtype=np.int64),
            "held_rewards": np.empty((0, 0)),
            "held_tokens": np.empty((0, 0)),
            "held_steps": np.empty(0),
            "held_uses": np.empty(0, dtype=np.int64),
        }
    sizes_B = np.array([len(answers) for answers in held.payload_B])
    tokens_BG = tokens(held)
    tokens_BG[np.arange(tokens_BG.shape[1]) >= sizes_B[:, None]] = np.nan
    return {
        "held_tasks": held.task_ids_B.copy(),
        "held_rewards": held.rewards_BG.copy(),
        "held_tokens": tokens_BG,
        "held_steps": np.array([answers.step for answers in held.payload_B], dtype=np.float64),
        "held_uses": np.array([uses[key] for key in keys(held)], dtype=np.int64),
    }


def unpacked(
    state: dict[str, Any], num_tasks: int
) -> tuple[RolloutBatch | None, Counter[tuple[float, int]]]:
    """What `packed` packed."""
    tasks = np.asarray(state["held_tasks"])
    rewards_BG, tokens_BG = np.asarray(state["held_rewards"]), np.asarray(state["held_tokens"])
    steps_B, uses_B = np.asarray(state["held_steps"]), np.asarray(state["held_uses"])
    alike = rewards_BG.shape == tokens_BG.shape and len(rewards_BG) == tasks.size
    alike &= tasks.shape == steps_B.shape == uses_B.shape
    sound = tasks.ndim == 1 and alike and uses_B.dtype.kind in "iu" and np.isfinite(steps_B).all()
    if not sound or (steps_B < 0).any() or (uses_B < 0).any() or (tokens_BG < 0).any():
        raise ValueError("held groups in the state are damaged: go back to an earlier checkpoint")
    if tasks.size == 0:
        return None, Counter()
    checks.within(checks.task_ids(tasks), num_tasks)
    payload_B = tuple(
        Answers(float(step), tuple(row[~np.isnan(row)].tolist()))
        for step, row in zip(steps_B, tokens_BG, strict=True)
    )
    held = RolloutBatch(tasks, rewards_BG, payload_B)
    counts = zip(keys(held), uses_B.tolist(), strict=True)
    return held, Counter({key: uses for key, uses in counts if uses})
