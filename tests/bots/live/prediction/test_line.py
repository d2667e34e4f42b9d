import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from bots import Feedback, InterpolationEvidence, Pool
from bots.live.belief.classes import classes_of
from bots.live.prediction.line import LinePrediction


def pool_of(rng: np.random.Generator, num_tasks: int) -> Pool:
    weak = rng.integers(0, 9, num_tasks) / 8
    strong = rng.integers(0, 9, num_tasks) / 8
    weak[rng.random(num_tasks) < 0.2] = np.nan
    return Pool.numbered(num_tasks, {"strong": strong, "weak": weak, "other": np.zeros(num_tasks)})


@given(st.integers(0, 2**31), st.integers(1, 40))
def test_predictions_are_those_of_the_interpolation_bit_for_bit(seed, batch_size):
    rng = np.random.default_rng(seed)
    pool = pool_of(rng, 60)
    classes, class_N = classes_of(pool)
    line = LinePrediction()
    implicit = InterpolationEvidence(pool.references["weak"], pool.references["strong"])
    for _ in range(5):
        trials = rng.integers(0, 9, batch_size)
        tasks = rng.choice(60, batch_size, replace=False)
        evidence = Feedback(tasks, rng.binomial(trials, 0.4), trials).evidence()
        line.observe(
            classes, class_N[evidence.task_ids_U], evidence.successes_U, evidence.trials_U, 1.0
        )
        expected_N, rates_C = implicit.observe(evidence), line.predict(classes)
        assert (rates_C is None) == (expected_N is None)
        if rates_C is not None:
            assert_array_equal(rates_C[class_N], expected_N)


def measured(line, classes, rate):
    line.observe(classes, np.array([0]), np.array([4 * rate]), np.array([4.0]), 1.0)


def test_state_continues_the_line_bit_for_bit():
    classes, _ = classes_of(Pool.numbered(2, {"weak": [0.0, 0.3], "strong": [0.7, 0.9]}))
    line, resumed = LinePrediction(), LinePrediction()
    measured(line, classes, 0.25)
    resumed.load_state_dict(line.state_dict())
    for each in (line, resumed):
        measured(each, classes, 0.75)
    assert_array_equal(resumed.predict(classes), line.predict(classes))
    assert resumed.metrics() == line.metrics()


def test_before_a_trusted_call_nothing_is_predicted():
    classes, _ = classes_of(Pool.numbered(2, {"weak": [0.3, np.nan], "strong": [0.3, 0.9]}))
    line = LinePrediction()
    measured(line, classes, 0.25)
    line.observe(classes, np.array([1]), np.array([1.0]), np.array([4.0]), 1.0)
    line.observe(classes, np.array([], dtype=int), np.array([]), np.array([]), 1.0)
    assert line.predict(classes) is None
    assert np.isnan(line.metrics()["predictor/capability"])
    assert line.state_dict() == {"capability": None}


def test_errors_name_the_remedy_and_change_nothing():
    line = LinePrediction()
    classes, _ = classes_of(Pool.numbered(1, {"weak": [0.3]}))
    with pytest.raises(ValueError, match="'strong'"):
        measured(line, classes, 0.5)
    with pytest.raises(ValueError, match="entry `capability`"):
        line.load_state_dict({})
    with pytest.raises(ValueError, match="finite"):
        line.load_state_dict({"capability": np.inf})
    assert line.state_dict() == {"capability": None}
    with pytest.raises(ValueError, match="momentum is 1"):
        LinePrediction(momentum=1.0)
    with pytest.raises(ValueError, match="min_gap is 0"):
        LinePrediction(min_gap=0.0)


def test_tasks_without_trials_count_for_nothing():
    classes, _ = classes_of(Pool.numbered(2, {"weak": [0.0, 0.3], "strong": [0.7, 0.9]}))
    line, other = LinePrediction(), LinePrediction()
    measured(line, classes, 0.25)
    other.observe(classes, np.array([0, 1]), np.array([1.0, 0.0]), np.array([4.0, 0.0]), 1.0)
    assert_array_equal(other.predict(classes), line.predict(classes))
    other.observe(classes, np.array([1]), np.array([0.0]), np.array([0.0]), 1.0)
    assert_array_equal(other.predict(classes), line.predict(classes))
