"""A scenario that behaves as a logged run did."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from simulator.calibration.backward import LEVEL_SCALE
from simulator.calibration.estimation import SIGNIFICANT, Comparison, Estimates
from simulator.calibration.likelihood import Fit
from simulator.calibration.replay import Growth, grown
from simulator.calibration.state_space import Dynamics, Initial, cumulated
from simulator.law import LearnerLaw
from simulator.population import Population, alike
from simulator.scenario import Scenario

_DRIFT_STEPS = 400  # LearnerLaw.drift_sd is that of a task's own drift after so many steps
_SEEDS = 3  # runs whose mean growth is matched
_LEAST_RATE, _LARGEST_RATE = 1e-6, 10.0
_RATE_TOLERANCE = 1e-3  # of the logarithm of the learning rate
_NORMAL_95 = 1.96


@dataclass(frozen=True, slots=True)
class Row:
    """One estimate of the table."""

    name: str
    value: float
    error: float
    note: str = ""


@dataclass(frozen=True, slots=True)
class Calibration:
    """A scenario and what it rests on."""

    scenario: Scenario
    rows: tuple[Row, ...]
    notes: tuple[str, ...]

    def table(self) -> str:
        """The estimates as a Markdown table, and the notes under it."""
        lines = [
            "| quantity | estimate | standard error | 95 % interval | |",
            "|---|---:|---:|---:|---|",
        ]
        for row in self.rows:
            low, high = row.value - _NORMAL_95 * row.error, row.value + _NORMAL_95 * row.error
            lines.append(
                f"| {row.name} | {row.value:.4g} | {row.error:.2g} | [{low:.3g}, {high:.3g}] "
                f"| {row.note} |"
            )
        return "\n".join([*lines, "", *(f"- {note}" for note in self.notes)])


def calibrate(estimates: Estimates, blank: Scenario) -> Calibration:
    """The scenario of these estimates.

    `blank` gives what they do not tell: name, summary, sizes, references, how domains share growth.
    The learning rate is the one under which the scenario's mean growth of ability, in its own runs
    under epoch shuffle, is the fitted shared drift, accumulated over the run. Its standard error is
    that of the accumulated drift over the slope of growth in the rate.

    Raises:
        ValueError: when no learning rate makes abilities grow as far as they did.
    """
    fit = estimates.own_fit if estimates.has_own else estimates.fit
    total, error = (float(values[0]) for values in fit.derive(_total(fit, blank.steps)))
    scenario = _without_growth(fit, blank)
    rate, slope, growth = _learning_rate(scenario, total)
    law = replace(scenario.law, learning_rate=rate)
    rows = [*_model_rows(fit), Row(f"growth over {blank.steps} steps", total, error, "logits")]
    rows.append(Row("learning_rate", rate, error / slope if slope > 0 else math.nan, "law"))
    rows += _law_rows(fit, blank.steps)
    if estimates.has_own:
        per_logit = 2 * growth.informative / growth.step_size
        own = estimates.own_alone
        law = replace(law, memory_rate=own.estimate * per_logit)
        rows.append(Row("memory_rate", law.memory_rate, own.error * per_logit, "law"))
    return Calibration(replace(scenario, law=law), tuple(rows), _notes(estimates))


def _without_growth(fit: Fit, blank: Scenario) -> Scenario:
    """The scenario but for its learning rate and own effects."""
    initial, dynamics = fit.initial, fit.dynamics
    domains = alike(
        len(blank.population.domains),
        logit=initial.logit,
        unsolvable=initial.unsolvable,
        slope_sd=dynamics.slope_sd,
        slope_correlation=initial.slope_correlation,
    )
    sharpening, drift_sd = _of_law(blank.steps, fit)(initial, dynamics)
    population: Population = replace(blank.population, domains=domains)
    law: LearnerLaw = replace(
        blank.law, sharpening=max(sharpening, 0.0), drift_sd=drift_sd, memory_rate=0.0
    )
    return replace(blank, population=population, law=law)


def _total(fit: Fit, steps: int) -> Callable[[Initial, Dynamics], list[float]]:
    """The shared drift accumulated over the run."""
    duration = fit.observations.duration
    at = np.array([min(float(steps), duration)])
    return lambda _, dynamics: [float(cumulated(at, dynamics.drifts, duration)[0])]


def _of_law(steps: int, fit: Fit) -> Callable[[Initial, Dynamics], list[float]]:
    """Sharpening and drift_sd.

    The simulator adds s Theta 3 tanh(l / 3), the fit gamma t tanh(l / 3): s = gamma t / (3 Theta).
    """
    total = _total(fit, steps)

    def of(initial: Initial, dynamics: Dynamics) -> list[float]:
        growth = max(total(initial, dynamics)[0], 1e-9)
        run = min(float(steps), fit.observations.duration)
        sharpening = dynamics.level * run / (LEVEL_SCALE * growth)
        return [sharpening, dynamics.walk_sd * math.sqrt(_DRIFT_STEPS)]

    return of


def _learning_rate(scenario: Scenario, total: float) -> tuple[float, float, Growth]:
    """The rate at which the mean growth is `total`, the slope of growth there, and a run."""
    from scipy.optimize import root_scalar

    def growth(log_rate: float) -> float:
        law = replace(scenario.law, learning_rate=math.exp(log_rate))
        changed = replace(scenario, law=law)
        return float(np.mean([grown(changed, seed).total for seed in range(_SEEDS)]))

    if total <= growth(math.log(_LEAST_RATE)):
        return 0.0, 0.0, grown(replace(scenario, law=replace(scenario.law, learning_rate=0.0)), 0)
    low, high = math.log(_LEAST_RATE), math.log(_LARGEST_RATE)
    while low + 1 < high:  # growth saturates at rates far too large, which a bracket must not span
        middle = (low + high) / 2
        low, high = (middle, high) if growth(middle) < total else (low, middle)
    if growth(high) < total:
        raise ValueError(
            f"no learning rate up to {_LARGEST_RATE:g} makes abilities grow by {total:.3g} logits "
            f"in {scenario.steps} steps: check the steps, the pool and the batch size of the run"
        )
    found = root_scalar(
        lambda place: growth(place) - total, bracket=(low, high), xtol=_RATE_TOLERANCE
    )
    log_rate = float(found.root)
    slope = (growth(log_rate + 0.1) - growth(log_rate - 0.1)) / 0.2 / math.exp(log_rate)
    law = replace(scenario.law, learning_rate=math.exp(log_rate))
    return math.exp(log_rate), slope, grown(replace(scenario, law=law), 0)


def _model_rows(fit: Fit) -> list[Row]:
    names = ["unsolvable"]
    for place in range(fit.layout.components):
        mark = f" {place + 1}" if fit.layout.components > 1 else ""
        names += [f"initial logit: share{mark}"] if mark else []
        names += [f"initial logit: mean{mark}", f"initial logit: sd{mark}"]
    names += ["slope_sd", "slope_correlation"]
    names += [
        f"drift, part {part + 1} of {fit.layout.segments}" for part in range(fit.layout.segments)
    ]
    names += ["level term γ", "random walk ω"]

    def values(initial: Initial, dynamics: Dynamics) -> list[float]:
        parts = [initial.unsolvable]
        for part in initial.logit:
            parts += [part.share] if fit.layout.components > 1 else []
            parts += [part.mean, part.sd]
        parts += [dynamics.slope_sd, initial.slope_correlation]
        return [*parts, *dynamics.drifts, dynamics.level, dynamics.walk_sd]

    estimates, errors = fit.derive(values)
    notes = {"random walk ω": "logits per √step"}
    return [
        Row(name, float(value), float(error), notes.get(name, _note(name)))
        for name, value, error in zip(names, estimates, errors, strict=True)
    ]


def _note(name: str) -> str:
    domain = name.startswith(("initial", "slope", "unsolvable"))
    return "domain" if domain else "logits per step"


def _law_rows(fit: Fit, steps: int) -> list[Row]:
    (sharpening, drift_sd), (first, second) = fit.derive(_of_law(steps, fit))
    note = "law" if sharpening > 0 else "law; taken as 0, which is the least the law allows"
    return [
        Row("sharpening", float(sharpening), float(first), note),
        Row("drift_sd", float(drift_sd), float(second), "law"),
    ]


def _notes(estimates: Estimates) -> tuple[str, ...]:
    one, two = estimates.bic_by_components
    fitted = estimates.fit
    own = f"a task's own visits: {_tested(estimates.own)}, with the middle left free"
    own += f"; {_tested(estimates.own_alone)} with the middle at 0"
    verdict = (
        "memory_rate follows from the latter"
        if estimates.has_own
        else f"not significantly positive at {SIGNIFICANT:g}: memory_rate is 0"
    )
    return (
        f"initial law: BIC {one:.1f} with one normal component, {two:.1f} with two",
        f"half-solved tasks drift faster: {_tested(estimates.middle)}; no scenario can say so",
        f"{own}; {verdict}",
        f"{fitted.observations.solved_K.size} tasks, {fitted.observations.steps_R.size} groups, "
        f"log-likelihood {fitted.log_likelihood:.1f} without binomial coefficients",
        "standard errors: sandwich over tasks; learning_rate, sharpening and drift_sd by the "
        "delta method",
    )


def _tested(test: Comparison) -> str:
    unit = "visit" if test.name == "own" else "step"
    return (
        f"{test.estimate:.2g} ± {test.error:.1g} logits per {unit} "
        f"(likelihood ratio {test.statistic:.1f}, p = {test.p_value:.2g})"
    )
