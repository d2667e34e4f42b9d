"""The grid of small panels."""

import numpy as np
import pytest

from bench import figures, panels
from bench.strategies import STRATEGIES
from tests.bench.helpers import synthetic_cells


def grouped(ends, seeds=2):
    return figures.group(synthetic_cells(ends, seeds), list(STRATEGIES))


def test_gains_are_paired_with_the_reference_on_the_same_seed():
    runs = grouped({"base": {"shuffle": 0.3, "bots": 0.35}}, seeds=3)
    curves = figures.gains(runs["base"], np.array([0.0, 40.0, 80.0]))
    assert list(curves) == ["bots"]
    np.testing.assert_allclose(curves["bots"], np.tile([0, 0.025, 0.05], (3, 1)), atol=1e-12)


@pytest.mark.integration
def test_forty_settings_fit_on_one_picture(tmp_path):
    from matplotlib.image import imread

    ends = {"shuffle": 0.3, "bots": 0.35, "oracle-gain": 0.6}
    runs = grouped({f"setting {k}": ends for k in range(40)}, seeds=1)
    panels.gain_grid(runs, tmp_path / "grid.png", {})
    height, width, _ = imread(tmp_path / "grid.png").shape
    assert width < 1500
    assert height < 1500


@pytest.mark.integration
@pytest.mark.parametrize("count", [1, 7])
def test_any_number_of_settings_is_drawn(tmp_path, count):
    runs = grouped({f"setting {k}": {"shuffle": 0.3, "bots": 0.3} for k in range(count)})
    panels.gain_grid(runs, tmp_path / "grid.png", {"setting 0": "a title"})
    assert (tmp_path / "grid.png").stat().st_size > 3000


def test_the_scale_is_made_for_the_given_curves_and_never_for_nothing():
    low, high = panels._limits([np.array([0.0, 0.1]), np.array([0.0, -0.02])])
    assert low < -0.02 < 0.1 < high < 0.2
    low, high = panels._limits([np.zeros(2)])
    assert high - low == pytest.approx(0.002)
    assert panels._limits([])[0] < 0
