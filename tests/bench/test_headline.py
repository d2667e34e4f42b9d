import numpy as np
import pytest

from bench.headline import finding, shown
from bench.stats import Estimate
from bench.summary import Row


def row(strategy: str, final: float, share: float) -> Row:
    figures = {"final": final, "ttb100_rollouts": share}
    estimates = {name: Estimate(value, value, value) for name, value in figures.items()}
    return Row("base", strategy, (0, 1, 2), 1.5, {}, estimates, np.empty(0))


SHUFFLE, BOTS = row("shuffle", 0.40, 1.0), row("bots", 0.42, 0.82)
BEST, WORST = row("residual-memory", 0.43, 0.734), row("dapo", 0.3, np.inf)
ORACLE = row("oracle-gain", 0.6, 0.1)


def test_three_lines_are_shown_and_no_oracle():
    assert shown([WORST, ORACLE, BEST, BOTS, SHUFFLE]) == ["shuffle", "bots", "residual-memory"]
    assert shown([SHUFFLE, WORST]) == ["shuffle", "dapo"]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (
            [SHUFFLE, BOTS, BEST],
            "BOTS reaches shuffle's best with 82 % of the rollouts,\nresidual-memory with 73 %",
        ),
        ([SHUFFLE, BOTS, WORST], "BOTS reaches shuffle's best with 82 % of the rollouts"),
        ([SHUFFLE, BEST], "residual-memory reaches shuffle's best with 73 % of the rollouts"),
        ([SHUFFLE, WORST], "dapo does not reach shuffle's best"),
        ([SHUFFLE, ORACLE], "shuffle alone"),
    ],
)
def test_the_title_is_the_finding(rows, said):
    assert finding(rows) == said


def test_a_short_title_fits_a_small_panel():
    assert finding([SHUFFLE, BOTS, BEST], short=True) == "BOTS needs 82 % of shuffle's rollouts"
