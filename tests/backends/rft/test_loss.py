"""The loss against a loop over tokens; in float64, but for what is about float32."""

from __future__ import annotations

from dataclasses import dataclass, fields
from math import exp
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.rft.advantages import LOSS_LEVELS
from tests.backends.rft import models
from tests.lazy import lazily
from tests.rounding import FLOAT32, FLOAT64, rounding

with lazily():
    import torch

    from backends.rft.loss import (
        clipped_tokens,
        importance_weights,
        kl_estimate,
        policy_loss,
        token_logprobs,
    )

VOCABULARY = models.VOCABULARY
EXACTLY: dict[str, Any] = {
    "rtol": 1e-10,
    "atol": 1e-12,
}  # sums in float64 are off by 1e-13 of their size


def tiny_model(seed: int = 0) -> Any:
    return models.precise(models.untrained(0.3, seed))


@dataclass(frozen=True)
class Rows:
    """R rows of T columns of everything a loss can depend on."""

    logprobs_RT: torch.Tensor
    old_RT: torch.Tensor
    reference_RT: torch.Tensor
    behaviour_RT: torch.Tensor
    advantages_R: torch.Tensor
    mask_RT: torch.Tensor

    def part(self, rows: slice) -> Rows:
        return Rows(*(getattr(self, field.name)[rows] for field in fields(self)))


def random_rows(seed: int, rows: int = 5, columns: int = 6, spread: float = 0.5) -> Rows:
    """Float64; every row has at least one completion token, after a prompt of its own length."""
    generator = torch.Generator().manual_seed(seed)
    shape = (rows, columns)
    logprobs_RT = -2 * torch.rand(shape, generator=generator, dtype=torch.float64)
    others = [
        logprobs_RT + spread * torch.randn(shape, generator=generator, dtype=torch.float64)
        for _ in range(3)
    ]
    starts_R = torch.randint(1, columns, (rows,), generator=generator)
    lengths_R = 1 + torch.randint(0, columns, (rows,), generator=generator) % (columns - starts_R)
    places_T = torch.arange(columns)
    mask_RT = (places_T >= starts_R[:, None]) & (places_T < (starts_R + lengths_R)[:, None])
    advantages_R = torch.randn(rows, generator=generator, dtype=torch.float64)
    return Rows(logprobs_RT, *others, advantages_R, mask_RT)


@dataclass(frozen=True)
class Law:
    """The settings of a loss, and the counts of the batch its rows belong to."""

    level: str
    clip_low: float = 0.2
    clip_high: float = 0.28
    kl_weight: float = 0.0
    importance_cap: float | None = None
    max_completion_tokens: int = 7

    def loss(self, rows: Rows, batch: Rows | None = None) -> torch.Tensor:
        batch = batch or rows
        return policy_loss(
            rows.logprobs_RT,
            rows.old_RT,
            rows.advantages_R,
            rows.mask_RT,
            self.clip_low,
            self.clip_high,
            loss_level=self.level,
            completions=len(batch.mask_RT),
            tokens=int(batch.mask_RT.sum()),
            max_completion_tokens=self.max_completion_tokens,
            reference_RT=rows.reference_RT,
            kl_weight=self.kl_weight,
            behaviour_RT=rows.behaviour_RT,
            importance_cap=self.importance_cap,
        )

    def slow(self, rows: Rows) -> float:
        """The loss of a whole batch, token by token."""
        per_row = self.tokens(rows)
        if self.level == "token":
            return sum(map(sum, per_row)) / sum(map(len, per_row))
        if self.level == "sequence":
            return sum(sum(values) / len(values) for values in per_row) / len(per_row)
        return sum(map(sum, per_row)) / (len(per_row) * self.max_completion_tokens)

    def tokens(self, rows: Rows) -> list[list[float]]:
        """The loss of each token of each row."""
        return [
            [self.token(rows, r, t) for t in range(rows.mask_RT.shape[1]) if rows.mask_RT[r, t]]
            for r in range(len(rows.mask_RT))
        ]

    def rounding(self, rows: Rows) -> float:
        """How far rounding can move the loss: each token's own takes some ten operations."""
        sizes = [abs(value) for row in self.tokens(rows) for value in row]
        return rounding(FLOAT64, len(sizes) + 10, sum(sizes) + len(sizes))

    def token(self, rows: Rows, r: int, t: int) -> float:
        logprob, old = float(rows.logprobs_RT[r, t]), float(rows.old_RT[r, t])
        advantage, ratio = float(rows.advantages_R[r]), exp(logprob - old)
        if advantage >= 0:  # the better a token has become, the less it is to gain
            gain = advantage * min(ratio, 1 + self.clip_high)
        else:
            gain = advantage * max(ratio, 1 - self.clip_low)
        if self.importance_cap is not None:
            gain *= min(exp(old - float(rows.behaviour_RT[r, t])), self.importance_cap)
        difference = float(rows.reference_RT[r, t]) - logprob
        return -gain + self.kl_weight * (exp(difference) - difference - 1)


laws = st.builds(
    Law,
    level=st.sampled_from(LOSS_LEVELS),
    clip_low=st.sampled_from([0.0, 0.2, 1.0]),
    clip_high=st.sampled_from([0.0, 0.28, 3.0]),
    kl_weight=st.sampled_from([0.0, 0.04, 2.0]),
    importance_cap=st.sampled_from([None, 0.5, 2.0]),
    max_completion_tokens=st.integers(6, 20),
)
batches = st.builds(
    random_rows,
    seed=st.integers(0, 10**6),
    rows=st.integers(1, 7),
    columns=st.integers(2, 8),
    spread=st.sampled_from([0.0, 0.1, 1.0]),
)


@pytest.mark.integration
@settings(deadline=None, max_examples=200)
@given(law=laws, rows=batches)
def test_the_loss_is_that_of_a_loop_over_tokens(law, rows):
    assert float(law.loss(rows)) == pytest.approx(law.slow(rows), rel=0, abs=law.rounding(rows))


@pytest.mark.integration
@settings(deadline=None, max_examples=60)
@given(law=laws, rows=batches, at=st.integers(0, 7))
def test_the_losses_of_microbatches_add_up_to_that_of_the_batch(law, rows, at):
    parts = [rows.part(slice(0, at)), rows.part(slice(at, None))]
    total = sum(float(law.loss(part, rows)) for part in parts)
    assert total == pytest.approx(float(law.loss(rows)), rel=0, abs=law.rounding(rows))


@pytest.mark.integration
@settings(deadline=None, max_examples=60)
@given(level=st.sampled_from(LOSS_LEVELS), cap=st.sampled_from([None, 2.0]), rows=batches)
def test_rows_without_an_advantage_may_be_left_out(level, cap, rows):
    law = Law(level, importance_cap=cap)
    rows.advantages_R[:2] = 0.0
    rest = float(law.loss(rows.part(slice(2, None)), rows))
    assert float(law.loss(rows.part(slice(0, 2)), rows)) == 0.0
    assert rest == pytest.approx(float(law.loss(rows)), rel=0, abs=law.rounding(rows))


def gradient(law: Law, rows: Rows) -> torch.Tensor:
    logprobs_RT = rows.logprobs_RT.clone().requires_grad_()
    others = [getattr(rows, field.name) for field in fields(rows)][1:]
    (found_RT,) = torch.autograd.grad(law.loss(Rows(logprobs_RT, *others)), logprobs_RT)
    return found_RT


def one_token(ratio: float, advantage: float) -> Rows:
    old_RT = torch.full((1, 2), -1.0, dtype=torch.float64)
    logprobs_RT = old_RT + torch.log(torch.tensor(ratio, dtype=torch.float64))
    return Rows(
        logprobs_RT,
        old_RT,
        logprobs_RT.clone(),
        old_RT.clone(),
        torch.tensor([advantage], dtype=torch.float64),
        torch.tensor([[False, True]]),
    )


@pytest.mark.parametrize("level", LOSS_LEVELS)
@pytest.mark.parametrize(
    ("ratio", "advantage", "is_clipped"),
    [
        (1.3, 1.0, True),  # above 1 + 0.28, and pulled further up
        (1.27, 1.0, False),
        (1.3, -1.0, False),
        (0.7, -1.0, True),  # below 1 - 0.2, and pushed further down
        (0.81, -1.0, False),
        (0.7, 1.0, False),
        (1.3, 0.0, False),
    ],
)
def test_the_clip_stops_the_gradient_of_what_has_gone_far_enough(
    level, ratio, advantage, is_clipped
):
    rows = one_token(ratio, advantage)
    law = Law(level, max_completion_tokens=1)
    expected = 0.0 if is_clipped else -advantage * ratio
    found_RT = gradient(law, rows)
    assert found_RT.tolist() == [[0.0, pytest.approx(expected)]]
    counted = clipped_tokens(
        rows.logprobs_RT, rows.old_RT, rows.advantages_R, rows.mask_RT, 0.2, 0.28
    )
    assert int(counted) == is_clipped


@pytest.mark.integration
@pytest.mark.parametrize("level", LOSS_LEVELS)
def test_on_policy_the_gradient_is_the_weighted_advantage_over_the_count_of_its_level(level):
    rows = random_rows(3)
    rows.old_RT.copy_(rows.logprobs_RT)
    law = Law(level, importance_cap=1.1, max_completion_tokens=9)
    lengths_R1 = rows.mask_RT.sum(dim=1, keepdim=True)
    counts = {"token": lengths_R1.sum(), "sequence": 5 * lengths_R1, "constant": 5 * 9}
    weights_RT = (rows.old_RT - rows.behaviour_RT).exp().clamp(max=1.1)
    expected_RT = -rows.advantages_R[:, None] * weights_RT * rows.mask_RT / counts[level]
    torch.testing.assert_close(gradient(law, rows), expected_RT, **EXACTLY)


@settings(deadline=None, max_examples=30)
@given(law=laws, rows=batches)
def test_nothing_outside_the_completions_matters(law, rows):
    before, before_RT = float(law.loss(rows)), gradient(law, rows)
    for values_RT in (rows.logprobs_RT, rows.old_RT, rows.reference_RT, rows.behaviour_RT):
        values_RT.masked_fill_(~rows.mask_RT, 0.125)
    assert float(law.loss(rows)) == before
    assert torch.equal(gradient(law, rows), before_RT)
    assert (before_RT[~rows.mask_RT] == 0).all()


def test_the_kl_estimate_is_never_negative_and_unbiased_under_the_policy():
    policy_V = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64).log()
    reference_V = torch.tensor([0.2, 0.2, 0.6], dtype=torch.float64).log()
    estimates_V = kl_estimate(policy_V, reference_V)
    assert (estimates_V >= 0).all()
    expected = (policy_V.exp() * (policy_V - reference_V)).sum()
    torch.testing.assert_close((policy_V.exp() * estimates_V).sum(), expected, **EXACTLY)
    assert (kl_estimate(policy_V, policy_V) == 0).all()


def test_the_kl_penalty_pulls_towards_the_reference():
    rows = one_token(1.0, 0.0)
    for shift, sign in ((-0.5, 1), (0.5, -1)):
        rows.reference_RT.copy_(rows.logprobs_RT + shift)
        law = Law("token", kl_weight=0.5)
        assert float(gradient(law, rows)[0, 1]) * sign > 0


def test_importance_weights_are_capped_above_alone_and_carry_no_gradient():
    old_RT = torch.tensor([[0.0, -1.0, 3.0]], dtype=torch.float64, requires_grad=True)
    weights_RT = importance_weights(old_RT, torch.zeros_like(old_RT), 2.0)
    assert weights_RT.tolist() == [pytest.approx([1.0, exp(-1.0), 2.0], rel=1e-12)]
    assert not weights_RT.requires_grad


def tokens(seed: int = 0, rows: int = 5, columns: int = 9) -> torch.Tensor:
    return torch.randint(
        0, VOCABULARY, (rows, columns), generator=torch.Generator().manual_seed(seed)
    )


@pytest.mark.integration
@pytest.mark.parametrize("temperature", [1.0, 0.5, 1.7])
@pytest.mark.parametrize("first", [1, 2, 4])
def test_log_probabilities_are_those_of_a_full_forward_pass(temperature, first):
    model, ids_RT = tiny_model(), tokens()
    starts_R1 = torch.tensor([[4], [4], [6], [8], [5]])
    ends_R1 = torch.tensor([[9], [5], [9], [9], [7]])
    places_T = torch.arange(9)
    mask_RT = (places_T >= starts_R1) & (places_T < ends_R1)
    with torch.no_grad():
        found_RT = token_logprobs(model, ids_RT, mask_RT, temperature, first)
        logits_RTV = model(input_ids=ids_RT).logits
    expected_RT = torch.zeros_like(found_RT)
    for r, t in mask_RT.nonzero().tolist():
        logprobs_V = torch.log_softmax(logits_RTV[r, t - 1] / temperature, dim=0)
        expected_RT[r, t] = logprobs_V[ids_RT[r, t]]
    torch.testing.assert_close(found_RT, expected_RT, **EXACTLY)
    assert (found_RT[~mask_RT] == 0).all()


def test_neither_padding_nor_the_first_column_changes_a_log_probability():
    model, ids_RT = tiny_model(), tokens()
    mask_RT = torch.zeros(5, 9, dtype=torch.bool)
    mask_RT[:, 4:7] = True
    with torch.no_grad():
        short_RT = token_logprobs(model, ids_RT[:, :7], mask_RT[:, :7], 1.0, 4)
        whole_RT = token_logprobs(model, ids_RT, mask_RT, 1.0, 4)
        from_1_RT = token_logprobs(model, ids_RT, mask_RT, 1.0, 1)
    torch.testing.assert_close(whole_RT[:, :7], short_RT, **EXACTLY)
    torch.testing.assert_close(from_1_RT, whole_RT, **EXACTLY)


def test_bfloat16_logits_are_normalised_in_float32():
    """Logits of at most 8 and sums of 13 terms in float32; bfloat16 is off by 1e-2."""
    ids_RT, mask_RT = tokens(), torch.zeros(5, 9, dtype=torch.bool)
    mask_RT[:, 4:] = True
    logits_RTV = torch.linspace(-8, 8, 5 * 9 * VOCABULARY).view(5, 9, -1).sin().mul(8).bfloat16()

    def logits(logits_to_keep: int, **_: object) -> SimpleNamespace:
        return SimpleNamespace(logits=logits_RTV[:, -logits_to_keep:])

    model: Any = logits
    found_RT = token_logprobs(model, ids_RT, mask_RT, 1.0, 4)
    logprobs_RTV = torch.log_softmax(logits_RTV[:, 3:-1].double(), dim=-1)
    expected_RT = logprobs_RTV.gather(2, ids_RT[:, 4:, None])[..., 0]
    assert found_RT.dtype == torch.float32
    bound = rounding(FLOAT32, VOCABULARY, 1.0) + rounding(FLOAT32, 3, 16.0 + 3.0)
    torch.testing.assert_close(found_RT[:, 4:].double(), expected_RT, rtol=0, atol=bound)


@pytest.mark.parametrize("level", LOSS_LEVELS)
def test_the_gradient_of_the_weights_is_the_slope_of_the_loss(level):
    """Central differences along random directions, off by the square of their step."""
    model, ids_RT = tiny_model(), tokens()
    rows = random_rows(1, 5, 9)
    law = Law(level, 1.0, 10.0, kl_weight=0.3, importance_cap=1.5)
    with torch.no_grad():
        now_RT = token_logprobs(model, ids_RT, rows.mask_RT, 0.8)
    noise = [values_RT - rows.logprobs_RT for values_RT in (rows.old_RT, rows.reference_RT)]

    def loss() -> torch.Tensor:
        logprobs_RT = token_logprobs(model, ids_RT, rows.mask_RT, 0.8)
        old_RT, reference_RT = (now_RT + shift_RT for shift_RT in noise)
        return law.loss(
            Rows(logprobs_RT, old_RT, reference_RT, now_RT, rows.advantages_R, rows.mask_RT)
        )

    loss().backward()
    weights = list(model.parameters())
    generator = torch.Generator().manual_seed(2)
    for _ in range(3):
        direction = [torch.randn(w.shape, generator=generator, dtype=w.dtype) for w in weights]
        slope = sum(float((d * w.grad).sum()) for d, w in zip(direction, weights, strict=True))
        values = []
        for step in (1e-4, -1e-4):
            with torch.no_grad():
                torch._foreach_add_(weights, direction, alpha=step)
                values.append(float(loss()))
                torch._foreach_add_(weights, direction, alpha=-step)
        assert (values[0] - values[1]) / 2e-4 == pytest.approx(slope, rel=1e-4, abs=1e-4)
