"""A learner for a user's tasks: from fitted item parameters, or from reference rates alone."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from simulator.law import LearnerLaw
from simulator.learner import Learner
from simulator.population import Domain, Population
from simulator.tasks import Floats, Ints, Tasks, assemble

_SKILLS_PER_DOMAIN = Population().skills_per_domain
_LOGIT_BRACKET = 30.0


@dataclass(frozen=True, slots=True, eq=False)
class Items:
    """Parameters of a four-parameter item-response model, each of shape (N,).

    P(solved) = g + (c - g) sigma(a (ability - b)), with a the discrimination (any sign: a few real
    items get harder for better models), b the difficulty, g guessing and c the ceiling.

    Raises:
        ValueError: for a non-finite parameter, or guessing and ceiling not 0 <= g <= c <= 1.
    """

    difficulty_N: Floats
    discrimination_N: Floats
    guessing_N: Floats
    ceiling_N: Floats

    def __post_init__(self) -> None:
        for name in ("difficulty_N", "discrimination_N", "guessing_N", "ceiling_N"):
            values_N = getattr(self, name)
            bad = np.flatnonzero(~np.isfinite(values_N))
            if bad.size:
                raise ValueError(
                    f"{name[:-2]} of task {bad[0]} is {values_N[bad[0]]}; item parameters must be "
                    f"finite ({bad.size} are not): drop those tasks, or leave the columns out"
                )
        guess_N, ceiling_N = self.guessing_N, self.ceiling_N
        bad = np.flatnonzero((guess_N < 0) | (ceiling_N > 1) | (guess_N > ceiling_N))
        if bad.size:
            k = bad[0]
            raise ValueError(
                f"task {k} has guessing {guess_N[k]:g} and ceiling {ceiling_N[k]:g}; "
                "they must satisfy 0 <= guessing <= ceiling <= 1"
            )

    def take(self, places: Ints) -> "Items":
        """The items at these places."""
        return Items(
            self.difficulty_N[places],
            self.discrimination_N[places],
            self.guessing_N[places],
            self.ceiling_N[places],
        )


def tasks_from_items(
    items: Items,
    domains_N: Ints,
    start_rate: float,
    rng: np.random.Generator,
    residual_sd: float = 1.0,
) -> Tasks:
    """Tasks with these item parameters and a learner whose mean solve rate starts at `start_rate`.

    The learner's logit of a task strays by N(0, `residual_sd`^2) from the item's curve, as real
    models do; without, it would be known from the parameters, and so from the models they were
    fitted to.

    Args:
        items: fitted parameters.
        domains_N: domain of each task, 0, 1, ...
        start_rate: mean solve rate of the untrained learner; it fixes the initial ability.
        rng: draws what the parameters do not tell: residuals, transfer values, and skills.
        residual_sd: in logits.

    Raises:
        ValueError: when no ability gives `start_rate`.
    """
    height_N = items.ceiling_N - items.guessing_N
    residual_N = rng.normal(0, residual_sd, items.difficulty_N.size)

    def logits(ability: float) -> Floats:
        return items.discrimination_N * (ability - items.difficulty_N) + residual_N

    def mean_rate(ability: float) -> float:
        return float((items.guessing_N + height_N * _sigmoid(logits(ability))).mean())

    return _assemble(
        logits(_solve(mean_rate, start_rate)),
        items.discrimination_N,
        items.guessing_N,
        items.ceiling_N,
        domains_N,
        rng,
    )


def tasks_from_rates(
    references: dict[str, Floats],
    trials: int,
    domains_N: Ints,
    start_rate: float,
    rng: np.random.Generator,
    residual_sd: float = 1.0,
) -> Tasks:
    """Tasks as hard as reference models found them, up to a residual of the learner's own.

    The initial logit is the mean over the references of logit((rate trials + 1/2) / (trials + 1)),
    plus N(0, `residual_sd`^2), shifted so that the mean solve rate is `start_rate`. A task without
    any rate gets the mean logit of a task drawn at random from the others. The default residual is
    what two references leave open in the synthetic population (a residual of 1.6 each, logits of
    sd 2.5).

    Raises:
        ValueError: when no task has a rate, or no shift gives `start_rate`.
    """
    logits = [_shrunk_logit(rates_N, trials) for rates_N in references.values()]
    measured_N = (
        np.sum([~np.isnan(logit_N) for logit_N in logits], axis=0) if logits else np.zeros(1)
    )
    known = np.flatnonzero(measured_N)
    if known.size == 0:
        raise ValueError(
            "no task has a reference rate; a learner needs reference rates or item parameters"
        )
    logit_N = np.nansum(logits, axis=0) / np.maximum(measured_N, 1)
    unknown = np.flatnonzero(measured_N == 0)
    logit_N[unknown] = rng.choice(logit_N[known], unknown.size)
    logit_N += rng.normal(0, residual_sd, logit_N.size)
    logit_N += _solve(lambda shift: float(_sigmoid(logit_N + shift).mean()), start_rate)
    slope_N = np.exp(rng.normal(0, Domain().slope_sd, logit_N.size))
    zeros_N = np.zeros(logit_N.size)
    return _assemble(logit_N, slope_N, zeros_N, zeros_N + 1, domains_N, rng)


def split(
    tasks: Tasks, heldout_share: float, law: LearnerLaw, seed: int, rng: np.random.Generator
) -> tuple[Learner, Ints]:
    """A learner that holds out a random share of the tasks, and the places of those it trains on.

    Raises:
        ValueError: when either part would be empty.
    """
    heldout = round(heldout_share * tasks.num_tasks)
    if not 0 < heldout < tasks.num_tasks:
        raise ValueError(
            f"holding out {heldout_share:g} of {tasks.num_tasks} tasks leaves "
            f"{tasks.num_tasks - heldout} to train on and {heldout} to evaluate on; "
            "both need at least one"
        )
    order = rng.permutation(tasks.num_tasks)
    places = np.sort(order[heldout:])
    return Learner(tasks.take(places), tasks.take(np.sort(order[:heldout])), law, seed), places


def _assemble(
    logit_N: Floats,
    slope_N: Floats,
    guess_N: Floats,
    ceiling_N: Floats,
    domains_N: Ints,
    rng: np.random.Generator,
) -> Tasks:
    skills_N = domains_N * _SKILLS_PER_DOMAIN + rng.integers(_SKILLS_PER_DOMAIN, size=logit_N.size)
    spread = Domain().transfer_sd
    return assemble(
        logit_N,
        domain_N=1 + domains_N,
        skill_N=2 + int(domains_N.max()) + skills_N,
        slope_N=slope_N,
        transfer_N=np.exp(rng.normal(-(spread**2) / 2, spread, logit_N.size)),
        guess_N=guess_N,
        ceiling_N=ceiling_N,
    )


def _shrunk_logit(rates_N: Floats, trials: int) -> Floats:
    successes_N = rates_N * trials
    return np.log((successes_N + 0.5) / (trials - successes_N + 0.5))


def _sigmoid(logit_N: Floats) -> Floats:
    return 0.5 * (1 + np.tanh(logit_N / 2))


def _solve(mean_rate: Callable[[float], float], start_rate: float) -> float:
    """Where the increasing function `mean_rate` equals `start_rate`, by bisection."""
    low, high = -_LOGIT_BRACKET, _LOGIT_BRACKET
    if not mean_rate(low) < start_rate < mean_rate(high):
        raise ValueError(
            f"the learner cannot start at a mean solve rate of {start_rate:g}: these tasks allow "
            f"{mean_rate(low):.4g} to {mean_rate(high):.4g}; choose another start rate"
        )
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if mean_rate(middle) < start_rate else (low, middle)
    return (low + high) / 2
