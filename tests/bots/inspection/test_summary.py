import numpy as np
import pytest

from bots import BOTSConfig, BOTSSelector
from bots.inspection import opened, summarise
from bots.inspection.summary import QUANTILES, Part
from bots.live import LiveConfig, LiveSelector
from bots.live.choice.utility import informative
from bots.state_file import load_state, save_state
from tests.bots.inspection import examples
from tests.bots.states import same

LIVE = pytest.mark.parametrize("name", examples.CONFIGS)


def believed(selector):
    """Tasks that were not removed, and alpha and beta of each."""
    tasks = np.setdiff1d(np.arange(selector.beliefs.num_tasks), selector.beliefs.removed)
    return tasks, *selector.beliefs.pseudo_counts(tasks)


def domains_of(selector):
    labels = selector.pool.domains_N
    return np.full(selector.pool.num_tasks, "") if labels is None else labels


def part_of(alpha, beta, group_size):
    rates = alpha / (alpha + beta)
    chances = informative(alpha, beta, group_size)
    return [rates.mean(), (rates < 0.05).mean(), (rates > 0.95).mean(), chances.mean()]


def check_part(part: Part, alpha, beta, group_size):
    assert part.tasks == alpha.size
    figures = [part.rate, part.hopeless, part.mastered, part.informative]
    np.testing.assert_allclose(figures, part_of(alpha, beta, group_size), rtol=1e-9, atol=1e-12)


def quantiles(values):
    return np.sort(values)[np.ceil(np.multiply(QUANTILES, values.size)).astype(int) - 1]


def check_whole(summary, alpha, beta, group_size):
    rates, sizes = alpha / (alpha + beta), alpha + beta
    check_part(summary.whole, alpha, beta, group_size)
    np.testing.assert_allclose(summary.rate_quantiles, quantiles(rates), rtol=1e-12)
    np.testing.assert_allclose(summary.size_quantiles, quantiles(sizes), rtol=1e-12)
    np.testing.assert_allclose(summary.size, sizes.mean(), rtol=1e-12)
    counts = np.histogram(rates, 20, (0, 1))[0]
    np.testing.assert_allclose(summary.histogram_H, counts / rates.size, rtol=1e-12)


@pytest.mark.integration
@LIVE
@pytest.mark.parametrize("domains", [(), examples.DOMAINS])
@pytest.mark.parametrize("group_size", [1, 5, 16.5])
def test_figures_are_those_of_all_tasks_one_by_one(name, domains, group_size):
    selector = examples.trained(examples.CONFIGS[name], domains=domains)
    view = opened(selector.state_dict())
    summary = summarise(view, group_size)
    tasks, alpha, beta = believed(selector)
    check_whole(summary, alpha, beta, group_size)
    labels = domains_of(selector)[tasks]
    assert set(view.domains_D) == set(labels.tolist())
    for label, part in zip(view.domains_D, summary.domains, strict=True):
        check_part(part, alpha[labels == label], beta[labels == label], group_size)


@LIVE
def test_the_next_batch_is_the_selectors_own(name):
    selector = examples.trained(examples.CONFIGS[name])
    state = selector.state_dict()
    for batch_size in (3, 100, 110):  # some, and more than the tasks that are not in flight
        batch = opened(state).next_batch(batch_size)
        twin = LiveSelector(selector.pool, np.random.default_rng(9), examples.CONFIGS[name])
        twin.load_state_dict(state)
        drawn = twin.draw(batch_size)
        assert batch.task_ids_B.tolist() == drawn.task_ids_B.tolist()
        assert batch.inclusion_B.tolist() == drawn.inclusion_B.tolist()


@pytest.mark.integration
@LIVE
def test_predictions_of_the_next_batch_are_means_over_its_tasks(name):
    selector = examples.trained(examples.CONFIGS[name])
    summary = summarise(opened(selector.state_dict()), group_size=6, batch_size=9)
    alpha, beta = selector.beliefs.pseudo_counts(summary.batch.task_ids)
    assert summary.expected_ratio == pytest.approx(informative(alpha, beta, 6).mean())
    drawn = selector.draw(9)
    assert summary.batch.rates.tolist() == drawn.predicted_B.tolist()
    assert summary.inclusion == drawn.inclusion_B.mean()


def test_asking_changes_nothing():
    state = examples.trained(LiveConfig(coverage=0.2)).state_dict()
    twin = examples.trained(LiveConfig(coverage=0.2)).state_dict()
    view = opened(state)
    first, second = summarise(view), summarise(view)
    assert first.batch.task_ids.tolist() == second.batch.task_ids.tolist()
    assert same(state, twin)


@pytest.mark.integration
@LIVE
def test_lists_hold_the_most_extreme_tasks(name):
    selector = examples.trained(examples.CONFIGS[name])
    view = opened(selector.state_dict())
    tasks, alpha, beta = believed(selector)
    classes, sizes = selector.beliefs.table.class_N[tasks], alpha + beta
    cost = np.ones(tasks.size)
    if examples.CONFIGS[name].per_token:
        cost = view.points.cost_X[: classes.max() + 1][classes]
    promise = dict(zip(tasks.tolist(), informative(alpha, beta, 8) / cost, strict=True))
    last = selector.beliefs.table.last_N[tasks]
    for top in (0, 1, 10, 500):
        summary = summarise(view, group_size=8, top=top)
        np.testing.assert_allclose(summary.certain.sizes, np.sort(sizes)[::-1][:top], rtol=1e-12)
        best = sorted(promise.values(), reverse=True)[:top]
        found = [promise[k] for k in summary.promising.task_ids.tolist()]
        np.testing.assert_allclose(found, best, rtol=1e-9)
        visited = np.isfinite(last)
        order = np.lexsort((tasks[visited], last[visited]))[:top]
        assert summary.stalest.task_ids.tolist() == tasks[visited][order].tolist()
        assert summary.never == (~visited).sum()
        for listed in (summary.certain, summary.promising, summary.stalest):
            assert np.unique(listed.task_ids).size == listed.task_ids.size
            assert set(listed.task_ids.tolist()) <= set(tasks.tolist())


def test_time_since_a_visit_is_in_policy_versions():
    selector = examples.trained(LiveConfig(), steps=30)
    summary = summarise(opened(selector.state_dict()))
    last_N = selector.beliefs.table.last_N
    assert (summary.stalest.since == 29 - last_N[summary.stalest.task_ids]).all()
    assert summary.since_L.size + summary.never == summary.whole.tasks


@pytest.mark.integration
def test_standing_and_learned_are_what_the_selector_logs():
    for config in examples.CONFIGS.values():
        selector = examples.trained(config)
        view = opened(selector.state_dict())
        logged = selector.metrics()
        figures = view.standing() | view.learned()
        shared = figures.keys() & logged.keys() - {"pool/visited_lately", "flights/tasks"}
        assert {"pool/tasks", "feedback/version", "flights/batches", "feedback/lost"} <= shared
        assert {k: figures[k] for k in shared} == pytest.approx(
            {k: logged[k] for k in shared}, nan_ok=True
        )
        assert logged.keys() - shared <= {
            "posterior/mean",
            "posterior/effective_sample_size",
            "pool/visited_lately",
            "flights/tasks",
        }


def test_defaults_are_the_last_open_batch_and_the_last_group_size():
    selector = examples.trained(LiveConfig())
    view = opened(selector.state_dict())
    assert view.batch_size == 7
    summary = summarise(view)
    assert (summary.batch.task_ids.size, summary.group_size) == (7, view.group_size)
    untouched = LiveSelector(examples.pool(20), np.random.default_rng(0))
    assert opened(untouched.state_dict()).batch_size == 20


def test_settings_are_shown_where_they_differ():
    config = LiveConfig(target=0.4, retest=9)
    view = opened(examples.trained(config).state_dict())
    assert view.changed() == {"target": 0.4, "retest": 9}
    assert opened(examples.trained(LiveConfig()).state_dict()).changed() == {}
    assert opened(examples.bots(BOTSConfig(target=0.4)).state_dict()).changed() == {"target": 0.4}


@pytest.mark.parametrize("temperature", [0.0, 0.1])
@pytest.mark.parametrize("thompson", [False, True])
def test_a_bots_selector_is_summarised_likewise(thompson, temperature):
    config = BOTSConfig(thompson=thompson, temperature=temperature)
    selector = examples.bots(config)
    state = selector.state_dict()
    summary = summarise(opened(state), group_size=6, batch_size=5, top=4)
    alpha_N, beta_N = selector.posterior.alpha_N, selector.posterior.beta_N
    check_whole(summary, alpha_N, beta_N, 6)
    assert summary.never is None
    assert summary.inclusion is None
    assert summary.certain.sizes.tolist() == np.sort(alpha_N + beta_N)[::-1][:4].tolist()
    twin = BOTSSelector(examples.pool(), np.random.default_rng(9), config)
    twin.load_state_dict(state)
    assert summary.batch.task_ids.tolist() == twin.select(5).tolist()


@pytest.mark.integration
def test_a_million_tasks_are_counted_by_class(tmp_path):
    rng = np.random.default_rng(0)
    weak_N = rng.binomial(8, 0.5, 1_000_000) / 8
    pool = examples.Pool.numbered(1_000_000, {"weak": weak_N, "strong": np.sqrt(weak_N)})
    selector = LiveSelector(pool, rng)
    selector.update(examples.Feedback(selector.select(512), np.full(512, 3), np.full(512, 8)))
    save_state(tmp_path / "s", selector.state_dict())
    view = opened(load_state(tmp_path / "s"))
    assert view.points.count_X.size <= 9 + 512
    summary = summarise(view, batch_size=512)
    assert summary.whole.tasks == 1_000_000
    assert summary.whole.rate == pytest.approx(selector.metrics()["posterior/mean"])


@pytest.mark.integration
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"group_size": 0.5}, "group_size is 0.5"),
        ({"group_size": 1e9}, "group_size is 1000000000.0"),
        ({"group_size": float("nan")}, "group_size is nan"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"batch_size": 1000}, "batch_size is 1000"),
        ({"batch_size": 116}, "left"),  # 126 tasks, 11 of them removed
        ({"top": -1}, "top is -1"),
    ],
)
def test_options_out_of_range_are_refused(options, message):
    view = opened(examples.trained(LiveConfig()).state_dict())
    with pytest.raises(ValueError, match=message):
        summarise(view, **options)
