"""Sampling with vLLM, in this process."""

import gc
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from backends.rft.engines import vllm_internals
from backends.rft.engines.base import AbstractEngine, Request, Sampling, Weights
from backends.rft.errors import EngineError
from backends.rft.policy import Policy
from backends.rft.rollouts import Completion

_BLOCK = 32  # tokens; the CPU build takes multiples of 32
_CPU_PRECISION, _GPU_PRECISION = "float32", "bfloat16"
_FLOAT32_BYTES = 4
_LEAST_BATCHED_TOKENS = 2048


class VLLMEngine(AbstractEngine):
    """A vLLM engine beside the trainer, on the same device.

    Draws are reproducible per request, except on a GPU, where the probabilities can differ in the
    last bits with the company a request is computed in.

    Args:
        policy: what is trained; its folder tells the architecture, its weights are taken over at
            once.
        max_length: the longest prompt and completion together.
        max_rows: the most completions that grow at the same time.
        memory_share: of the GPU's memory, for weights and cache; without effect on a CPU.
        sleep: whether the GPU's memory is given back while the trainer works.

    Raises:
        ValueError: when vLLM is missing or of an unknown release.
        EngineError: when it cannot be started.
    """

    def __init__(
        self,
        policy: Policy,
        max_length: int,
        max_rows: int = 256,
        memory_share: float = 0.4,
        sleep: bool = False,
    ) -> None:
        device = policy.device.type
        vllm_internals.prepare(device)
        self._sleep = sleep and device == "cuda"
        self._llm: Any = _start(policy, max_length, max_rows, memory_share, self._sleep)
        self._asleep = False
        self.sync(policy.weights)

    def generate(
        self, requests: Sequence[Request], samples: int, sampling: Sampling
    ) -> list[tuple[Completion, ...]]:
        """All requests at once; vLLM batches them itself."""
        from vllm import SamplingParams  # pyright: ignore[reportMissingImports]  # optional

        parameters = [
            SamplingParams(
                n=samples,
                seed=request.seed,
                temperature=sampling.temperature,
                max_tokens=sampling.max_new_tokens,
                stop_token_ids=list(sampling.stop_ids),
                logprobs=0,
                detokenize=False,
            )
            for request in requests
        ]
        prompts: Any = [{"prompt_token_ids": r.prompt_ids_T.tolist()} for r in requests]
        try:
            outputs = self._llm.generate(prompts, parameters, use_tqdm=False)
        except Exception as error:
            raise EngineError(f"vLLM died: {type(error).__name__}: {error}") from error
        return [_group(output, samples) for output in outputs]

    def sync(self, weights: Callable[[], Weights]) -> None:
        """Loads the weights in place and resets the prefix cache."""
        if self._asleep:
            vllm_internals.wake(self._llm)
            self._asleep = False
        try:
            vllm_internals.load_weights(self._llm, weights())
        except Exception as error:
            raise EngineError(f"vLLM took no weights: {type(error).__name__}: {error}") from error

    def rest(self) -> None:
        """Lets the trainer have the GPU's memory until the next `sync`, if told so at the start."""
        if self._sleep and not self._asleep:
            vllm_internals.sleep(self._llm)
            self._asleep = True

    def close(self) -> None:
        """Frees the engine; may be called again."""
        self._llm = None
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def _start(policy: Policy, max_length: int, max_rows: int, memory_share: float, sleep: bool) -> Any:
    from vllm import LLM  # pyright: ignore[reportMissingImports]  # optional

    cpu = policy.device.type == "cpu"
    length = math.ceil(max_length / _BLOCK) * _BLOCK
    memory: dict[str, Any] = (
        {"kv_cache_memory_bytes": _cache_bytes(policy, length, max_rows)}
        if cpu
        else {"gpu_memory_utilization": memory_share, "enable_sleep_mode": sleep}
    )
    try:
        with vllm_internals.starting():
            return LLM(
                model=str(policy.path),
                dtype=_CPU_PRECISION if cpu else _GPU_PRECISION,
                enforce_eager=cpu,
                # A prompt prefilled in parts rewinds its generator, which those of a CPU cannot.
                enable_chunked_prefill=not cpu,
                max_model_len=min(max_length, policy.max_length),
                max_num_seqs=max_rows,
                max_num_batched_tokens=max(_LEAST_BATCHED_TOKENS, length, max_rows),
                block_size=_BLOCK,
                logprobs_mode="processed_logprobs",  # after the temperature, as tokens are drawn
                generation_config="vllm",  # no sampling settings of the model's own
                skip_tokenizer_init=True,
                use_tqdm_on_load=False,
                seed=0,
                **memory,
            )
    except Exception as error:
        raise EngineError(f"vLLM does not start: {type(error).__name__}: {error}") from error


def _cache_bytes(policy: Policy, length: int, max_rows: int) -> int:
    """Keys and values of all rows at full length, and one row of blocks to spare."""
    config = policy.model.config
    heads = config.num_key_value_heads
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    per_token = 2 * config.num_hidden_layers * heads * width * _FLOAT32_BYTES
    return per_token * length * (max_rows + 2)


def _group(output: Any, samples: int) -> tuple[Completion, ...]:
    found = output.outputs
    if len(found) != samples:
        raise EngineError(f"vLLM returned {len(found)} completions of {samples}")
    return tuple(_completion(completion) for completion in found)


def _completion(found: Any) -> Completion:
    ids = list(found.token_ids)
    logprobs = [entry[token].logprob for token, entry in zip(ids, found.logprobs, strict=True)]
    if not ids or found.finish_reason not in ("stop", "length"):
        raise EngineError(f"vLLM ended a completion of {len(ids)} tokens: {found.finish_reason}")
    return Completion(
        np.array(ids, dtype=np.int64), np.array(logprobs, dtype=np.float32), found.finish_reason
    )
