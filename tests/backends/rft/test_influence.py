"""Influence: a central difference that must equal products of gradients, task by task."""

from __future__ import annotations

import numpy as np
import pytest

from backends.rft.tasks import Task
from tests.backends.rft import models
from tests.lazy import lazily

with lazily():
    import torch

    from backends.rft.exact import ExactRates
    from backends.rft.influence import influences

pytestmark = pytest.mark.integration


@pytest.fixture(name="policy")
def policy_fixture():
    return models.precise_policy()


def gradient(policy, tasks) -> np.ndarray:
    parts = ExactRates(policy, tasks, models.TRANSFORMERS).mean_gradient()
    return torch.cat([part.flatten() for part in parts]).double().numpy()


def middling(policy) -> tuple[list[Task], np.ndarray]:
    pool = models.tasks().train_N
    rates_N = ExactRates(policy, pool, models.TRANSFORMERS).solve_rates()
    kept = np.flatnonzero((rates_N > 0.05) & (rates_N < 0.95))[:12]
    return [pool[k] for k in kept], rates_N[kept]


@pytest.mark.parametrize("moments", [False, True])
def test_influence_is_the_product_of_gradients(policy, moments):
    tasks, rates_K = middling(policy)
    slope_W = gradient(policy, models.tasks().heldout)
    v_W = np.random.default_rng(0).uniform(0.1, 4, slope_W.size) ** 2 if moments else None
    scale_W = 1.0 if v_W is None else 1 / np.sqrt(v_W)
    expected = [
        (slope_W * scale_W * gradient(policy, [task])).sum() / (p * (1 - p))
        for task, p in zip(tasks, rates_K, strict=True)
    ]
    (found,) = influences(policy, tasks, models.tasks().heldout, models.TRANSFORMERS, (v_W,))
    scale = np.abs(expected).mean()
    np.testing.assert_allclose(found / scale, np.array(expected) / scale, atol=0.01)
    assert np.abs(expected).min() > 0


def test_a_step_along_a_tasks_gradient_gains_what_influence_says(policy):
    tasks, _ = middling(policy)
    (found,) = influences(policy, tasks[:1], models.tasks().heldout, models.TRANSFORMERS)
    before = ExactRates(policy, models.tasks().heldout, models.TRANSFORMERS).solve_rates().mean()
    rate = ExactRates(policy, tasks[:1], models.TRANSFORMERS).solve_rates()[0]
    direction = gradient(policy, tasks[:1]) / (rate * (1 - rate))
    size = 1e-3 / np.linalg.norm(direction)
    place = 0
    with torch.no_grad():
        for weight in policy.model.parameters():
            part = torch.from_numpy(direction[place : place + weight.numel()])
            weight.add_(part.view_as(weight), alpha=size)
            place += weight.numel()
    after = ExactRates(policy, models.tasks().heldout, models.TRANSFORMERS).solve_rates().mean()
    assert (after - before) / size == pytest.approx(found[0], rel=0.1)


def test_the_policy_is_left_as_it_was(policy):
    before = [weight.clone() for weight in policy.model.parameters()]
    influences(policy, models.tasks().train_N[:5], models.tasks().heldout, models.TRANSFORMERS)
    for old, new in zip(before, policy.model.parameters(), strict=True):
        assert torch.equal(old, new)


def test_a_task_that_no_completion_solves_has_no_influence(policy):
    long = Task("Rlong=", "Rlong=", "a" * 40, domain="R1")
    (found,) = influences(
        policy, [models.tasks().train_N[0], long], models.tasks().heldout, models.TRANSFORMERS
    )
    assert np.isfinite(found[0])
    assert np.isnan(found[1])
