"""Every strategy of the roster obeys the laws of `python -m bench check`."""

import pytest

from bench.checking import LAWS, Subject, judge
from bench.strategies import STRATEGIES

NAMES = [*STRATEGIES, "bots:temperature=0.5", "bots+pods"]
# A schedule, a filter, a history, a predictor, and beliefs: the others take seconds together.
REPRESENTATIVE = ("e2h-cosine", "dapo", "dps", "logistic", "residual-memory")
MACHINES = "select takes at most"  # this law is about the machine as much as about the strategy


@pytest.mark.parametrize(
    "name",
    [
        name if name in REPRESENTATIVE else pytest.param(name, marks=pytest.mark.integration)
        for name in NAMES
    ],
)
@pytest.mark.parametrize(
    "law", [law for law in LAWS if not law.name.startswith(MACHINES)], ids=lambda law: law.name
)
def test_a_strategy_obeys_every_law(law, name):
    finding = judge(law, Subject(name))
    assert finding.verdict in ("ok", "skipped"), str(finding)
