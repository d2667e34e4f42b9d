import pytest

from bench.validation.growth import CAPACITY, MEMORY, REPETITION
from bench.validation.mechanisms import MECHANISMS, parse
from simulator import LearnerLaw


def test_plain_changes_nothing():
    spec = parse("plain")
    assert spec.plain
    assert (spec.law, spec.domains, spec.knobs) == ({}, False, ())


def test_mechanisms_combine():
    spec = parse("domains+repetition=8+alpha=1+gain=maxrl+memory+capacity")
    assert spec.law == {"repetition_visits": 8.0, "batch_exponent": 1.0, "gain": "maxrl"}
    assert spec.domains
    assert not spec.plain
    assert spec.knobs == (MEMORY, CAPACITY)


def test_a_constant_without_a_value_is_fitted():
    assert parse("repetition").knobs == (REPETITION,)
    assert parse("repetition=3").knobs == ()
    assert parse("repetition=3+capacity").knobs == (CAPACITY,)


def test_every_mechanism_of_the_law_names_one_of_its_fields():
    names = {each.field for each in MECHANISMS.values() if each.field}
    knobs = {each.knob.name for each in MECHANISMS.values() if each.knob}
    assert names | knobs <= set(LearnerLaw.__dataclass_fields__)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("domain", "do you mean domains"),
        ("plain+domains", "there is no mechanism 'plain'"),
        ("memory+memory", "named twice"),
        ("alpha", "needs a value"),
        ("repetition+capacity", "same bend"),
        ("domains=3", "takes no value"),
        ("repetition=often", "is no number"),
        ("repetition=-1", "repetition_visits"),
        ("gain=none", "must be one of"),
    ],
)
def test_what_cannot_be_meant_is_refused(name, words):
    with pytest.raises(ValueError, match=words):
        parse(name)
