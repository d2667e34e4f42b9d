"""Exact rates of a model in float64, against one forward pass per task and against sampling."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backends.rft.config import RolloutConfig
from backends.rft.families import make_tasks
from backends.rft.seeds import request_seed
from backends.rft.tasks import Task
from tests.backends.rft import models
from tests.lazy import lazily

with lazily():
    import torch

    from backends.rft.engines import Request, Sampling, make_engine
    from backends.rft.exact import ExactRates
    from backends.rft.grading import Grader
    from backends.rft.policy import Policy, load_policy

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def tasks() -> tuple[Task, ...]:
    return make_tasks("R", 10, 2, 0)[0]


@pytest.fixture(scope="module")
def policy() -> Policy:
    return models.precise_policy("strong")


def plain(policy: Policy, task: Task, temperature: float) -> float:
    """The product of the probabilities of answer and stop, one forward pass per task."""
    prompt = policy.encode(task).tolist()
    answer = [*policy.tokenizer(task.answer)["input_ids"], policy.tokenizer.eos_token_id]
    with torch.no_grad():
        logits = policy.model(torch.tensor([[*prompt, *answer]])).logits[0] / temperature
    steps = torch.softmax(logits, -1)[len(prompt) - 1 : -1]
    return float(np.prod([steps[t, token] for t, token in enumerate(answer)]))


@pytest.mark.parametrize("temperature", [1.0, 0.6])
def test_a_rate_is_the_product_of_the_probabilities_of_the_answers_tokens(
    policy, tasks, temperature
):
    rates = ExactRates(policy, tasks, RolloutConfig(temperature=temperature)).solve_rates()
    wanted = [plain(policy, task, temperature) for task in tasks]
    np.testing.assert_allclose(rates, wanted, rtol=1e-9)
    assert rates.max() > 10 * rates.min()


def test_an_answer_longer_than_a_completion_may_be_is_never_given(policy, tasks):
    short = ExactRates(policy, tasks, RolloutConfig(max_new_tokens=5)).solve_rates()
    whole = ExactRates(policy, tasks, RolloutConfig()).solve_rates()
    fits = np.array([len(task.answer) + 1 <= 5 for task in tasks])
    assert 0 < fits.sum() < len(tasks)
    assert (short[~fits] == 0).all()
    np.testing.assert_allclose(short[fits], whole[fits], rtol=1e-9)


def test_rates_of_some_tasks_are_those_of_all(policy, tasks):
    rates = ExactRates(policy, tasks, RolloutConfig())
    places = [5, 0, 31, 5]
    np.testing.assert_allclose(rates.solve_rates(places), rates.solve_rates()[places], rtol=1e-9)


def test_rates_do_not_depend_on_the_size_of_a_pass(policy, tasks, monkeypatch):
    rates = ExactRates(policy, tasks, RolloutConfig())
    whole = rates.solve_rates()
    monkeypatch.setattr("backends.rft.exact._TOKENS_PER_PASS", 50)
    np.testing.assert_allclose(rates.solve_rates(), whole, rtol=1e-9)


def test_exact_rates_apply_to_characters_and_exact_answers_alone(policy, tasks):
    assert ExactRates.applies(policy, tasks)
    assert not ExactRates.applies(policy, [*tasks, replace(tasks[0], verifier="math")])
    assert not ExactRates.applies(replace(policy, stop_ids=(0, 1)), tasks)
    words = load_policy(policy.path, "cpu")
    words.tokenizer.add_tokens(["10"])
    assert not ExactRates.applies(words, tasks)


@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_sampled_frequencies_agree_with_exact_rates(policy, tasks, temperature):
    """|z| < 4 for the total, false alarms 6e-5; each task within 5 sigma, false alarms 3e-5 in all.

    Sigma is widened by 1 completion, since few rare successes are far from normal.
    """
    samples, rollouts = 200, RolloutConfig(temperature=temperature)
    rates_N = ExactRates(policy, tasks, rollouts).solve_rates()
    engine = make_engine("transformers", policy, policy.max_length, max_rows=1000)
    requests = [Request(policy.encode(task), request_seed("z", task.key)) for task in tasks]
    sampling = Sampling(rollouts.max_new_tokens, temperature, policy.stop_ids)
    grader = Grader(policy, tasks)
    groups = engine.generate(requests, samples, sampling)
    solved_N = np.array(list(grader.rewards(tasks, groups).sum(axis=1)))
    grader.close()
    variance_N = samples * rates_N * (1 - rates_N)
    z = (solved_N - samples * rates_N).sum() / np.sqrt(variance_N.sum())
    assert abs(z) < 4
    assert (np.abs(solved_N - samples * rates_N) < 5 * np.sqrt(variance_N + 1)).all()
