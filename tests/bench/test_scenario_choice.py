"""Scenarios by name, variant or file, at other sizes."""

from dataclasses import replace

import pytest

from bench.scenario_choice import choose, resized
from simulator import SCENARIOS, Scenario, scenario_files

FILE = 'name = "mine"\nsummary = ""\nnum_tasks = 700\nsteps = 10\n'


@pytest.fixture(name="path")
def path_fixture(tmp_path):
    (tmp_path / "mine.toml").write_text(FILE)
    return str(tmp_path / "mine.toml")


def test_names_variants_and_files_are_understood(path):
    names = ["base", "base@maxrl+steep", path, f"{path}@mild"]
    chosen = choose(names, SCENARIOS)
    expected = ["base", "base@maxrl+steep", "mine", "mine@mild"]
    assert [scenario.name for scenario in chosen] == expected
    assert chosen[1].law.gain == "maxrl"
    assert chosen[2] == scenario_files.read(path)
    assert chosen[3].law.repetition_visits == 50


def test_a_variant_is_of_the_size_at_which_its_scenario_is_known():
    small = replace(SCENARIOS["base"], num_tasks=500)
    (varied,) = choose(["base@mild"], {"base": small})
    assert varied.num_tasks == 500


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("nosy30", "do you mean noisy30"),
        ("nosy30@steep", "do you mean noisy30"),
        ("base@stepe", "do you mean steep"),
        ("base@mild+steep", "one kind"),
        ("nowhere.toml", "cannot be read"),
        ("qqqq", "bench list"),
    ],
)
def test_unknown_ones_are_errors_that_help(name, says):
    with pytest.raises(ValueError, match=says):
        choose([name], SCENARIOS)


def test_two_scenarios_of_one_name_are_refused(path, tmp_path):
    other = tmp_path / "other.toml"
    other.write_text(FILE)
    with pytest.raises(ValueError, match="two scenarios are called 'mine'"):
        choose([path, str(other)], SCENARIOS)


def test_a_name_given_twice_is_one_scenario():
    assert len(choose(["base", "base"], SCENARIOS)) == 1


def test_events_keep_their_place_in_a_shorter_run():
    assert resized(SCENARIOS["jump"], steps=120).law.jump_step == 60
    domains = resized(SCENARIOS["shift"], steps=100).population.domains
    assert [domains[0].leaves, domains[2].late_from, domains[2].late_to] == [50, 50, 50]
    assert resized(SCENARIOS["jump"], num_tasks=500) == replace(SCENARIOS["jump"], num_tasks=500)


def test_an_event_that_never_comes_never_comes():
    assert all(
        domain.leaves == 0 for domain in resized(Scenario("mine", ""), steps=7).population.domains
    )
