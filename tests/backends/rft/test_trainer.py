"""The trainer against a loop over rows, in float64 so that the order of sums does not matter."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from math import isfinite, nan
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backends.rft.advantages import ALGORITHMS, LOSS_LEVELS
from backends.rft.config import RolloutConfig, TrainConfig
from backends.rft.errors import DivergedError, MemoryExhaustedError
from backends.rft.rollouts import Completion, Group
from tests.backends.rft import models
from tests.lazy import lazily

with lazily():
    import torch

    from backends.rft.microbatches import Row, cut
    from backends.rft.policy import Policy
    from backends.rft.trainer import Trainer

VOCABULARY, LONGEST, TEMPERATURE = models.VOCABULARY, 6, 0.8
ROLLOUTS = RolloutConfig(max_new_tokens=LONGEST, temperature=TEMPERATURE)
PLAIN = TrainConfig(learning_rate=1e-2, warmup_steps=0, max_grad_norm=1e9)
MIXED = np.array(
    [
        [1.0, 0.0, 0.0, 1.0],
        [0.0, 0.0, 0.0, 0.0],
        [1.0, 0.0, nan, 0.5],
        [1.0, 1.0, 1.0, 1.0],
        [0.0, 1.0, 1.0, 1.0],
        [0.0, nan, nan, nan],
    ]
)
USELESS = MIXED[[1, 3, 5]]
CLIP_EPSILON = 1e-6  # which torch adds to the norm that it divides by
# Sums in float64 of some hundred terms are off by 1e-13 of their size, and Adam, which divides by
# the gradient's own size, makes the more of it the smaller a gradient is.
EXACTLY: dict[str, Any] = {"rtol": 1e-8, "atol": 1e-12}


def tiny_model(seed: int = 0) -> Any:
    return models.precise(float32_model(seed))


def float32_model(seed: int = 0) -> Any:
    """What is trained in earnest, and saved bit for bit."""
    return models.untrained(0.2, seed, tie_word_embeddings=True)


def tiny_policy(model: Any = None) -> Policy:
    return Policy(Path(), model or tiny_model(), None, (1,), 32)


def float32_policy() -> Policy:
    return tiny_policy(float32_model())


def float32_lora_policy() -> Policy:
    peft = pytest.importorskip("peft")
    torch.manual_seed(1)
    adapters = peft.LoraConfig(r=2, lora_alpha=4, target_modules="all-linear")
    return tiny_policy(peft.get_peft_model(float32_model(), adapters).eval())


def lora_policy() -> Policy:
    policy = float32_lora_policy()
    models.precise(policy.model)
    return policy


def make_groups(rewards_BG: np.ndarray, seed: int = 0) -> list[Group]:
    """Prompts and completions of many lengths; engine log-probabilities near those of the model."""
    return list(_made_groups(rewards_BG.shape, seed))


@cache
def _made_groups(shape: tuple[int, int], seed: int) -> tuple[Group, ...]:
    rng, model = np.random.default_rng(seed), tiny_model()
    groups = []
    for _ in range(shape[0]):
        prompt_T = rng.integers(2, VOCABULARY, size=rng.integers(1, 7))
        completions = []
        for _ in range(shape[1]):
            tokens_T = rng.integers(2, VOCABULARY, size=rng.integers(1, LONGEST + 1))
            exact_T = slow_logprobs(model, prompt_T, tokens_T).detach().numpy()
            noisy_T = exact_T + rng.normal(0, 0.4, tokens_T.size)
            completions.append(Completion(tokens_T, noisy_T.astype(np.float32), "stop"))
        groups.append(Group(prompt_T, tuple(completions), 0))
    return tuple(groups)


def slow_logprobs(model: Any, prompt_T: np.ndarray, tokens_T: np.ndarray) -> torch.Tensor:
    """One sequence, all logits."""
    ids_1T = torch.from_numpy(np.concatenate([prompt_T, tokens_T]))[None]
    logprobs_TV = torch.log_softmax(model(input_ids=ids_1T).logits[0] / TEMPERATURE, dim=1)
    starts = prompt_T.size - 1
    return torch.stack([logprobs_TV[starts + i, t] for i, t in enumerate(tokens_T.tolist())])


def slow_steps(
    model: Any, groups: list[Group], rewards_BG: np.ndarray, config: TrainConfig
) -> list[float]:
    """Trains the model row by row, on all graded rows; returns the norms before clipping.

    Loss levels, clip ranges and minibatches are followed; the algorithm's advantages are trusted,
    and rounded to float32 as the trainer rounds them.
    """
    advantages_BG = config.law.of(rewards_BG).astype(np.float32)
    reference = tiny_model()
    reference.load_state_dict(model.state_dict())
    weights = list(model.parameters())
    optimizer = torch.optim.AdamW(
        weights, config.learning_rate, config.betas, weight_decay=config.weight_decay, fused=False
    )
    norms = []
    for part in np.array_split(np.arange(len(groups)), config.minibatches):
        places = [
            (b, g)
            for b in part
            for g in range(len(rewards_BG[b]))
            if not np.isnan(rewards_BG[b, g])
        ]
        sizes = [groups[b].completions_G[g].token_ids_T.size for b, g in places]
        counts = {
            "token": lambda size, sizes=sizes: sum(sizes),
            "sequence": lambda size, sizes=sizes: len(sizes) * size,
            "constant": lambda size, sizes=sizes: len(sizes) * LONGEST,
        }
        optimizer.zero_grad()
        for (b, g), size in zip(places, sizes, strict=True):
            completion = groups[b].completions_G[g]
            row = (groups[b].prompt_ids_T, completion.token_ids_T)
            now_T = slow_logprobs(model, *row)
            before_T = slow_logprobs(reference, *row).detach()
            loss_T = slow_loss(config, now_T, before_T, completion, float(advantages_BG[b, g]))
            (loss_T.sum() / counts[config.level](size)).backward()
        norms.append(float(torch.cat([w.grad.flatten() for w in weights]).norm()))
        for weight in weights:
            weight.grad *= min(1.0, config.max_grad_norm / (norms[-1] + CLIP_EPSILON))
        optimizer.step()
    return norms


def slow_loss(
    config: TrainConfig,
    now_T: torch.Tensor,
    before_T: torch.Tensor,
    completion: Completion,
    advantage: float,
) -> torch.Tensor:
    """Of each token; `before_T` is both the policy before the step and the reference."""
    low, high = config.clip
    ratio_T = (now_T - before_T).exp()
    gain_T = torch.min(ratio_T * advantage, ratio_T.clamp(1 - low, 1 + high) * advantage)
    if config.importance_cap is not None:
        engine_T = torch.from_numpy(completion.logprobs_T)
        gain_T = gain_T * (before_T - engine_T).exp().clamp(max=config.importance_cap)
    difference_T = before_T - now_T
    return -gain_T + config.kl_weight * (difference_T.exp() - difference_T - 1)


def flat(model: Any) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def gradient_of(policy: Policy) -> torch.Tensor:
    return torch.cat([p.grad.flatten() for p in policy.model.parameters() if p.requires_grad])


def trained(config: TrainConfig, rewards_BG: np.ndarray = MIXED) -> tuple[Policy, dict[str, float]]:
    policy = tiny_policy()
    metrics = Trainer(policy, config, ROLLOUTS).step(make_groups(rewards_BG), rewards_BG)
    return policy, metrics


def assert_moved_alike(model: Any, other: Any) -> None:
    start = flat(tiny_model())
    moved, expected = flat(model) - start, flat(other) - start
    assert float(expected.norm()) > 0
    assert float((moved - expected).norm() / expected.norm()) < 1e-6


@contextmanager
def counting_forward_passes(model: Any) -> Iterator[list[int]]:
    rows: list[int] = []
    hook = model.register_forward_pre_hook(
        lambda _, __, inputs: rows.append(len(inputs["input_ids"])), with_kwargs=True
    )
    yield rows
    hook.remove()


@pytest.mark.parametrize("algorithm", sorted(ALGORITHMS))
@pytest.mark.parametrize(
    "level",
    [None, *(pytest.param(level, marks=pytest.mark.integration) for level in LOSS_LEVELS)],
)
def test_a_step_is_that_of_a_loop_over_rows(algorithm, level):
    config = replace(PLAIN, algorithm=algorithm, loss_level=level)
    policy, metrics = trained(config)
    model = tiny_model()
    norms = slow_steps(model, make_groups(MIXED), MIXED, config)
    assert metrics["grad_norm"] == pytest.approx(norms[0], rel=1e-8)
    assert_moved_alike(policy.model, model)


@pytest.mark.integration
@pytest.mark.parametrize("algorithm", ["grpo", "dr-grpo", "dapo"])
def test_the_gradient_is_that_of_a_loop_over_rows(algorithm):
    config = replace(PLAIN, algorithm=algorithm, max_grad_norm=0.01, learning_rate=0.0)
    policy, _ = trained(config)
    model = tiny_model()
    slow_steps(model, make_groups(MIXED), MIXED, config)
    expected = torch.cat([p.grad.flatten() for p in model.parameters()])
    torch.testing.assert_close(gradient_of(policy), expected, **EXACTLY)


@pytest.mark.integration
@pytest.mark.parametrize(("minibatches", "kl_weight"), [(2, 0.0), (3, 0.0), (2, 0.5), (6, 0.5)])
def test_minibatches_share_the_log_probabilities_of_before_the_first_update(minibatches, kl_weight):
    config = replace(PLAIN, algorithm="dapo", minibatches=minibatches, kl_weight=kl_weight)
    policy, metrics = trained(config)
    model = tiny_model()
    norms = slow_steps(model, make_groups(MIXED), MIXED, config)
    assert metrics["updates"] == minibatches
    assert metrics["clipped"] > 0  # else any old log-probabilities would do
    assert metrics["grad_norm"] == pytest.approx(np.mean(norms), rel=1e-6)
    assert_moved_alike(policy.model, model)


def test_a_minibatch_in_which_no_group_teaches_takes_no_optimizer_step():
    policy, without, groups = tiny_policy(), tiny_policy(), make_groups(MIXED)
    config = replace(PLAIN, minibatches=6, weight_decay=0.1)
    metrics = Trainer(policy, config, ROLLOUTS).step(groups, MIXED)
    Trainer(without, replace(config, minibatches=3), ROLLOUTS).step(groups[::2], MIXED[::2])
    assert metrics["updates"] == 3
    assert torch.equal(flat(policy.model), flat(without.model))


@pytest.mark.integration
def test_microbatches_change_nothing_but_rounding():
    gradients, counts = [], []
    for size in (1, 20, 50, 8192):
        config = replace(PLAIN, tokens_per_microbatch=size, learning_rate=0.0, kl_weight=0.1)
        policy = tiny_policy()
        groups = make_groups(MIXED)
        trainer = Trainer(policy, config, ROLLOUTS)  # copies the model, for reference
        with counting_forward_passes(policy.model) as passes:
            trainer.step(groups, MIXED)
        gradients.append(gradient_of(policy))
        assert sum(passes) == np.isfinite(MIXED).sum()
        counts.append(len(passes))
    assert counts[0] == sum(passes) > counts[1] > counts[2] > counts[3]
    for gradient in gradients[:-1]:
        torch.testing.assert_close(gradient, gradients[-1], **EXACTLY)


@pytest.mark.parametrize("size", [1, 20, 50, 8192])
def test_passes_hold_every_row_once_within_the_limit_and_with_little_padding(size):
    rows = [Row(g, c, 1.0) for g in make_groups(MIXED) for c in g.completions_G]
    places = []
    for batch in cut(rows, size, torch.device("cpu")):
        lengths_R = np.array([rows[place].length for place in batch.places_R])
        assert len(lengths_R) == 1 or batch.ids_RT.numel() <= size
        assert batch.ids_RT.shape == (len(lengths_R), lengths_R.max())
        assert lengths_R.sum() >= 0.8 * batch.ids_RT.numel()
        assert batch.first == min(rows[place].group.prompt_ids_T.size for place in batch.places_R)
        places += batch.places_R
    assert sorted(places) == list(range(len(rows)))


def test_groups_that_teach_nothing_are_counted_by_cause_and_cost_no_forward_pass():
    policy, groups = tiny_policy(), make_groups(MIXED)
    with counting_forward_passes(policy.model) as passes:
        metrics = Trainer(policy, PLAIN, ROLLOUTS).step(groups, MIXED)
    assert metrics["all_wrong_groups"] == 2  # the group with one graded, failed rollout included
    assert metrics["all_right_groups"] == 1
    assert sum(passes) == 4 + 2 + 4  # of 24: one more has exactly its group's mean as its reward
    trained_on = [groups[b].completions_G[g] for b, g in _informative_places()]
    assert metrics["trained_tokens"] == sum(c.token_ids_T.size for c in trained_on)


def _informative_places() -> list[tuple[int, int]]:
    advantages_BG = ALGORITHMS["grpo"].of(MIXED)
    return [(int(b), int(g)) for b, g in np.argwhere(advantages_BG != 0)]


@pytest.mark.parametrize("weight_decay", [0.0, 0.5])
def test_a_batch_that_teaches_nothing_touches_neither_weights_nor_optimizer(weight_decay):
    policy = tiny_policy()
    trainer = Trainer(policy, replace(PLAIN, weight_decay=weight_decay), ROLLOUTS)
    trainer.step(make_groups(MIXED), MIXED)
    before = trainer.vectors()
    with counting_forward_passes(policy.model) as passes:
        metrics = trainer.step(make_groups(USELESS), USELESS)
    assert passes == []
    assert (metrics["updates"], metrics["loss"], metrics["grad_norm"]) == (0, 0, 0)
    assert trainer.updates == 1
    for name, vector in trainer.vectors().items():
        np.testing.assert_array_equal(vector, before[name])


def test_a_lost_rollout_is_as_if_it_had_never_been():
    groups = make_groups(MIXED)
    policy = tiny_policy()
    Trainer(policy, PLAIN, ROLLOUTS).step(groups[2:3], MIXED[2:3])
    without = tiny_policy()
    kept = tuple(c for g, c in enumerate(groups[2].completions_G) if g != 2)
    Trainer(without, PLAIN, ROLLOUTS).step(
        [replace(groups[2], completions_G=kept)], MIXED[2:3, [0, 1, 3]]
    )
    torch.testing.assert_close(flat(policy.model), flat(without.model), rtol=0, atol=0)


def test_a_batch_of_lost_rollouts_alone_trains_nothing():
    for kl_weight in (0.0, 0.5):
        lost_BG = np.full((2, 3), nan)
        policy, metrics = trained(replace(PLAIN, kl_weight=kl_weight), lost_BG)
        assert metrics["updates"] == 0
        torch.testing.assert_close(flat(policy.model), flat(tiny_model()), rtol=0, atol=0)


def divergence(policy: Policy, groups: list[Group]) -> float:
    """Mean KL(start, policy) of the next token over all places of the groups' rows."""
    start, values = tiny_model(), []
    for group in groups:
        for completion in group.completions_G:
            ids = torch.from_numpy(np.concatenate([group.prompt_ids_T, completion.token_ids_T]))
            with torch.no_grad():
                p = torch.log_softmax(start(input_ids=ids[None]).logits[0], dim=1)
                q = torch.log_softmax(policy.model(input_ids=ids[None]).logits[0], dim=1)
            values.append(float((p.exp() * (p - q)).sum(dim=1).mean()))
    return float(np.mean(values))


@pytest.mark.integration
def test_the_kl_penalty_keeps_the_policy_near_the_one_it_started_from():
    groups, found = make_groups(MIXED), []
    for kl_weight in (0.0, 1.0, 10.0):
        policy = tiny_policy()
        trainer = Trainer(policy, replace(PLAIN, kl_weight=kl_weight), ROLLOUTS)
        for _ in range(15):
            trainer.step(groups, MIXED)
        found.append(divergence(policy, groups))
    assert found[0] > 1.5 * found[1] > 2 * found[2]


def distance(policy: Policy, groups: list[Group]) -> float:
    """Mean square of how far the log-probabilities of the tokens are from those at the start."""
    rows = [(g.prompt_ids_T, c.token_ids_T) for g in groups for c in g.completions_G]
    with torch.no_grad():
        gaps = [slow_logprobs(policy.model, *r) - slow_logprobs(tiny_model(), *r) for r in rows]
    return float((torch.cat(gaps) ** 2).mean())


@pytest.mark.integration
def test_the_kl_penalty_brings_a_policy_back_that_was_moved_away():
    policy, groups = tiny_policy(), make_groups(MIXED[[1, 3]])
    trainer = Trainer(policy, replace(PLAIN, kl_weight=1.0), ROLLOUTS)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in policy.model.parameters():
            weight += 0.1 * torch.randn(weight.shape, generator=generator)
    before = distance(policy, groups)
    for _ in range(10):
        trainer.step(groups, MIXED[[1, 3]])
    assert distance(policy, groups) < 0.3 * before


def test_the_learning_rate_warms_up_over_updates():
    policy = tiny_policy()
    trainer = Trainer(policy, replace(PLAIN, warmup_steps=4), ROLLOUTS)
    groups, rates = make_groups(MIXED), []
    for _ in range(6):
        trainer.step(groups, MIXED)
        rates.append(trainer._optimizer.param_groups[0]["lr"])
    assert rates == pytest.approx([2.5e-3, 5e-3, 7.5e-3, 1e-2, 1e-2, 1e-2])


@pytest.mark.parametrize("limit", [1e-3, 1e9])
def test_gradients_are_scaled_down_to_the_limit_and_never_up(limit):
    policy, metrics = trained(replace(PLAIN, max_grad_norm=limit, learning_rate=0.0))
    free, _ = trained(replace(PLAIN, learning_rate=0.0))
    assert metrics["grad_norm"] > 1e-3  # of before the scaling
    expected = gradient_of(free) * min(1.0, limit / (metrics["grad_norm"] + CLIP_EPSILON))
    torch.testing.assert_close(gradient_of(policy), expected, **EXACTLY)


def test_a_gradient_that_explodes_stops_the_run_and_leaves_the_weights():
    policy = tiny_policy()
    trainer = Trainer(policy, replace(PLAIN, largest_grad_norm=1e-6), ROLLOUTS)
    before = trainer.vectors()
    with pytest.raises(DivergedError, match=r"optimizer step 1: .*lower learning_rate"):
        trainer.step(make_groups(MIXED), MIXED)
    assert trainer.updates == 0
    assert not policy.model.training
    for name, vector in trainer.vectors().items():
        np.testing.assert_array_equal(vector, before[name])


@pytest.mark.parametrize("minibatches", [1, 2])
def test_a_loss_that_is_not_finite_stops_the_run_with_finite_weights(minibatches):
    policy = tiny_policy()
    trainer = Trainer(policy, replace(PLAIN, minibatches=minibatches), ROLLOUTS)
    groups = make_groups(MIXED)
    bad = replace(groups[4].completions_G[0], logprobs_T=np.full(99, nan, np.float32))
    bad = replace(bad, logprobs_T=bad.logprobs_T[: bad.token_ids_T.size])
    groups[4] = replace(groups[4], completions_G=(bad, *groups[4].completions_G[1:]))
    with pytest.raises(DivergedError, match="nan"):
        trainer.step(groups, MIXED)
    assert trainer.updates == minibatches - 1  # the bad row lies in the last minibatch
    assert all(np.isfinite(vector).all() for vector in trainer.vectors().values())


@pytest.mark.integration
@pytest.mark.parametrize("make_policy", [float32_policy, float32_lora_policy])
def test_a_loaded_trainer_continues_bit_for_bit(make_policy: Callable[[], Policy]):
    config = replace(PLAIN, warmup_steps=3, minibatches=2, weight_decay=0.1)
    groups, others = make_groups(MIXED), make_groups(MIXED, seed=1)
    trainer = Trainer(make_policy(), config, ROLLOUTS)
    trainer.step(groups, MIXED)
    saved, updates = trainer.vectors(), trainer.updates
    copies = {name: vector.copy() for name, vector in saved.items()}
    metrics = trainer.step(others, MIXED)
    resumed = Trainer(make_policy(), config, ROLLOUTS)
    resumed.load_vectors(saved, updates)
    assert resumed.step(others, MIXED) == metrics
    for name, vector in resumed.vectors().items():
        np.testing.assert_array_equal(vector, trainer.vectors()[name])
        np.testing.assert_array_equal(saved[name], copies[name])


def test_a_fresh_trainer_can_be_saved_and_loaded():
    trainer, resumed = (Trainer(float32_policy(), PLAIN, ROLLOUTS) for _ in range(2))
    resumed.load_vectors(trainer.vectors(), 0)
    groups = make_groups(MIXED)
    assert resumed.step(groups, MIXED) == trainer.step(groups, MIXED)
    for name, vector in resumed.vectors().items():
        np.testing.assert_array_equal(vector, trainer.vectors()[name])


@pytest.mark.integration
@pytest.mark.parametrize("kl_weight", [0.0, 0.5])
def test_adapters_alone_change_and_the_weights_are_those_of_the_merged_model(kl_weight):
    policy, groups = lora_policy(), make_groups(MIXED)
    frozen = {n: p.clone() for n, p in policy.model.named_parameters() if not p.requires_grad}
    assert len(frozen) == len(list(tiny_model().parameters()))
    trainer = Trainer(policy, replace(PLAIN, kl_weight=kl_weight), ROLLOUTS)
    for _ in range(3):
        trainer.step(groups, MIXED)
    for name, weight in policy.model.named_parameters():
        if name in frozen:
            assert torch.equal(weight, frozen[name])
    plain = tiny_model(seed=5)
    plain.load_state_dict(dict(policy.weights()), strict=False)
    plain.tie_weights()
    ids = torch.arange(2, VOCABULARY)[None]
    with torch.no_grad():
        found = policy.model(input_ids=ids).logits
        torch.testing.assert_close(plain(input_ids=ids).logits, found, **EXACTLY)
        assert not torch.allclose(tiny_model()(input_ids=ids).logits, found, atol=1e-2)


def test_the_kl_reference_of_adapters_is_the_model_without_them():
    """At the start there is nothing to penalise; later, the distance to the bare model."""
    groups, gradients = make_groups(USELESS), []
    policy = lora_policy()
    trainer = Trainer(policy, replace(PLAIN, kl_weight=1.0, learning_rate=0.0), ROLLOUTS)
    for scale in (0.0, 0.3):
        generator = torch.Generator().manual_seed(0)
        with torch.no_grad():
            for weight in (p for p in policy.model.parameters() if p.requires_grad):
                weight += scale * torch.randn(weight.shape, generator=generator)
        trainer.step(groups, USELESS)
        gradients.append(gradient_of(policy))
    assert float(gradients[0].norm()) < 1e-10 * float(gradients[1].norm())
    places = [(b, g) for b, g in np.argwhere(~np.isnan(USELESS)).tolist()]
    policy.model.zero_grad()
    for b, g in places:
        row = (groups[b].prompt_ids_T, groups[b].completions_G[g].token_ids_T)
        reference_T = slow_logprobs(tiny_model(), *row).detach()
        difference_T = reference_T - slow_logprobs(policy.model, *row)
        kl_T = difference_T.exp() - difference_T - 1
        (kl_T.mean() / len(places)).backward()
    torch.testing.assert_close(gradients[1], gradient_of(policy), **EXACTLY)


def test_gradient_checkpointing_changes_nothing_but_rounding():
    torch.manual_seed(0)
    model = tiny_model()
    model.config.attention_dropout = 0.5
    for layer in model.model.layers:
        layer.self_attn.attention_dropout = 0.5  # training mode must not switch it on
    policy, plain = tiny_policy(model), tiny_policy()
    config = replace(PLAIN, learning_rate=0.0, kl_weight=0.1, minibatches=2)
    metrics = Trainer(policy, replace(config, gradient_checkpointing=True), ROLLOUTS).step(
        make_groups(MIXED), MIXED
    )
    expected = Trainer(plain, config, ROLLOUTS).step(make_groups(MIXED), MIXED)
    torch.testing.assert_close(gradient_of(policy), gradient_of(plain), **EXACTLY)
    assert metrics == pytest.approx(expected, rel=1e-8, abs=1e-12)
    assert not policy.model.training


def test_running_out_of_memory_names_the_setting_and_leaves_the_model_ready(monkeypatch):
    def full(*_: object) -> torch.Tensor:
        raise torch.OutOfMemoryError("tried to allocate 80 GiB")

    policy = tiny_policy()
    trainer = Trainer(policy, replace(PLAIN, gradient_checkpointing=True), ROLLOUTS)
    monkeypatch.setattr("backends.rft.trainer.token_logprobs", full)
    with pytest.raises(MemoryExhaustedError, match=r"training: .*tokens_per_microbatch"):
        trainer.step(make_groups(MIXED), MIXED)
    assert not policy.model.training


def test_another_error_is_not_taken_for_a_lack_of_memory(monkeypatch):
    def broken(*_: object) -> torch.Tensor:
        raise RuntimeError("size mismatch")

    trainer = Trainer(tiny_policy(), PLAIN, ROLLOUTS)
    monkeypatch.setattr("backends.rft.trainer.token_logprobs", broken)
    with pytest.raises(RuntimeError, match="size mismatch"):
        trainer.step(make_groups(MIXED), MIXED)


def test_the_gap_between_engine_and_trainer_is_measured_per_trained_token():
    groups, gaps = make_groups(MIXED), []
    for b, g in _informative_places():
        completion = groups[b].completions_G[g]
        with torch.no_grad():
            exact_T = slow_logprobs(tiny_model(), groups[b].prompt_ids_T, completion.token_ids_T)
        gaps += (exact_T.numpy() - completion.logprobs_T).tolist()
    _, metrics = trained(replace(PLAIN, tokens_per_microbatch=30))
    assert metrics["engine_gap"] == pytest.approx(np.abs(gaps).mean(), rel=1e-8)
    assert metrics["engine_gap_max"] == pytest.approx(np.abs(gaps).max(), rel=1e-8)
    assert all(isfinite(value) for value in metrics.values())
