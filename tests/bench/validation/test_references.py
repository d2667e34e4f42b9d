from dataclasses import replace

import numpy as np
import pytest

from bench.validation.evidence import Evidence, ShuffledRun
from bench.validation.references import with_references
from simulator import Population, Reference
from simulator.calibration.trace import from_columns
from simulator.drawing import draw_with_references

SIZE = 20_000


def evidence(population: Population, start: float) -> Evidence:
    """First visits and references of a pool of this law; rates at first visits are exact draws."""
    rng = np.random.default_rng(3)
    tasks, references = draw_with_references(population, SIZE, rng)
    rates_N = tasks.ceiling_N / (1 + np.exp(-tasks.logit_N.astype(float)))
    names = np.char.zfill(np.arange(SIZE).astype(str), 6)
    solved_N, zeros_N = rng.binomial(8, rates_N), np.zeros(SIZE, dtype=np.int64)
    trace = from_columns(names, zeros_N, solved_N, zeros_N + 8, by_step=True)
    heldout = np.array([0.0, 10.0]), np.array([start, start])
    run = ShuffledRun(0, trace, np.full(SIZE, "all"), references, heldout)
    return Evidence("x", {"group_size": 8}, (run,))


def test_references_are_recovered_from_their_moments():
    truth = replace(
        Population(),
        references=(Reference("weak", -0.5, 0.8, trials=8), Reference("strong", 1.5, 2.0)),
        shared_residual=0.4,
    )
    found = with_references(Population(), evidence(truth, 0.3))
    weak, strong = found.references
    assert (weak.name, weak.trials, strong.trials) == ("weak", 8, 16)
    assert weak.ability == pytest.approx(-0.5, abs=0.1)
    assert strong.ability == pytest.approx(1.5, abs=0.15)
    assert weak.residual_sd == pytest.approx(0.8, abs=0.15)
    assert strong.residual_sd == pytest.approx(2.0, abs=0.2)
    assert found.shared_residual == pytest.approx(0.4, abs=0.1)


@pytest.mark.integration
@pytest.mark.parametrize("start", [0.1, 0.3, 0.6])
def test_heldout_tasks_start_where_they_started(start):
    found = with_references(Population(), evidence(Population(), start))
    tasks, _ = draw_with_references(found, SIZE, np.random.default_rng(9))
    logit_N = tasks.logit_N.astype(float) + found.heldout_shift
    assert np.mean(tasks.ceiling_N / (1 + np.exp(-logit_N))) == pytest.approx(start, abs=0.01)


def test_a_perfect_reference_gets_no_residual():
    truth = replace(Population(), references=(Reference("weak", 0.0, 0.0, trials=200),))
    (weak,) = with_references(Population(), evidence(truth, 0.3)).references
    assert weak.residual_sd < 0.15
