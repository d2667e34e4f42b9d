"""Sampling with the training model itself: no second copy of the weights, nothing to sync."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch

from backends.rft.engines.base import AbstractEngine, Request, Sampling, Weights
from backends.rft.policy import Policy
from backends.rft.rollouts import Completion

_DROP_SHARE = 0.25  # of the rows; dropping finished rows copies the cache of all others


class TransformersEngine(AbstractEngine):
    """Samples with a key-value cache, one prefill per prompt, finished rows dropped on the way.

    Row r takes token min{v: cdf_r(v) > u}, with u from a generator of the request's own, so draws
    depend on the request alone; on a CPU, equal calls give equal bits. The probabilities of a row
    can differ in the last bits with the company it is computed in.

    Args:
        policy: what is trained.
        max_rows: the most completions that grow at the same time; lower it when memory runs out.
    """

    def __init__(self, policy: Policy, max_rows: int = 512) -> None:
        self._policy = policy
        self._max_rows = max_rows

    def generate(
        self, requests: Sequence[Request], samples: int, sampling: Sampling
    ) -> list[tuple[Completion, ...]]:
        """Requests of similar length together, so that little is padding."""
        found: list[list[Completion]] = [[] for _ in requests]
        for places, wanted in self._batches(requests, samples):
            chosen = [requests[place] for place in places]
            with torch.inference_mode(), self._policy.computing():
                tokens_RT, logprobs_RT = self._sample(chosen, samples, wanted, sampling)
            completions = _completions(tokens_RT, logprobs_RT, sampling)
            for i, place in enumerate(places):
                found[place] += completions[i * len(wanted) : (i + 1) * len(wanted)]
        return [tuple(group) for group in found]

    def sync(self, weights: Callable[[], Weights]) -> None:
        """Nothing to do: it computes with the weights that are trained, and keeps no cache."""

    def rest(self) -> None:
        """Nothing to give back."""

    def close(self) -> None:
        """Nothing to free."""

    def _batches(
        self, requests: Sequence[Request], samples: int
    ) -> Iterator[tuple[list[int], range]]:
        """Places of requests, and which of their samples, `max_rows` completions at the most."""
        order = sorted(range(len(requests)), key=lambda i: (requests[i].prompt_ids_T.size, i))
        size = max(1, self._max_rows // samples)
        width = min(samples, self._max_rows)
        for start in range(0, len(order), size):
            for first in range(0, samples, width):
                yield order[start : start + size], range(first, min(first + width, samples))

    def _sample(
        self, requests: Sequence[Request], samples: int, wanted: range, sampling: Sampling
    ) -> tuple[np.ndarray, np.ndarray]:
        """Tokens and log-probabilities, shape (R, T); what follows a stop token means nothing."""
        model, device = self._policy.model, self._policy.device
        ids_PT, mask_PT = _left_padded(requests, sampling.stop_ids[0])
        uniforms_TR = torch.from_numpy(
            _uniforms(requests, samples, wanted, sampling.max_new_tokens)
        )
        ids, mask = torch.from_numpy(ids_PT).to(device), torch.from_numpy(mask_PT).to(device)
        stops = torch.tensor(sampling.stop_ids, device=device)
        out = model(
            input_ids=ids,
            attention_mask=mask,
            position_ids=(mask.cumsum(1) - 1).clamp(min=0),
            use_cache=True,
            logits_to_keep=1,
        )
        cache: Any = out.past_key_values
        cache.batch_repeat_interleave(len(wanted))
        logits = out.logits[:, -1].repeat_interleave(len(wanted), 0)
        mask = mask.repeat_interleave(len(wanted), 0)
        places = torch.arange(len(logits), device=device)
        positions = mask.sum(1)
        shape = (len(logits), sampling.max_new_tokens)
        tokens_RT = torch.full(shape, sampling.stop_ids[0], device=device)
        logprobs_RT = torch.zeros(shape, device=device)
        alive = torch.ones(len(logits), dtype=torch.bool, device=device)
        for step in range(sampling.max_new_tokens):
            tokens, logprobs = draw(
                logits, uniforms_TR[step].to(device)[places], sampling.temperature
            )
            tokens_RT[places, step], logprobs_RT[places, step] = tokens, logprobs
            alive &= ~torch.isin(tokens, stops)
            growing = int(alive.sum())
            if growing == 0 or step + 1 == sampling.max_new_tokens:
                break
            if growing <= (1 - _DROP_SHARE) * len(alive):
                kept = alive.nonzero()[:, 0]
                cache.batch_select_indices(kept)
                places, mask, positions = places[kept], mask[kept], positions[kept]
                tokens, alive = tokens[kept], alive[kept]
            mask = torch.nn.functional.pad(mask, (0, 1), value=1)
            logits = model(
                input_ids=tokens[:, None],
                attention_mask=mask,
                position_ids=positions[:, None],
                past_key_values=cache,
                use_cache=True,
            ).logits[:, -1]
            positions = positions + 1
        return tokens_RT.cpu().numpy(), logprobs_RT.cpu().numpy()


def draw(
    logits_RV: torch.Tensor, uniforms_R: torch.Tensor, temperature: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Tokens drawn by inverting the distribution function, and their log-probabilities, shape (R,).

    Args:
        logits_RV: of the next token.
        uniforms_R: float64 in [0, 1).
        temperature: > 0.
    """
    logprobs_RV = torch.log_softmax(logits_RV.float() / temperature, dim=-1)
    cdf_RV = torch.exp(logprobs_RV.double()).cumsum(dim=-1)
    wanted_R1 = (uniforms_R * cdf_RV[:, -1])[:, None]
    tokens_R1 = torch.searchsorted(cdf_RV, wanted_R1, right=True)
    return tokens_R1[:, 0], logprobs_RV.gather(1, tokens_R1)[:, 0]


def _left_padded(requests: Sequence[Request], pad: int) -> tuple[np.ndarray, np.ndarray]:
    width = max(request.prompt_ids_T.size for request in requests)
    ids_PT = np.full((len(requests), width), pad, dtype=np.int64)
    mask_PT = np.zeros((len(requests), width), dtype=np.int64)
    for row, request in enumerate(requests):
        ids_PT[row, width - request.prompt_ids_T.size :] = request.prompt_ids_T
        mask_PT[row, width - request.prompt_ids_T.size :] = 1
    return ids_PT, mask_PT


def _uniforms(requests: Sequence[Request], samples: int, wanted: range, steps: int) -> np.ndarray:
    """Shape (T, R), each request's own, and the same for fewer steps."""
    drawn = [
        np.random.Generator(np.random.Philox(request.seed)).random((steps, samples))[
            :, wanted.start : wanted.stop
        ]
        for request in requests
    ]
    return np.concatenate(drawn, axis=1)


def _completions(
    tokens_RT: np.ndarray, logprobs_RT: np.ndarray, sampling: Sampling
) -> list[Completion]:
    stopped_RT = np.isin(tokens_RT, sampling.stop_ids)
    ends_R = np.where(stopped_RT.any(axis=1), stopped_RT.argmax(axis=1) + 1, tokens_RT.shape[1])
    return [
        Completion(
            tokens_RT[row, :end].astype(np.int64),
            logprobs_RT[row, :end].astype(np.float32),
            "stop" if stopped_RT[row, end - 1] else "length",
        )
        for row, end in enumerate(ends_R)
    ]
