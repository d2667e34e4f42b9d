from dataclasses import replace

import numpy as np
import pytest

from bench.validation.outcomes import WINDOWS, outcomes
from tests.bench.helpers import synthetic_cell, synthetic_cells

ENDS = {"shuffle": 0.4, "bots": 0.5, "mopps": 0.3}


def test_gains_are_paired_and_in_units_of_what_shuffle_learns():
    found = outcomes(synthetic_cells({"x": ENDS}, seeds=4))
    assert found.strategies == ("shuffle", "bots", "mopps")
    assert found.relative_P() == pytest.approx([0, 0.1 / 0.215, -0.1 / 0.215])
    assert found.learnt_S == pytest.approx([0.2, 0.21, 0.22, 0.23])
    assert found.ttb_FP()[:, 1] == pytest.approx(0.21 / 0.31, abs=0.03)
    assert np.isinf(found.ttb_FP()[2, 2])


def test_windows_are_equal_parts_of_the_budget():
    cells = [
        replace(
            cell,
            columns={**cell.columns, "informative": np.r_[np.nan, np.linspace(0, 1, 15)]},
        )
        for cell in synthetic_cells({"x": ENDS}, seeds=1)
    ]
    path_W = outcomes(cells).etr_PW()[0]
    assert path_W.size == WINDOWS
    expected = [part.mean() for part in np.array_split(np.linspace(0, 1, 15)[:10], WINDOWS)]
    assert path_W.tolist() == pytest.approx(expected)


def test_the_pool_grows_until_the_budget_is_spent_where_somebody_knows_it():
    def with_pool(cell, pool):
        return replace(cell, columns={**cell.columns, "pool": pool})

    made = synthetic_cells({"x": ENDS}, seeds=1)
    size = made[0].columns["step"].size
    sparse = np.full(size, np.nan)
    sparse[[0, 8, size - 1]] = 0.2, 0.3, 0.3 + (size - 9) * 0.01
    found = outcomes([with_pool(cell, sparse) for cell in made])
    assert found.pool_PS == pytest.approx(np.full((3, 1), 0.1 + 2 * 0.01))
    unknown = outcomes([with_pool(cell, np.full(size, np.nan)) for cell in made])
    assert np.isnan(unknown.pool_PS).all()


def test_the_largest_full_table_is_taken():
    cells = synthetic_cells({"x": ENDS}, seeds=3)
    one = synthetic_cell("x", "dps", 0, 0.4)
    found = outcomes([*cells, one])
    assert found.strategies == ("shuffle", "bots", "mopps")
    assert found.seeds == (0, 1, 2)
    begun = synthetic_cell("x", "shuffle", 7, 0.4)
    assert outcomes([*cells, begun]).seeds == (0, 1, 2)


def test_strategies_can_be_taken_in_another_order():
    found = outcomes(synthetic_cells({"x": ENDS})).take(["mopps", "shuffle"])
    assert found.strategies == ("mopps", "shuffle")
    assert found.relative_P()[1] == 0
    assert found.relative_P()[0] < 0


def test_shuffle_is_needed():
    with pytest.raises(ValueError, match="no seed has a run of shuffle"):
        outcomes([synthetic_cell("x", "bots", 0, 0.4)])
