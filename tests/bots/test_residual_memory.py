import numpy as np
import pytest
from scipy.special import expit, logit

from bots import Feedback, Pool, load_state, save_state
from bots.residual_memory import ResidualMemorySelector

ABLATIONS = {
    "thompson": True,
    "forgetting": 0.1,
    "references": False,
    "learned": False,
    "repetition": 1e9,
    "drift": 1.0,
    "target": 0.3,
    "sharpness": 1e9,
    "domains": False,
}
SHARP = 1e9  # the highest utilities, without a draw


def pool(size: int = 400, references: int = 2, seed: int = 0) -> tuple[Pool, np.ndarray]:
    """A pool and its tasks' true logits."""
    rng = np.random.default_rng(seed)
    true_N = rng.normal(-0.5, 2.0, size)
    names = ("strong", "weak")[:references]
    rates = {
        name: rng.binomial(16, expit(true_N + shift + rng.normal(0, 0.8, size))) / 16
        for name, shift in zip(names, (1.0, -1.0), strict=False)
    }
    domains = np.array([f"domain {place % 4}" for place in range(size)])
    return Pool(np.array([f"task {place}" for place in range(size)]), rates, domains), true_N


def lived(selector: ResidualMemorySelector, true_N: np.ndarray, steps: int) -> list[np.ndarray]:
    rng, batches = np.random.default_rng(1), []
    for _ in range(steps):
        ids = selector.select(20)
        solved = rng.binomial(8, expit(true_N[ids]))
        selector.update(Feedback(ids, solved, np.full(20, 8)))
        batches.append(ids)
    return batches


@pytest.mark.parametrize("references", [0, 1, 2])
def test_it_learns_where_tasks_stand_with_any_number_of_references(references):
    tasks, true_N = pool(references=references)
    selector = ResidualMemorySelector(tasks, np.random.default_rng(0))
    visited = np.unique(np.concatenate(lived(selector, true_N, 40)))
    errors = logit(selector.solve_rates()[visited]) - true_N[visited]
    assert np.sqrt(np.mean(errors**2)) < 1.1
    unseen = np.setdiff1d(np.arange(400), visited)
    correlation = np.corrcoef(selector.solve_rates()[unseen], true_N[unseen])[0, 1]
    assert references == 0 or correlation > 0.7


def test_later_batches_are_nearer_the_target_than_the_pool():
    tasks, true_N = pool()
    selector = ResidualMemorySelector(tasks, np.random.default_rng(0), sharpness=SHARP)
    batches = lived(selector, true_N, 15)
    distance = np.mean([np.abs(expit(true_N[ids]) - 0.5).mean() for ids in batches[5:]])
    assert distance < 0.6 * np.abs(expit(true_N) - 0.5).mean()


def test_the_price_of_repetition_spreads_choices():
    distinct = []
    for repetition in (0.5, 16.0, 1e9):
        tasks, true_N = pool()
        selector = ResidualMemorySelector(tasks, np.random.default_rng(0), repetition=repetition)
        distinct.append(np.unique(np.concatenate(lived(selector, true_N, 30))).size)
    assert distinct[0] > distinct[1] > distinct[2]


def test_what_a_task_showed_is_remembered_while_ability_moves():
    tasks, _ = pool(references=2)
    selector = ResidualMemorySelector(tasks, np.random.default_rng(0), forgetting=0.0)
    selector.update(Feedback([0], [0], [8]))
    before = selector.state_dict()["residual_N"][0]
    for _ in range(50):
        others = np.arange(1, 400)
        selector.update(Feedback(others, np.full(399, 7), np.full(399, 8)))
    assert before < -0.5
    assert selector.state_dict()["residual_N"][0] == before
    assert selector.solve_rates()[0] < selector.solve_rates()[1:].mean()


def test_residuals_fade_towards_what_is_expected_of_their_kind():
    tasks, _ = pool(references=0)
    rates = []
    for forgetting in (0.0, 0.05, 0.5):
        selector = ResidualMemorySelector(
            tasks, np.random.default_rng(0), forgetting=forgetting, domains=False
        )
        selector.update(Feedback([0], [0], [8]))
        for _ in range(20):
            selector.update(Feedback(np.arange(1, 40), np.full(39, 4), np.full(39, 8)))
        rates.append(selector.solve_rates()[0] - selector.solve_rates()[-1])
    assert rates[0] < rates[1] < rates[2] < 0
    assert rates[2] == pytest.approx(0, abs=0.01)


def drifting(fading: float, seed: int) -> ResidualMemorySelector:
    """A selector that has seen 150 steps of residuals that fade at this rate."""
    rng = np.random.default_rng(seed)
    residual_N, updated = (
        1.5 * rng.normal(size=300),
        ResidualMemorySelector(Pool.numbered(300), np.random.default_rng(seed)),
    )
    for _ in range(150):
        ids = rng.choice(300, 30, replace=False)
        solved = rng.binomial(16, expit(residual_N[ids]))
        updated.update(Feedback(ids, solved, np.full(30, 16)))
        kept = np.exp(-fading)
        noise_N = 1.5 * np.sqrt(1 - kept**2) * rng.normal(size=300)
        residual_N = residual_N * kept + noise_N
    return updated


@pytest.mark.integration
@pytest.mark.parametrize("fading", [0.0, 0.003, 0.01])
def test_the_rate_of_fading_is_learned(fading):
    found = [drifting(fading, seed).metrics()["belief/fading"] for seed in range(4)]
    assert np.mean(found) == pytest.approx(fading, rel=0.4, abs=0.001)


def test_fast_fading_is_underestimated_but_seen():
    """The regression is of first order."""
    assert 0.01 < drifting(0.03, 0).metrics()["belief/fading"] < 0.03


def test_the_choice_is_the_sharper_the_less_is_forgotten():
    sharp = [drifting(fading, 0).metrics()["choice/sharpness"] for fading in (0.0, 0.003, 0.03)]
    assert sharp[0] > 3 > sharp[1] > 1
    assert sharp[2] == 1


@pytest.mark.integration
def test_tasks_are_drawn_in_proportion_to_utility():
    """2,000 draws of one task of 12; a chi-square test that fails by chance once in 1,000."""
    from scipy.stats import chisquare

    tasks = Pool.numbered(12, {"weak": np.linspace(0, 1, 12)})
    counts = np.zeros(12)
    selector = ResidualMemorySelector(tasks, np.random.default_rng(0), sharpness=1.0)
    state = selector.state_dict()
    for _ in range(2000):
        counts[selector.select(1)] += 1
        selector.load_state_dict({**state, "rng": selector.state_dict()["rng"]})
    mean_N = 0.7 * logit(0.03 + 0.94 * np.linspace(0, 1, 12))
    utility_N = np.exp(-(mean_N**2) / (2 * (1.6**2 + 4)))
    assert chisquare(counts, 2000 * utility_N / utility_N.sum()).pvalue > 1e-3


def test_what_one_task_shows_moves_its_own_domain_most():
    tasks, _ = pool(references=0)
    selector = ResidualMemorySelector(tasks, np.random.default_rng(0))
    selector.update(Feedback(np.arange(0, 40, 4), np.full(10, 8), np.full(10, 8)))
    rates_N = selector.solve_rates()
    assert rates_N[44] > rates_N[45] > 0.5
    assert rates_N[45] == rates_N[46] == rates_N[47]


def test_too_many_labels_are_not_used():
    labels = np.array([f"{k}" for k in range(300)])
    few = ResidualMemorySelector(Pool(labels, {}, labels), np.random.default_rng(0))
    assert few.state_dict()["ability_mean_P"].size == 1


def test_one_update_is_the_exact_posterior_of_a_task_alone():
    selector = ResidualMemorySelector(
        Pool.numbered(1), np.random.default_rng(0), drift=0.0, fractional=False
    )
    ability, residual = np.meshgrid(np.linspace(-12, 12, 801), np.linspace(-12, 12, 801))
    weight = np.exp(-(ability**2) / (2 * (2.0**2 + 0.03**2)) - residual**2 / (2 * 2.0**2))
    weight *= expit(ability + residual) ** 6 * expit(-ability - residual) ** 2
    weight /= weight.sum()
    selector.update(Feedback([0], [6], [8]))
    state = selector.state_dict()
    mean, spread = (weight * ability).sum(), (weight * ability**2).sum()
    assert state["ability_mean_P"][0] == pytest.approx(mean, abs=0.02)
    assert state["ability_covariance_PP"][0, 0] == pytest.approx(spread - mean**2, rel=0.02)


def test_a_visit_widens_what_is_believed_by_the_drift():
    widths = []
    for drift in (0.0, 0.5):
        tasks, _ = pool()
        selector = ResidualMemorySelector(tasks, np.random.default_rng(0), drift=drift)
        selector.update(Feedback([0], [4], [8]))
        widths.append(selector.state_dict()["variance_N"][0])
    assert widths[1] == pytest.approx(widths[0] + 0.25)


def test_missing_rates_count_as_the_mean_logit_of_their_reference():
    rates = np.array([0.2, np.nan, 0.9, 0.95])
    logits = logit(0.03 + 0.94 * rates)
    stand_in = (expit(np.nanmean(logits)) - 0.03) / 0.94
    filled = np.where(np.isnan(rates), stand_in, rates)
    found, expected = (
        ResidualMemorySelector(Pool.numbered(4, {"weak": r}), np.random.default_rng(0))
        for r in (rates, filled)
    )
    np.testing.assert_allclose(found.solve_rates(), expected.solve_rates())


def test_a_reference_without_any_rate_says_nothing():
    nothing = Pool.numbered(3, {"weak": np.full(3, np.nan)})
    rates = ResidualMemorySelector(nothing, np.random.default_rng(0)).solve_rates()
    np.testing.assert_array_equal(rates, 0.5)


def test_the_order_of_tasks_does_not_matter():
    _, true_N = pool()
    order, rates_N = np.random.default_rng(3).permutation(400), expit(true_N + 1)  # without ties
    tasks = Pool.numbered(400, {"weak": rates_N})
    shuffled = Pool.numbered(400, {"weak": rates_N[order]})
    selector = ResidualMemorySelector(tasks, np.random.default_rng(0), sharpness=SHARP)
    other = ResidualMemorySelector(shuffled, np.random.default_rng(0), sharpness=SHARP)
    counts = np.random.default_rng(1).binomial(8, expit(true_N))
    for _ in range(6):
        ids = selector.select(20)
        assert set(order[other.select(20)]) == set(ids)
        selector.update(Feedback(ids, counts[ids], np.full(20, 8)))
        places = np.argsort(order)[ids]
        other.update(Feedback(places, counts[ids], np.full(20, 8)))
    np.testing.assert_allclose(other.solve_rates(), selector.solve_rates()[order], rtol=1e-9)


@pytest.mark.parametrize(("option", "value"), [*ABLATIONS.items(), ("fractional", False)])
def test_every_option_resumes_bit_for_bit(option, value, tmp_path):
    tasks, true_N = pool()
    selector, other = (
        ResidualMemorySelector(tasks, np.random.default_rng(seed), **{option: value})
        for seed in (0, 9)
    )
    lived(selector, true_N, 5)
    save_state(tmp_path / "state.npz", selector.state_dict())
    other.load_state_dict(load_state(tmp_path / "state.npz"))
    for mine, theirs in zip(lived(selector, true_N, 5), lived(other, true_N, 5), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    np.testing.assert_array_equal(selector.solve_rates(), other.solve_rates())


@pytest.mark.parametrize(("option", "value"), ABLATIONS.items())
def test_every_option_changes_choices_and_is_part_of_the_state(option, value):
    tasks, true_N = pool()
    plain = ResidualMemorySelector(tasks, np.random.default_rng(0))
    changed = ResidualMemorySelector(tasks, np.random.default_rng(0), **{option: value})
    assert (np.stack(lived(plain, true_N, 10)) != np.stack(lived(changed, true_N, 10))).any()
    with pytest.raises(ValueError, match=option):
        plain.load_state_dict(changed.state_dict())


def test_without_learning_all_surprise_goes_into_residuals():
    tasks, true_N = pool()
    selector = ResidualMemorySelector(tasks, np.random.default_rng(0), learned=False)
    lived(selector, true_N, 20)
    state = selector.state_dict()
    np.testing.assert_allclose(state["ability_mean_P"], [0.0, 0.35, 0.35, 0, 0, 0, 0])
    np.testing.assert_array_equal(state["ability_covariance_PP"], 0)
    assert np.abs(state["residual_N"]).max() > 1


def test_without_references_unseen_tasks_are_all_alike():
    tasks, true_N = pool()
    selector = ResidualMemorySelector(tasks, np.random.default_rng(0), references=False)
    visited = np.unique(np.concatenate(lived(selector, true_N, 10)))
    assert np.unique(np.delete(selector.solve_rates(), visited)).size == 4  # one per domain


def test_draws_spread_choices_further_than_expectations():
    distinct = []
    for thompson in (False, True):
        tasks, true_N = pool()
        selector = ResidualMemorySelector(
            tasks, np.random.default_rng(0), 0.5, 1e9, sharpness=SHARP, thompson=thompson
        )
        distinct.append(np.unique(np.concatenate(lived(selector, true_N, 30))).size)
    assert distinct[1] > distinct[0]


def test_fractional_rewards_are_known_better_than_coins():
    widths = []
    for fractional in (False, True):
        tasks, _ = pool()
        selector = ResidualMemorySelector(tasks, np.random.default_rng(0), fractional=fractional)
        selector.update(Feedback([0, 1], [4.0, 4.4], [8, 8], squares_B=[2.2, 2.6]))
        widths.append(selector.state_dict()["variance_N"][0])
    assert widths[1] < 0.5 * widths[0]


def test_binary_rewards_are_worth_one_trial_each():
    tasks, true_N = pool()
    states = []
    for fractional in (False, True):
        selector = ResidualMemorySelector(tasks, np.random.default_rng(0), fractional=fractional)
        lived(selector, true_N, 10)
        states.append(selector.solve_rates())
    np.testing.assert_array_equal(*states)


@pytest.mark.integration
@pytest.mark.parametrize("extreme", [0, 8])
def test_beliefs_stay_finite_when_everything_is_solved_or_failed(extreme):
    tasks, _ = pool(60)
    selector = ResidualMemorySelector(tasks, np.random.default_rng(0))
    for _ in range(500):
        ids = selector.select(10)
        selector.update(Feedback(ids, np.full(10, extreme), np.full(10, 8)))
    state = selector.state_dict()
    assert np.isfinite(selector.solve_rates()).all()
    assert np.linalg.eigvalsh(state["ability_covariance_PP"])[0] > 0


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("target", 0.0),
        ("target", 1.0),
        ("repetition", 0.0),
        ("target", "x"),
        ("sharpness", -1.0),
        ("sharpness", float("nan")),
        ("domains", 2),
        ("drift", -0.1),
        ("forgetting", 1.0),
        ("thompson", 1),
        ("fractional", "yes"),
        ("references", None),
        ("learned", 0),
    ],
)
def test_bad_settings_are_refused(option, value):
    with pytest.raises(ValueError, match=option):
        ResidualMemorySelector(pool()[0], np.random.default_rng(0), **{option: value})
