import json
import math
from dataclasses import asdict, fields

import numpy as np
import pytest

from bots.live.config import LiveConfig

WRONG = {
    "forgetting": [-0.1, 1.1, math.nan, "0.1", None, True],
    "implicit_weight": [-0.1, 1.1, math.nan],
    "learned_weight": [1, None, "yes"],
    "predictor": ["nearest", None, 1],
    "momentum": [-0.1, 1.0, math.nan, "0.9"],
    "min_gap": [0.0, 1.1, math.inf],
    "target": [-0.1, 1.1, math.nan],
    "thompson": [0, None, "no"],
    "utility": ["entropy", None],
    "per_token": [1, None],
    "fractional": [1, None],
    "staleness": [-0.1, 1.1, math.nan],
    "coverage": [-0.1, 1.1, math.nan],
    "cooldown": [-1.0, math.inf, math.nan, "2"],
    "retest": [0.5, -math.inf, math.nan, "2"],
    "patience": [0.5, -math.inf, math.nan, None],
    "allocation": ["equal", None],
    "domain_floor": [-0.1, 1.1, math.nan],
    "domain_ceiling": [-0.1, 1.1, math.nan],
    "domain_shares": [None, [("a", (0, 1))], {1: (0, 1)}, {"a": 0.5}, {"a": (0.1, 0.2, 0.3)}],
    "prior_successes": [0.0, -1.0, math.inf, math.nan],
    "prior_failures": [0.0, -1.0, math.inf, math.nan],
}


def test_every_setting_is_tried():
    assert set(WRONG) == {field.name for field in fields(LiveConfig)}


@pytest.mark.parametrize(("name", "value"), [(n, v) for n, values in WRONG.items() for v in values])
def test_values_out_of_range_are_refused_by_name(name, value):
    said = {"domain_floor": "least share of", "domain_ceiling": "greatest share of"}
    with pytest.raises(ValueError, match=said.get(name, f"{name} (is|has)")):
        LiveConfig(**{name: value})


@pytest.mark.parametrize("utility", ["informative", "variance", "deviation"])
def test_a_draw_is_worth_only_its_closeness(utility):
    with pytest.raises(ValueError, match="thompson=False"):
        LiveConfig(utility=utility)
    assert LiveConfig(utility=utility, thompson=False).utility == utility


def test_a_floor_above_the_ceiling_is_refused():
    with pytest.raises(ValueError, match="lower it"):
        LiveConfig(domain_floor=0.5, domain_ceiling=0.4)
    for shares in ((0.5, 0.4), (-0.1, 1), (0, 1.1), (0, math.nan)):
        with pytest.raises(ValueError, match="domain 'a'"):
            LiveConfig(domain_shares={"a": shares})


def test_shares_of_one_domain_replace_those_of_all():
    config = LiveConfig(domain_floor=0.1, domain_ceiling=0.6, domain_shares={"b": (0.2, 0.3)})
    floor_D, ceiling_D = config.bounds(("a", "b", "c"))
    assert floor_D.tolist() == [0.1, 0.2, 0.1]
    assert ceiling_D.tolist() == [0.6, 0.3, 0.6]
    with pytest.raises(ValueError, match="names \\['b'\\]"):
        config.bounds(("a", "c"))


@pytest.mark.parametrize("settings", [{"domain_floor": 0.4}, {"domain_ceiling": 0.3}])
def test_shares_that_cannot_add_up_to_one_are_refused(settings):
    with pytest.raises(ValueError, match="1 must lie between"):
        LiveConfig(**settings).bounds(("a", "b", "c"))
    assert len(LiveConfig(domain_ceiling=1 / 3).bounds(("a", "b", "c"))) == 2


def test_settings_survive_json():
    config = LiveConfig(retest=8, patience=math.inf, domain_shares={"a": (0.1, 0.5)})
    again = LiveConfig.of_json(json.loads(json.dumps(config.as_json())))
    assert again.as_json() == config.as_json()
    assert (again.retest, again.patience) == (8, math.inf)
    assert tuple(again.domain_shares["a"]) == (0.1, 0.5)
    with pytest.raises(ValueError, match="newer release"):
        LiveConfig.of_json({"colour": 1})


def test_whole_numbers_and_ends_of_ranges_are_accepted():
    ends = {"forgetting": 0, "implicit_weight": 1, "target": 1, "momentum": 0, "min_gap": 1}
    times = {"retest": math.inf, "patience": math.inf, "cooldown": 0, "prior_successes": 1}
    assert LiveConfig(**ends, **times).target == 1


def test_the_defaults_are_the_papers():
    from bots import BOTS_VARIANTS

    paper = asdict(BOTS_VARIANTS["bots"])
    del paper["temperature"]
    assert paper.items() <= asdict(LiveConfig()).items()
    assert LiveConfig().prior == (1, 1)
    assert LiveConfig().predicts
    assert not LiveConfig().divides


@pytest.mark.parametrize(
    ("settings", "divides"),
    [
        ({"domain_floor": 0.1}, True),
        ({"domain_ceiling": 0.9}, True),
        ({"allocation": "size"}, True),
        ({"allocation": "progress"}, True),
        ({"domain_shares": {"a": (0.0, 1.0)}}, True),
        ({"coverage": 0.5}, False),
    ],
)
def test_places_are_divided_only_when_domains_are_told_apart(settings, divides):
    assert LiveConfig(**settings).divides is divides


def test_predictions_count_when_they_weigh_or_may_come_to():
    assert not LiveConfig(implicit_weight=0).predicts
    assert LiveConfig(implicit_weight=0, learned_weight=True).predicts


def test_numbers_of_numpy_become_json_values():
    shares = {"a": (np.float32(0.5), np.float64(0.5))}
    config = LiveConfig(cooldown=np.int64(3), target=np.float32(0.25), domain_shares=shares)
    assert json.loads(json.dumps(config.as_json()))["cooldown"] == 3.0
    assert LiveConfig.of_json(json.loads(json.dumps(config.as_json()))) == config
