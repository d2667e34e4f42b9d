"""What the rollout engine hands to the trainer."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats32 = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Completion:
    """One sampled answer.

    Attributes:
        token_ids_T: what was sampled, the stop token included; at least one token.
        logprobs_T: natural log-probability of each token under the distribution it was drawn from,
            temperature included, as the engine computed it.
        finish_reason: `stop` when it ended with a stop token, `length` when it was cut off.
    """

    token_ids_T: Ints
    logprobs_T: Floats32
    finish_reason: str


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """The completions of one task: what `RolloutBatch.payload_B` holds.

    They come from one step, or from several where groups were joined with `+`.

    Attributes:
        prompt_ids_T: the tokens before the completions.
        completions_G: G of them.
        policy_version: how many training steps the policy that sampled them had taken; of the
            oldest of them.
    """

    prompt_ids_T: Ints
    completions_G: tuple[Completion, ...]
    policy_version: int

    def __len__(self) -> int:
        """G."""
        return len(self.completions_G)

    @property
    def num_tokens(self) -> int:
        """Tokens of all completions."""
        return sum(int(completion.token_ids_T.size) for completion in self.completions_G)

    def __add__(self, other: "Group") -> "Group":
        """The completions of both, of the same task, this group's first."""
        if not np.array_equal(self.prompt_ids_T, other.prompt_ids_T):
            raise ValueError(
                "groups of two prompts cannot be joined; join the groups of one task only"
            )
        oldest = min(self.policy_version, other.policy_version)
        return Group(self.prompt_ids_T, self.completions_G + other.completions_G, oldest)
