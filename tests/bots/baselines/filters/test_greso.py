import numpy as np
import pytest

from bots import Feedback, Pool
from bots.baselines.filters.greso import AdaptiveBatches, GRESOSelector
from tests.bots.baselines.filters.scripted import Scripted, tasks


def selector(num_tasks: int = 12, seed: int = 0, **options) -> GRESOSelector:
    return GRESOSelector(Pool.numbered(num_tasks), np.random.default_rng(seed), **options)


def tell(greso: GRESOSelector, successes: list[int], tasks: list[int] | None = None) -> None:
    ids = list(range(len(successes))) if tasks is None else tasks
    greso.update(Feedback(ids, successes, [8] * len(ids)))


def test_chances_fall_with_every_group_of_one_kind_and_start_anew_with_another():
    """p = 1/2: 2^-z after z alike, 1 after a mixed one, 1/2 after a change; 1 % at least."""
    greso = selector(5)
    for successes in ([8, 0, 8, 8, 4], [8, 0, 4, 0, 4], [8, 0, 8, 0, 4]):
        tell(greso, successes)
    assert greso.keep_probabilities().tolist() == [0.125, 0.125, 0.5, 0.25, 1.0]
    for _ in range(4):
        tell(greso, [8, 0, 8, 0, 4])
    assert greso.keep_probabilities().tolist() == [0.01, 0.01, 0.5**5, 0.5**6, 1.0]


def test_tasks_without_feedback_keep_their_streak():
    greso = selector(3)
    tell(greso, [8], [1])
    tell(greso, [0], [2])
    tell(greso, [0], [2])
    assert greso.keep_probabilities().tolist() == [1.0, 0.5, 0.25]


def test_the_limits_of_kinds_are_options():
    greso = selector(4, easy=0.75, hard=0.125)
    tell(greso, [6, 5, 1, 2])
    assert greso.keep_probabilities().tolist() == [0.5, 1.0, 0.5, 1.0]


@pytest.mark.integration
def test_tasks_are_skipped_as_often_as_the_formula_says():
    """Four frequencies over 1,000 epochs; |z| < 4 has a false-alarm rate of 3e-4.

    Batches of one task walk through epoch after epoch; 2 visits more or less for the first and the
    last epoch, which are cut.
    """
    greso = selector(8, seed=3)
    for successes in ([8, 0, 8, 8, 8, 4, 4, 4], [4, 8, 8, 8, 8, 4, 4, 4], [8, 0, 8, 4, 8, 4, 4, 4]):
        tell(greso, successes)
    chances = greso.keep_probabilities()
    assert chances.tolist() == [0.5, 0.5, 0.125, 1.0, 0.125, 1.0, 1.0, 1.0]
    counts, epochs = np.zeros(8), 0
    greso.select(1)
    while epochs < 1000:
        before = greso.state_dict()["epochs"]
        chosen = greso.select(1)
        epochs += int(greso.state_dict()["epochs"] - before)
        counts[chosen] += 1
    uncertain = chances < 1
    spread = np.sqrt(1000 * chances * (1 - chances))[uncertain]
    assert (np.abs(counts[uncertain] - 1000 * chances[uncertain]) < 4 * spread + 2).all()
    assert (np.abs(counts[~uncertain] - 1000) <= 2).all()


def test_untaught_it_is_an_epoch_shuffle():
    greso = selector(12)
    for _ in range(3):
        visits = np.concatenate([greso.select(4) for _ in range(3)])
        assert sorted(visits) == list(range(12))


def test_the_controller_by_hand():
    """Aim 0.25: 1/12 easy and 1/6 hard. Nothing moves in the first epoch.

    Second epoch, of 4 groups: 1 easy, 0 hard; then 0 and 1; then none at all.
    """
    greso = selector(4)

    def chances() -> list[float]:
        return [round(greso.state_dict()[name], 10) for name in ("p_easy", "p_hard")]

    greso.select(4)
    tell(greso, [8, 0, 4, 4])
    assert chances() == [0.5, 0.5]
    greso.select(4)
    tell(greso, [8, 4, 4, 4])
    assert chances() == [0.49, 0.51]
    tell(greso, [4, 0, 4, 4])
    assert chances() == [0.5, 0.5]
    tell(greso, [4, 4, 4, 4])
    assert chances() == [0.51, 0.51]


def test_the_controller_stays_in_its_range():
    greso = selector(4)
    for _ in range(3):
        greso.select(4)
    for successes, end in (([8, 8, 0, 0], 0.05), ([4, 4, 4, 4], 0.95)):
        for _ in range(100):
            tell(greso, successes)
        state = greso.state_dict()
        assert state["p_easy"] == pytest.approx(end)
        assert state["p_hard"] == pytest.approx(end)


def test_a_pool_in_which_all_is_skipped_still_fills_the_batch():
    greso = selector(40)
    for _ in range(9):
        tell(greso, [8] * 40)
    for _ in range(5):
        assert len(set(greso.select(20).tolist())) == 20


def test_absent_tasks_keep_their_turn_in_the_epoch():
    greso = selector(12)
    away = [np.arange(4), np.arange(4), None]
    visits = [greso.select(4, gone) for gone in away]
    assert sorted(np.concatenate(visits)) == list(range(12))
    assert greso.state_dict()["epochs"] == 1


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"explore": 0.99}, "explore"),
        ({"uninformative": -1.0}, "uninformative"),
        ({"easy": 1.5}, "easy"),
        ({"easy": 0.5, "hard": 0.5}, "hard"),
    ],
)
def test_impossible_settings_of_the_selector_are_refused(wrong, says):
    with pytest.raises(ValueError, match=says):
        selector(**wrong)


def test_the_next_batch_is_what_the_last_one_lets_expect():
    """B = 8: 12 first, 3 informative. 5 missing at a share of 1/4: 25, so 12 again; 2 of them are.

    3 missing at 1/6: 22.5, so 12 again, with all informative.
    """
    rates = [0.5] * 3 + [0.0] * 9 + [0.5] * 2 + [1.0] * 10 + [0.5] * 12
    world = Scripted(rates)
    trained, _ = world.step(AdaptiveBatches(100), 8, 4)
    assert world.asked == [12, 12, 12]
    assert tasks(trained) == [0, 1, 2, 12, 13, 24, 25, 26]


def test_a_batch_that_should_suffice_is_the_last():
    """B = 8: 6 of 12 informative; 2 missing at 1/2: 5, of which one is; 7 groups it is."""
    world = Scripted([0.5, 0.0] * 6 + [0.5] + [0.0] * 20)
    trained, _ = world.step(AdaptiveBatches(100), 8, 4)
    assert world.asked == [12, 5]
    assert tasks(trained) == [0, 2, 4, 6, 8, 10, 12]


def test_batches_have_at_least_a_quarter_and_at_most_the_pool():
    world = Scripted([0.5] * 15 + [0.0] * 3 + [0.5] * 9)
    world.step(AdaptiveBatches(100, largest=1.125), 16, 4)
    assert world.asked == [18, 4]
    world = Scripted([0.5] * 20)
    world.step(AdaptiveBatches(10), 8, 4, absent=[9])
    assert world.asked == [9]


def test_a_batch_that_teaches_nothing_is_followed_by_the_largest():
    world = Scripted([0.0] * 12 + [1.0] * 12 + [0.0] * 12)
    trained, _ = world.step(AdaptiveBatches(100, max_rounds=3), 8, 4)
    assert trained is None
    assert world.asked == [12, 12, 12]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [((0,), "num_tasks"), ((9, 0.2), "largest"), ((9, 1.5, 0), "max_rounds")],
)
def test_impossible_settings_of_the_collector_are_refused(arguments, says):
    with pytest.raises(ValueError, match=says):
        AdaptiveBatches(*arguments)
