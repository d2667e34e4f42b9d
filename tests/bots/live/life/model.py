"""What a live selector must believe and permit, computed task by task, eagerly and in float64.

Slow and obvious on purpose. Nothing of `bots.live` is used but `LogitPrediction`, as a black box.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from bots import Feedback
from bots.live.belief.classes import TaskClasses
from bots.live.prediction.logit import LogitPrediction

Row = tuple[float | None, float | None, str]  # weak and strong, None where not measured; domain


@dataclass(frozen=True, slots=True)
class Settings:
    """What the model needs to know of a configuration; the names are those of `LiveConfig`."""

    forgetting: float
    implicit_weight: float
    learned_weight: bool
    predictor: str
    fractional: bool
    staleness: float
    cooldown: float
    patience: float
    prior: tuple[float, float]
    momentum: float = 0.9
    min_gap: float = 0.02


@dataclass
class Counts:
    """What was measured on one task in one feedback."""

    successes: float = 0.0
    trials: float = 0.0
    squares: float = 0.0


class Line:
    """The paper's interpolation between `weak` and `strong`."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.capability: float | None = None

    def observe(self, measured: list[tuple[Row, float, float]], versions: float) -> None:
        known = [(row[0], row[1], s / n) for row, s, n in measured if None not in row and n > 0]
        if not known:
            return
        weak, strong, rate = (sum(column) / len(known) for column in zip(*known, strict=True))
        if abs(strong - weak) < self.settings.min_gap:
            return
        new, gamma = (rate - weak) / (strong - weak), self.settings.momentum
        old = self.capability
        self.capability = new if old is None else gamma * old + (1 - gamma) * new

    def rates(self, rows: Iterable[Row]) -> dict[Row, float | None]:
        return {row: self._rate(*row) for row in rows}

    def _rate(self, weak: float | None, strong: float | None, _: str) -> float | None:
        if self.capability is None or weak is None or strong is None:
            return None
        return min(max(self.capability * strong + (1 - self.capability) * weak, 0.0), 1.0)


class Nothing:
    """Predicts nothing."""

    def observe(self, measured: list[tuple[Row, float, float]], versions: float) -> None:
        pass

    def rates(self, rows: Iterable[Row]) -> dict[Row, float | None]:
        return dict.fromkeys(rows)


class BlackBox:
    """The logistic regression, as it is."""

    def __init__(self) -> None:
        self.box = LogitPrediction()
        self.rows: list[Row] = []

    def observe(self, measured: list[tuple[Row, float, float]], versions: float) -> None:
        places = np.array([self.rows.index(row) for row, _, _ in measured], np.int64)
        successes, trials = (np.array([m[i] for m in measured], np.float64) for i in (1, 2))
        self.box.observe(self._classes(), places, successes, trials, versions)

    def rates(self, rows: Iterable[Row]) -> dict[Row, float | None]:
        self.rows = list(rows)
        predicted = self.box.predict(self._classes())
        if predicted is None:
            return dict.fromkeys(self.rows)
        return dict(zip(self.rows, predicted.tolist(), strict=True))

    def _classes(self) -> TaskClasses:
        rates = [
            [np.nan if r is None else r for r in (strong, weak)] for weak, strong, _ in self.rows
        ]
        labels = tuple(dict.fromkeys(domain for _, _, domain in self.rows))
        domains = np.array([labels.index(domain) for _, _, domain in self.rows])
        return TaskClasses(np.array(rates), ("strong", "weak"), domains, labels)


class Model:
    """Beliefs, clock, flights and counters.

    Attributes:
        row: what is known of every task beforehand, by key, in the order of the pool.
        fresh: the belief about a task that was never measured, by what is known of it beforehand.
        own: the beliefs about measured tasks, by key.
        weight: what all predictions so far are worth.
    """

    def __init__(self, settings: Settings, row: dict[int, Row]) -> None:
        self.settings, self.row = settings, dict(row)
        self.fresh: dict[Row, tuple[float, float]] = {}
        self.own: dict[int, tuple[float, float]] = {}
        self.weight = 0.0
        self.last: dict[int, float] = {}
        self.group_size = 8.0
        self.streak: dict[int, int] = {}
        self.removed: set[int] = set()
        self.open: dict[int, set[int]] = {}
        self.since: dict[int, float] = {}
        self.next = 0
        self.counters = {"duplicates": 0, "removed": 0, "lost": 0}
        self.now, self.started = 0.0, False
        self.variances = (0.0, 0.0)
        self.errors = np.zeros(3)  # of predictions: squared, p (1 - p), p (1 - p) / n
        self.predictor = {"line": lambda: Line(settings), "logit": BlackBox}.get(
            settings.predictor, Nothing
        )()
        self._welcome()

    def _welcome(self) -> None:
        """Beliefs about kinds of tasks that are new."""
        rates = self.predictor.rates([*self.fresh, *self.row.values()])
        alpha_0, beta_0 = self.settings.prior
        for row in self.row.values():
            rate = rates[row]
            weight = 0.0 if rate is None else self.weight
            new = alpha_0 + weight * (rate or 0.0), beta_0 + weight * (1 - (rate or 0.0))
            self.fresh.setdefault(row, new)

    def belief(self, key: int) -> tuple[float, float]:
        return self.own.get(key, self.fresh[self.row[key]])

    def active(self) -> list[int]:
        return [key for key in self.row if key not in self.removed]

    def flying(self) -> set[int]:
        return set().union(*self.open.values())

    def resting(self) -> set[int]:
        return {k for k, last in self.last.items() if self.now - last < self.settings.cooldown}

    def due(self, interval: float) -> set[int]:
        """Tasks, all solved or all failed at their last visits, that are to be tested again."""
        waits = {k: interval * 2.0 ** (min(abs(s), 16) - 1) for k, s in self.streak.items() if s}
        return {k for k, wait in waits.items() if wait < np.inf and self.now - self.last[k] >= wait}

    def permitted(self, size: int, excluded: set[int]) -> set[int] | None:
        """Among which tasks a batch must be chosen; None: there are too few."""
        left = set(self.active()) - excluded
        for avoided in (self.flying() | self.resting(), self.flying(), set()):
            if len(left - avoided) >= size:
                return left - avoided
        return None

    def opened(self, keys: Sequence[int]) -> int:
        batch_id, self.next = self.next, self.next + 1
        self.open[batch_id], self.since[batch_id] = set(keys), self.now
        return batch_id

    def cancel(self, batch_id: int) -> None:
        self.open.pop(batch_id, None)

    def add(self, row: dict[int, Row]) -> None:
        self.row |= row
        self._welcome()

    def remove(self, keys: set[int]) -> None:
        self.removed |= keys
        self._land(keys, list(self.open))

    def resume(self, row: dict[int, Row], visited: set[int]) -> None:
        """Another pool; tasks that are not in `visited` are what the others of their kind are."""
        self.row, self.removed = dict(row), set()
        kept = visited & set(row)
        self.own = {key: belief for key, belief in self.own.items() if key in kept}
        self.last = {key: last for key, last in self.last.items() if key in row}
        self.streak = {key: streak for key, streak in self.streak.items() if key in row}
        self.open = {b: keys & set(row) for b, keys in self.open.items() if keys & set(row)}
        self._welcome()

    def _land(self, keys: set[int], batches: list[int]) -> set[int]:
        """Which of these tasks were in flight in these batches; they are no longer."""
        landed = set()
        for batch_id in batches:
            landed |= keys & self.open.get(batch_id, set())
            self.open[batch_id] = self.open.get(batch_id, set()) - keys
        self.open = {b: left for b, left in self.open.items() if left}
        return landed

    def update(self, feedback: Feedback) -> None:
        order = list(self.row)
        keys = [order[position] for position in feedback.task_ids_B]
        came, gone = set(keys), set(keys) & self.removed
        if feedback.batch_id is None:
            expected = came
            for key in came:
                first = [b for b in sorted(self.open) if key in self.open[b]][:1]
                self._land({key}, first)
        else:
            expected = self._land(came, [feedback.batch_id])
        self.counters["removed"] += len(gone)
        self.counters["duplicates"] += len(came - expected - gone)
        counted = expected - gone
        if counted:
            squares = feedback.successes_B if feedback.squares_B is None else feedback.squares_B
            columns = (keys, feedback.successes_B, feedback.trials_B, squares)
            groups = [group for group in zip(*columns, strict=True) if group[0] in counted]
            self._learn(groups, feedback.age, feedback.current_version)
            self._give_up()

    def _give_up(self) -> None:
        late = [b for b in self.open if self.since[b] < self.now - self.settings.patience]
        self.counters["lost"] += len(late)
        for batch_id in late:
            self.cancel(batch_id)

    def _learn(
        self, groups: list[tuple[int, float, float, float]], age: float, current: float | None
    ) -> None:
        versions = self._advance(current)
        measured: dict[int, Counts] = {}
        for key, successes, trials, squares in groups:
            if trials > 0:
                counts = measured.setdefault(key, Counts())
                counts.successes += successes
                counts.trials += trials
                counts.squares += squares
        sizes = [trials for _, _, trials, _ in groups if trials > 0]
        self.group_size = sum(sizes) / len(sizes) if sizes else self.group_size
        worth = (1 - self.settings.staleness) ** age * self._information(measured)
        if self.settings.learned_weight:
            self._compare(measured)
        weighed = {k: (worth * c.successes, worth * c.trials) for k, c in sorted(measured.items())}
        self.predictor.rates(self.fresh)
        self.predictor.observe([(self.row[k], s, n) for k, (s, n) in weighed.items()], versions)
        self._believe(weighed, versions, self.group_size)
        for key, counts in measured.items():
            self.last[key] = self.now
            old, same = self.streak.get(key, 0), counts.successes in (0, counts.trials)
            sign = 1 if counts.successes == counts.trials else -1
            run = sign * (max(sign * old, 0) + 1)
            self.streak[key] = max(-127, min(127, run)) if same else 0

    def _advance(self, current: float | None) -> float:
        before, first = self.now, not self.started
        self.now = before + 1 if current is None else max(before, current)
        self.started = True
        if first:
            self.since = dict.fromkeys(self.since, self.now)
        return 1.0 if first else self.now - before

    def _information(self, measured: dict[int, Counts]) -> float:
        if not self.settings.fractional:
            return 1.0
        bernoulli = observed = 0.0
        for counts in measured.values():
            if counts.trials >= 2:
                n, mean = counts.trials, counts.successes / counts.trials
                spread = max(counts.squares - n * mean**2, 0.0)
                most = n * mean * (1 - mean)
                bernoulli, observed = bernoulli + most - (most - spread) / n, observed + spread
        old = self.variances
        self.variances = 0.95 * old[0] + bernoulli, 0.95 * old[1] + observed
        a, b = self.variances
        return 1.0 if a <= b else 16.0 if a >= 16 * b else a / b

    def _compare(self, measured: dict[int, Counts]) -> None:
        rates = self.predictor.rates(self.fresh)
        sums, any_known = np.zeros(3), False
        for key, counts in measured.items():
            rate, n = rates[self.row[key]], counts.trials
            if rate is not None:
                spread = rate * (1 - rate)
                sums += ((counts.successes / n - rate) ** 2, spread, spread / n)
                any_known = True
        if any_known:
            self.errors = 0.95 * self.errors + 0.05 * sums

    def _share(self, group_size: float) -> float:
        """rho."""
        settings, (errors, spread, binomial) = self.settings, self.errors
        if not settings.learned_weight or group_size == 0 or settings.forgetting == 0:
            return settings.implicit_weight
        if spread <= 0 and errors == 0:
            return settings.implicit_weight
        if spread > 0 and spread - binomial <= 1e-9 * spread:
            return settings.implicit_weight
        worth = np.inf
        if spread <= 0:
            worth = 0.0
        elif errors > binomial:
            worth = max((spread - binomial) / (errors - binomial) - 1, 0.0)
        return min(max(worth * settings.forgetting / group_size, 0.001), 1.0)

    def _believe(
        self, weighed: dict[int, tuple[float, float]], versions: float, group_size: float
    ) -> None:
        """One step of forgetting, implicit and explicit evidence."""
        lam, (alpha_0, beta_0) = self.settings.forgetting, self.settings.prior
        keep = (1 - lam) ** versions
        weight = self._share(group_size) * group_size
        weight *= versions if lam == 0 else (1 - keep) / lam
        rates = self.predictor.rates(self.fresh) if weight > 0 else dict.fromkeys(self.fresh)
        before = {key: self.belief(key) for key in {*self.own, *weighed}}

        def stepped(belief: tuple[float, float], successes: float, failures: float):
            alpha, beta = belief
            return (
                alpha_0 + keep * (alpha - alpha_0) + successes,
                beta_0 + keep * (beta - beta_0) + failures,
            )

        def implied(belief: tuple[float, float], row: Row):
            rate = rates[row]
            return stepped(
                belief, *(0, 0) if rate is None else (weight * rate, weight * (1 - rate))
            )

        self.fresh = {row: implied(belief, row) for row, belief in self.fresh.items()}
        for key, belief in before.items():
            if key in weighed:
                successes, trials = weighed[key]
                self.own[key] = stepped(belief, successes, trials - successes)
            elif key in self.row:
                self.own[key] = implied(belief, self.row[key])
        self.weight *= keep
        if any(rate is not None for rate in rates.values()):
            self.weight += weight
