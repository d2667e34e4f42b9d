import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from bots.live.choice.tokens import ExpectedTokens


def logit(rate):
    return np.log(rate / (1 - rate))


def learned(lines: dict[int, tuple[float, float]], tasks: int, **options) -> ExpectedTokens:
    """After measuring many tasks of domains whose log tokens are exactly a + b logit(rate)."""
    tokens, rates = ExpectedTokens(**options), np.linspace(0.05, 0.95, tasks)
    for domain, (a, b) in lines.items():
        tokens.observe(np.full(tasks, domain), rates, np.exp(a + b * logit(rates)))
    return tokens


def test_every_task_costs_the_same_before_anything_is_known():
    tokens = ExpectedTokens()
    assert_array_equal(tokens.costs([0, 5, 2], [0.0, 0.5, 1.0]), np.ones(3))
    assert np.isnan(tokens.metrics()["tokens/slope"])
    assert tokens.costs([], []).size == 0


def test_with_much_data_costs_are_ratios_of_the_true_lengths():
    tokens = learned({0: (6.0, -0.4), 1: (7.0, 0.1)}, 20_000)
    domains, rates = np.array([0, 0, 1, 1]), np.array([0.1, 0.8, 0.3, 0.9])
    lengths = np.exp(np.array([6.0, 7.0])[domains] + np.array([-0.4, 0.1])[domains] * logit(rates))
    assert_allclose(tokens.costs(domains, rates), lengths / lengths.min(), rtol=0.01)
    assert_allclose(tokens.metrics()["tokens/slope"], -0.15, atol=0.01)
    assert_allclose(tokens.metrics()["tokens/at_half"], np.exp(6.5), rtol=0.01)


def test_an_unseen_domain_costs_what_all_domains_do_on_average():
    tokens = learned({0: (6.0, 0.0), 2: (7.0, 0.0)}, 5000, momentum=0.999999)
    cheap, unseen, beyond = tokens.costs([0, 1, 9], [0.5] * 3)
    assert cheap == 1
    assert unseen == pytest.approx(beyond)
    assert_allclose(unseen, np.exp(0.5), rtol=0.01)


def test_a_domain_leaves_the_average_as_its_data_grow():
    excess = []
    for tasks in (1, 5, 50, 5000):
        tokens = learned({0: (6.0, 0.0)}, 5000)
        tokens.observe([1] * tasks, [0.5] * tasks, [np.exp(8.0)] * tasks)
        cheap, dear = tokens.costs([0, 1], [0.5, 0.5])
        excess.append(np.log(dear / cheap))
    assert excess == sorted(excess)
    assert excess[0] < 0.3
    assert_allclose(excess[-1], 2, atol=0.02)


def test_one_odd_task_does_not_tilt_the_line():
    tokens = ExpectedTokens()
    tokens.observe([0, 0], [0.5, 0.9], [1000.0, 1500.0])
    assert abs(tokens.metrics()["tokens/slope"]) < np.log(1.5) / logit(0.9)


def test_the_fit_is_ridge_regression():
    rng = np.random.default_rng(0)
    rates, lengths = rng.uniform(0.05, 0.95, 30), rng.uniform(100, 5000, 30)
    tokens = ExpectedTokens()
    tokens.observe([0] * 30, rates, lengths)
    design, y = np.stack([np.ones(30), logit(rates)], 1), np.log(lengths)
    pooled = np.linalg.solve(design.T @ design + np.diag([0, 10]), design.T @ y)
    own = np.linalg.solve(design.T @ design + 10 * np.eye(2), design.T @ y + 10 * pooled)
    at = np.array([0.1, 0.3, 0.9])
    expected = np.exp(own[0] + own[1] * logit(at))
    assert_allclose(tokens.costs([0, 0, 0], at), expected / expected.min())
    assert_allclose(tokens.metrics()["tokens/at_half"], np.exp(pooled[0]))


def test_old_lengths_are_forgotten():
    tokens = ExpectedTokens(momentum=0.5)
    for length in [1000.0] * 5 + [3000.0] * 30:
        tokens.observe([0], [0.5], [length])
    assert_allclose(tokens.metrics()["tokens/at_half"], 3000, rtol=1e-6)
    assert_allclose(tokens.metrics()["tokens/tasks"], 2)


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.floats(0, 1), st.floats(1e-3, 1e7)), min_size=1, max_size=30
    )
)
def test_costs_lie_between_1_and_64_and_the_cheapest_is_1(groups):
    tokens = ExpectedTokens()
    domains, rates, lengths = (list(column) for column in zip(*groups, strict=True))
    tokens.observe(domains, rates, lengths)
    grid_domains, grid_rates = np.meshgrid(np.arange(6), np.linspace(0, 1, 7))
    costs = tokens.costs(grid_domains.ravel(), grid_rates.ravel())
    assert costs.min() == 1
    assert costs.max() <= 64


@given(st.floats(0.01, 100.0))
def test_the_unit_of_length_does_not_matter(unit):
    rates, lengths = np.linspace(0.1, 0.9, 9), np.geomspace(4000, 700, 9)
    one, other = ExpectedTokens(), ExpectedTokens()
    one.observe([0, 1, 2] * 3, rates, lengths)
    other.observe([0, 1, 2] * 3, rates, lengths * unit)
    domains = np.arange(9) % 4
    assert_allclose(other.costs(domains, rates), one.costs(domains, rates), rtol=1e-9)


def test_the_order_of_a_feedback_does_not_matter():
    rng = np.random.default_rng(0)
    domains, rates, lengths = rng.integers(0, 3, 50), rng.random(50), rng.uniform(10, 999, 50)
    order, one, other = rng.permutation(50), ExpectedTokens(), ExpectedTokens()
    one.observe(domains, rates, lengths)
    other.observe(domains[order], rates[order], lengths[order])
    assert_allclose(other.costs(domains, rates), one.costs(domains, rates), rtol=1e-12)


def test_a_feedback_without_tasks_changes_nothing():
    tokens = learned({0: (6.0, -0.4)}, 50)
    before = tokens.state_dict()["sums"]
    tokens.observe([], [], [])
    assert_array_equal(tokens.state_dict()["sums"], before)


def test_resumed_costs_continue_bit_for_bit():
    whole = learned({0: (6.0, -0.4), 1: (7.0, 0.1)}, 50)
    resumed = ExpectedTokens()
    resumed.load_state_dict(whole.state_dict())
    for tokens in (whole, resumed):
        tokens.observe([2], [0.3], [50.0])
    domains, rates = np.arange(4), np.full(4, 0.3)
    assert_array_equal(resumed.costs(domains, rates), whole.costs(domains, rates))


def test_state_is_a_copy():
    tokens = learned({0: (6.0, -0.4)}, 50)
    before, state = tokens.metrics(), tokens.state_dict()
    state["sums"][:] = 0
    assert tokens.metrics() == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0], [0.5], [0.0]), "leave out"),
        (([0], [1.5], [9.0]), "rate"),
        (([-1], [0.5], [9.0]), "number the domains"),
        (([0.5], [0.5], [9.0]), "number the domains"),
        (([0, 1], [0.5], [9.0]), "give one of each"),
        (([0], [0.5], [9.0, 9.0]), "one per task"),
        (([0], [0.5], [np.inf]), "finite"),
    ],
)
def test_impossible_feedback_is_refused_and_changes_nothing(arguments, message):
    tokens = learned({0: (6.0, -0.4)}, 50)
    before = tokens.state_dict()["sums"]
    with pytest.raises(ValueError, match=message):
        tokens.observe(*arguments)
    assert_array_equal(tokens.state_dict()["sums"], before)


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"sums": np.zeros((1, 4))},
        {"sums": np.zeros((1, 5), dtype=np.float32)},
        {"sums": np.full((1, 5), np.nan)},
        {"sums": np.array([[-1.0, 0, 0, 0, 0]])},
        {"sums": np.array([[1.0, 9.0, 0, 81.0, 0]])},
        {"sums": np.array([[1.0, 1.0, 0, 0.5, 0]])},
        {"sums": np.array([[1.0, 0.0, 0, 99.0, 0]])},
        {"sums": np.array([[1e-300, 0.0, 0, 0, 0]])},
    ],
)
def test_damaged_state_is_refused_and_changes_nothing(state):
    tokens = learned({0: (6.0, -0.4)}, 50)
    before = tokens.state_dict()["sums"]
    with pytest.raises(ValueError, match="sums"):
        tokens.load_state_dict(state)
    assert_array_equal(tokens.state_dict()["sums"], before)


def test_one_measured_task_is_enough_for_metrics():
    tokens = ExpectedTokens()
    tokens.observe([0], [0.5], [300.0])
    metrics = tokens.metrics()
    assert metrics["tokens/tasks"] == 1
    assert_allclose(metrics["tokens/at_half"], 300.0)
    assert metrics["tokens/slope"] == 0


def test_a_domain_of_negative_weight_is_refused():
    sums = np.array([[-0.5, 0.0, 0.0, 0.0, 0.0], [2.0, 0.0, 0.0, 0.0, 0.0]])
    with pytest.raises(ValueError, match="domain 0"):
        ExpectedTokens().load_state_dict({"sums": sums})
