"""A live selector's whole life, beside a slow model of what it must believe and permit."""

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from bots import Feedback, Pool, load_state, save_state
from bots.live import LiveConfig, LiveSelector, Selection
from bots.live.belief import beliefs
from bots.live.choice.kernels import REMOVED, Recall
from tests.bots.live.life.model import Model, Row, Settings

CONFIGS = {
    "paper": LiveConfig(),
    "expected": LiveConfig(thompson=False, utility="informative"),
    "recall": LiveConfig(cooldown=2.0, retest=3.0, coverage=0.25),
    "learned": LiveConfig(predictor="logit", learned_weight=True, staleness=0.1, patience=3.0),
    "keeps": LiveConfig(forgetting=0.0, staleness=1.0, prior_successes=0.5),
    "forgets": LiveConfig(
        forgetting=1.0, implicit_weight=0.5, thompson=False, coverage=1.0, cooldown=2.0
    ),
    "divided": LiveConfig(
        predictor="none", fractional=True, allocation="progress", domain_floor=0.2
    ),
    "tokens": LiveConfig(per_token=True, domain_ceiling=0.6, coverage=0.5, learned_weight=True),
}
MAY_BE_UNKNOWN = ("predictor/capability", "implicit/worth", "tokens/at_half", "tokens/slope")
RATES = (0.0, 0.125, 0.25, 0.5, 0.75, 1.0, None)
DOMAINS = ("a", "b", "c", "d", "e")  # five floors of 0.2 fill a batch
PACES = (-1.0, 0.0, 0.25, 1.0, 6.0, 80.0, 900.0)  # versions that the policy moves on
TOLERANCE = 1e-5  # of alpha + beta

seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(1, 7)


def flat(state: dict, prefix: str = "") -> dict[str, object]:
    """State as comparable values, arrays as bytes."""
    values: dict[str, object] = {}
    for key, value in state.items():
        if isinstance(value, dict):
            values |= flat(value, f"{prefix}{key}.")
        else:
            array = isinstance(value, np.ndarray)
            values[prefix + key] = (value.dtype.str, value.tobytes()) if array else repr(value)
    return values


def pool_of(row: dict[int, Row]) -> Pool:
    weak, strong, domains = zip(*row.values(), strict=True)
    rates = {"weak": np.array(weak, np.float64), "strong": np.array(strong, np.float64)}
    return Pool(np.array(list(row)), rates, np.array(domains))


def some_row(rng: np.random.Generator, num_domains: int) -> Row:
    return rng.choice(RATES), rng.choice(RATES), DOMAINS[rng.integers(num_domains)]


def some(rng: np.random.Generator, items: list, most: int) -> list:
    """At least one of the items, in some order."""
    count = int(rng.integers(1, min(most, len(items)) + 1))
    return [items[i] for i in rng.choice(len(items), count, replace=False)]


class Life(RuleBasedStateMachine):
    """Everything that can happen to a selector, in any order."""

    config = CONFIGS["paper"]

    @initialize(num_tasks=st.integers(2, 24), seed=seeds)
    def begin(self, num_tasks: int, seed: int) -> None:
        rng = np.random.default_rng(seed)
        names = set(Settings.__dataclass_fields__)
        self.folder = tempfile.TemporaryDirectory()
        row = {key: (*some_row(rng, 1)[:2], DOMAINS[key % 2]) for key in range(num_tasks)}
        self.made = num_tasks
        self.model = Model(Settings(**{n: getattr(self.config, n) for n in names}), row)
        self.selector = LiveSelector(pool_of(row), rng, self.config)
        self.batches: dict[int, list[int]] = {}  # keys, as they were selected
        self.delivered: list[tuple[Feedback, list[int]]] = []

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            self.folder.cleanup()

    def place(self, keys: list[int]) -> np.ndarray:
        order = {key: position for position, key in enumerate(self.model.row)}
        return np.array([order[key] for key in keys], np.int64)

    def keys(self, positions: np.ndarray) -> list[int]:
        order = list(self.model.row)
        return [order[position] for position in positions]

    @rule(size=sizes, seed=seeds, ahead=st.integers(1, 4))
    def choose(self, size: int, seed: int, ahead: int) -> None:
        rng = np.random.default_rng(seed)
        for _ in range(ahead):
            self.choose_once(size, rng)

    def choose_once(self, size: int, rng: np.random.Generator) -> None:
        plainly, excluding = rng.random(2) < 0.4
        everyone = list(self.model.row)
        excluded = some(rng, everyone, len(everyone)) if excluding else []
        exclude = self.place([*excluded, *excluded[:2]]) if excluding else None
        permitted = self.model.permitted(size, set(excluded))
        if permitted is None:
            event("too few tasks are left")
            refused(self.selector, lambda: self.selector.select(size, exclude))
            return
        if plainly:
            task_ids = self.selector.select(size, exclude)
        else:
            selection = self.selector.draw(size, exclude)
            self.check_selection(selection)
            task_ids = selection.task_ids_B
        chosen = self.keys(task_ids)
        assert len(chosen) == size == len(set(chosen))
        assert set(chosen) <= permitted
        self.batches[self.model.opened(chosen)] = chosen

    def check_selection(self, selection: Selection) -> None:
        assert selection.batch_id == self.model.next
        assert selection.version == self.model.now
        assert selection.num_tasks == len(self.model.active())
        assert (selection.inclusion_B > 0).all()
        assert (selection.inclusion_B <= 1).all()
        means = [a / (a + b) for a, b in map(self.model.belief, self.model.active())]
        assert selection.predicted_mean == pytest.approx(np.mean(means), abs=TOLERANCE)
        expected = [a / (a + b) for a, b in map(self.model.belief, self.keys(selection.task_ids_B))]
        assert selection.predicted_B == pytest.approx(expected, abs=TOLERANCE)

    def feedback(self, keys: list[int], rng: np.random.Generator, batch_id: int | None) -> Feedback:
        """Groups of any size, some lost, some with fractional rewards, of any version."""
        trials = rng.integers(0, 9, len(keys)) * (rng.random(len(keys)) < 0.9)
        successes = rng.integers(0, trials + 1)
        if rng.random() < 0.4:  # whole groups
            trials, successes = np.full(len(keys), 8), rng.choice([0, 8, 5], len(keys))
        made = Feedback(self.place(keys), successes, trials, batch_id=batch_id)
        if rng.random() < 0.3:  # rewards of 0 and 0.5
            halves = made.successes_B / 2
            made = replace(made, successes_B=halves, squares_B=halves / 2)
        if rng.random() < 0.5:
            made = replace(made, tokens_B=100.0 * trials + rng.integers(0, 9, len(keys)))
        if rng.random() < 0.6:
            ahead = rng.choice(PACES[: 5 if self.config.forgetting == 0 else None])
            current = max(self.model.now + ahead, 0.0)
            policy = max(current - rng.choice([0, 0.5, 2, 1000]), 0.0)
            made = replace(made, policy_version=policy, current_version=current)
        return made

    @precondition(lambda self: self.batches)
    @rule(which=st.lists(st.integers(0, 20), min_size=1, max_size=5), seed=seeds)
    def deliver(self, which: list[int], seed: int) -> None:
        """Feedback for some of the batches, whatever has become of them."""
        rng = np.random.default_rng(seed)
        for back in which:
            self.deliver_once(list(self.batches)[-1 - back % len(self.batches)], rng)

    def deliver_once(self, batch_id: int, rng: np.random.Generator) -> None:
        part, strangers = rng.random(2) < [0.5, 0.2]
        keys = [key for key in self.batches[batch_id] if key in self.model.row]
        keys = some(rng, keys, len(keys)) if part and keys else [*rng.permutation(keys).tolist()]
        if strangers or not keys:
            keys += some(rng, list(self.model.row), 2)
        if rng.random() < 0.2:
            keys += keys[:2]  # two groups of the same task
        self.take(self.feedback(keys, rng, batch_id), keys)

    def take(self, feedback: Feedback, keys: list[int]) -> None:
        self.selector.update(feedback)
        self.model.update(feedback)
        self.delivered.append((feedback, keys))

    @precondition(lambda self: self.delivered)
    @rule(which=st.integers(0, 20))
    def deliver_again(self, which: int) -> None:
        feedback, keys = self.delivered[-1 - which % len(self.delivered)]
        if feedback.batch_id is not None and set(keys) <= set(self.model.row):
            before = [self.selector.beliefs.pseudo_counts(self.place(keys)), self.selector.pool]
            self.take(replace(feedback, task_ids_B=self.place(keys)), keys)
            after = self.selector.beliefs.pseudo_counts(self.place(keys))
            assert np.array_equal(before[0], after)

    @rule(seed=seeds)
    def deliver_without_batch(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        keys = some(rng, list(self.model.row), 5)
        self.take(self.feedback(keys, rng, None), keys)

    @precondition(lambda self: self.batches)
    @rule(which=st.integers(0, 20))
    def cancel(self, which: int) -> None:
        batch_id = list(self.batches)[-1 - which % len(self.batches)]
        self.selector.cancel(batch_id)
        self.model.cancel(batch_id)

    @rule(seed=seeds, count=st.integers(1, 4))
    def add(self, seed: int, count: int) -> None:
        rng = np.random.default_rng(seed)
        row = {self.made + i: some_row(rng, 5) for i in range(count)}
        positions = self.selector.add(pool_of(row))
        self.model.add(row)
        self.made += count
        assert positions.tolist() == self.place(list(row)).tolist()

    @rule(seed=seeds)
    def remove(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        keys = some(rng, list(self.model.row), 3)
        if set(self.model.active()) <= set(keys):
            refused(self.selector, lambda: self.selector.remove(self.place(keys)))
        else:
            self.selector.remove(self.place(keys))
            self.model.remove(set(keys))

    @rule(seed=seeds)
    def die_and_rise(self, seed: int) -> None:
        """The one that was loaded goes on as the one that was saved would have done."""
        path = Path(self.folder.name) / "state.npz"
        save_state(path, self.selector.state_dict())
        twin = self.selector
        self.selector = LiveSelector(twin.pool, np.random.default_rng(seed), self.config)
        self.selector.load_state_dict(load_state(path))
        assert flat(self.selector.state_dict()) == flat(twin.state_dict())
        if self.model.permitted(1, set()) is not None:
            one, other = self.selector.draw(1), twin.draw(1)
            assert one.task_ids_B.tolist() == other.task_ids_B.tolist()
            assert one.inclusion_B.tolist() == other.inclusion_B.tolist()
            chosen = self.keys(one.task_ids_B)
            self.batches[self.model.opened(chosen)] = chosen
        assert flat(self.selector.state_dict()) == flat(twin.state_dict())

    @rule(seed=seeds, added=st.integers(0, 3))
    def resume_on_a_changed_pool(self, seed: int, added: int) -> None:
        """Another order, tasks fewer and more, and other rates and domains for some."""
        rng = np.random.default_rng(seed)
        kept = some(rng, list(self.model.row), len(self.model.row))
        row = {key: self.model.row[key] if rng.random() < 0.8 else some_row(rng, 5) for key in kept}
        row |= {self.made + i: some_row(rng, 5) for i in range(added)}
        if len({domain for _, _, domain in row.values()}) < 2:
            return  # one domain alone may not fill a batch
        self.made += added
        path = Path(self.folder.name) / "state.npz"
        save_state(path, self.selector.state_dict())
        visited = self.keys(self.selector.beliefs.visited_V)
        self.selector = LiveSelector(pool_of(row), np.random.default_rng(seed), self.config)
        self.selector.resume(load_state(path))
        self.model.resume(row, set(visited))

    @rule(seed=seeds, kind=st.integers(0, 9))
    def misuse(self, seed: int, kind: int) -> None:
        """Nonsense is refused, and nothing changes."""
        selector, num_tasks = self.selector, len(self.model.row)
        other = pool_of({-1 - key: row for key, row in self.model.row.items()})
        stranger = LiveSelector(other, np.random.default_rng(seed), self.config)
        damaged = selector.state_dict()
        damaged["beliefs"]["alpha_C"][0] = [np.nan, -1.0, np.inf, 0.0][seed % 4]
        calls = (
            lambda: selector.update(Feedback([0, num_tasks], [1, 1], [2, 2])),
            lambda: selector.update(Feedback([0], [1], [2], batch_id=self.model.next)),
            lambda: selector.update(Feedback([0], [3], [2])),
            lambda: selector.update(Feedback([0], [1e12], [1e12])),
            lambda: selector.cancel(self.model.next),
            lambda: selector.select(num_tasks + 1),
            lambda: selector.draw(1, np.zeros(num_tasks, np.bool_)),
            lambda: selector.add(pool_of({next(iter(self.model.row)): (0.5, 0.5, "a")})),
            lambda: selector.load_state_dict(stranger.state_dict()),
            lambda: selector.load_state_dict(damaged),
            lambda: selector.resume(damaged),
            lambda: selector.remove([num_tasks]),
        )
        refused(selector, calls[kind % len(calls)])
        refused(selector, calls[seed % len(calls)])

    @invariant()
    def beliefs_are_those_of_the_model(self) -> None:
        if not hasattr(self, "model"):
            return
        model = self.model
        alpha, beta = self.selector.beliefs.pseudo_counts(np.arange(len(model.row)))
        assert np.isfinite([alpha, beta]).all()
        assert (alpha >= self.config.prior_successes).all()
        assert (beta >= self.config.prior_failures).all()
        for position, (key, row) in enumerate(model.row.items()):
            # A residual is kept in single precision, so it is as exact as its class is large.
            room = TOLERANCE * max(sum(model.belief(key)), sum(model.fresh[row]))
            assert (alpha[position], beta[position]) == pytest.approx(model.belief(key), abs=room)

    @invariant()
    def visits_and_flights_are_those_of_the_model(self) -> None:
        if not hasattr(self, "model"):
            return
        model, table = self.model, self.selector.beliefs.table
        everyone = np.arange(len(model.row))
        last = [model.last.get(key, -np.inf) for key in model.row]
        assert table.last_N.tolist() == last
        assert table.streak_N.tolist() == [model.streak.get(key, 0) for key in model.row]
        recall = Recall(model.now, self.config.retest)
        due = self.keys(np.flatnonzero(self.selector.beliefs.due(everyone, recall)))
        assert set(due) == model.due(self.config.retest)
        assert set(due) <= set(self.keys(self.selector.beliefs.visited_V))
        removed = np.flatnonzero(table.flags_N & REMOVED)
        assert set(self.keys(removed)) == model.removed
        flights = self.selector.state_dict()["flights"]
        parts = np.split(flights["tasks"], np.cumsum(flights["sizes"])[:-1])
        batches = flights["batches"].tolist()
        assert {b: set(self.keys(p)) for b, p in zip(batches, parts, strict=False)} == model.open
        assert flights["since"].tolist() == [model.since[b] for b in sorted(model.open)]
        assert flights["next"] == model.next

    @invariant()
    def metrics_are_figures(self) -> None:
        if not hasattr(self, "model"):
            return
        metrics = self.selector.metrics()
        assert all(isinstance(value, float) for value in metrics.values())
        assert all(np.isfinite(v) for name, v in metrics.items() if name not in MAY_BE_UNKNOWN)
        for name, count in self.model.counters.items():
            assert metrics[f"feedback/{name}"] == count
        assert metrics["feedback/version"] == self.model.now
        assert metrics["flights/tasks"] == sum(map(len, self.model.open.values()))


def refused(selector: LiveSelector, call) -> None:
    before = flat(selector.state_dict())
    with pytest.raises(ValueError):  # noqa: PT011  # many kinds of misuse, each with its message
        call()
    assert flat(selector.state_dict()) == before


UNHURRIED = settings(deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(autouse=True)
def tidy_often(monkeypatch):
    """Short lives are tidied too."""
    monkeypatch.setattr(beliefs, "_TIDY_EVERY", 2)


def run(config: LiveConfig, lives: int, steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Life, "config", config)
    run_state_machine_as_test(
        Life, settings=settings(UNHURRIED, max_examples=lives, stateful_step_count=steps)
    )


@pytest.mark.parametrize(
    "name",
    ["paper", *(pytest.param(n, marks=pytest.mark.integration) for n in list(CONFIGS)[1:])],
)
def test_a_selector_believes_and_permits_what_the_model_does(name, monkeypatch):
    run(CONFIGS[name], 20, 30, monkeypatch)


@pytest.mark.slow
@pytest.mark.parametrize("name", CONFIGS)
def test_many_and_longer_lives(name, monkeypatch):
    run(CONFIGS[name], 200, 60, monkeypatch)
