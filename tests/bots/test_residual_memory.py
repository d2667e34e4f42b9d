import numpy as np
import pytest
from scipy import stats
from scipy.special import expit, logit

from bots import Feedback, Pool
from bots.residual_memory import ResidualMemorySelector, _site


def pool(size: int = 400, references: int = 2, seed: int = 0) -> tuple[Pool, np.ndarray]:
    """A pool and its tasks' true logits."""
    rng = np.random.default_rng(seed)
    true_N = rng.normal(-0.5, 2.0, size)
    names = ("strong", "weak")[:references]
    rates = {
        name: rng.binomial(16, expit(true_N + shift + rng.normal(0, 0.8, size))) / 16
        for name, shift in zip(names, (1.0, -1.0), strict=False)
    }
    return Pool.numbered(size, rates), true_N


def lived(selector: ResidualMemorySelector, true_N: np.ndarray, steps: int) -> list[np.ndarray]:
    rng, batches = np.random.default_rng(1), []
    for _ in range(steps):
        ids = selector.select(20)
        solved = rng.binomial(8, expit(true_N[ids]))
        selector.update(Feedback(ids, solved, np.full(20, 8)))
        batches.append(ids)
    return batches


@pytest.mark.parametrize(("successes", "trials"), [(0, 8), (3, 8), (8, 8), (1, 2)])
@pytest.mark.parametrize(("mean", "variance"), [(0.0, 4.0), (-2.0, 1.0), (3.0, 9.0)])
def test_a_site_has_the_moments_of_the_posterior(successes, trials, mean, variance):
    evidence = Feedback([0], [successes], [trials]).evidence()
    site = _site(evidence, np.array([mean]), np.array([variance]))
    logits = np.linspace(mean - 12 * variance**0.5, mean + 12 * variance**0.5, 20_001)
    weight = stats.norm.pdf(logits, mean, variance**0.5)
    weight *= stats.binom.pmf(successes, trials, expit(logits))
    weight /= weight.sum()
    centre = weight @ logits
    spread = weight @ (logits - centre) ** 2
    noise = site.variance_U[0]
    joint = 1 / (1 / variance + 1 / noise)
    assert joint == pytest.approx(spread, rel=2e-2)
    assert joint * (mean / variance + site.value_U[0] / noise) == pytest.approx(centre, abs=2e-2)


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
    batches = lived(ResidualMemorySelector(tasks, np.random.default_rng(0)), true_N, 15)
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
    selector = ResidualMemorySelector(tasks, np.random.default_rng(0))
    selector.update(Feedback([0], [0], [8]))
    before = selector.state_dict()["residual_N"][0]
    for _ in range(50):
        others = np.arange(1, 400)
        selector.update(Feedback(others, np.full(399, 7), np.full(399, 8)))
    assert before < -0.5
    assert selector.state_dict()["residual_N"][0] == before
    assert selector.solve_rates()[0] < selector.solve_rates()[1:].mean()


def test_missing_rates_are_taken_for_one_half():
    rates = np.array([0.5, np.nan, 0.9])
    selector = ResidualMemorySelector(Pool.numbered(3, {"weak": rates}), np.random.default_rng(0))
    assert selector.solve_rates()[0] == selector.solve_rates()[1] < selector.solve_rates()[2]


@pytest.mark.parametrize("extreme", [0, 8])
def test_beliefs_stay_finite_when_everything_is_solved_or_failed(extreme):
    tasks, _ = pool(60)
    selector = ResidualMemorySelector(tasks, np.random.default_rng(0))
    for _ in range(500):
        ids = selector.select(10)
        selector.update(Feedback(ids, np.full(10, extreme), np.full(10, 8)))
    state = selector.state_dict()
    assert np.isfinite(selector.solve_rates()).all()
    assert np.linalg.eigvalsh(state["covariance_PP"])[0] > 0


@pytest.mark.parametrize(
    ("option", "value"), [("target", 0.0), ("target", 1.0), ("repetition", 0.0), ("target", "x")]
)
def test_bad_settings_are_refused(option, value):
    with pytest.raises(ValueError, match=option):
        ResidualMemorySelector(pool()[0], np.random.default_rng(0), **{option: value})
