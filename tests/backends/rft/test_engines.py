"""Laws of every engine. Those of vLLM are skipped where it is not installed."""

from __future__ import annotations

import numpy as np
import pytest

from backends.rft.config import RolloutConfig
from backends.rft.rollouts import Group
from tests.backends.rft import models
from tests.lazy import lazily
from tests.rounding import FLOAT32, rounding

with lazily():
    import torch

    from backends.rft.engines import Request, Sampling, engine_name, make_engine, vllm_internals
    from backends.rft.engines.transformers_engine import draw
    from backends.rft.loss import token_logprobs
    from backends.rft.microbatches import Row, cut
    from backends.rft.policy import Policy

pytestmark = pytest.mark.integration
NO_VLLM = pytest.mark.skipif("not vllm_internals.suits('cpu')", reason="vLLM is not installed")
NAMES = [
    "transformers",
    pytest.param(
        "vllm",
        marks=[
            NO_VLLM,
            pytest.mark.filterwarnings("ignore"),  # vLLM and what it imports
        ],
    ),
]
LONGER_THAN_A_BLOCK = 45
MAX_LENGTH = 64


@pytest.fixture(scope="module", params=NAMES, name="pair")
def pair_fixture(request):
    """A policy, and an engine that samples from it; in float64 where the engine can."""
    policy = models.precise_policy() if request.param == "transformers" else models.policy()
    engine = make_engine(request.param, policy, MAX_LENGTH)
    yield policy, engine
    engine.close()


def requests(policy, length: int, count: int = 6) -> list[Request]:
    rng = np.random.default_rng(length)
    highest = len(policy.tokenizer) - 2  # neither the unknown token nor those before the digits
    return [Request(rng.integers(2, highest, size=length), seed) for seed in range(count)]


def sampling(policy, max_new_tokens: int = 8, temperature: float = 1.0) -> Sampling:
    return Sampling(max_new_tokens, temperature, policy.stop_ids)


def largest_gap(policy, asked, groups, temperature: float = 1.0) -> float:
    """Between the engine's log-probabilities and those of the training model."""
    rows = [
        Row(Group(request.prompt_ids_T, group, 0), completion, 0.0)
        for request, group in zip(asked, groups, strict=True)
        for completion in group
    ]
    gap = 0.0
    for batch in cut(rows, 4096, policy.device):
        with torch.no_grad():
            found = token_logprobs(
                policy.model, batch.ids_RT, batch.mask_RT, temperature, batch.first
            )
        gap = max(gap, float((found - batch.behaviour_RT).abs()[batch.mask_RT].max()))
    return gap


def allowed(policy: Policy) -> float:
    """How far an engine's log-probabilities may be from those of the training model.

    Two programs in float32 sum, for a logit of at most 30, over width, context and inner width in
    each layer, and over width and vocabulary at the end. A policy in float64 leaves what `reported`
    says. Old weights, or another temperature, are off by a tenth at least.
    """
    if policy.model.dtype == torch.float64:
        return models.reported(policy)
    config = policy.model.config
    layer = 4 * config.hidden_size + MAX_LENGTH + config.intermediate_size
    last = config.hidden_size + config.vocab_size
    return rounding(FLOAT32, config.num_hidden_layers * layer + last, 30.0)


def disturb(policy, seed: int) -> None:
    """Other weights, far from the old ones."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in policy.model.parameters():
            noise = torch.randn(weight.shape, generator=generator)
            weight.add_(0.3 * noise * weight.std().clamp_min(0.02))


@pytest.mark.parametrize("length", [4, LONGER_THAN_A_BLOCK])
@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_logprobs_are_those_of_the_training_model_after_every_sync(pair, length, temperature):
    policy, engine = pair
    asked = requests(policy, length)
    for update in range(3):
        disturb(policy, update)
        engine.sync(policy.weights)
        for _ in range(2):  # the second time from whatever the engine cached
            groups = engine.generate(asked, 4, sampling(policy, temperature=temperature))
            assert largest_gap(policy, asked, groups, temperature) < allowed(policy)


def test_completions_end_with_a_stop_token_or_at_the_longest_length(pair):
    policy, engine = pair
    groups = engine.generate(requests(policy, 5, 20), 8, sampling(policy, 6))
    assert [len(group) for group in groups] == [8] * 20
    reasons = set()
    for completion in (completion for group in groups for completion in group):
        stops = np.isin(completion.token_ids_T, policy.stop_ids)
        reasons.add(completion.finish_reason)
        assert completion.token_ids_T.size == completion.logprobs_T.size >= 1
        assert not stops[:-1].any()
        assert stops[-1] == (completion.finish_reason == "stop")
        assert stops[-1] or completion.token_ids_T.size == 6
        assert (completion.logprobs_T <= 0).all()
    assert reasons == {"stop", "length"}


def texts(groups) -> list[list[list[int]]]:
    return [[completion.token_ids_T.tolist() for completion in group] for group in groups]


def test_a_request_gets_the_same_completions_in_any_company_and_order(pair):
    policy, engine = pair
    asked = requests(policy, 5, 8) + requests(policy, 9, 8)
    together = texts(engine.generate(asked, 4, sampling(policy)))
    assert texts(engine.generate(asked[::-1], 4, sampling(policy)))[::-1] == together
    assert texts(engine.generate(asked[3:4], 4, sampling(policy))) == together[3:4]


def test_many_prompts_at_once_are_no_trouble(pair):
    policy, engine = pair
    asked = requests(policy, 12, 260)
    assert len(engine.generate(asked, 2, sampling(policy))) == 260


def test_seeds_tell_completions_apart(pair):
    policy, engine = pair
    prompt = requests(policy, 5, 1)[0].prompt_ids_T
    asked = [Request(prompt, seed) for seed in (1, 2, 2**61)]
    first, second, third = texts(engine.generate(asked, 8, sampling(policy)))
    assert first != second != third != first
    assert len({tuple(ids) for ids in first}) > 1


def chi_square_quantile(degrees: int, normal: float = 4.75) -> float:
    """What one draw in a million exceeds, by Wilson and Hilferty's cube."""
    return degrees * (1 - 2 / (9 * degrees) + normal * np.sqrt(2 / (9 * degrees))) ** 3


def test_sampled_tokens_follow_the_distribution(pair):
    """Chi-square over the first token; the false-alarm rate is 1 in a million."""
    policy, engine = pair
    (asked,) = requests(policy, 6, 1)
    count = 2000
    (group,) = engine.generate([asked], count, sampling(policy, 1))
    with torch.no_grad():
        ids = torch.from_numpy(asked.prompt_ids_T)[None]
        chances = torch.softmax(policy.model(input_ids=ids).logits[0, -1].double(), -1).numpy()
    drawn = np.bincount([c.token_ids_T[0] for c in group], minlength=chances.size)
    expected = count * chances
    rare = expected < 5
    drawn = np.append(drawn[~rare], drawn[rare].sum())
    expected = np.append(expected[~rare], max(expected[rare].sum(), 1e-9))
    statistic = ((drawn - expected) ** 2 / expected).sum()
    assert statistic < chi_square_quantile(drawn.size - 1)


def test_no_token_without_probability_is_ever_drawn():
    logits = torch.tensor([[0.0, -torch.inf, 1.0, -torch.inf]]).repeat(4, 1)
    uniforms = torch.tensor([0.0, 0.2689, 0.2690, 1 - 2**-53], dtype=torch.float64)
    tokens, logprobs = draw(logits, uniforms, 1.0)
    assert tokens.tolist() == [0, 0, 2, 2]
    assert torch.isfinite(logprobs).all()


@pytest.mark.parametrize("max_rows", [1, 8, 100])
def test_the_number_of_rows_side_by_side_changes_no_completion(max_rows):
    policy = models.precise_policy()
    asked = requests(policy, 4, 7) + requests(policy, 12, 6)
    whole = make_engine("transformers", policy, MAX_LENGTH)
    parts = make_engine("transformers", policy, MAX_LENGTH, max_rows=max_rows)
    wanted = sampling(policy)
    rows = []
    hook = policy.model.register_forward_pre_hook(
        lambda _, __, words: rows.append(len(words["input_ids"])), with_kwargs=True
    )
    parts.generate(asked, 4, wanted)
    hook.remove()
    assert max(rows) <= max_rows
    assert texts(parts.generate(asked, 4, wanted)) == texts(whole.generate(asked, 4, wanted))


@NO_VLLM
@pytest.mark.filterwarnings("ignore")
def test_a_model_learns_through_vllm():
    backend = models.backend(rollouts=RolloutConfig(engine="vllm"))
    start = backend.evaluate()
    for step in range(40):
        ids = np.random.default_rng(step).choice(200, 16, replace=False)
        metrics = backend.train(backend.rollout(ids, 8))
        assert metrics["engine_gap_max"] < allowed(models.policy())
    assert backend.evaluate() > 1.3 * start
    backend.close()


def test_an_engine_that_is_not_known_or_not_there_is_refused(monkeypatch):
    with pytest.raises(ValueError, match="must be one of auto, vllm, transformers"):
        engine_name("sglang", "cpu")
    installed: tuple[str, str] | None = None
    monkeypatch.setattr("backends.rft.engines.vllm_internals._found", lambda: installed)
    assert engine_name("auto", "cpu") == "transformers"
    with pytest.raises(ValueError, match=r"not installed.*make vllm-cpu"):
        make_engine("vllm", models.policy(), MAX_LENGTH)
    installed = ("vllm", "0.32.0")
    assert engine_name("auto", "cpu") == "transformers"
    assert engine_name("auto", "cuda") == "vllm"
    with pytest.raises(ValueError, match="vllm computes on cuda, the run on cpu"):
        vllm_internals.prepare("cpu")
    installed = ("vllm-cpu", "0.33.0")
    with pytest.raises(ValueError, match=r"vLLM is 0.33.0.*releases 0.26 up to"):
        vllm_internals.prepare("cpu")
