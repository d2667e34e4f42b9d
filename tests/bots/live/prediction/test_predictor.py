import numpy as np
import pytest

from bots.live.belief.classes import TaskClasses
from bots.live.prediction.predictor import NoPrediction


def test_no_prediction_says_nothing_whatever_it_sees():
    classes = TaskClasses(np.full((2, 1), 0.5), ("weak",), np.array([0, 0]), ("",))
    predictor = NoPrediction()
    predictor.observe(classes, np.array([0]), np.array([1.0]), np.array([4.0]), 1.0)
    assert predictor.predict(classes) is None
    assert predictor.metrics() == predictor.state_dict() == {}
    predictor.load_state_dict({})


def test_no_prediction_refuses_state_of_a_predictor():
    with pytest.raises(ValueError, match="build it with the predictor"):
        NoPrediction().load_state_dict({"capability": 0.5})
