"""Groups that are held between steps, as arrays in a backend's state."""

from typing import Any

import numpy as np

from backends.rft.rollouts import Completion, Group
from bots import RolloutBatch, checks

_INTEGERS = ("tasks", "versions", "prompt_sizes", "prompts", "group_sizes", "sizes", "tokens")
_KINDS = dict.fromkeys(_INTEGERS, "iu") | {"rewards": "f", "logprobs": "f", "stopped": "b"}


def packed(batch: RolloutBatch | None) -> dict[str, np.ndarray]:
    """A batch whose payload is of `Group`s, as arrays; `unpacked` is the way back.

    Prompts, and the tokens and log-probabilities of all completions, stand one after another.
    """
    groups_B: tuple[Group, ...] = () if batch is None else batch.payload_B
    completions = [completion for group in groups_B for completion in group.completions_G]
    return {
        "tasks": _integers([] if batch is None else batch.task_ids_B),
        "rewards": np.empty((0, 0)) if batch is None else batch.rewards_BG.copy(),
        "versions": _integers([group.policy_version for group in groups_B]),
        "prompt_sizes": _integers([group.prompt_ids_T.size for group in groups_B]),
        "prompts": _integers(_joined([group.prompt_ids_T for group in groups_B])),
        "group_sizes": _integers([len(group) for group in groups_B]),
        "sizes": _integers([c.token_ids_T.size for c in completions]),
        "tokens": _integers(_joined([c.token_ids_T for c in completions])),
        "logprobs": _joined([c.logprobs_T for c in completions]).astype(np.float32),
        "stopped": np.array([c.finish_reason == "stop" for c in completions], dtype=np.bool_),
    }


def unpacked(state: Any, num_tasks: int) -> RolloutBatch | None:
    """The batch that `packed` made these arrays of.

    Raises:
        ValueError: for arrays that do not fit together, or tasks outside a pool of `num_tasks`.
    """
    if not isinstance(state, dict) or not _fits(state):
        raise ValueError("held groups in the state are damaged: go back to an earlier checkpoint")
    if state["tasks"].size == 0:
        return None
    checks.within(checks.task_ids(state["tasks"]), num_tasks)
    completions = [
        Completion(tokens_T, logprobs_T, "stop" if stopped else "length")
        for tokens_T, logprobs_T, stopped in zip(
            _parts(state["tokens"], state["sizes"]),
            _parts(state["logprobs"], state["sizes"]),
            state["stopped"],
            strict=True,
        )
    ]
    ends = np.cumsum(state["group_sizes"])
    groups_B = tuple(
        Group(prompt_T, tuple(completions[end - size : end]), int(version))
        for prompt_T, size, end, version in zip(
            _parts(state["prompts"], state["prompt_sizes"]),
            state["group_sizes"],
            ends,
            state["versions"],
            strict=True,
        )
    )
    return RolloutBatch(state["tasks"], state["rewards"], groups_B)


def _fits(state: dict[str, Any]) -> bool:
    """Whether these are arrays of the right kinds, and their sizes add up."""
    arrays = [state.get(name) for name in _KINDS]
    if set(state) != set(_KINDS) or not all(isinstance(array, np.ndarray) for array in arrays):
        return False
    right = [state[name].dtype.kind in kinds for name, kinds in _KINDS.items()]
    flat = [state[name].ndim == 1 + (name == "rewards") for name in _KINDS]
    if not all(right + flat) or any(state[name].min(initial=0) < 0 for name in _INTEGERS):
        return False
    groups, width = state["rewards"].shape
    per_group = [state[name].size for name in ("tasks", "versions", "prompt_sizes", "group_sizes")]
    completions, tokens = int(state["group_sizes"].sum()), int(state["sizes"].sum())
    return (
        per_group == [groups] * len(per_group)
        and state["group_sizes"].max(initial=0) <= width
        and state["prompts"].size == state["prompt_sizes"].sum()
        and state["sizes"].size == state["stopped"].size == completions
        and state["tokens"].size == state["logprobs"].size == tokens
        and bool(np.isfinite(state["logprobs"]).all())
    )


def _integers(values: Any) -> np.ndarray:
    return np.array(values, dtype=np.int64)


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    return np.concatenate(parts) if parts else np.empty(0)


def _parts(values: np.ndarray, sizes: np.ndarray) -> list[np.ndarray]:
    return [part.copy() for part in np.split(values, np.cumsum(sizes)[:-1])] if sizes.size else []
