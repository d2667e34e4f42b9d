import numpy as np
import pytest

from bots import RolloutBatch
from bots.baselines.filters.rounds import measured_rates

NAN = np.nan


def test_rates_are_means_of_what_came_back():
    batch = RolloutBatch([0, 1, 2], [[1, 0, NAN, 0], [0.5, 0.25, NAN, NAN], [NAN] * 4])
    assert measured_rates(batch) == pytest.approx([1 / 3, 0.375, NAN], nan_ok=True)
