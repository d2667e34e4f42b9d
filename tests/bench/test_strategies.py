import numpy as np
import pytest

from backends import simulate
from bench.strategies import STRATEGIES, is_oracle, make_strategy, source_digest
from bots import AbstractSelector, BOTSConfig, BOTSSelector, OneRound, Pool
from bots.baselines import DynamicSampling, MoPPSSelector, UniformSelector
from bots.live import LiveSelector
from simulator import Domain, Population, Scenario

POOL = Pool.numbered(20, {"weak": np.full(20, 0.2), "strong": np.full(20, 0.6)})
FEATURED = Scenario(
    "featured",
    "",
    Population((Domain(0.5), Domain(0.5)), embedding_size=4),
    num_tasks=60,
    num_heldout=5,
    batch_size=5,
)


def make(spec: str):
    return make_strategy(spec, POOL, np.random.default_rng(0), None)


def my_factory(pool, rng, flavour="plain"):
    assert flavour in ("plain", "spicy")
    return UniformSelector(pool, rng)


def not_a_selector(pool, rng):
    return 42


class Unfinished(AbstractSelector):
    """Lacks five methods."""

    def __init__(self, pool, rng):
        self.pool, self.rng = pool, rng

    def select(self, batch_size, exclude=None):
        return np.arange(batch_size)


def test_names_give_the_strategies_they_promise():
    assert isinstance(make("mopps").selector, MoPPSSelector)
    assert isinstance(make("dapo").collector, DynamicSampling)
    assert isinstance(make("bots").collector, OneRound)
    assert is_oracle("oracle-gain")
    assert not is_oracle("bots")


def test_options_reach_the_strategy():
    selector = make("bots:implicit_weight=0.2,thompson=False").selector
    assert isinstance(selector, BOTSSelector)
    assert selector._config == BOTSConfig(implicit_weight=0.2, thompson=False)


def test_options_reach_the_implicit_evidence():
    selector = make("bots:momentum=0.5,min_gap=0.25").selector
    assert (selector._implicit._momentum, selector._implicit._min_gap) == (0.5, 0.25)


def test_variants_are_configurations_of_one_class():
    for name in STRATEGIES:
        if name.startswith("bots"):
            live = name in ("bots-live", "bots-informative", "bots-unlabelled")
            assert type(make(name).selector) is (LiveSelector if live else BOTSSelector)


def test_a_strategy_of_one_s_own_is_imported():
    path = "tests.bench.test_strategies:my_factory"
    assert isinstance(make(path).selector, UniformSelector)
    assert isinstance(make(f"{path}:flavour=spicy").selector, UniformSelector)


def test_schedules_are_told_the_length_of_the_run_unless_an_option_says_it():
    for spec, steps in (("e2h-cosine", 500), ("e2h-cosine:steps=7", 7)):
        made = make_strategy(spec, POOL, np.random.default_rng(0), None, steps=500)
        assert made.selector._config["steps"] == steps
    assert make("e2h-gaussian").selector._config["steps"] == 200


@pytest.mark.parametrize("sees", [(), ("weak",), ("references",), ("domains", "features")])
def test_a_strategy_is_handed_the_knowledge_that_it_declares(sees):
    backend, _ = simulate(FEATURED, 0)
    received = []

    def spy(pool, rng):
        received.append(pool)
        return UniformSelector(pool, rng)

    spy.sees = sees
    globals()["spy"] = spy
    make_strategy("tests.bench.test_strategies:spy", backend.pool, np.random.default_rng(0), None)
    (pool,) = received
    names = {(): set(), ("weak",): {"weak"}, ("references",): set(backend.pool.references)}
    assert set(pool.references) == names.get(sees, set())
    assert (pool.domains_N is not None) == ("domains" in sees)
    assert (pool.features_ND is not None) == ("features" in sees)


def test_strategies_of_the_roster_pay_for_features_from_the_start_and_no_others_do():
    backend, truth = simulate(FEATURED, 0)
    for name, entry in STRATEGIES.items():
        made = make_strategy(name, backend.pool, np.random.default_rng(0), truth)
        assert (made.selector.forward_passes() > 0) == ("features" in entry.sees), name


def test_only_oracles_are_handed_the_truth():
    _, truth = simulate(Scenario("tiny", "", num_tasks=20, num_heldout=5, batch_size=5), 0)
    received = {}

    def spy(pool, rng, **options):
        received.update(options)
        return UniformSelector(pool, rng)

    globals()["spy"] = spy
    make_strategy("tests.bench.test_strategies:spy", POOL, np.random.default_rng(0), truth)
    assert received == {}


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("bot", "no strategy 'bot'"),
        ("bots:rho=0.1", "no option"),
        ("bots:implicit_weight", "key=value"),
        ("bots:implicit_weight=2", "implicit_weight is 2"),
        ("shuffle:speed=3", "speed"),
        ("no.such.module:factory", "cannot import"),
        ("tests.bench.test_strategies:nothing", "cannot import"),
        ("tests.bench.test_strategies:POOL", "not callable"),
        ("tests.bench.test_strategies:not_a_selector", "returned 42"),
        ("tests.bench.test_strategies:Unfinished", "abstract"),
        ("tests.bench.test_strategies:my_factory:colour=red", "colour"),
        ("dapo:oversample=-1", "oversample"),
    ],
)
def test_mistakes_are_named(spec, says):
    with pytest.raises(ValueError, match=says):
        make(spec)


def test_imported_strategies_are_told_apart_by_their_source():
    assert source_digest("bots") is None
    assert len(source_digest("tests.bench.test_strategies:my_factory")) == 64
