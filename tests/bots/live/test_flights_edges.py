import numpy as np
import pytest

from bots.live.flights import Flights


@pytest.mark.parametrize("wrong", [[-1, 2], [-2, -1], [1, 10], [10, 11]])
def test_a_state_with_a_task_that_is_not_in_the_pool_is_refused(wrong):
    flights = Flights()
    flights.open(np.array([1, 2]), 0.0)
    state = flights.state_dict()
    with pytest.raises(ValueError, match="damaged"):
        Flights.restored(state | {"tasks": np.array(wrong)}, 10)


def test_the_first_and_the_last_task_of_the_pool_may_be_in_flight():
    flights = Flights()
    flights.open(np.array([0, 9]), 0.0)
    assert Flights.restored(flights.state_dict(), 10).tasks().tolist() == [0, 9]
