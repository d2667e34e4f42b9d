"""From feedback to beliefs: what groups count for, what is predicted from them, and the clock."""

import math
from typing import Any

import numpy as np

from bots import checks
from bots._types import Bools, Floats
from bots.evidence import Evidence
from bots.evidence import information as worth_of
from bots.feedback import LATEST_VERSION, Feedback
from bots.live.belief.beliefs import Beliefs
from bots.live.belief.classes import TaskClasses
from bots.live.choice.domains import Progress
from bots.live.choice.tokens import ExpectedTokens
from bots.live.config import LiveConfig
from bots.live.prediction.line import LinePrediction
from bots.live.prediction.logit import LogitPrediction
from bots.live.prediction.predictor import AbstractPredictor, NoPrediction
from bots.live.prediction.reliability import LearnedWeight

_SMOOTHING = 0.95  # of the variances that tell what a fractional reward is worth
_FIRST_GROUP = 8.0  # rollouts per task, until feedback says
_LARGEST_GROUP = 1e9
_COUNTERS = ("duplicates", "removed", "lost")


class Learning:
    """Everything that feedback changes, apart from the beliefs themselves.

    A step after which the policy has moved on by `v` versions counts::

        keep   = (1 - lambda)^v
        weight = rho n (1 - keep) / lambda          rho n for v = 1, rho n v for lambda = 0

    so that beliefs fade, and predictions add up, with the policy's versions rather than with the
    number of calls; the effective sample sizes of arXiv 2510.26374, Proposition 2, then do not
    depend on how feedback is cut into pieces. n is the mean size of the groups that came last, so
    that a version whose first piece is a lost group keeps its predictions. (A prediction is added
    with the first piece of a version, so tasks of the later pieces have it beside their
    measurement: rho n / lambda more at most.) A group that is `a` versions old counts
    (1 - staleness)^a.

    Args:
        config: the settings.
    """

    def __init__(self, config: LiveConfig) -> None:
        self._config = config
        self.now = 0.0  # policy version
        self.group_size = _FIRST_GROUP
        self.started = False
        self._variances = np.zeros(2)
        self.counters = dict.fromkeys(_COUNTERS, 0)
        self._predictor = _predictor(config)
        self._weight = LearnedWeight(config.implicit_weight)
        self._tokens = ExpectedTokens()
        self._progress = Progress()

    def predict(self, classes: TaskClasses) -> Floats | None:
        """p~ of every class."""
        return self._predictor.predict(classes)

    def costs(self, classes: TaskClasses, rate_C: Floats) -> Floats:
        """Relative expected tokens by class, ones unless they count."""
        if not self._config.per_token:
            return np.ones(classes.num_classes)
        return self._tokens.costs(classes.domain_C, rate_C)

    def progress(self, num_domains: int) -> Floats:
        """Shares of a batch by progress."""
        return self._progress.shares(num_domains)

    def take(self, fresh: Feedback, classes: TaskClasses, beliefs: Beliefs) -> None:
        """Learns from groups that have not been counted, and updates the beliefs."""
        versions = self._advance(fresh.current_version)
        evidence = fresh.evidence()
        tasks_U = evidence.task_ids_U
        information = self._information(evidence)
        worth = (1 - self._config.staleness) ** fresh.age * information
        successes_U, trials_U = worth * evidence.successes_U, worth * evidence.trials_U
        counts_U = successes_U, trials_U - successes_U
        if tasks_U.size:
            self.group_size = evidence.group_size
            self._judge(evidence, information, classes, beliefs)
        class_U = beliefs.table.class_N[tasks_U].astype(np.int64)
        if tasks_U.size and worth == 0:  # so old that it says nothing
            class_U, successes_U, trials_U = class_U[:0], successes_U[:0], trials_U[:0]
        self._predictor.observe(classes, class_U, successes_U, trials_U, versions)
        beliefs.update(*self._step(versions, self.group_size, classes), tasks_U, counts_U)
        failures_U = evidence.trials_U - evidence.successes_U
        beliefs.visit(tasks_U, (evidence.successes_U, failures_U), self.now)
        beliefs.tidy(lambda: self._kept(beliefs))

    def _advance(self, current: float | None) -> float:
        """Moves the clock; by how many versions."""
        before, self.now = self.now, self.now + 1 if current is None else max(self.now, current)
        started, self.started = self.started, True
        return self.now - before if started else 1.0

    def _information(self, evidence: Evidence) -> float:
        """Trials that one reward is worth, from the variances of all rewards so far."""
        if not self._config.fractional:
            return 1.0
        self._variances *= _SMOOTHING
        self._variances += evidence.variance_sums
        return worth_of(*self._variances.tolist())

    def _judge(
        self, evidence: Evidence, information: float, classes: TaskClasses, beliefs: Beliefs
    ) -> None:
        """What the measurement says about predictions, tokens and progress made before it."""
        tasks_U, rates_U = evidence.task_ids_U, evidence.solve_rates_U
        class_U = beliefs.table.class_N[tasks_U]
        predicted_C = self._predictor.predict(classes) if self._config.learned_weight else None
        if predicted_C is not None:
            known_U = ~np.isnan(predicted_C[class_U])
            self._weight.observe(
                predicted_C[class_U][known_U],
                information * evidence.successes_U[known_U],
                information * evidence.trials_U[known_U],
            )
        domain_U = classes.domain_C[class_U]
        if self._config.allocation == "progress":
            alpha_U, beta_U = beliefs.pseudo_counts(tasks_U)
            self._progress.observe(domain_U, rates_U - alpha_U / (alpha_U + beta_U))
        if self._config.per_token and evidence.tokens_U is not None:
            rate_C = beliefs.class_rates()
            tokens_U = evidence.tokens_U / evidence.trials_U
            some_U = tokens_U > 0
            self._tokens.observe(domain_U[some_U], rate_C[class_U][some_U], tokens_U[some_U])

    def _step(
        self, versions: float, group_size: float, classes: TaskClasses
    ) -> tuple[float, tuple[float, Floats | None]]:
        """What beliefs keep, and the implicit evidence."""
        forgetting, config = self._config.forgetting, self._config
        keep = (1 - forgetting) ** versions
        equivalent = versions if keep == 1 else (1 - keep) / forgetting
        share = config.implicit_weight
        if config.learned_weight and group_size > 0:
            share = self._weight.weight(forgetting, group_size)
        rates_C = self._predictor.predict(classes) if share > 0 else None
        return keep, (share * group_size * equivalent, rates_C)

    def _kept(self, beliefs: Beliefs) -> Bools | None:
        """Visited tasks whose last visit still matters."""
        config, visited_V = self._config, beliefs.visited_V
        if config.cooldown == 0 and not config.retest < math.inf:
            return None
        rests_V = self.now - beliefs.table.last_N[visited_V] < config.cooldown
        recalled_V = (beliefs.table.streak_N[visited_V] != 0) & (config.retest < math.inf)
        return rests_V | recalled_V

    def metrics(self) -> dict[str, float]:
        """The clock, what came how, and what the parts have to say."""
        return {
            "feedback/version": self.now,
            **{f"feedback/{name}": float(count) for name, count in self.counters.items()},
            **self._predictor.metrics(),
            **(self._weight.metrics() if self._config.learned_weight else {}),
            **(self._tokens.metrics() if self._config.per_token else {}),
            **(self._progress.metrics() if self._config.allocation == "progress" else {}),
        }

    def state_dict(self) -> dict[str, Any]:
        """All of it."""
        return {
            "now": self.now,
            "started": self.started,
            "group_size": self.group_size,
            "variances": self._variances.copy(),
            "counters": dict(self.counters),
            **{name: getattr(self, f"_{name}").state_dict() for name in _PARTS},
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Puts all of it back; for an object that was just made.

        Raises:
            ValueError: for damaged state.
        """
        if not isinstance(state, dict) or set(state) != set(self.state_dict()):
            raise ValueError(_DAMAGED)
        counters, variances = state["counters"], checks.vector("variances", state["variances"])
        if not isinstance(counters, dict) or set(counters) != set(_COUNTERS):
            raise ValueError(_DAMAGED)
        if not isinstance(state["started"], bool) or variances.shape != (2,) or variances.min() < 0:
            raise ValueError(_DAMAGED)
        self.now = checks.number("now", state["now"], 0, LATEST_VERSION)
        self.group_size = checks.number("group_size", state["group_size"], 0, _LARGEST_GROUP)
        self.counters = {k: checks.integer(k, counters[k], 0) for k in _COUNTERS}
        self.started, self._variances = state["started"], variances.copy()
        for name in _PARTS:
            getattr(self, f"_{name}").load_state_dict(state[name])


_PARTS = ("predictor", "weight", "tokens", "progress")
_DAMAGED = "the state's learning is damaged: go back to an earlier checkpoint"


def _predictor(config: LiveConfig) -> AbstractPredictor:
    if config.predictor == "none" or not config.predicts:
        return NoPrediction()
    if config.predictor == "line":
        return LinePrediction(config.momentum, config.min_gap)
    return LogitPrediction()
