"""The language model that is trained, with its tokenizer."""

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from backends.rft.config import DEVICES
from backends.rft.rollouts import Ints
from backends.rft.tasks import Chat, Task

_GENERIC = ("TokenizersBackend", "PreTrainedTokenizerFast")
_LORA_PREFIX, _LORA_BASE, _LORA_PARTS = "base_model.model.", ".base_layer", "lora_"


@dataclass(frozen=True, slots=True, eq=False)
class Policy:
    """A causal language model of transformers.

    Attributes:
        path: the folder it came from.
        model: with weights in float32, whatever the device computes in; with `peft` around it when
            only adapters are trained.
        tokenizer: of the same folder.
        stop_ids: tokens that end a completion.
        max_length: the longest prompt and completion together.
    """

    path: Path
    model: Any
    tokenizer: Any
    stop_ids: tuple[int, ...]
    max_length: int

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return next(self.model.parameters()).device

    def computing(self) -> AbstractContextManager[Any]:
        """A context in which forward passes run: bfloat16 on a GPU, float32 on a CPU."""
        if self.device.type == "cuda":
            return torch.autocast("cuda", torch.bfloat16)
        return nullcontext()

    def encode(self, task: Task) -> Ints:
        """The tokens of a task's prompt; a chat goes through the tokenizer's template.

        Raises:
            ValueError: for a chat without a template, an empty prompt, or characters that the
                tokenizer has no token for.
        """
        ids = self._tokens(task.prompt)
        unknown = self.tokenizer.unk_token_id
        if not ids or (unknown is not None and unknown in ids):
            raise ValueError(
                f"the prompt of task {task.key!r} ({task.prompt!r:.80}) has "
                f"{'characters without a token' if ids else 'no tokens'} in the tokenizer of "
                f"{self.path}: use the tokenizer that the model was trained with, or leave the "
                "task out"
            )
        return np.array(ids, dtype=np.int64)

    def decode(self, token_ids_T: Ints) -> str:
        """The text of a completion before its stop token.

        Special tokens within it are shown: skipped, they would be free to scatter over an answer.
        """
        ids = token_ids_T.tolist()
        kept = ids[:-1] if ids[-1] in self.stop_ids else ids
        return self.tokenizer.decode(kept, skip_special_tokens=False)

    def longest(self, tasks: Sequence[Task], prompts: Sequence[Ints], max_new_tokens: int) -> int:
        """The longest prompt and completion together.

        Args:
            tasks: named in the error.
            prompts: of these tasks, as `encode` returned them.
            max_new_tokens: the longest completion.

        Raises:
            ValueError: when they do not fit into the model's context.
        """
        lengths = [prompt_T.size for prompt_T in prompts]
        place = int(np.argmax(lengths))
        if lengths[place] + max_new_tokens > self.max_length:
            raise ValueError(
                f"the prompt of task {tasks[place].key!r} has {lengths[place]} tokens and a "
                f"completion may have {max_new_tokens}, but the context of {self.path} holds "
                f"{self.max_length}: lower max_new_tokens, or leave the task out"
            )
        return lengths[place] + max_new_tokens

    def weights(self) -> Iterator[tuple[str, torch.Tensor]]:
        """Names and tensors as an engine expects them, adapters merged in; nothing is changed.

        An output layer that shares the embedding's weights is among them: vLLM keeps a copy.
        """
        if self.has_adapters:
            yield from self._merged()
            return
        for name, tensor in self.model.state_dict().items():
            yield name, tensor.detach()

    @property
    def has_adapters(self) -> bool:
        """Whether only low-rank adapters are trained."""
        return type(self.model).__module__.startswith("peft")

    def save(self, folder: Path) -> None:
        """Writes an ordinary Hugging Face folder, adapters merged in; it appears whole."""
        _without_progress_bars()
        temporary = folder.with_name(f"{folder.name}.tmp")
        shutil.rmtree(temporary, ignore_errors=True)
        base = self.model.get_base_model() if self.has_adapters else self.model
        tied = "lm_head.weight" if base.config.tie_word_embeddings else None
        kept = {name: tensor for name, tensor in self.weights() if name != tied}
        base.save_pretrained(temporary, state_dict=kept)
        self.tokenizer.save_pretrained(temporary)
        if folder.exists():
            shutil.rmtree(folder)
        temporary.rename(folder)

    def _tokens(self, prompt: str | Chat) -> list[int]:
        if isinstance(prompt, str):
            return self.tokenizer(prompt)["input_ids"]
        if self.tokenizer.chat_template is None:
            raise ValueError(
                f"the tokenizer of {self.path} has no chat template, and the prompts are chats: "
                "use an instruction-tuned model, or prompts that are plain text"
            )
        messages = [{"role": role, "content": content} for role, content in prompt]
        text = self.tokenizer.apply_chat_template(
            messages, tokenize=False, add_generation_prompt=True
        )
        return self.tokenizer(text, add_special_tokens=False)["input_ids"]

    def _merged(self) -> Iterator[tuple[str, torch.Tensor]]:
        """Base weights plus scale * B A of their adapters, under the base model's names."""
        modules = dict(self.model.named_modules())
        for name, tensor in self.model.state_dict().items():
            if _LORA_PARTS in name:
                continue
            plain = name.removeprefix(_LORA_PREFIX).replace(_LORA_BASE, "")
            if _LORA_BASE in name and name.endswith(".weight"):
                layer: Any = modules[name.removesuffix(f"{_LORA_BASE}.weight")]
                tensor = tensor + layer.get_delta_weight("default").to(tensor.dtype)
            yield plain, tensor.detach()


def load_policy(
    path: str | Path, device: str = "auto", lora_rank: int = 0, lora_seed: int = 0
) -> Policy:
    """Reads a local Hugging Face folder.

    Args:
        path: the folder, with `config.json`, weights and tokenizer.
        device: `cpu`, `cuda`, or `auto` for the GPU if there is one.
        lora_rank: trains adapters of this rank on all linear layers instead of the weights; 0: the
            weights.
        lora_seed: of the adapters' first weights.

    Raises:
        ValueError: for a folder without a model or a usable tokenizer, or a device that is not
            there.
    """
    from transformers import AutoModelForCausalLM

    _without_progress_bars()
    path = Path(path)
    if not (path / "config.json").is_file():
        raise ValueError(
            f"{path} is not a model: it has no config.json; name a local Hugging Face folder "
            "(nothing is downloaded), or make a small one with `python -m backends.rft make-model`"
        )
    where = torch_device(device)
    try:
        tokenizer = _tokenizer(path)
        model: Any = AutoModelForCausalLM.from_pretrained(
            path, local_files_only=True, dtype=torch.float32
        )
    except Exception as error:  # whatever is wrong with a user's folder
        raise ValueError(
            f"{path} cannot be loaded as a causal language model with its tokenizer: "
            f"{type(error).__name__}: {str(error)[:300]}"
        ) from None
    stop_ids = _stop_ids(path, tokenizer, model)
    max_length = int(getattr(model.config, "max_position_embeddings", 2**31))
    if lora_rank:
        model = _with_adapters(model, lora_rank, lora_seed)
    model.to(where)
    model.eval()  # dropout would make the trained log-probabilities differ from the sampled ones
    return Policy(path, model, tokenizer, stop_ids, max_length)


def _without_progress_bars() -> None:
    from transformers.utils import logging

    logging.disable_progress_bar()


def torch_device(name: str) -> torch.device:
    """The device of that name.

    Raises:
        ValueError: for an unknown name, or a GPU that is not there.
    """
    if name not in DEVICES:
        raise ValueError(f"device is {name!r}; it must be one of {', '.join(DEVICES)}")
    found = torch.cuda.is_available()
    if name == "cuda" and not found:
        raise ValueError("device is 'cuda', but torch finds no GPU: use --device cpu")
    return torch.device("cuda" if name != "cpu" and found else "cpu")


def _tokenizer(path: Path) -> Any:
    """The tokenizer as its folder describes it.

    AutoTokenizer takes every tokenizer beside a Qwen2 model for Qwen2's own, which drops characters
    that it does not know without a word.
    """
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    described = path / "tokenizer_config.json"
    name = json.loads(described.read_text("utf-8")).get("tokenizer_class", "")
    kind: Any = PreTrainedTokenizerFast if name in _GENERIC else AutoTokenizer
    return kind.from_pretrained(path, local_files_only=True)


def _stop_ids(path: Path, tokenizer: Any, model: Any) -> tuple[int, ...]:
    stops = model.generation_config.eos_token_id
    found = [tokenizer.eos_token_id, *(stops if isinstance(stops, list) else [stops])]
    ids = tuple(sorted({int(stop) for stop in found if stop is not None}))
    if not ids:
        raise ValueError(
            f"the tokenizer of {path} has no end-of-sequence token, so no completion would ever "
            "end: set `eos_token` in its tokenizer_config.json"
        )
    vocabulary = model.get_input_embeddings().num_embeddings
    if len(tokenizer) > vocabulary or max(ids) >= vocabulary:
        raise ValueError(
            f"the tokenizer of {path} has {len(tokenizer)} tokens, the model {vocabulary}: they do "
            "not belong together"
        )
    return ids


def _with_adapters(model: Any, rank: int, seed: int) -> Any:
    try:
        from peft import LoraConfig, get_peft_model
    except ImportError:
        raise ValueError(
            "adapters (lora_rank) need the package peft: `pip install -e '.[lora]'`"
        ) from None
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return get_peft_model(
            model, LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear")
        )
