"""`python -m bots`."""

import builtins
import os
from copy import deepcopy

import numpy as np
import pytest

from bots import BOTSConfig, Pool, save_state
from bots.__main__ import main
from bots.baselines.bandits.exp3s import Exp3SSelector
from bots.baselines.histories.mopps import MoPPSSelector
from bots.baselines.schedules.shuffle import ShuffleSelector
from bots.live import LiveConfig, LiveSelector
from tests.bots.inspection import examples

PNG = b"\x89PNG"


@pytest.fixture
def file(tmp_path):
    """Saves a state and gives its name."""

    def saved(state):
        save_state(tmp_path / "run.state", state)
        return str(tmp_path / "run.state")

    return saved


def sections(text: str) -> list[str]:
    return [block.splitlines()[0].split(":")[0].split(" ")[0] for block in text.split("\n\n")]


def test_without_arguments_it_prints_help(capsys):
    assert main([]) == 0
    assert "inspect" in capsys.readouterr().out


@pytest.mark.integration
@pytest.mark.parametrize("name", examples.CONFIGS)
def test_a_live_selector_is_described(name, file, capsys):
    selector = examples.trained(examples.CONFIGS[name])
    assert main(["inspect", file(selector.state_dict()), "--top", "3"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    expected = ["beliefs", "tasks", "learned", "stalest", "most", "most", "next"]
    assert [head for head in sections(out) if head] == expected
    for words in ("live, version 2", "schema 2", "pool/removed               11", "algebra"):
        assert words in out
    assert selector.pool.fingerprint[:12] in out


def test_a_bots_selector_is_described(file, capsys):
    assert main(["inspect", file(examples.bots(BOTSConfig()).state_dict())]) == 0
    out = capsys.readouterr().out
    assert [s for s in sections(out) if s] == [
        "beliefs",
        "tasks",
        "learned",
        "most",
        "most",
        "next",
    ]
    assert "implicit/capability" in out


@pytest.mark.parametrize("make", [MoPPSSelector, ShuffleSelector, Exp3SSelector])
def test_of_other_selectors_settings_and_arrays_are_listed(make, file, capsys):
    state = make(examples.pool(), np.random.default_rng(0)).state_dict()
    assert main(["inspect", file(state)]) == 0
    out = capsys.readouterr().out
    known = {"selector", "version", "pool", "config", "rng"}
    for name in {*state, *state["config"]} - known:
        assert name in out
    assert main(["inspect", file(state), "--picture", "p.png"]) == 2


def test_labels_cannot_write_to_the_terminal(file, capsys):
    hostile = ("plain", "\x1b[2J\x1b]0;title\x07", "two\nlines", "to\u202eleft", "é" * 99)
    selector = examples.trained(LiveConfig(predictor="logit"), domains=hostile)
    state = selector.state_dict()
    state["classes"]["domains"][0] = "\udc80"
    assert main(["inspect", file(state)]) == 0
    out = capsys.readouterr().out
    assert all(character.isprintable() or character == "\n" for character in out)
    assert max(map(len, out.splitlines())) < 200


def test_many_domains_are_cut_short(file, capsys):
    many = tuple(f"d{d:02d}" for d in range(40))
    assert main(["inspect", file(examples.trained(LiveConfig(), domains=many).state_dict())]) == 0
    assert "... and " in capsys.readouterr().out


DRAWN = {
    "domains": lambda: examples.trained(LiveConfig()),
    "no domains": lambda: examples.trained(LiveConfig(), domains=()),
    "many domains": lambda: examples.trained(LiveConfig(), domains=tuple("abcdefghijklmnop")),
    "one task": lambda: LiveSelector(
        Pool.numbered(1), np.random.default_rng(0), LiveConfig(implicit_weight=0)
    ),
    "bots": lambda: examples.bots(BOTSConfig()),
    "new bots": lambda: examples.bots(BOTSConfig(), steps=0),
}


@pytest.mark.integration
@pytest.mark.parametrize("name", DRAWN)
def test_a_picture_is_drawn_on_request(name, file, tmp_path):
    selector, picture = DRAWN[name](), tmp_path / "p.png"
    assert main(["inspect", file(selector.state_dict()), "--picture", str(picture)]) == 0
    content = picture.read_bytes()
    assert content.startswith(PNG)
    assert len(content) < 200_000


def test_a_picture_without_matplotlib_is_refused(file, tmp_path, capsys, monkeypatch):
    original = builtins.__import__

    def without(name, *rest):
        if name.split(".")[0] == "matplotlib":
            raise ImportError(name)
        return original(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    state = file(examples.bots(BOTSConfig()).state_dict())
    assert main(["inspect", state, "--picture", str(tmp_path / "p.png")]) == 2
    assert "pip install '.[bench]'" in capsys.readouterr().err
    assert main(["inspect", state]) == 0


@pytest.mark.integration
@pytest.mark.parametrize("target", ["no-folder/p.png", "p.doc"])
def test_a_picture_that_cannot_be_written_is_an_error(target, file, tmp_path, capsys):
    state = file(examples.bots(BOTSConfig()).state_dict())
    assert main(["inspect", state, "--picture", str(tmp_path / target)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")


def test_files_that_are_no_state_are_refused(file, tmp_path, capsys):
    sound = file(examples.trained(LiveConfig()).state_dict())
    content = (tmp_path / "run.state").read_bytes()
    bad = tmp_path / "bad"
    flipped = bytearray(content)
    flipped[len(content) // 2] ^= 1
    for damaged in (b"", b"text", content[:-100], content[: len(content) // 2], bytes(flipped)):
        bad.write_bytes(damaged)
        assert main(["inspect", str(bad)]) == 2
    for missing in (str(tmp_path), str(tmp_path / "none"), os.devnull):
        assert main(["inspect", missing]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("error: ") == 8
    assert main(["inspect", sound]) == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 99}, "upgrade bots-rft"),
        ({"version": "1"}, "'version' is no int"),
        ({"selector": {}}, "not a selector's"),
        ({"pool": 3}, "not a selector's"),
        ({"extra": 1}, "entries"),
        ({"config": {"nonsense": 1}}, "settings"),
    ],
)
@pytest.mark.parametrize("name", ["domains", "bots"])
def test_states_of_another_kind_are_refused(name, change, message, file, capsys):
    assert main(["inspect", file(DRAWN[name]().state_dict() | change)]) == 2
    assert message in capsys.readouterr().err


def leaves(state, prefix=()):
    for name, value in state.items():
        yield (*prefix, name)
        if isinstance(value, dict):
            yield from leaves(value, (*prefix, name))


JUNK = (
    *(None, True, -1, 0, 2**80, 1e308, float("nan"), float("inf"), "", "inf", [], [[]], {}),
    *(np.zeros(0), np.zeros(1), np.zeros((2, 2)), np.full(3, np.nan), np.array(["a"])),
    *(np.full(126, -1), np.array(2.0), np.zeros(126, np.uint8)),
)


BROKEN = {
    "uniform places": lambda: examples.trained(examples.CONFIGS["uniform places"]),
    "expectations": lambda: examples.trained(examples.CONFIGS["expectations"]),
    "divided": lambda: examples.trained(examples.CONFIGS["divided"]),
    "bots": lambda: examples.bots(BOTSConfig()),
    "mopps": lambda: MoPPSSelector(examples.pool(), np.random.default_rng(0)),
}


@pytest.mark.integration
@pytest.mark.parametrize("name", BROKEN)
def test_junk_anywhere_in_a_state_is_an_error_or_harmless(name, file, capsys):
    state = BROKEN[name]().state_dict()
    for path in leaves(state):
        for junk in JUNK:
            broken = deepcopy(state)
            place = broken
            for part in path[:-1]:
                place = place[part]
            place[path[-1]] = junk
            code = main(["inspect", file(broken)])
            out, err = capsys.readouterr()
            assert (code, bool(out), err[:7]) in ((0, True, ""), (2, False, "error: ")), path
