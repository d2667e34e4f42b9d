"""Exact solve rates, for tasks that one sequence of tokens alone solves."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from backends.rft.characters import is_character_level
from backends.rft.config import RolloutConfig
from backends.rft.loss import token_logprobs
from backends.rft.microbatches import Row, cut
from backends.rft.policy import Policy
from backends.rft.rollouts import Completion, Group
from backends.rft.tasks import Task
from bots._types import Floats

_TOKENS_PER_PASS = 65_536


class ExactRates:
    """Probabilities that a sampled completion solves a task: one forward pass, no sampling noise.

    With answer tokens y_1 .. y_L and a stop token y_{L+1},

        p = prod_t softmax(logits / temperature)[y_t],

    which is the solve rate when the answer is compared letter by letter and has one sequence of
    tokens, as with a tokenizer of single characters. It is 0 for answers longer than a completion
    may be.

    Args:
        policy: whose solve rates.
        tasks: all with the verifier `exact`; see `applies`.
        rollouts: temperature and longest completion.
    """

    def __init__(self, policy: Policy, tasks: Sequence[Task], rollouts: RolloutConfig) -> None:
        self._policy = policy
        self._temperature = rollouts.temperature
        self._rows: list[Row] = []
        self._places: list[int] = []
        for place, task in enumerate(tasks):
            ids = policy.tokenizer(task.answer, add_special_tokens=False)["input_ids"]
            answer_T = np.array([*ids, policy.tokenizer.eos_token_id], dtype=np.int64)
            if answer_T.size <= rollouts.max_new_tokens:
                empty_T = np.zeros(answer_T.size, dtype=np.float32)
                group = Group(policy.encode(task), (), 0)
                self._rows.append(Row(group, Completion(answer_T, empty_T, "stop"), 0.0))
                self._places.append(place)
        self._size = len(tasks)

    @property
    def size(self) -> int:
        """How many tasks there are."""
        return self._size

    @staticmethod
    def applies(policy: Policy, tasks: Sequence[Task]) -> bool:
        """Whether each task is solved by one sequence of tokens alone."""
        one_way = len(policy.stop_ids) == 1 and is_character_level(policy.tokenizer)
        return one_way and all(task.verifier == "exact" for task in tasks)

    @torch.no_grad()
    def solve_rates(self, places: Sequence[int] | None = None) -> Floats:
        """Of the tasks at these places, or of all."""
        rates = np.zeros(self._size)
        for found, logs_R in self._passes(places):
            rates[found] = logs_R.double().exp().cpu().numpy()
        return rates if places is None else rates[np.asarray(places, dtype=np.int64)]

    @torch.no_grad()
    def logits(self) -> Floats:
        """Logits log p - log(1 - p) of all tasks; -inf for those that no completion can solve."""
        logits = np.full(self._size, -np.inf)
        for found, logs_R in self._passes(None):
            log_R = logs_R.double()
            logits[found] = (log_R - torch.log(-torch.expm1(log_R))).cpu().numpy()
        return logits

    def mean_gradient(self) -> list[torch.Tensor]:
        """Gradient of the mean solve rate with respect to the weights that are trained."""
        weights = [w for w in self._policy.model.parameters() if w.requires_grad]
        total = [torch.zeros_like(weight) for weight in weights]
        for _, logs_R in self._passes(None):
            parts = torch.autograd.grad(logs_R.exp().sum() / self._size, weights)
            for sum_, part in zip(total, parts, strict=True):
                sum_ += part
        return total

    def _passes(self, places: Sequence[int] | None) -> Iterator[tuple[list[int], torch.Tensor]]:
        """Places of tasks, and the logarithms of their solve rates."""
        wanted = None if places is None else set(places)
        chosen = [i for i, place in enumerate(self._places) if wanted is None or place in wanted]
        for batch in cut([self._rows[i] for i in chosen], _TOKENS_PER_PASS, self._policy.device):
            with self._policy.computing():
                logprobs_RT = token_logprobs(
                    self._policy.model, batch.ids_RT, batch.mask_RT, self._temperature, batch.first
                )
            yield [self._places[chosen[r]] for r in batch.places_R], logprobs_RT.sum(dim=1)
