"""Rows of tokens for the trainer, cut into passes of bounded size."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from backends.rft.rollouts import Completion, Group

_SHORTEST_SHARE = 0.8  # of the longest row of a pass: little padding, few more passes


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """One completion to train on.

    Attributes:
        group: which it belongs to.
        completion: of the group.
        advantage: of the completion.
    """

    group: Group
    completion: Completion
    advantage: float

    @property
    def length(self) -> int:
        """Tokens of prompt and completion."""
        return self.group.prompt_ids_T.size + self.completion.token_ids_T.size


@dataclass(frozen=True, slots=True, eq=False)
class Microbatch:
    """Rows side by side, padded on the right: R rows of T columns.

    Attributes:
        places_R: which rows these are, of those that were cut.
        ids_RT: tokens.
        mask_RT: where completions are.
        behaviour_RT: log-probabilities that the engine reported, 0 elsewhere.
        advantages_R: one per row.
        first: no completion starts left of this column.
        tokens: of prompts and completions, padding left out.
    """

    places_R: tuple[int, ...]
    ids_RT: torch.Tensor
    mask_RT: torch.Tensor
    behaviour_RT: torch.Tensor
    advantages_R: torch.Tensor
    first: int
    tokens: int


def cut(
    rows: Sequence[Row], tokens_per_microbatch: int, device: torch.device
) -> Iterator[Microbatch]:
    """The rows by length, as many at a time as fit; one that is longer than allowed goes alone.

    A row much shorter than the longest of its pass would bring padding, and starts the next pass.
    """
    order = sorted(range(len(rows)), key=lambda i: (-rows[i].length, i))
    start = 0
    while start < len(order):
        longest = rows[order[start]].length
        fit = order[start : start + max(1, tokens_per_microbatch // longest)]
        places = [i for i in fit if rows[i].length >= _SHORTEST_SHARE * longest]
        yield _stacked(rows, places, device)
        start += len(places)


def _stacked(rows: Sequence[Row], places: Sequence[int], device: torch.device) -> Microbatch:
    chosen = [rows[place] for place in places]
    shape = (len(chosen), max(row.length for row in chosen))
    ids_RT = np.zeros(shape, dtype=np.int64)
    mask_RT = np.zeros(shape, dtype=bool)
    behaviour_RT = np.zeros(shape, dtype=np.float32)
    for r, row in enumerate(chosen):
        start = row.group.prompt_ids_T.size
        ids_RT[r, :start] = row.group.prompt_ids_T
        ids_RT[r, start : row.length] = row.completion.token_ids_T
        mask_RT[r, start : row.length] = True
        behaviour_RT[r, start : row.length] = row.completion.logprobs_T
    advantages_R = np.array([row.advantage for row in chosen], dtype=np.float32)
    return Microbatch(
        tuple(places),
        torch.from_numpy(ids_RT).to(device),
        torch.from_numpy(mask_RT).to(device),
        torch.from_numpy(behaviour_RT).to(device),
        torch.from_numpy(advantages_R).to(device),
        min(row.group.prompt_ids_T.size for row in chosen),
        sum(row.length for row in chosen),
    )
