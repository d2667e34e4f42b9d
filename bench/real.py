"""Settings that train a language model for real; torch is imported when one is built."""

import hashlib
import json
import os
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from backends import AbstractBackend, AbstractTruth
from bench.settings import Setting
from bots import Pool, checks

if TYPE_CHECKING:
    from backends.rft.policy import Policy
    from backends.rft.sft import SFTConfig
    from backends.rft.sources import TaskSource
    from backends.rft.tasks import TaskSet

AXES = ("steps", "rollouts", "seconds")
REFERENCE_TRIALS = 16


@dataclass(frozen=True, slots=True)
class RealSource:
    """A model and its tasks.

    Attributes:
        name: of the setting.
        recipe: options of `backends.rft.sft.SFTConfig`, for a model of our own, a new one for each
            seed; used when `model` is None.
        models: folder in which models of our own are kept, so that they are made once.
        models_of: another source of the same recipe, whose models are taken.
        wrong_labels: share of the labels of our own tasks that are wrong, but for those held out.
        pool_size: tasks of our own to train on, at random; smaller pools are parts of larger ones.
            None: all.
        model: a local Hugging Face folder.
        tasks: what `model` is trained on.
        references: a Parquet file of solve rates, as `python -m backends.rft references` writes it.
        train: options of `backends.rft.config.TrainConfig`.
        rollouts: options of `backends.rft.config.RolloutConfig`.
        device: `auto`, `cpu` or `cuda`.
        lora_rank: of adapters to train instead of the weights; 0: none.
        threads: of torch; two on busy cores can be 80 times slower than one.
    """

    name: str
    recipe: dict[str, Any] = field(default_factory=dict)
    models: str = "results/models"
    models_of: str | None = None
    wrong_labels: float = 0.0
    pool_size: int | None = None
    model: str | None = None
    tasks: "TaskSource | None" = None
    references: str | None = None
    train: dict[str, Any] = field(default_factory=dict)
    rollouts: dict[str, Any] = field(default_factory=dict)
    device: str = "auto"
    lora_rank: int = 0
    threads: int = 1


def real_setting(
    source: RealSource,
    summary: str,
    batch_size: int,
    group_size: int,
    steps: int,
    horizon: float,
    evaluate_every: int,
    checkpoint_seconds: float,
    reference_trials: int = REFERENCE_TRIALS,
    truth_every: int = 10,
) -> Setting:
    """The setting of a source; refuses what cannot work before anything is trained.

    Raises:
        ValueError: for a model, tasks, an engine or options that cannot be used.
    """
    checks.integer("evaluate_every", evaluate_every, 1)
    checks.integer("truth_every", truth_every, 1)
    checks.integer("threads", source.threads, 1)
    checks.integer("lora_rank", source.lora_rank, 0)
    checks.number("wrong_labels", source.wrong_labels, 0, 1)
    checks.number("horizon", horizon, 1)
    checks.number("checkpoint_seconds", checkpoint_seconds, 0)
    source = _resolved(source)
    if group_size < 2:
        raise ValueError(
            f"group_size is {group_size}; advantages compare the rollouts of a group, so it needs "
            "at least 2: raise --group-size"
        )
    pool, exact, offline = _checked(source, group_size)
    if batch_size > pool.num_tasks:
        raise ValueError(
            f"a batch of {batch_size} distinct tasks needs more than the {pool.num_tasks} to train "
            "on: lower --batch-size"
        )
    return Setting(
        source.name,
        summary,
        batch_size,
        group_size,
        steps,
        dict.fromkeys(pool.references, reference_trials),
        partial(build, source, group_size),
        {"real": _described(source), "evaluate_every": evaluate_every, "axes": AXES},
        horizon,
        evaluate_every,
        truth_every,
        checkpoint_seconds=checkpoint_seconds,
        traced=True,
        prepare=partial(_prepare, source) if source.model is None else None,
        preview=partial(_preview, pool, exact),
        save_model=_save_model,
        made_by=_versions,
        workers=1 if source.device == "cuda" else os.cpu_count() or 1,
        offline_rollouts=offline,
    )


def build(
    source: RealSource, group_size: int, seed: int
) -> tuple[AbstractBackend, AbstractTruth | None]:
    """The backend, and the truth behind it where it can be known exactly."""
    policy = _policy(source, seed)
    return _assembled(source, policy, _tasks(source, seed), group_size, seed)


def _assembled(
    source: RealSource, policy: "Policy", tasks: "TaskSet", group_size: int, seed: int
) -> tuple[AbstractBackend, AbstractTruth | None]:
    from backends.rft.backend import RFTBackend, RFTTruth
    from backends.rft.config import RolloutConfig, TrainConfig
    from backends.rft.exact import ExactRates

    rollouts = RolloutConfig(**source.rollouts)
    backend = RFTBackend(policy, tasks, TrainConfig(**source.train), rollouts, seed)
    if not ExactRates.applies(policy, tasks.train_N):
        return backend, None
    return backend, RFTTruth(policy, tasks.train_N, rollouts, group_size)


def _resolved(source: RealSource) -> RealSource:
    """The source with its engine and device settled, so that results say which were used."""
    from backends.rft.engines import engine_name
    from backends.rft.policy import torch_device

    device = torch_device(source.device).type
    engine = engine_name(source.rollouts.get("engine", "auto"), device)
    if engine == "vllm":
        from backends.rft.engines import vllm_internals

        vllm_internals.prepare(device)
    return replace(source, device=device, rollouts={**source.rollouts, "engine": engine})


def _checked(source: RealSource, group_size: int) -> tuple[Pool, bool, int | None]:
    """The pool of seed 0, whether there is a truth, and what the reference rates cost if known.

    Tries everything but training, on the CPU: a GPU is left to the workers.
    """
    from backends.rft.config import RolloutConfig, TrainConfig

    TrainConfig(**source.train)
    rollouts = RolloutConfig(**source.rollouts)
    if source.model is None:
        pool, _ = _own_tasks(source, 0)
        rates_N, offline = np.full(len(pool), 0.5), 2 * REFERENCE_TRIALS * len(pool)
        return _pool_of(pool, {"weak": rates_N, "strong": rates_N}), True, offline
    here = replace(source, device="cpu", rollouts={**asdict(rollouts), "engine": "transformers"})
    tasks = _tasks(here, 0)
    backend, truth = _assembled(here, _policy(here, 0), tasks, group_size, 0)
    backend.close()
    return backend.pool, truth is not None, tasks.reference_rollouts


def _pool_of(tasks: Any, references: dict[str, np.ndarray]) -> Pool:
    """A pool of these tasks with these reference rates."""
    from backends.rft.tasks import TaskSet

    return TaskSet(tasks, (replace(tasks[0], key="preview"),), references).pool


def _preview(pool: Pool, exact: bool) -> tuple[Pool, bool]:
    return pool, exact


def _recipe(source: RealSource, seed: int) -> "SFTConfig":
    from backends.rft.sft import SFTConfig

    return SFTConfig(**{**source.recipe, "seed": seed})


def _folder(source: RealSource, seed: int) -> Path:
    return Path(source.models) / f"{source.models_of or source.name}-{seed}"


def _prepare(source: RealSource, seed: int) -> None:
    """Makes the model of a seed, unless it is there."""
    import torch

    from backends.rft.sft import is_made, make_model

    torch.set_num_threads(source.threads)
    folder, recipe = _folder(source, seed), _recipe(source, seed)
    if not is_made(folder, recipe):
        make_model(folder, recipe)


def _policy(source: RealSource, seed: int) -> "Policy":
    import torch

    from backends.rft.policy import load_policy

    torch.set_num_threads(source.threads)
    if source.model is not None:
        return load_policy(source.model, source.device, source.lora_rank, seed)
    _prepare(source, seed)
    return load_policy(_folder(source, seed) / "start", source.device, source.lora_rank, seed)


def model_and_tasks(source: RealSource, seed: int) -> "tuple[Policy, TaskSet]":
    """The model that a seed's runs start from, made if need be, and its tasks."""
    return _policy(source, seed), _tasks(source, seed)


def _own_tasks(source: RealSource, seed: int) -> Any:
    from backends.rft.families import make_tasks
    from backends.rft.label_noise import with_wrong_labels

    recipe = _recipe(source, seed)
    pool, heldout = make_tasks(
        recipe.families, recipe.pool_per_cell, recipe.heldout_per_cell, recipe.seed
    )
    size = len(pool) if source.pool_size is None else source.pool_size
    checks.integer("pool_size", size, 1, len(pool))
    order = np.random.default_rng([seed, 5]).permutation(len(pool))
    kept = tuple(pool[place] for place in np.sort(order[:size]))
    return with_wrong_labels(kept, source.wrong_labels, seed), heldout


def _tasks(source: RealSource, seed: int) -> "TaskSet":
    from backends.rft.sources import load_tasks, with_references
    from backends.rft.tasks import TaskSet

    if source.model is None:
        pool, heldout = _own_tasks(source, seed)
        return TaskSet(pool, heldout, _own_references(source, pool, seed))
    assert source.tasks is not None
    tasks = load_tasks(source.tasks)
    return tasks if source.references is None else with_references(tasks, Path(source.references))


def _own_references(source: RealSource, pool: Any, seed: int) -> dict[str, np.ndarray]:
    """Rates as a user would measure them: Binomial(16, p) / 16 with the checkpoints' exact p."""
    from backends.rft.config import RolloutConfig
    from backends.rft.exact import ExactRates
    from backends.rft.policy import load_policy

    rng, rollouts, rates = np.random.default_rng([seed, 3]), RolloutConfig(**source.rollouts), {}
    for name in ("weak", "strong"):
        policy = load_policy(_folder(source, seed) / name, "cpu")
        exact_N = np.clip(ExactRates(policy, pool, rollouts).solve_rates(), 0, 1)
        rates[name] = rng.binomial(REFERENCE_TRIALS, exact_N) / REFERENCE_TRIALS
    return rates


def _described(source: RealSource) -> dict[str, Any]:
    """What the outcome depends on, without the places of this machine."""
    described = asdict(source)
    for name in ("models", "models_of", "name"):
        described.pop(name)
    for name in ("model", "references"):
        if described[name] is not None:
            described[name] = _fingerprint(Path(described[name]))
    if source.tasks is not None and source.tasks.kind == "file":
        for name in ("name", "heldout_path"):
            if described["tasks"][name] is not None:
                described["tasks"][name] = _fingerprint(Path(described["tasks"][name]))
    return json.loads(json.dumps(described))


def _fingerprint(path: Path) -> str:
    """The last part of a path, with a hash of the file, or of a model's weights."""
    files = [path] if path.is_file() else [path / "config.json", *path.glob("*.safetensors")]
    digest = hashlib.sha256()
    for part in sorted(files):
        with part.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return f"{path.name}@{digest.hexdigest()[:16]}"


def _save_model(backend: AbstractBackend, folder: Path) -> None:
    from backends.rft.backend import RFTBackend, save_model

    assert isinstance(backend, RFTBackend)
    save_model(backend, folder)


def _versions() -> dict[str, str]:
    import torch
    import transformers

    return {"torch": torch.__version__, "transformers": transformers.__version__}
