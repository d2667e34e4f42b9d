"""Solve rates of any models on the tasks to train on, counted by sampling."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from backends.rft.config import RolloutConfig
from backends.rft.engines import engine_name
from backends.rft.policy import torch_device
from backends.rft.reference_counts import ReferenceConfig, counted
from backends.rft.reference_files import COUNTS, Counts, ReferenceFiles
from backends.rft.tasks import TaskSet

_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]*")
_TAKEN = ("id", "domain")
_ENDINGS = tuple(f"_{name}" for name in COUNTS)
_MODEL_FILES = (".json", ".safetensors", ".bin", ".model", ".txt", ".jinja")


def parse_models(words: Sequence[str]) -> dict[str, Path]:
    """Folders by label, from words such as `models/weak` or `weak=models/checkpoint-300`.

    A word that is a folder as it stands is a path, whatever signs it has; its label is its name.

    Raises:
        ValueError: for a label that cannot name a column, or that names two.

    Example:
        >>> parse_models(["weak=a/step-300", "b/strong"]) == {
        ...     "weak": Path("a/step-300"), "strong": Path("b/strong")
        ... }
        True
    """
    models: dict[str, Path] = {}
    for word in words:
        label, equals, path = word.partition("=")
        if not equals or Path(word).is_dir():
            label, path = Path(word).resolve().name, word
        if not _LABEL.fullmatch(label) or label in _TAKEN or label.endswith(_ENDINGS):
            raise ValueError(
                f"the label of the model {word!r} is {label!r}; it must be letters, digits and "
                f"_.+-, not {' or '.join(_TAKEN)}, and not end in {' or '.join(_ENDINGS)}: give "
                f"another, as in --model weak={path}"
            )
        if label in models:
            raise ValueError(
                f"the label {label!r} names two models, {models[label]} and {path}: give another, "
                f"as in --model weak={path}"
            )
        models[label] = Path(path)
    return models


def measure_references(
    models: Mapping[str, Path],
    tasks: TaskSet,
    out: Path,
    config: ReferenceConfig,
    rollouts: RolloutConfig,
    redo: bool = False,
) -> dict[str, Counts]:
    """Counts how often each model solves each task to train on, and writes one Parquet file.

    Columns: `id`, `domain`, and for each label of the file `<label>`, the solve rate

        successes / trials, empty when there was no trial,

    `<label>_successes` (rewards of 1), `<label>_trials`, and `<label>_failures`, completions lost
    to a verifier that could not decide; they are no trials. Held-out tasks are not touched.

    Draws depend on seed, label and task, so neither the size of a chunk nor an interruption changes
    them; with the transformers engine on a CPU, equal calls give equal counts, up to draws that
    rounding decides. Labels that the file has already are not measured again, and labels it has
    beside these stay.

    Args:
        models: Hugging Face folders by label.
        tasks: whose pool is tried.
        out: ends in .parquet; grows in the folder `<out>.parts` until it is complete.
        config: how often.
        rollouts: how to sample.
        redo: measure again what `out` and its parts hold of other settings, instead of refusing.

    Returns:
        The counts of each of these labels, by the tasks' keys: successes, trials, failures.

    Raises:
        ValueError: for a model or tasks that cannot be used, or what is there of other settings.
        EngineError: when the engine died; call again to go on.
    """
    if not models:
        raise ValueError("there are 0 models; name at least one, with --model PATH")
    files = ReferenceFiles(out, redo)
    settings = {label: _settings(path, tasks, config, rollouts) for label, path in models.items()}
    with files.locked():
        kept = _kept(files, settings)
        found: dict[str, Counts] = {}
        for label, path in models.items():
            if label not in kept:
                found[label] = files.found(label, settings[label])
                missing = [task for task in tasks.train_N if task.key not in found[label]]
                done = len(found[label])
                for counts in counted(label, path, missing, config, rollouts, done):
                    files.add(label, settings[label], counts)
                    found[label] |= counts
        if found:
            files.finish(tasks.train_N, {**kept, **{k: settings[k] for k in found}}, found)
        for label in models:
            files.remove_parts(label)
        return {label: files.read(label) for label in models}


def _settings(
    path: Path, tasks: TaskSet, config: ReferenceConfig, rollouts: RolloutConfig
) -> dict[str, Any]:
    """All that counts depend on."""
    content = [[t.key, t.prompt, t.answer, t.verifier, t.domain] for t in tasks.train_N]
    return {
        "model": _model_fingerprint(path),
        "tasks": hashlib.sha256(json.dumps(content).encode()).hexdigest(),
        "samples": config.samples,
        "seed": config.seed,
        "engine": engine_name(rollouts.engine, torch_device(config.device).type),
        "temperature": rollouts.temperature,
        "max_new_tokens": rollouts.max_new_tokens,
    }


def _model_fingerprint(path: Path) -> str:
    """A hash of configuration, weights and tokenizer as they lie in the folder."""
    if not (path / "config.json").is_file():
        raise ValueError(
            f"{path} is not a model: it has no config.json; name a local Hugging Face folder"
        )
    digest = hashlib.sha256()
    for file in sorted(path.iterdir()):
        if file.suffix in _MODEL_FILES and file.is_file():
            with file.open("rb") as opened:
                content = hashlib.file_digest(opened, "sha256").hexdigest()
            digest.update(f"{file.name}:{content}\n".encode())
    return digest.hexdigest()


def _kept(files: ReferenceFiles, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of the labels whose columns stay as they are."""
    tasks = {"tasks": next(iter(settings.values()))["tasks"]}
    return {
        label: found
        for label, found in files.finished().items()
        if files.accepts(found, settings.get(label, tasks), files.out)
    }
