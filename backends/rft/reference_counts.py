"""How often a model solves tasks, counted by sampling."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from backends.rft.config import ReferenceConfig, RolloutConfig
from backends.rft.engines import Request, Sampling, make_engine
from backends.rft.errors import naming_memory
from backends.rft.grading import Grader
from backends.rft.policy import load_policy
from backends.rft.reference_files import Counts
from backends.rft.rollouts import Completion
from backends.rft.seeds import request_seed
from backends.rft.tasks import Task


def counted(
    label: str,
    path: Path,
    tasks: Sequence[Task],
    config: ReferenceConfig,
    rollouts: RolloutConfig,
    done: int,
) -> Iterator[Counts]:
    """Counts of one chunk of the tasks after the other.

    Args:
        label: of the model; draws depend on it.
        path: of the model.
        tasks: those to count.
        config: how often.
        rollouts: how to sample.
        done: tasks counted before, for the progress bar.

    Raises:
        ValueError: for a model that cannot be loaded, or a task that it cannot take.
        EngineError: when the engine died.
    """
    if not tasks:
        return
    policy = load_policy(path, config.device)
    prompts = [policy.encode(task) for task in tasks]
    longest = policy.longest(tasks, prompts, rollouts.max_new_tokens)
    sampling = Sampling(rollouts.max_new_tokens, rollouts.temperature, policy.stop_ids)
    with ExitStack() as stack:
        grader = Grader(policy, tasks)
        stack.callback(grader.close)
        engine = make_engine(
            rollouts.engine, policy, longest, rollouts.max_rows, rollouts.memory_share
        )
        stack.callback(engine.close)
        bar = stack.enter_context(_progress(label, done, len(tasks)))
        tokens, began = 0, time.perf_counter()
        for start in range(0, len(tasks), config.chunk):
            chosen = tasks[start : start + config.chunk]
            requests = [
                Request(prompt_T, request_seed("reference", config.seed, label, task.key))
                for task, prompt_T in zip(chosen, prompts[start:], strict=False)
            ]
            with naming_memory("generating", "lower max_rows (and memory_share on a GPU)"):
                groups = engine.generate(requests, config.samples, sampling)
            yield {
                task.key: _count(grader, task, completions_G)
                for task, completions_G in zip(chosen, groups, strict=True)
            }
            tokens += sum(c.token_ids_T.size for group in groups for c in group)
            bar.set_postfix_str(f"{tokens / (time.perf_counter() - began):,.0f} tokens/s", False)
            bar.update(len(chosen))


def _count(grader: Grader, task: Task, completions_G: Sequence[Completion]) -> tuple[int, int, int]:
    rewards_G = grader.rewards([task], [completions_G])[0]
    failures = int(np.isnan(rewards_G).sum())
    return int((rewards_G >= 1).sum()), len(rewards_G) - failures, failures


def _progress(label: str, done: int, missing: int):
    """A bar with rate and time left; silent when the output is not a terminal."""
    from tqdm import tqdm

    return tqdm(total=done + missing, initial=done, desc=label, unit="task", disable=None)
