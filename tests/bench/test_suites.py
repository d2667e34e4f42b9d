"""What suites hold, and which strategies can be built on what."""

from dataclasses import replace

import numpy as np
import pytest

from bench.buildable import buildable
from bench.settings import scenario_setting
from bench.strategies import STRATEGIES, tuned
from bench.suites import BY_TAG, CORE, FULL, LEARNER, SMOKE, SUITES
from bots import Pool
from simulator import SCENARIOS, TAGS, VARIANTS
from tests.bench.helpers import TINY

SCENARIO = {scenario.name: scenario for scenario in LEARNER.scenarios}


def test_the_learner_suite_holds_every_scenario_under_every_law():
    wanted = {f"{name}@{v}" for name in SCENARIOS for v in VARIANTS if name != "huge"}
    assert set(SCENARIO) == wanted | set(SCENARIOS)


def test_reduced_scenarios_keep_what_they_stress():
    assert (SCENARIO["base"].num_tasks, SCENARIO["base"].batch_size) == (10_000, 64)
    assert SCENARIO["base"].steps == 120
    assert SCENARIO["sparse_n2"].group_size == 2
    assert SCENARIO["jump"].law.jump_step == 60
    assert SCENARIO["tiny"].num_tasks == SCENARIOS["tiny"].num_tasks
    assert SCENARIO["huge"] == SCENARIOS["huge"]
    assert LEARNER.fewer_seeds["huge"] < LEARNER.num_seeds


def test_the_first_look_is_short_and_has_a_price_of_repetition():
    assert SMOKE.num_seeds >= 4
    assert {"bots", "residual-memory", "oracle-gain"} < set(SMOKE.strategies)
    assert "oracle-target" not in SMOKE.strategies
    assert [s.law.repetition_visits for s in SMOKE.scenarios] == [float("inf"), float("inf"), 2.0]
    for scenario in SMOKE.scenarios:
        assert scenario.steps * scenario.batch_size < scenario.num_tasks == 4_000


def test_variants_are_reduced_like_their_scenario():
    for name, scenario in SCENARIO.items():
        assert scenario.num_tasks == SCENARIO[name.split("@")[0]].num_tasks


def test_every_tag_is_a_suite_at_full_size():
    assert set(TAGS) <= set(SUITES)
    for tag, suite in BY_TAG.items():
        assert suite.scenarios
        for scenario in suite.scenarios:
            assert tag in scenario.tags
            assert scenario == SCENARIOS[scenario.name]


def test_core_and_full_are_what_they_promise():
    assert len(CORE.scenarios) == 6
    assert CORE.num_seeds == 8
    assert CORE.strategies == tuple(STRATEGIES)
    for scenario in CORE.scenarios:
        assert (scenario.num_tasks, scenario.steps, scenario.batch_size) == (10_000, 200, 128)
    assert FULL.num_seeds >= 20
    assert set(CORE.scenarios) < set(FULL.scenarios)
    assert set(CORE.strategies) <= set(FULL.strategies)
    changed = {f"{name}:tuned" for name, options in tuned().items() if options}
    assert changed <= set(FULL.strategies)


def test_a_strategy_is_left_out_only_where_it_cannot_be_built(caplog):
    settings = [scenario_setting(SCENARIOS[name]) for name in ("base", "no_refs", "one_ref")]
    built = buildable(["bots", "easy-to-hard", "mopps"], settings, requested=True)
    assert built == {
        "base": ["shuffle", "bots", "easy-to-hard", "mopps"],
        "no_refs": ["shuffle", "mopps"],
        "one_ref": ["shuffle", "easy-to-hard", "mopps"],
    }
    note = caplog.text
    assert "left out on no_refs: strategy 'bots'" in note
    assert "left out on one_ref: strategy 'bots'" in note


def test_a_requested_strategy_that_can_be_built_nowhere_is_an_error():
    settings = [scenario_setting(SCENARIOS["no_refs"])]
    with pytest.raises(ValueError, match="implicit_weight is"):
        buildable(["bots"], settings, requested=True)
    assert buildable(["bots"], settings, requested=False) == {"no_refs": ["shuffle"]}


def test_trying_a_strategy_builds_no_large_pool():
    setting = scenario_setting(SCENARIOS["huge"])
    assert setting.preview is not None
    pool, exact = setting.preview()
    assert pool.num_tasks == 512
    assert exact


def test_words_about_a_scenario_do_not_change_its_cells():
    described = scenario_setting(TINY).description
    told = replace(TINY, summary="other words", tags=("plain",), etr=0.5)
    assert scenario_setting(told).description == described
    assert scenario_setting(replace(TINY, steps=13)).description != described


def test_a_scenario_says_how_often_its_pool_is_looked_at():
    assert scenario_setting(SCENARIOS["huge"]).truth_every == 30


def test_references_cost_their_own_trials_where_they_were_measured():
    references = TINY.population.references
    first = replace(references[0], trials=4)
    population = replace(TINY.population, references=(first, references[1]))
    setting = scenario_setting(replace(TINY, population=population))
    weak_N = np.array([0.5, np.nan, 0.5])
    pool = Pool.numbered(3, {"weak": weak_N, "strong": np.ones(3)})
    assert setting.offline_cost(pool) == 2 * 4 + 3 * references[1].trials
    assert setting.offline_cost(Pool.numbered(3, {})) == 0
