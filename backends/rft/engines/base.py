"""The interface of everything that samples completions."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import torch

from backends.rft.rollouts import Completion, Ints

Weights = Iterable[tuple[str, torch.Tensor]]


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """A prompt to be continued.

    Attributes:
        prompt_ids_T: its tokens, at least one.
        seed: of this request's draws, in [0, 2^62); what else is asked for at the same time does
            not change them.
    """

    prompt_ids_T: Ints
    seed: int


@dataclass(frozen=True, slots=True)
class Sampling:
    """How completions are drawn: from softmax(logits / temperature), with nothing cut off.

    Attributes:
        max_new_tokens: the longest completion, the stop token included.
        temperature: > 0.
        stop_ids: tokens that end a completion and belong to it.
    """

    max_new_tokens: int
    temperature: float
    stop_ids: tuple[int, ...]


class AbstractEngine(ABC):
    """Samples from a policy whose weights it takes over when told to.

    The law that `tests/backends/rft/test_engines.py` checks for every engine: after `sync`, the
    log-probabilities it reports are those of the training model.
    """

    @abstractmethod
    def generate(
        self, requests: Sequence[Request], samples: int, sampling: Sampling
    ) -> list[tuple[Completion, ...]]:
        """`samples` completions of each request, in the order of the requests.

        Raises:
            EngineError: when it died; a new engine with the same weights may be asked again.
        """

    @abstractmethod
    def sync(self, weights: Callable[[], Weights]) -> None:
        """Takes over the weights, in place, and forgets what it cached of the old ones.

        Args:
            weights: returns names as in `model.state_dict()` with tensors; an engine that needs
                none does not call it.
        """

    @abstractmethod
    def rest(self) -> None:
        """Lets the trainer have the memory, if the engine was told to; `sync` ends the rest."""

    @abstractmethod
    def close(self) -> None:
        """Frees memory and processes; it is not used afterwards."""
