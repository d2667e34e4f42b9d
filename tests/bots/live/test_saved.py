"""A pool that changes: tasks are added, removed, and found again by key after a resume."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from bots import Pool
from bots.live.choice.kernels import VISITED
from bots.live.config import LiveConfig
from bots.live.selector import LiveSelector
from tests.bots.live.helpers import feedback, flat, pool_of, step


def lived(steps: int = 12, **settings) -> LiveSelector:
    pool = pool_of(120, domains=3)
    selector = LiveSelector(pool, np.random.default_rng(0), LiveConfig(**settings))
    rng = np.random.default_rng(1)
    for _ in range(steps):
        step(selector, rng)
    return selector


def selector_of(pool: Pool, **settings) -> LiveSelector:
    return LiveSelector(pool, np.random.default_rng(7), LiveConfig(**settings))


def part_of(pool: Pool, order, weak_N=None, domains_N=None) -> Pool:
    """Some of the tasks, in this order."""
    references = {name: rates[order] for name, rates in pool.references.items()}
    if weak_N is not None:
        references["weak"] = weak_N
    labels = pool.domains_N[order] if pool.domains_N is not None else None
    return Pool(pool.keys_N[order], references, labels if domains_N is None else domains_N)


def counts(selector: LiveSelector, tasks) -> np.ndarray:
    return np.array(selector.beliefs.pseudo_counts(np.asarray(tasks)))


def visited(selector: LiveSelector) -> np.ndarray:
    return selector.beliefs.table.flags_N & VISITED > 0


def test_a_resume_onto_the_same_pool_goes_on_like_a_load():
    old = lived()
    old.draw(8)
    loaded, resumed = (selector_of(old.pool) for _ in range(2))
    loaded.load_state_dict(old.state_dict())
    resumed.resume(old.state_dict())
    assert_allclose(resumed.solve_rates(), loaded.solve_rates(), rtol=1e-6)
    assert_array_equal(visited(resumed), visited(loaded))
    assert flat(resumed.state_dict()["flights"]) == flat(loaded.state_dict()["flights"])
    assert resumed.metrics() == pytest.approx(loaded.metrics(), rel=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_beliefs_follow_their_tasks_through_another_order(seed):
    old = lived()
    order = np.random.default_rng(seed).permutation(120)[:90]
    new = selector_of(part_of(old.pool, order))
    new.resume(old.state_dict())
    assert_allclose(counts(new, np.arange(90)), counts(old, order), rtol=1e-6)
    assert_array_equal(visited(new), visited(old)[order])
    assert new.select(8).size == 8


def test_new_tasks_are_believed_to_be_what_their_class_is():
    old = lived()
    extra = part_of(old.pool, np.arange(10))
    extra = Pool(np.arange(500, 510), extra.references, extra.domains_N)
    positions = old.add(extra)
    assert_array_equal(positions, np.arange(120, 130))
    class_N = old.beliefs.table.class_N
    assert_array_equal(class_N[positions], class_N[:10])
    assert_array_equal(counts(old, positions)[0], old.beliefs.sums.alpha_C[class_N[positions]])
    assert_array_equal(old.positions(np.arange(500, 510)), positions)
    rng = np.random.default_rng(0)
    chosen = np.concatenate([step(old, rng, 40) for _ in range(10)])
    assert np.isin(positions, chosen).any()


def test_a_class_that_is_new_begins_with_what_is_predicted():
    old = lived()
    rates = {"weak": np.array([0.03, np.nan]), "strong": np.array([0.97, 0.5])}
    positions = old.add(Pool([900, 901], rates, ["elsewhere", "d0"]))
    alpha, beta = counts(old, positions)
    weight = old.beliefs.sums.alpha_C[0] + old.beliefs.sums.beta_C[0] - 2
    capability = old.metrics()["predictor/capability"]
    predicted = 0.03 + 0.94 * capability
    assert_allclose([alpha[0] - 1, beta[0] - 1], weight * np.array([predicted, 1 - predicted]))
    assert (alpha[1], beta[1]) == (1, 1)


def test_other_references_and_domains_keep_what_was_measured():
    old = lived()
    rng = np.random.default_rng(0)
    weak_N = rng.integers(0, 9, 120) / 8
    labels = np.array([f"new{i}" for i in rng.integers(0, 2, 120)])
    new = selector_of(part_of(old.pool, np.arange(120), weak_N, labels))
    new.resume(old.state_dict())
    seen = visited(old)
    assert_array_equal(visited(new), seen)
    assert_allclose(counts(new, np.flatnonzero(seen)), counts(old, np.flatnonzero(seen)), rtol=1e-5)
    class_N, sums = new.beliefs.table.class_N, new.beliefs.sums
    assert_array_equal(counts(new, np.flatnonzero(~seen))[0], sums.alpha_C[class_N[~seen]])
    step(new, rng)
    again = selector_of(new.pool)
    again.load_state_dict(new.state_dict())
    assert flat(again.state_dict()) == flat(new.state_dict())


def test_flights_follow_their_tasks_and_forget_those_that_are_gone():
    old = lived()
    selection = old.draw(8)
    kept = selection.task_ids_B[:5]
    order = np.concatenate([np.setdiff1d(np.arange(120), selection.task_ids_B), kept])
    new = selector_of(part_of(old.pool, order))
    new.resume(old.state_dict())
    places = new.positions(old.pool.keys_N[kept])
    assert new.metrics()["flights/tasks"] == 5
    new.update(feedback(places, 8, batch_id=selection.batch_id))
    assert new.metrics()["flights/tasks"] == 0
    assert visited(new)[places].all()


def test_removed_tasks_stay_away_until_a_resume_brings_them_back():
    old = lived()
    old.remove(np.arange(30))
    assert old.metrics()["pool/tasks"] == 90
    loaded, resumed = (selector_of(old.pool) for _ in range(2))
    loaded.load_state_dict(old.state_dict())
    resumed.resume(old.state_dict())
    assert loaded.metrics()["pool/tasks"] == 90
    assert resumed.metrics()["pool/tasks"] == 120
    assert loaded.select(90).min() >= 30
    assert resumed.select(120).size == 120


@pytest.mark.parametrize("settings", [{"domain_floor": 0.3}, {"domain_ceiling": 0.35}])
def test_bounds_of_domains_survive_domains_that_come_and_go(settings):
    old = lived(**settings)
    order = np.flatnonzero(domain_labels(old) != "d2")
    labels = np.where(domain_labels(old)[order] == "d1", "d9", "d0")
    three = np.append(labels[:-1], "d8")
    new = selector_of(part_of(old.pool, order, domains_N=three), **settings)
    new.resume(old.state_dict())
    assert new.select(8).size == 8
    rates = {name: values[:3] for name, values in new.pool.references.items()}
    new.add(Pool(np.arange(700, 703), rates, ["d0", "d8", "d9"]))
    assert new.select(8).size == 8
    old.remove(np.flatnonzero(domain_labels(old) == "d0"))
    assert old.select(8).size == 8


def domain_labels(selector: LiveSelector) -> np.ndarray:
    assert selector.pool.domains_N is not None
    return selector.pool.domains_N


@pytest.mark.integration
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("digests", np.zeros(3, np.uint64)),
        ("digests", np.zeros(120)),
        ("classes", {}),
        ("beliefs", {}),
        ("learning", {}),
        ("flights", {}),
        ("density", np.array([0.0])),
        ("density", np.array([np.nan])),
        ("rng", {}),
        ("config", {}),
        ("version", 99),
        ("selector", "bots"),
    ],
)
@pytest.mark.parametrize("how", ["load_state_dict", "resume"])
def test_damaged_states_are_refused_and_change_nothing(name, value, how):
    state = lived(2).state_dict()
    selector = lived(3)
    before = flat(selector.state_dict())
    with pytest.raises(ValueError, match=r"."):
        getattr(selector, how)({**state, name: value})
    assert flat(selector.state_dict()) == before


def test_other_references_by_name_are_refused():
    old = lived()
    rates = {"weak": np.full(3, 0.2), "strong": np.full(3, 0.5), "other": np.full(3, 0.5)}
    new = selector_of(Pool(np.arange(3), rates, ["d0"] * 3))
    with pytest.raises(ValueError, match="references"):
        new.resume(old.state_dict())
