"""The real backend: learning, truth, failures of engine and verifier, memory."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from backends.rft.config import RolloutConfig, TrainConfig
from backends.rft.errors import DivergedError, MemoryExhaustedError
from backends.rft.rollouts import Completion
from backends.rft.tasks import Task, TaskSet
from backends.rft.verifiers import VERIFIERS
from backends.rft.verifiers.base import AbstractVerifier, VerifierError
from bots import RolloutBatch
from tests.backends.rft import models
from tests.lazy import lazily

with lazily():
    import torch

    from backends.rft import engines
    from backends.rft.backend import RFTBackend, RFTTruth, save_model
    from backends.rft.engines import make_engine, vllm_internals
    from backends.rft.grading import Grader
    from backends.rft.policy import load_policy

pytestmark = pytest.mark.integration


def live(backend, steps: range, size: int = 16) -> float:
    for step in steps:
        ids = np.random.default_rng(step).choice(200, size, replace=False)
        backend.train(backend.rollout(ids, 8))
    return backend.evaluate()


def test_a_model_learns_through_transformers():
    backend = models.backend()
    start = backend.evaluate()
    assert live(backend, range(40)) > 1.3 * start


@pytest.mark.parametrize("name", ["grpo", "drgrpo", "rloo", "dapo", "maxrl"])
def test_every_algorithm_learns(name):
    backend = models.backend(train=TrainConfig(algorithm=name, learning_rate=3e-4))
    start = backend.evaluate()
    assert live(backend, range(15)) > 1.05 * start


def test_adapters_learn_and_are_saved_merged(tmp_path):
    backend = models.backend(train=TrainConfig(learning_rate=2e-3), lora_rank=4)
    start = backend.evaluate()
    learnt = live(backend, range(20))
    assert learnt > 1.05 * start
    save_model(backend, tmp_path / "merged")
    policy = load_policy(tmp_path / "merged", "cpu")
    reopened = RFTBackend(policy, models.tasks(), TrainConfig(), models.TRANSFORMERS, 0)
    assert reopened.evaluate() == pytest.approx(learnt, abs=(learnt - start) / 100)


@pytest.mark.gpu
@pytest.mark.skipif("not torch.cuda.is_available()", reason="there is no GPU")
@pytest.mark.parametrize("engine", ["transformers", "vllm"])
@pytest.mark.filterwarnings("ignore")
def test_a_model_learns_on_a_gpu(engine):
    if engine == "vllm" and not vllm_internals.suits("cuda"):
        pytest.skip("vLLM is not installed")
    policy = load_policy(models.folder() / "start", "cuda")
    rollouts = RolloutConfig(engine, memory_share=0.2)
    backend = RFTBackend(policy, models.tasks(), models.TRAIN, rollouts, 0)
    start = backend.evaluate()
    assert live(backend, range(40)) > 1.3 * start
    backend.close()


def test_the_truth_is_what_rollouts_show():
    """Successes over 40 tasks x 64 rollouts; |z| < 4 has a false-alarm rate of 6e-5."""
    policy = models.policy()
    tasks = models.tasks()
    backend = RFTBackend(policy, tasks, TrainConfig(), models.TRANSFORMERS, 0)
    rates = RFTTruth(policy, tasks.train_N, models.TRANSFORMERS, 8).solve_rates(np.arange(40))
    rewards_BG = backend.rollout(np.arange(40), 64).rewards_BG
    spread = np.sqrt((64 * rates * (1 - rates)).sum())
    assert abs(rewards_BG.sum() - 64 * rates.sum()) < 4 * spread


def test_the_truth_follows_the_policy_and_gains_favour_undecided_tasks():
    policy, tasks = models.policy(), models.tasks()
    backend = RFTBackend(policy, tasks, TrainConfig(), models.TRANSFORMERS, 0)
    truth = RFTTruth(policy, tasks.train_N, models.TRANSFORMERS, 8)
    before, gains = truth.solve_rates(), truth.expected_gains()
    assert gains.argmax() == np.abs(before - 0.5).argmin()
    live(backend, range(3))
    assert not np.array_equal(truth.solve_rates(), before)


def test_evaluation_by_sampling_agrees_with_the_exact_one():
    """Mean of 72 tasks x 32 samples; 4 standard errors, false-alarm rate below 1e-4."""
    tasks = models.tasks()
    heldout = tuple(replace(task, verifier="lenient") for task in tasks.heldout)

    VERIFIERS["lenient"] = VERIFIERS["exact"]
    try:
        rollouts = replace(models.TRANSFORMERS, eval_samples=32)
        sampled = RFTBackend(
            models.policy(), replace(tasks, heldout=heldout), TrainConfig(), rollouts, 0
        )
        exact = models.backend().evaluate()
        error = np.sqrt(exact * (1 - exact) / (72 * 32))
        assert abs(sampled.evaluate() - exact) < 4 * error
        assert sampled.evaluate() == sampled.evaluate()
    finally:
        del VERIFIERS["lenient"]


class Dying:
    """An engine that dies at its n-th call, over generation or over new weights."""

    def __init__(self, engine, calls: int) -> None:
        self._engine, self._left = engine, calls

    def _live(self) -> None:
        self._left -= 1
        if self._left == 0:
            raise engines.EngineError("killed")

    def generate(self, requests, samples, sampling):
        self._live()
        return self._engine.generate(requests, samples, sampling)

    def sync(self, weights):
        self._live()

    def rest(self) -> None: ...

    def close(self) -> None: ...


@pytest.mark.parametrize("dies_at", [1, 3, 4])
@pytest.mark.filterwarnings("ignore:the engine is replaced")
def test_an_engine_that_dies_is_replaced_and_nothing_changes(dies_at):
    started = []
    policy = models.policy()

    def start() -> Any:
        started.append(1)
        engine = make_engine("transformers", policy, 64)
        return Dying(engine, dies_at if len(started) == 1 else -1)

    backend = RFTBackend(
        policy, models.tasks(), models.TRAIN, models.TRANSFORMERS, 0, start_engine=start
    )
    assert live(backend, range(3)) == live(models.backend(), range(3))
    assert len(started) == 2


@pytest.mark.filterwarnings("ignore:the engine is replaced")
def test_an_engine_that_dies_twice_over_one_call_ends_the_run():
    policy = models.policy()

    def start() -> Any:
        return Dying(make_engine("transformers", policy, 64), 1)

    backend = RFTBackend(
        policy, models.tasks(), TrainConfig(), models.TRANSFORMERS, 0, start_engine=start
    )
    with pytest.raises(engines.EngineError, match="killed"):
        backend.rollout(np.arange(4), 8)


class Broken(AbstractVerifier):
    def check(self, answer: str) -> None: ...

    def score(self, completion: str, answer: str) -> float:
        raise VerifierError("out of order")

    def close(self) -> None: ...


def test_failures_of_a_verifier_are_counted_and_no_wrong_answers():
    tasks = models.tasks()
    train = (*(replace(task, verifier="broken") for task in tasks.train_N[:4]), *tasks.train_N[4:])
    VERIFIERS["broken"] = Broken
    try:
        backend = RFTBackend(
            models.policy(), replace(tasks, train_N=train), TrainConfig(), models.TRANSFORMERS, 0
        )
        batch = backend.rollout(np.arange(16), 8)
        lost = np.isnan(batch.rewards_BG)
        cut_off = np.array(
            [[c.finish_reason == "length" for c in g.completions_G] for g in batch.payload_B]
        )
        assert (lost[:4] == ~cut_off[:4]).all()
        assert not lost[4:].any()
        assert batch.feedback().trials_B[:4].sum() == cut_off[:4].sum()
        assert backend.train(batch)["verifier_failures"] == lost.sum()
        assert backend.train(backend.rollout(np.arange(4, 8), 8))["verifier_failures"] == 0
    finally:
        del VERIFIERS["broken"]


def test_special_tokens_within_an_answer_are_no_part_of_it():
    policy = models.policy()
    tokenizer = policy.tokenizer
    pad, unknown, stop = tokenizer.pad_token_id, tokenizer.unk_token_id, tokenizer.eos_token_id
    (b, a) = tokenizer("ba")["input_ids"]
    grader = Grader(policy, [Task("k", "Rab=", "ba")])
    given = [[b, a, stop], [b, pad, a, stop], [pad, b, a, stop], [b, unknown, a, stop]]
    empty = np.zeros(4, dtype=np.float32)
    completions = [Completion(np.array(ids), empty[: len(ids)], "stop") for ids in given]
    assert grader.rewards([Task("k", "Rab=", "ba")], [completions]).tolist() == [[1, 0, 0, 0]]


def test_an_answer_that_its_verifier_cannot_use_is_refused():
    with pytest.raises(ValueError, match="the answer of task 'k' cannot be used"):
        Grader(models.policy(), [Task("k", "Rab=", "")])


def test_a_diverging_run_stops_with_finite_weights_and_a_message():
    backend = models.backend(train=TrainConfig(largest_grad_norm=1e-6))
    with pytest.raises(DivergedError, match=r"diverged at optimizer step 1.*lower learning_rate"):
        live(backend, range(10))
    assert all(
        np.isfinite(value).all()
        for value in backend.state_dict().values()
        if isinstance(value, np.ndarray)
    )


@pytest.mark.parametrize("wrapped", [False, True])
def test_running_out_of_memory_names_the_setting(monkeypatch, wrapped):
    backend = models.backend()
    cause = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    def exhausted(*_, **__):
        if wrapped:
            raise engines.EngineError("vLLM died") from cause
        raise cause

    monkeypatch.setattr(backend._engine, "generate", exhausted)
    with pytest.raises(MemoryExhaustedError, match="while generating: lower --max-rows"):
        backend.rollout(np.arange(4), 8)


def with_task(task: Task) -> TaskSet:
    tasks = models.tasks()
    return replace(tasks, train_N=(task, *tasks.train_N[1:]))


@pytest.mark.parametrize(
    ("task", "rollouts", "message"),
    [
        (Task("long", "R" + "1" * 60, "1"), models.TRANSFORMERS, "holds 64"),
        (Task("odd", "ä=", "1"), models.TRANSFORMERS, "characters without a token"),
        (Task("chat", (("user", "R12="),), "1"), models.TRANSFORMERS, "no chat template"),
        (Task("v", "R12=", "21", "psychic"), models.TRANSFORMERS, "must be one of code, exact"),
        (Task("ok", "R12=", "21"), RolloutConfig("nowhere"), "must be one of auto"),
    ],
)
def test_what_a_run_cannot_use_is_refused_before_it_starts(task, rollouts, message):
    with pytest.raises(ValueError, match=message):
        RFTBackend(models.policy(), with_task(task), TrainConfig(), rollouts, 0)


def test_a_batch_without_completions_cannot_be_trained_on():
    with pytest.raises(ValueError, match="no completions of this pool"):
        models.backend().train(RolloutBatch([3], [[1.0, 0.0]]))


def test_figures_of_a_step_add_up():
    backend = models.precise_backend()
    batch = backend.rollout(np.arange(32), 8)
    metrics = backend.train(batch)
    tokens = sum(c.token_ids_T.size for g in batch.payload_B for c in g.completions_G)
    assert metrics["generated_tokens"] == tokens
    informative = batch.informative_B.sum()
    assert metrics["all_wrong_groups"] + metrics["all_right_groups"] + informative == 32
    kept = [g for g, keeps in zip(batch.payload_B, batch.informative_B, strict=True) if keeps]
    assert metrics["trained_tokens"] == sum(
        c.token_ids_T.size for g in kept for c in g.completions_G
    )
    assert metrics["engine_gap_max"] < models.reported(models.policy())
    for name in ("generation", "reward", "training", "sync"):
        assert metrics[f"time/{name}"] >= 0
