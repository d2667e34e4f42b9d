"""What a step of real finetuning costs: our backend against TRL's GRPOTrainer, taking turns.

Both sample and train the same small model on the same prompts with the same settings, one thread
each. The model never stops, so every completion has the longest length and both sides generate and
train on equally many tokens. Rewards are prescribed: with every group informative, leaving out groups
that teach nothing gains nothing.
"""

import contextlib
import functools
import io
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from bench.tables import Table

_GROUPS, _GROUP_SIZE, _LENGTH = 32, 8, 11
_WARM_UP = 3
_SHARES = (1.0, 0.5)  # of informative groups: no gain from the others, and a usual pool
_ALONE = 8.0  # what the dimension that keeps the model from stopping is set to
_PHASES = ("generation", "reward", "training", "sync")
_MS = 1e3
# Read when vLLM is imported; the last lets TRL's engine start on a CPU.
_VLLM_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "TORCHDYNAMO_DISABLE": "1",
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
    "VLLM_LOGGING_LEVEL": "ERROR",
}

Step = Callable[[], dict[str, float]]


@dataclass(frozen=True, slots=True)
class _Turns:
    """R rounds of one of our steps and one of TRL's.

    Attributes:
        engine: what both sampled with.
        share: of groups with different rewards.
        ours_R: seconds.
        theirs_R: seconds.
        phases: medians of our step's figures.
        their_sampling: median seconds of TRL's step until rewards and advantages are known.
    """

    engine: str
    share: float
    ours_R: np.ndarray
    theirs_R: np.ndarray
    phases: dict[str, float]
    their_sampling: float

    @property
    def row(self) -> tuple[str, ...]:
        ratios = np.quantile(self.ours_R / self.theirs_R, (0, 0.5, 1))
        medians = _MS * np.median(self.ours_R), _MS * np.median(self.theirs_R)
        return (
            f"{self.engine}, {self.share:.0%} of groups informative",
            *(f"{value:.1f}" for value in medians),
            *(f"{ratio:.2f}" for ratio in ratios),
        )

    @property
    def split(self) -> tuple[str, ...]:
        times = [_MS * self.phases[f"time/{phase}"] for phase in _PHASES]
        theirs = _MS * self.their_sampling, _MS * (np.median(self.theirs_R) - self.their_sampling)
        return (
            f"{self.engine}, {self.share:.0%} of groups informative",
            *(f"{value:.1f}" for value in (*times, *theirs)),
            f"{self.phases['generated_tokens']:.0f}",
            f"{self.phases['trained_tokens']:.0f}",
            f"{self.phases['padding']:.0%}",
        )


def measure_real(rounds: int = 20, with_vllm: bool = False) -> str:
    """Markdown tables: milliseconds per step, ratios over the rounds, and where the time goes.

    Args:
        rounds: of one step each, after a warm-up.
        with_vllm: measures with vLLM on both sides as well, in a process of its own.
    """
    parts = [_head(rounds), _tables(_measured("transformers", rounds))]
    if with_vllm:
        parts.append(_in_another_process(rounds))
    return "\n\n".join(parts)


def print_with_vllm(rounds: int) -> None:
    """Prints the tables with vLLM; the environment must be prepared, see `_in_another_process`."""
    print(_tables(_measured("vllm", rounds)))


def _head(rounds: int) -> str:
    return (
        f"One step of {_GROUPS} groups of {_GROUP_SIZE} rollouts of {_LENGTH} tokens, our backend and "
        f"TRL in turns, {rounds} rounds, one thread; ratios are ours / TRL's of the same round."
    )


def _in_another_process(rounds: int) -> str:
    """vLLM takes its settings from the environment when it is imported, which TRL does."""
    program = f"from bench.rft_perf import print_with_vllm; print_with_vllm({rounds})"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **_VLLM_ENVIRONMENT},
        cwd=Path(__file__).parents[1],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def _tables(found: list[_Turns]) -> str:
    ratios = Table(
        "",
        ("", "ours, ms", "TRL, ms", "least ratio", "median ratio", "largest ratio"),
        tuple(turns.row for turns in found),
    )
    split = Table(
        "",
        (
            "",
            *(f"our {phase}, ms" for phase in _PHASES),
            "TRL's sampling, ms",
            "TRL's training, ms",
            "tokens generated",
            "tokens trained on",
            "padding",
        ),
        tuple(turns.split for turns in found),
    )
    return f"{ratios.markdown()}\n\n{split.markdown()}"


def _measured(engine: str, rounds: int) -> list[_Turns]:
    with TemporaryDirectory() as name, _one_quiet_thread():
        folder, prompts = Path(name) / "endless", _prompts()
        _make_endless_model(folder)
        return [_turns(engine, share, rounds, folder, prompts) for share in _SHARES]


@contextlib.contextmanager
def _one_quiet_thread() -> Iterator[None]:
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    silence = contextlib.redirect_stdout(io.StringIO())
    with warnings.catch_warnings(), silence:
        warnings.simplefilter("ignore")  # TRL and vLLM, about each other's versions and this machine
        try:
            yield
        finally:
            torch.set_num_threads(threads)


def _prompts() -> list[str]:
    from backends.rft.families import make_tasks
    from backends.rft.sft import SFTConfig

    config = SFTConfig()
    pool, _ = make_tasks(config.families, config.pool_per_cell, 0, config.seed)
    chosen = np.random.default_rng(0).choice(len(pool), _GROUPS, replace=False)
    return [str(pool[place].prompt) for place in chosen]


def _make_endless_model(folder: Path) -> None:
    """The architecture of `SFTConfig`, as good as untrained, with a stop token that cannot occur.

    One dimension is large in every embedding and points the other way for the stop token; with tied
    embeddings, its logit is far below all others.
    """
    import torch

    from backends.rft.policy import load_policy
    from backends.rft.sft import SFTConfig, make_model

    make_model(folder.parent, SFTConfig(steps=1, weak_step=1, start_step=1))
    policy = load_policy(folder.parent / "start", "cpu")
    embedding = policy.model.get_input_embeddings().weight
    with torch.no_grad():
        embedding[:, 0] = _ALONE
        embedding[list(policy.stop_ids), 0] = -_ALONE
    policy.save(folder)


def _rewards(share: float) -> np.ndarray:
    """Every other rollout is right, in the informative groups."""
    rewards_BG = np.zeros((_GROUPS, _GROUP_SIZE))
    rewards_BG[: round(share * _GROUPS), ::2] = 1.0
    return rewards_BG


def _turns(engine: str, share: float, rounds: int, folder: Path, prompts: list[str]) -> _Turns:
    step = _our_step(engine, share, folder, prompts)
    ours, theirs, sampling, figures = [], [], [], []
    began = time.perf_counter()

    def our_turn() -> None:
        nonlocal began
        theirs.append(time.perf_counter() - began)
        began = time.perf_counter()
        figures.append(step())
        ours.append(time.perf_counter() - began)
        began = time.perf_counter()

    trainer = _their_trainer(engine, share, folder, prompts, rounds + _WARM_UP, our_turn)
    _time_calls(trainer, "_generate_and_score_completions", sampling)
    trainer.train()
    kept = slice(_WARM_UP, None)
    phases = {name: float(np.median([f[name] for f in figures[kept]])) for name in figures[0]}
    tokens = _GROUPS * _GROUP_SIZE * _LENGTH
    if phases["generated_tokens"] != tokens or trainer.state.num_input_tokens_seen % tokens:
        pass
    return _Turns(
        engine,
        share,
        np.array(ours[kept]),
        np.array(theirs[kept]),
        phases,
        float(np.median(sampling[kept])),
    )


def _time_calls(owner: Any, name: str, seconds: list[float]) -> None:
    inner = getattr(owner, name)

    def timed(*arguments: Any) -> Any:
        began = time.perf_counter()
        result = inner(*arguments)
        seconds.append(time.perf_counter() - began)
        return result

    setattr(owner, name, timed)


def _our_step(engine: str, share: float, folder: Path, prompts: list[str]) -> Step:
    from backends.rft.backend import RFTBackend
    from backends.rft.config import RolloutConfig, TrainConfig
    from backends.rft.policy import load_policy
    from backends.rft.tasks import Task, TaskSet

    tasks = TaskSet(
        tuple(Task(prompt, prompt, "0") for prompt in prompts), (Task("heldout", "A1+1=", "2"),)
    )
    train = TrainConfig(learning_rate=1e-6, warmup_steps=0)
    rollouts = RolloutConfig(engine, max_new_tokens=_LENGTH)
    backend = RFTBackend(load_policy(folder, "cpu"), tasks, train, rollouts, seed=0)
    task_ids_B, rewards_BG = np.arange(_GROUPS), _rewards(share)

    def step() -> dict[str, float]:
        batch = backend.rollout(task_ids_B, _GROUP_SIZE)
        return backend.train(replace(batch, rewards_BG=rewards_BG))

    return step


def _their_trainer(
    engine: str,
    share: float,
    folder: Path,
    prompts: list[str],
    steps: int,
    our_turn: Callable[[], None],
) -> Any:
    from datasets import Dataset
    from transformers import PrinterCallback, TrainerCallback
    from trl import GRPOConfig, GRPOTrainer

    from backends.rft.engines import vllm_internals
    from backends.rft.policy import load_policy

    class OurTurn(TrainerCallback):
        def on_step_end(self, *_: Any, **__: Any) -> None:
            our_turn()

    rewards = dict(zip(prompts, _rewards(share).tolist(), strict=True))

    def reward(prompts: list[str], completions: list[str], **_: Any) -> list[float]:
        """Compares answers as ours does, then answers what is prescribed."""
        right = [text == "0" for text in completions]
        return [rewards[p][i % _GROUP_SIZE] + 0 * r for i, (p, r) in enumerate(zip(prompts, right))]

    if engine == "vllm":
        _make_trl_run_vllm_on_a_cpu()
    vllm = {
        "use_vllm": True,
        "vllm_mode": "colocate",
        "vllm_gpu_memory_utilization": 0.05,
        "vllm_max_model_length": 64,
        "vllm_importance_sampling_mode": "token_truncate",  # as ours
        "vllm_importance_sampling_clip_max": 2.0,
    }
    arguments = GRPOConfig(
        output_dir=str(folder.parent / "trl"),
        use_cpu=True,
        bf16=False,
        gradient_checkpointing=False,
        per_device_train_batch_size=_GROUPS * _GROUP_SIZE,
        num_generations=_GROUP_SIZE,
        max_completion_length=_LENGTH,
        max_steps=steps,
        loss_type="grpo",
        beta=0.0,
        temperature=1.0,
        learning_rate=1e-6,
        adam_beta2=0.95,
        lr_scheduler_type="constant",
        report_to=[],
        save_strategy="no",
        logging_strategy="no",
        disable_tqdm=True,
        **(vllm if engine == "vllm" else {}),
    )
    policy = load_policy(folder, "cpu")
    with vllm_internals.starting():
        trainer = GRPOTrainer(
            model=policy.model,
            args=arguments,
            processing_class=policy.tokenizer,
            reward_funcs=reward,
            train_dataset=Dataset.from_list([{"prompt": prompt} for prompt in prompts]),
            callbacks=[OurTurn()],
        )
    trainer.remove_callback(PrinterCallback)
    return trainer


def _make_trl_run_vllm_on_a_cpu() -> None:
    """Two things that TRL 1.16 leaves no setting for.

    Its engine would compile the model and compute in bfloat16; and it hands over weights by
    `load_weights`, which the CPU build's packed layers do not have.
    """
    from trl.generation import vllm_generation

    from backends.rft.engines import vllm_internals

    def sync_weights(self: Any) -> None:
        vllm_internals.load_weights(self.llm, self._iter_named_params())

    engine = functools.partial(vllm_generation.LLM, enforce_eager=True, dtype="float32")
    vllm_generation.LLM = engine
    vllm_generation.VLLMGeneration.sync_weights = sync_weights
