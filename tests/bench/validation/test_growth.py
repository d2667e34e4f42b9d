from dataclasses import replace

import pytest

from bench.validation.evidence import gather
from bench.validation.growth import CAPACITY, MEMORY, RATE, matched, real_moments, simulated_moments
from tests.bench.validation.stand_in import TRUTH, changed, write

FAST = replace(TRUTH, batch_size=60)


@pytest.mark.integration
def test_the_learning_rate_is_recovered():
    found = matched(changed(FAST, learning_rate=0.5), simulated_moments(FAST), (RATE,))
    assert found.law.learning_rate == pytest.approx(0.15, rel=0.05)


@pytest.mark.slow
def test_memory_is_told_from_learning_by_the_pool_beside_the_heldout_tasks():
    truth = changed(FAST, memory_rate=60.0)
    found = matched(FAST, simulated_moments(truth), (RATE, MEMORY))
    assert found.law.learning_rate == pytest.approx(0.15, rel=0.1)
    assert found.law.memory_rate == pytest.approx(60, rel=0.35)
    none = matched(truth, simulated_moments(FAST), (RATE, MEMORY))
    assert none.law.memory_rate < 15


@pytest.mark.integration
def test_capacity_is_told_by_the_bend_of_the_path():
    truth = changed(FAST, learning_rate=0.6, capacity=0.8)
    found = matched(FAST, simulated_moments(truth), (RATE, CAPACITY))
    assert found.law.capacity == pytest.approx(0.8, rel=0.15)
    assert found.law.learning_rate == pytest.approx(0.6, rel=0.2)


def test_real_moments_of_simulated_runs_are_simulated_moments(tmp_path):
    write(tmp_path, TRUTH, ("shuffle",), seeds=3)
    real, simulated = real_moments(gather(tmp_path)), simulated_moments(TRUTH)
    assert real.start == pytest.approx(simulated.start, abs=1e-9)
    assert real.heldout == pytest.approx(simulated.heldout, rel=0.1)
    assert real.reward == pytest.approx(simulated.reward, rel=1e-9)
