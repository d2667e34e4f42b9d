"""A small language model from nothing: supervised training on procedural families."""

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from backends.rft.characters import make_tokenizer
from backends.rft.families import Question, examples, make_tasks
from backends.rft.policy import Policy, torch_device
from backends.rft.recipe import HEAD, SFTConfig

RECIPE = "recipe.json"
_BEGUN = "recipe.begun.json"
_IGNORED = -100
_LONGEST = 64
_BATCHES_SORTED = 8  # drawn together and sorted by length, so that a batch has little padding
_WARMUP, _CLIP, _DECAYING = 50, 1.0, 0.2


def make_model(
    folder: Path, config: SFTConfig, progress: Callable[[int, float], None] | None = None
) -> None:
    """Trains a Qwen2 model of characters and writes `weak`, `start` and `strong` into the folder.

    Each is an ordinary Hugging Face folder with its tokenizer. What was made is recorded last, in
    `recipe.json`, so a folder with that file is complete.

    Args:
        folder: made if need be.
        config: see there.
        progress: called with the number of steps done and the loss.
    """
    pool, heldout = make_tasks(
        config.families, config.pool_per_cell, config.heldout_per_cell, config.seed
    )
    kept_apart = frozenset(str(task.prompt) for task in (*pool, *heldout))
    policy = _fresh(config)
    batches = _batches(policy, config, kept_apart)
    optimizer = torch.optim.AdamW(
        policy.model.parameters(), config.learning_rate, (0.9, 0.98), weight_decay=0.01, fused=True
    )
    _begin(folder, config)
    policy.model.train()
    for step in range(1, config.steps + 1):
        for group in optimizer.param_groups:
            group["lr"] = config.learning_rate * _schedule(step, config.steps)
        loss = _loss(policy.model, *next(batches))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(policy.model.parameters(), _CLIP)
        optimizer.step()
        for name, when in config.checkpoints.items():
            if step == when:
                policy.save(folder / name)
        if progress is not None:
            progress(step, loss.item())
    (folder / _BEGUN).rename(folder / RECIPE)


def _begin(folder: Path, config: SFTConfig) -> None:
    """Claims the folder; one that holds checkpoints of somebody else's making is refused."""
    folder.mkdir(parents=True, exist_ok=True)
    ours = (folder / RECIPE).exists() or (folder / _BEGUN).exists()
    found = [name for name in config.checkpoints if (folder / name).exists()]
    if found and not ours:
        raise ValueError(
            f"{folder / found[0]} exists and would be replaced: choose another folder, or move it"
        )
    (folder / RECIPE).unlink(missing_ok=True)
    (folder / _BEGUN).write_text(json.dumps(asdict(config), indent=1), encoding="utf-8")


def is_made(folder: Path, config: SFTConfig) -> bool:
    """Whether the folder holds the complete result of this recipe.

    Raises:
        ValueError: when it holds that of another.
    """
    path = folder / RECIPE
    if not path.exists():
        return False
    found = json.loads(path.read_text(encoding="utf-8"))
    if found != json.loads(json.dumps(asdict(config))):
        raise ValueError(
            f"{folder} holds a model of another recipe ({found}): choose another folder, or "
            "delete it"
        )
    return True


def _fresh(config: SFTConfig) -> Policy:
    from transformers import Qwen2Config, Qwen2ForCausalLM

    tokenizer: Any = make_tokenizer()
    architecture = Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=config.hidden,
        intermediate_size=2 * config.hidden,
        num_hidden_layers=config.layers,
        num_attention_heads=config.hidden // HEAD,
        num_key_value_heads=config.hidden // HEAD,
        max_position_embeddings=_LONGEST,
        rope_parameters={"rope_type": "default", "rope_theta": 1000.0},
        initializer_range=0.05,
        tie_word_embeddings=True,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=None,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        model: Any = Qwen2ForCausalLM(architecture)
    model.to(torch_device("cpu"))
    return Policy(Path(), model, tokenizer, (tokenizer.eos_token_id,), _LONGEST)


def _schedule(step: int, steps: int) -> float:
    return min(1.0, step / _WARMUP, max((steps - step) / (_DECAYING * steps), 1 / steps))


def _batches(
    policy: Policy, config: SFTConfig, kept_apart: frozenset[str]
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Tokens and labels of batches of about equally long examples, for ever."""
    rng = np.random.default_rng([config.seed, 1])
    source = examples(config.families, kept_apart, rng)
    while True:
        drawn = list(itertools.islice(source, config.batch * _BATCHES_SORTED))
        drawn.sort(key=lambda question: len(question[0]) + len(question[1]))
        for place in rng.permutation(_BATCHES_SORTED):
            yield _tensors(policy.tokenizer, drawn[place * config.batch :][: config.batch])


def _tensors(tokenizer: Any, questions: list[Question]) -> tuple[torch.Tensor, torch.Tensor]:
    """Padded tokens, and the same with everything but answers and stops marked as to ignore."""
    prompts = tokenizer([prompt for prompt, _ in questions])["input_ids"]
    answers = tokenizer([answer for _, answer in questions])["input_ids"]
    width = max(len(p) + len(a) for p, a in zip(prompts, answers, strict=True)) + 1
    ids = torch.full((len(questions), width), tokenizer.pad_token_id)
    labels = torch.full((len(questions), width), _IGNORED)
    for row, (prompt, answer) in enumerate(zip(prompts, answers, strict=True)):
        whole = torch.tensor([*prompt, *answer, tokenizer.eos_token_id])
        ids[row, : len(whole)] = whole
        labels[row, len(prompt) : len(whole)] = whole[len(prompt) :]
    return ids, labels


def _loss(model: Any, ids: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    logits = model(input_ids=ids, use_cache=False).logits[:, :-1]
    return functional.cross_entropy(
        logits.flatten(0, 1), labels[:, 1:].flatten(), ignore_index=_IGNORED
    )
