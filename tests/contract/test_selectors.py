"""Laws that every strategy of the roster obeys."""

import gc
import inspect
from collections.abc import Iterator
from functools import partial
from types import CellType, ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backends import SimulatedTruth, simulate
from bench.strategies import STRATEGIES, make_strategy
from bots import AbstractSelector, Feedback, Pool, load_state, save_state
from simulator import Scenario

NAMES = list(STRATEGIES)
TINY = Scenario("tiny", "", num_tasks=120, num_heldout=40, batch_size=10)


def world(seed: int = 0) -> tuple[Pool, SimulatedTruth]:
    backend, truth = simulate(TINY, seed)
    return backend.pool, truth


def make(name: str, pool: Pool, truth: SimulatedTruth, seed: int = 0) -> AbstractSelector:
    return make_strategy(name, pool, np.random.default_rng(seed), truth).selector


def feed(selector: AbstractSelector, ids: np.ndarray, seed: int) -> None:
    solved = np.random.default_rng(seed).binomial(8, 0.4, ids.size)
    selector.update(Feedback(ids, solved, np.full(ids.size, 8)))


def away(step: int) -> np.ndarray:
    """Tasks that cannot be chosen at a step; none at every third, some twice."""
    return np.random.default_rng([step, 1]).integers(0, 120, 60 * (step % 3 > 0))


def live(selector: AbstractSelector, steps: range, absences: bool = False) -> list[list[int]]:
    """The batches of some steps, with feedback and absences that depend on the step alone."""
    batches = []
    for step in steps:
        ids = selector.select(10, away(step)) if absences else selector.select(10)
        feed(selector, ids, step)
        batches.append(ids.tolist())
    return batches


def flat(state: dict, prefix: str = "") -> dict[str, object]:
    """State as comparable values, arrays as bytes."""
    values: dict[str, object] = {}
    for key, value in state.items():
        if isinstance(value, dict):
            values |= flat(value, f"{prefix}{key}.")
        else:
            array = np.asarray(value) if isinstance(value, np.ndarray) else None
            values[prefix + key] = value if array is None else (array.dtype.str, array.tobytes())
    return values


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [1, 10, 120])
def test_a_batch_holds_distinct_tasks_of_the_pool(name, size):
    selector = make(name, *world())
    for step in range(5):
        ids = selector.select(size)
        assert ids.shape == (size,)
        assert ids.dtype == np.int64
        assert len(set(ids.tolist())) == size
        assert ids.min() >= 0
        assert ids.max() < 120
        feed(selector, ids, step)


@pytest.mark.parametrize("name", NAMES)
def test_equal_generators_give_equal_choices(name):
    pool, truth = world()
    assert live(make(name, pool, truth), range(8)) == live(make(name, pool, truth), range(8))


@pytest.mark.parametrize("absences", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_state_resumes_bit_for_bit(name, absences):
    pool, truth = world()
    whole = live(make(name, pool, truth), range(40), absences)
    first = make(name, pool, truth)
    start = live(first, range(20), absences)
    second = make(name, pool, truth, seed=99)
    second.load_state_dict(first.state_dict())
    assert start + live(second, range(20, 40), absences) == whole
    live(first, range(20, 40), absences)
    assert flat(second.state_dict()) == flat(first.state_dict())


@pytest.mark.parametrize("name", NAMES)
def test_state_survives_a_file_of_json_and_arrays(name, tmp_path):
    pool, truth = world()
    first = make(name, pool, truth)
    live(first, range(5))
    save_state(tmp_path / "selector.npz", first.state_dict())
    second = make(name, pool, truth, seed=99)
    second.load_state_dict(load_state(tmp_path / "selector.npz"))
    assert live(second, range(5, 9)) == live(first, range(5, 9))


@pytest.mark.parametrize("name", NAMES)
def test_saved_state_is_a_copy(name):
    pool, truth = world()
    selector = make(name, pool, truth)
    live(selector, range(3))
    saved = selector.state_dict()
    before = flat(saved)
    live(selector, range(3, 9))
    assert flat(saved) == before


@pytest.mark.parametrize("name", NAMES)
def test_state_of_another_pool_is_refused_and_changes_nothing(name):
    pool, truth = world()
    renamed = Pool(pool.keys_N + 1, pool.references, pool.domains_N, pool.features_ND)
    selector, other = make(name, pool, truth), make(name, renamed, truth)
    before = flat(selector.state_dict())
    with pytest.raises(ValueError, match="another pool"):
        selector.load_state_dict(other.state_dict())
    assert flat(selector.state_dict()) == before


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("damage", ["selector", "version", "drop", "add", "rng", "empty"])
def test_damaged_state_is_refused_and_changes_nothing(name, damage):
    pool, truth = world()
    selector, other = make(name, pool, truth), make(name, pool, truth, seed=3)
    live(selector, range(3))
    state = other.state_dict()
    if damage == "selector":
        state["selector"] = "someone else's"
    elif damage == "version":
        state["version"] += 1
    elif damage == "drop":
        del state["rng"]
    elif damage == "add":
        state["surprise"] = 1
    elif damage == "rng":
        state["rng"] = {"bit_generator": "PCG64", "state": "nonsense"}
    else:
        state = {}
    before = flat(selector.state_dict())
    with pytest.raises(ValueError, match="state"):
        selector.load_state_dict(state)
    assert flat(selector.state_dict()) == before


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [0, -1, 121, 2.5, True, None])
def test_impossible_batch_sizes_are_refused_and_change_nothing(name, size):
    selector = make(name, *world())
    before = flat(selector.state_dict())
    with pytest.raises(ValueError, match="batch_size"):
        selector.select(size)
    assert flat(selector.state_dict()) == before


@pytest.mark.parametrize("name", NAMES)
def test_the_interface_s_names_are_kept(name):
    parameters = inspect.signature(make(name, *world()).select).parameters
    assert list(parameters) == ["batch_size", "exclude"]
    assert parameters["exclude"].default is None


@pytest.mark.parametrize("name", [*NAMES, "bots:temperature=0.5"])
@pytest.mark.parametrize("size", [1, 10, 20])
def test_excluded_tasks_are_never_chosen(name, size):
    selector = make(name, *world())
    for step in range(12):
        gone = np.random.default_rng(step).choice(120, 100, replace=False)
        ids = selector.select(size, np.concatenate([gone, gone[:7]]))
        assert ids.shape == (size,)
        assert ids.dtype == np.int64
        assert len(set(ids.tolist())) == size
        assert set(ids.tolist()) <= set(range(120)) - set(gone.tolist())
        feed(selector, ids, step)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("nothing", [np.empty(0, dtype=np.int64), np.array([]), []])
def test_excluding_nothing_changes_nothing(name, nothing):
    pool, truth = world()
    silent, told = make(name, pool, truth), make(name, pool, truth)
    for step in range(15):
        ids = silent.select(10)
        assert ids.tolist() == told.select(10, nothing).tolist()
        feed(silent, ids, step)
        feed(told, ids, step)
    assert flat(silent.state_dict()) == flat(told.state_dict())


@pytest.mark.parametrize("name", NAMES)
def test_the_excluded_positions_are_left_as_they_are(name):
    gone = np.array([7, 3, 7])
    make(name, *world()).select(10, gone)
    assert gone.tolist() == [7, 3, 7]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("gone", "says"),
    [
        (np.arange(111), "9 of the pool's 120 tasks are left .* 10 were asked for"),
        (np.arange(120), "0 of the pool's 120"),
        ([3, 120], "exclude spans 3 to 120"),
        ([-1], "exclude spans -1"),
        ([0.5], "exclude has .* float"),
        (np.zeros(120, dtype=bool), "exclude has .* mask"),
        ([[1, 2]], "exclude has shape"),
        (7, "exclude has shape"),
    ],
)
def test_impossible_exclusions_are_refused_and_change_nothing(name, gone, says):
    selector = make(name, *world())
    live(selector, range(5), absences=True)
    before = flat(selector.state_dict())
    with pytest.raises(ValueError, match=says):
        selector.select(10, gone)
    assert flat(selector.state_dict()) == before


@pytest.mark.parametrize("name", ["shuffle", "easy-to-hard"])
def test_tasks_that_are_away_for_a_while_have_their_turn_in_the_same_epoch(name):
    selector = make(name, *world())
    absences = [np.arange(40)] * 4 + [np.arange(100, 120)] * 4 + [None] * 4
    visits = [selector.select(10, gone) for gone in absences]
    assert sorted(np.concatenate(visits)) == list(range(120))


@pytest.mark.parametrize("name", NAMES)
def test_feedback_about_tasks_outside_the_pool_is_refused_and_changes_nothing(name):
    selector = make(name, *world())
    before = flat(selector.state_dict())
    with pytest.raises(ValueError, match="120"):
        selector.update(Feedback([3, 120], [1, 1], [2, 2]))
    assert flat(selector.state_dict()) == before


@pytest.mark.parametrize("name", NAMES)
def test_beliefs_are_solve_rates_or_nothing(name):
    selector = make(name, *world())
    live(selector, range(5))
    rates = selector.solve_rates()
    if rates is not None:
        assert rates.shape == (120,)
        assert ((rates >= 0) & (rates <= 1)).all()
    assert all(isinstance(value, float) for value in selector.metrics().values())


groups = st.lists(
    st.tuples(st.integers(0, 119), st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=40
)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=15, deadline=None)
@given(steps=st.lists(groups, min_size=1, max_size=6))
def test_partial_repeated_and_uneven_groups_are_taken(name, steps):
    selector = make(name, *world())
    for step in steps:
        ids, solved, failed = (np.array(column) for column in zip(*step, strict=True))
        selector.update(Feedback(ids, solved, solved + failed))
        assert len(set(selector.select(7).tolist())) == 7


def reachable(item: object) -> Iterator[object]:
    """All objects that can be reached from one, through attributes, closures and containers."""
    seen, queue = set(), [item]
    while queue:
        item = queue.pop()
        if id(item) in seen or isinstance(item, np.ndarray | str | int | float | type | ModuleType):
            continue
        seen.add(id(item))
        yield item
        queue += gc.get_referents(item) if isinstance(item, CellType) else []
        queue += list(getattr(item, "__dict__", {}).values())
        queue += [getattr(item, slot, None) for slot in getattr(item, "__slots__", ())]
        queue += list(getattr(item, "__closure__", None) or ())
        queue += [getattr(item, name, None) for name in ("__self__", "func", "args", "keywords")]
        queue += list(item.values()) if isinstance(item, dict) else []
        queue += list(item) if isinstance(item, list | tuple | set) else []


def sees_truth(strategy: object) -> bool:
    packages = {type(item).__module__.split(".")[0] for item in reachable(strategy)}
    return bool(packages & {"backends", "simulator"})


@pytest.mark.parametrize("name", NAMES)
def test_only_oracles_can_reach_the_truth(name):
    pool, truth = world()
    strategy = make_strategy(name, pool, np.random.default_rng(0), truth)
    live(strategy.selector, range(2))
    assert sees_truth(strategy) == STRATEGIES[name].oracle


def test_a_hidden_peek_would_be_found():
    _, truth = world()

    class Holder:
        def __init__(self):
            self.peek = partial(lambda size: truth.solve_rates()[:size], 3)

    assert sees_truth(Holder())
    assert not sees_truth(partial(lambda size: size, 3))


@pytest.mark.parametrize("name", NAMES)
def test_a_strategy_sees_what_it_declares_and_nothing_else(name):
    pool, truth = world()
    strategy = make_strategy(name, pool, np.random.default_rng(0), truth)
    pools = [item for item in reachable(strategy) if isinstance(item, Pool)]
    sees = STRATEGIES[name].sees
    weak = {"weak"} & set(sees)
    names = set(pool.references) if "references" in sees else weak
    assert pools
    for seen in pools:
        assert set(seen.references) == names
        assert (seen.domains_N is not None) == ("domains" in sees)
        assert (seen.features_ND is not None) == ("features" in sees)


@pytest.mark.parametrize("name", NAMES)
def test_forward_passes_are_counted_from_the_start_and_never_fall(name):
    selector, counts = make(name, *world()), []
    for step in range(6):
        counts.append(selector.forward_passes())
        live(selector, range(step, step + 1))
    assert counts == sorted(counts)
    assert (counts[0] > 0) == ("features" in STRATEGIES[name].sees)


numbers = st.one_of(st.integers(-2, 125), st.floats(allow_nan=True, allow_infinity=True))
vectors = st.lists(numbers, max_size=4)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=40, deadline=None)
@given(ids=vectors, successes=vectors, trials=vectors)
def test_any_feedback_is_either_taken_or_refused_without_a_trace(name, ids, successes, trials):
    selector = make(name, *world())
    before = flat(selector.state_dict())
    try:
        selector.update(Feedback(ids, successes, trials))
    except ValueError:
        assert flat(selector.state_dict()) == before
    else:
        rates = selector.solve_rates()
        assert rates is None or np.isfinite(rates).all()
