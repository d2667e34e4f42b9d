import numpy as np
import pytest

from bench.claims import CLAIMS, Claim, claims_page, findings
from bench.roster import STRATEGIES
from tests.bench.contest.helpers import runs

ENDS = {"shuffle": 0.3, "oracle-gain": 0.5, "bots": 0.4, "dapo": 0.25}
TWO = {"base": ENDS, "guru15": {**ENDS, "dapo": 0.3}}


def find(*claims: Claim, ends=TWO):
    return findings(runs(ends), claims)


def test_a_claim_about_the_better_is_confirmed_and_about_the_worse_contradicted():
    better, worse = find(Claim("", "", "bots"), Claim("", "", "dapo", "bots"))
    assert (better.verdict, better.counts) == ("confirmed", (2, 0, 0))
    assert (worse.verdict, worse.counts) == ("contradicted", (0, 2, 0))
    assert better.difference.value == pytest.approx(0.5)  # .1 of the oracle's .2
    assert worse.difference.value == pytest.approx(-(0.75 + 0.5) / 2)


def test_equal_runs_leave_it_undecided():
    (found,) = find(Claim("", "", "dapo"), ends={"guru15": TWO["guru15"]})
    assert (found.verdict, found.counts) == ("undecided", (0, 0, 1))


def test_the_cost_is_that_of_reaching_the_rival_s_best():
    """Rates of the synthetic runs rise linearly, so half of the gain takes half of the cost."""
    ahead, behind = find(Claim("", "", "bots"), Claim("", "", "shuffle", "bots"))
    assert 0 < ahead.time.value < 1
    assert np.isinf(behind.time.value)


def test_claims_about_strategies_that_were_not_run_are_left_out():
    assert [
        found.claim.strategy for found in find(Claim("", "", "mopps"), Claim("", "", "bots"))
    ] == ["bots"]


def test_every_claim_is_about_strategies_of_the_roster_and_names_a_paper():
    for claim in CLAIMS:
        assert {claim.strategy, claim.rival} <= STRATEGIES.keys()
        assert claim.source.startswith("arXiv ")
        assert claim.says.endswith(".")


def test_the_page_says_what_was_confirmed_and_what_was_not():
    text = claims_page(runs(TWO), "python -m bench docs results/full")
    assert text.startswith("# Claims\n\nOf ")
    assert "## Confirmed in direction" in text
    assert "## Contradicted" in text
    assert "python -m bench docs results/full" in text
