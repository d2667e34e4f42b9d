"""Our gradients are those of TRL's GRPOTrainer, on the same model, completions and rewards.

TRL pads prompts, compares rewards, and computes log-probabilities, advantages, reference and loss
by itself; only sampling is replaced, by the completions that our trainer is given as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backends.rft.config import RolloutConfig, TrainConfig
from backends.rft.rollouts import Completion, Group
from tests.backends.rft import models
from tests.lazy import lazily

with lazily():
    import torch

    from backends.rft.policy import Policy, load_policy
    from backends.rft.sft import SFTConfig, make_model
    from backends.rft.trainer import Trainer

pytestmark = pytest.mark.integration

GROUPS, GROUP_SIZE, LONGEST, TEMPERATURE = 6, 4, 7, 0.7
REWARDS_BG = np.array(
    [
        [1.0, 0.0, 0.0, 1.0],
        [0.0, 0.0, 0.0, 0.0],
        [1.0, 0.0, 0.25, 0.5],
        [1.0, 1.0, 1.0, 1.0],
        [0.0, 1.0, 1.0, 1.0],
        [0.0, 0.0, 0.0, 1.0],
    ]
)
TRL_STD_EPSILON = 1e-4  # written into TRL's code; our default is smaller
TRL_LEVELS = {"grpo": "sequence", "dr_grpo": "constant", "dapo": "token"}
ROLLOUTS = RolloutConfig(max_new_tokens=LONGEST, temperature=TEMPERATURE)
OURS = TrainConfig(
    std_epsilon=TRL_STD_EPSILON,
    importance_cap=None,
    tokens_per_microbatch=40,
    learning_rate=0.0,
    warmup_steps=0,
    max_grad_norm=1e9,
)


@dataclass(frozen=True)
class Case:
    """One setting, in both languages."""

    loss_type: str = "grpo"
    scale_rewards: str = "group"
    epsilon: float = 0.2
    epsilon_high: float = 0.2
    beta: float = 0.0
    cap: float | None = None

    @property
    def ours(self) -> TrainConfig:
        return replace(
            OURS,
            loss_level=TRL_LEVELS[self.loss_type],
            normalise_std=self.scale_rewards == "group",
            clip_low=self.epsilon,
            clip_high=self.epsilon_high,
            kl_weight=self.beta,
            importance_cap=self.cap,
        )

    @property
    def theirs(self) -> dict[str, Any]:
        corrected = {
            "vllm_importance_sampling_mode": "token_truncate",
            "vllm_importance_sampling_clip_max": self.cap,
        }
        return {
            "loss_type": self.loss_type,
            "scale_rewards": self.scale_rewards,
            "epsilon": self.epsilon,
            "epsilon_high": self.epsilon_high,
            "beta": self.beta,
            "use_bias_correction_kl": False,  # TRL multiplies the penalty by the ratio by default
            **({} if self.cap is None else corrected),
        }


@pytest.fixture(scope="module")
def trl() -> Iterator[Any]:
    """TRL as if there were no vLLM: it would import it, and warn of releases it does not know."""
    trl = pytest.importorskip("trl")
    from trl import import_utils

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(import_utils, "is_vllm_available", lambda min_version=None: False)
        patch.setenv("TRL_EXPERIMENTAL_SILENCE", "1")
        yield trl


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of the recipe after two steps of supervised training: as good as random."""
    path = tmp_path_factory.mktemp("model")
    make_model(path, SFTConfig("R", 4, 4, 32, 2, 2, 1, 1, 4))
    return path / "start"


def opened(folder: Path) -> Policy:
    """The model in float64, so that the order of sums does not matter."""
    policy = load_policy(folder, "cpu")
    models.precise(policy.model)
    return policy


def make_groups(policy: Policy, seed: int = 0) -> list[Group]:
    """Prompts and completions of many lengths; what the engine reports is a little off."""
    rng = np.random.default_rng(seed)
    groups = []
    for _ in range(GROUPS):
        prompt_T = rng.integers(2, 30, size=rng.integers(2, 9))
        completions = []
        for _ in range(GROUP_SIZE):
            tokens_T = rng.integers(2, 30, size=rng.integers(1, LONGEST + 1))
            reported_T = logprobs(policy.model, prompt_T, tokens_T) + rng.normal(
                0, 0.3, tokens_T.size
            )
            completions.append(Completion(tokens_T, reported_T.astype(np.float32), "stop"))
        groups.append(Group(prompt_T, tuple(completions), 0))
    return groups


def logprobs(model: Any, prompt_T: np.ndarray, tokens_T: np.ndarray) -> np.ndarray:
    ids_1T = torch.from_numpy(np.concatenate([prompt_T, tokens_T]))[None]
    with torch.no_grad():
        logits_TV = model(input_ids=ids_1T).logits[0, prompt_T.size - 1 : -1]
    logprobs_TV = torch.log_softmax(logits_TV / TEMPERATURE, dim=1).numpy()
    return logprobs_TV[np.arange(tokens_T.size), tokens_T]


class Theirs:
    """A GRPOTrainer that is handed completions instead of sampling them."""

    def __init__(self, trl: Any, folder: Path, case: Case, output: Path, **settings: Any) -> None:
        from datasets import Dataset

        policy = opened(folder)
        arguments = trl.GRPOConfig(
            output_dir=str(output),
            use_cpu=True,
            bf16=False,
            gradient_checkpointing=False,
            report_to=[],
            per_device_train_batch_size=GROUPS * GROUP_SIZE,
            num_generations=GROUP_SIZE,
            max_completion_length=LONGEST,
            temperature=TEMPERATURE,
            **case.theirs,
            **settings,
        )
        rows = [{"prompt": str(b)} for b in range(GROUPS)]
        self.trainer = trl.GRPOTrainer(
            model=policy.model,
            args=arguments,
            processing_class=policy.tokenizer,
            train_dataset=Dataset.from_list(rows),
            reward_funcs=lambda prompts, **_: REWARDS_BG.flatten().tolist(),
            rollout_func=self._rollouts,
        )
        if (
            case.cap is not None
        ):  # TRL corrects for the engine with vLLM alone; nothing is generated
            self.trainer.use_vllm = True
            self.trainer._last_loaded_step = self.trainer.state.global_step
        self.trainer.model.train()
        self.trainer.current_gradient_accumulation_steps = 1
        self._groups: list[Group] = []

    def _rollouts(self, prompts: list[str], _: Any) -> dict[str, Any]:
        groups = [self._groups[int(prompt)] for prompt in prompts]
        chosen = [group.completions_G[i % GROUP_SIZE] for i, group in enumerate(groups)]
        return {
            "prompt_ids": [group.prompt_ids_T.tolist() for group in groups],
            "completion_ids": [completion.token_ids_T.tolist() for completion in chosen],
            "logprobs": [completion.logprobs_T.tolist() for completion in chosen],
        }

    def inputs(self, groups: list[Group]) -> dict[str, torch.Tensor]:
        self._groups = groups
        rows = [{"prompt": str(b)} for b in range(GROUPS) for _ in range(GROUP_SIZE)]
        return self.trainer._generate_and_score_completions(rows)

    def gradient(self, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
        model = self.trainer.model
        model.zero_grad()
        self.trainer.compute_loss(model, inputs).backward()
        return flat_gradient(model)


def flat_gradient(model: torch.nn.Module) -> torch.Tensor:
    return torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])


def assert_same(ours: torch.Tensor, theirs: torch.Tensor) -> None:
    """Both round advantages to float32, TRL on the way too: a few eps of 1e-7 in four rewards."""
    assert ours.shape == theirs.shape
    assert float(theirs.norm()) > 1e-3
    assert float((ours - theirs).norm() / theirs.norm()) < 1e-5


@pytest.mark.parametrize(
    "case",
    [
        Case("grpo"),
        Case("grpo", "none"),
        Case("dr_grpo", "none"),
        Case("dapo", epsilon_high=0.28),
        Case("grpo", cap=1.2),
        Case("dapo", "none", cap=1.2, beta=0.3),
    ],
    ids=str,
)
def test_the_gradient_of_one_step_is_that_of_trl(trl, folder, tmp_path, case):
    policy, theirs = opened(folder), Theirs(trl, folder, case, tmp_path)
    groups = make_groups(policy)
    Trainer(policy, case.ours, ROLLOUTS).step(groups, REWARDS_BG)
    assert_same(flat_gradient(policy.model), theirs.gradient(theirs.inputs(groups)))


@pytest.mark.parametrize(
    "case",
    [
        Case("grpo", epsilon=0.05, epsilon_high=0.1),
        Case("dr_grpo", "none", beta=0.3),
        Case("dapo", epsilon=0.02, epsilon_high=0.28, beta=0.3, cap=1.2),
    ],
    ids=str,
)
def test_off_policy_with_clip_and_reference_the_gradient_is_that_of_trl(
    trl, folder, tmp_path, case
):
    """The second minibatch, whose old log-probabilities and reference are of before the first.

    TRL divides the loss of `dapo` by the tokens of all it generated at once, over the steps per
    generation, ours by those of the minibatch: with equally many tokens it is the same. Here TRL
    generates the second minibatch alone; `num_iterations` makes it keep the old log-probabilities.
    """
    policy = opened(folder)
    theirs = Theirs(trl, folder, case, tmp_path, num_iterations=2)
    first, second = make_groups(policy), make_groups(policy, seed=1)
    config = replace(case.ours, learning_rate=3e-3)
    inputs = theirs.inputs(second)
    moved = opened(folder)
    Trainer(moved, config, ROLLOUTS).step(first, REWARDS_BG)
    theirs.trainer.model.load_state_dict(moved.model.state_dict())
    ours = Trainer(policy, replace(config, minibatches=2), ROLLOUTS)
    metrics = ours.step([*first, *second], np.concatenate([REWARDS_BG, REWARDS_BG]))
    assert metrics["clipped"] > 0.02
    assert_same(flat_gradient(policy.model), theirs.gradient(inputs))


def test_a_wrong_setting_is_told_apart(trl, folder, tmp_path):
    policy, case = opened(folder), Case("grpo")
    theirs, groups = Theirs(trl, folder, case, tmp_path), make_groups(policy)
    inputs = theirs.inputs(groups)
    for wrong in (
        replace(case.ours, loss_level="token"),
        replace(case.ours, loss_level="constant"),
        replace(case.ours, normalise_std=False),
        replace(case.ours, std_epsilon=0.01),
        replace(case.ours, importance_cap=1.2),
    ):
        other = opened(folder)
        Trainer(other, wrong, ROLLOUTS).step(groups, REWARDS_BG)
        with pytest.raises(AssertionError):
            assert_same(flat_gradient(other.model), theirs.gradient(inputs))
