import pytest

from bench.roster import STRATEGIES
from bench.strategy_docs import Contest, write_pages
from tests.bench.contest.helpers import runs

ENDS = {"shuffle": 0.3, "oracle-gain": 0.5, "bots": 0.4, "mopps": 0.3, "mopps:tuned": 0.35}
TWO = {"base": ENDS, "base@steep": {**ENDS, "bots": 0.25}}


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("docs") / "strategies"
    write_pages(Contest.of(runs(TWO)), folder, "python -m bench docs results/full")
    return folder


def test_every_strategy_has_a_page_and_a_line_in_the_index(pages):
    index = pages.with_suffix(".md").read_text()
    for name, entry in STRATEGIES.items():
        page = (pages / f"{name}.md").read_text()
        assert page.startswith(f"# {name}\n")
        assert entry.summary in page
        assert f"[{name}](strategies/{name}.md)" in index


def test_a_page_has_the_docstring_and_its_options(pages):
    page = (pages / "mopps.md").read_text()
    assert "arXiv 2507.04632" in page
    assert "| candidate_ratio | 16 |" in page
    assert "Args:" not in page


def test_a_page_says_where_the_strategy_wins_and_loses(pages):
    page = (pages / "bots.md").read_text()
    assert "Better than shuffle on 1 of 2 scenarios (most on base +0.50)" in page
    assert "worse on 1 (most on base@steep -0.25)" in page


def test_equal_to_the_reference_is_marked(pages):
    page = (pages / "mopps.md").read_text()
    assert "| base | ≈ 0.00" in page
    assert "0.25 [0.25, 0.25]" in page  # tuned


def test_strategies_that_were_not_run_are_described_all_the_same(pages):
    assert "## In the contest" not in (pages / "dapo.md").read_text()
    assert "arXiv 2503.14476" in (pages / "dapo.md").read_text()


def test_every_docstring_names_its_source_and_its_cost():
    """Those of the roster's rivals; the baselines without a paper say what they cost."""
    for name, entry in STRATEGIES.items():
        text = entry.page.__doc__
        assert "arXiv" in text or "ource" in text or entry.family in ("Schedules", "Oracles"), name
