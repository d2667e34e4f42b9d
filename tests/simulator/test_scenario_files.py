import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator import SCENARIOS, Clock, Domain, LearnerLaw, Normal, Population, Reference, Scenario
from simulator.scenario_files import read, write

NUMBERS = st.floats(0.001, 0.999)


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_scenario_survives_the_file(name, tmp_path):
    write(tmp_path / "s.toml", SCENARIOS[name], "two\nlines")
    assert read(tmp_path / "s.toml") == SCENARIOS[name]


@settings(max_examples=50, deadline=None)
@given(
    st.text(),
    st.lists(st.text(), max_size=3).map(tuple),
    st.tuples(*[NUMBERS] * 6),
    st.integers(1, 10**6),
    st.booleans(),
)
def test_any_scenario_survives_the_file(tmp_path_factory, summary, tags, numbers, steps, moves):
    first, second, third, fourth, fifth, sixth = numbers
    parts = Normal(first, -second, third), Normal(1 - first, second, fourth)
    scenario = Scenario(
        "any",
        summary,
        Population(
            (Domain(1.0, parts, unsolvable=fifth / 2),),
            references=(Reference("weak", sixth),) if moves else (),
            heldout_moves=moves,
        ),
        LearnerLaw(learning_rate=sixth, gate_logit=-first),
        Clock(overhead=fifth),
        tags,
        first,
        steps=steps,
    )
    path = tmp_path_factory.mktemp("files") / "s.toml"
    write(path, scenario)
    assert read(path) == scenario


def test_only_what_differs_from_the_defaults_is_written(tmp_path):
    write(tmp_path / "s.toml", Scenario("plain", "nothing"))
    assert (tmp_path / "s.toml").read_text() == 'name = "plain"\nsummary = "nothing"\n'


HEAD = 'name = "x"\nsummary = "y"\n'


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("name = ", "cannot be read"),
        ('name = "x"', "summary is missing: every Scenario needs it"),
        (HEAD + "step = 3", "unknown key step: do you mean steps"),
        (HEAD + "[law]\nzzz = 3", "unknown key law.zzz: choose of gain, learning_rate"),
        (
            HEAD + "[[population.domains]]\nshare = 0.5\n"
            "[[population.domains]]\nshare = 0.5\nunsolvabel = 0.1",
            r"population.domains\[1\].unsolvabel: do you mean unsolvable",
        ),
        (HEAD + 'steps = "many"', "steps is 'many'; it must be a whole number"),
        (HEAD + "steps = 2.5", "steps is 2.5; it must be a whole number"),
        (HEAD + "steps = true", "steps is True; it must be a whole number"),
        (HEAD + "etr = true", "etr is True; it must be a number"),
        (HEAD + "tags = 3", "tags is 3; it must be a list of strings"),
        (HEAD + "tags = [3]", r"tags\[0\] is 3; it must be a string"),
        (HEAD + "law = 3", r"law is 3; it must be a table \[law\]"),
        (HEAD + "[population]\ndomains = 3", r"it must be tables \[\[population.domains\]\]"),
        (HEAD + "[population]\nheldout_moves = 1", "heldout_moves is 1; it must be true or false"),
        (HEAD + "steps = 0", "steps of Scenario is 0; it must be at least 1"),
        (HEAD + "[law]\ncapacity = -1.0", "law: capacity of LearnerLaw is -1.0; it must be posit"),
        (
            HEAD + "[[population.domains]]\nshare = 1\n[[population.domains.logit]]\nsd = -1",
            r"population.domains\[0\].logit\[0\]: sd of Normal is -1; it must be finite",
        ),
        (
            HEAD + '[[population.references]]\nname = "weak"',
            r"population.references\[0\].ability is missing",
        ),
    ],
)
def test_what_is_wrong_is_named_with_file_and_place(text, complaint, tmp_path):
    (tmp_path / "s.toml").write_text(text)
    with pytest.raises(ValueError, match=complaint) as raised:
        read(tmp_path / "s.toml")
    assert "s.toml" in str(raised.value)


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="cannot be read as a scenario"):
        read(tmp_path / "none.toml")


def test_bytes_that_are_no_text_are_an_error(tmp_path):
    (tmp_path / "s.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match="cannot be read as a scenario"):
        read(tmp_path / "s.toml")
