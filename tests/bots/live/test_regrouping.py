import numpy as np

from bots import Feedback, Pool
from bots.live import LiveConfig, LiveSelector
from bots.live.belief.classes import classes_of


def fine_pool(first: int, size: int) -> Pool:
    """Every task has rates of its own."""
    weak = np.random.default_rng(first).random(size) * 0.5
    return Pool(np.arange(first, first + size), {"weak": weak, "strong": weak + 0.4})


def few_classes(monkeypatch, limit: int) -> None:
    def limited(pool, known=None):
        return classes_of(pool, known, limit)

    for module in ("selector", "saved"):
        monkeypatch.setattr(f"bots.live.{module}.classes_of", limited)


def lived(pool: Pool) -> LiveSelector:
    selector = LiveSelector(pool, np.random.default_rng(0), LiveConfig(cooldown=2.0))
    rng = np.random.default_rng(1)
    for _ in range(20):
        ids = selector.select(10)
        selector.update(Feedback(ids, rng.binomial(8, 0.4, 10), np.full(10, 8)))
    return selector


def test_a_pool_of_many_classes_takes_more_tasks(monkeypatch):
    few_classes(monkeypatch, 300)
    selector = lived(fine_pool(0, 300))
    selector.remove([5, 6])
    before = selector.solve_rates()
    visited = selector.beliefs.visited_V.copy()
    added = selector.add(fine_pool(300, 100))
    after = selector.solve_rates()
    np.testing.assert_allclose(after[visited], before[visited], rtol=1e-6)
    assert np.abs(after[:300] - before).max() < 0.02  # rates are rounded to a grid now
    assert added.tolist() == list(range(300, 400))
    assert not np.isin(selector.select(390), [5, 6]).any()


def test_a_state_of_many_classes_is_resumed_onto_more_tasks(monkeypatch):
    few_classes(monkeypatch, 300)
    selector, larger = lived(fine_pool(0, 300)), fine_pool(0, 350)
    other = LiveSelector(larger, np.random.default_rng(3), LiveConfig(cooldown=2.0))
    other.resume(selector.state_dict())
    visited = selector.beliefs.visited_V
    np.testing.assert_allclose(
        other.solve_rates()[visited], selector.solve_rates()[visited], rtol=1e-6
    )
