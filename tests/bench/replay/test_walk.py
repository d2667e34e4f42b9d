import numpy as np

from bench.replay.walk import asked, feedback, made, walk
from bots import BOTSConfig, BOTSSelector
from bots.baselines import MoPPSSelector, ShuffleSelector
from bots.live import LiveSelector
from tests.bench.replay import logs


def mopps(log, seed=0):
    return MoPPSSelector(log.pool, np.random.default_rng(seed))


def test_predictions_are_made_before_their_rows_are_learnt():
    log = logs.uniform(20, 5, 12)
    found_R, selector = walk(log, mopps(log)).predicted_R, mopps(log)
    for rows_B in log.batches():
        tasks_B = log.trace.task_R[rows_B]
        assert found_R[rows_B].tolist() == selector.solve_rates()[tasks_B].tolist()
        selector.update(feedback(log, rows_B))


def test_first_predictions_know_nothing():
    log = logs.uniform(20, 5, 12)
    first = next(log.batches())
    assert len(set(walk(log, mopps(log)).predicted_R[first])) == 1


def test_asking_changes_no_belief():
    log = logs.uniform(20, 5, 12)
    config = BOTSConfig(implicit_weight=0)
    for make in (
        mopps,
        lambda log: BOTSSelector(log.pool, np.random.default_rng(0), config),
        lambda log: made(log, "residual-memory", 0).selector,
        lambda log: made(log, "bots-unlabelled", 0).selector,
    ):
        silent, spoken = walk(log, make(log)), walk(log, make(log), ask=4)
        assert np.array_equal(silent.predicted_R, spoken.predicted_R)


def test_asking_changes_nothing_but_the_generator():
    log = logs.uniform(20, 5, 12)
    selector = made(log, "bots-unlabelled", 0).selector
    assert isinstance(selector, LiveSelector)
    selector.update(feedback(log, next(log.batches())))
    before, drawn = selector.state_dict(), [asked(selector, 4).tolist() for _ in range(20)]
    assert len({tuple(ids) for ids in drawn}) > 1
    after = selector.state_dict()
    assert before.pop("rng") != after.pop("rng")
    np.testing.assert_equal(after, before)


def test_a_selector_without_beliefs_predicts_nothing():
    log = logs.uniform(20, 5, 12)
    assert walk(log, ShuffleSelector(log.pool, np.random.default_rng(0))).predicted_R is None


def test_nobody_is_asked_unless_wanted():
    log = logs.uniform(20, 5, 12)
    assert walk(log, mopps(log)).asked_TB.size == 0
    assert walk(log, mopps(log), ask=7).asked_TB.shape == (12, 7)


def test_feedback_is_the_counts_of_the_rows():
    log = logs.of_batches([[0, 1], [1, 2]], 3, tokens=[5, 6, 7, 8])
    rows_B = next(log.batches())
    told = feedback(log, rows_B)
    assert told.task_ids_B.tolist() == [0, 1]
    assert told.successes_B.tolist() == log.trace.successes_R[rows_B].tolist()
    assert told.tokens_B.tolist() == [5, 6]
