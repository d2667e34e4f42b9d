"""Fits reference models and held-out tasks to a pool by their moments."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from bench.metrics import Floats
from bench.validation.evidence import Evidence, first_rates, trials
from simulator import Population, Reference
from simulator.drawing import draw
from simulator.tasks import Tasks

_DRAWS, _SEED = 20_000, 0
_ABILITIES = (-30.0, 30.0)
_SPREADS = (0.0, 8.0)
_CLOSE = 1e-4  # of a root


def with_references(population: Population, evidence: Evidence) -> Population:
    """The population with references, and held-out tasks, like those of the pool.

    A reference's rate on a task is Binomial(m, sigma(l + a t + tau e)) / m. Its ability t is the
    one that gives its mean rate; its residual tau the one that gives its correlation with the rates
    at first visits; the part of e that references share, the one that gives the correlation of the
    first with the last. A shift of the held-out tasks gives their solve rate before training.
    Expectations are taken over 20,000 drawn tasks, without drawing rollouts.
    """
    world = _World(population)
    names = list(evidence.runs[0].references)
    firsts = first_rates(evidence.runs)
    rates = {name: [run.references[name] for run in evidence.runs] for name in names}
    found = [_reference(name, rates[name], firsts, world, evidence) for name in names]
    shared = _shared(found, rates, world) if len(found) > 1 else 0.0
    shift = _shift(world, evidence.heldout_at(0))
    return replace(population, references=tuple(found), shared_residual=shared, heldout_shift=shift)


class _World:
    """Tasks of a population with standard normal residuals, and expectations over them."""

    def __init__(self, population: Population) -> None:
        rng = np.random.default_rng(_SEED)
        self._tasks: Tasks = draw(population, _DRAWS, rng)
        self._residual_2N = rng.standard_normal((2, _DRAWS))
        self._common_N = rng.standard_normal(_DRAWS)

    def rates(self, shift: float = 0.0, ability: float = 0.0, spread: float = 0.0) -> Floats:
        """Expected rewards of a model of this ability, whose logits stray by `spread`."""
        return self._of(self._residual_2N[0], shift, ability, spread)

    def pair(self, first: Reference, last: Reference, shared: float) -> tuple[Floats, Floats]:
        """Expected rewards of two references that share a part of their residuals."""
        own, common = np.sqrt(1 - shared), np.sqrt(shared) * self._common_N
        return tuple(
            self._of(common + own * residual_N, 0.0, model.ability, model.residual_sd)
            for residual_N, model in zip(self._residual_2N, (first, last), strict=True)
        )  # type: ignore[return-value]

    def _of(self, residual_N: Floats, shift: float, ability: float, spread: float) -> Floats:
        tasks = self._tasks
        logit_N = tasks.logit_N + shift + tasks.slope_N * ability + spread * residual_N
        floor_N = tasks.guess_N.astype(np.float64)
        return floor_N + (tasks.ceiling_N - floor_N) * 0.5 * (1 + np.tanh(logit_N / 2))


def _reference(
    name: str,
    rates: Sequence[Floats],
    firsts: Sequence[Floats],
    world: _World,
    evidence: Evidence,
) -> Reference:
    count = trials(np.concatenate(rates))
    mean = float(np.nanmean(np.concatenate(rates)))
    seen = float(np.mean([_correlation(*pair) for pair in zip(rates, firsts, strict=True)]))
    group = evidence.config["group_size"]

    def ability(spread: float) -> float:
        return _root(lambda t: world.rates(0.0, t, spread).mean() - mean, *_ABILITIES)

    def excess(spread: float) -> float:
        theirs_N = world.rates(0.0, ability(spread), spread)
        return _expected_correlation(theirs_N, count, world.rates(), group) - seen

    spread = _root(excess, *_SPREADS)
    missing = float(np.isnan(np.concatenate(rates)).mean())
    return Reference(name, ability(spread), spread, count, missing)


def _shared(
    found: Sequence[Reference], rates: Mapping[str, Sequence[Floats]], world: _World
) -> float:
    first, last = found[0], found[-1]
    pairs = zip(rates[first.name], rates[last.name], strict=True)
    seen = float(np.mean([_correlation(*pair) for pair in pairs]))

    def excess(shared: float) -> float:
        first_N, last_N = world.pair(first, last, shared)
        return _expected_correlation(first_N, first.trials, last_N, last.trials) - seen

    return _root(excess, 0.0, 1.0)


def _shift(world: _World, rate: float) -> float:
    return _root(lambda shift: world.rates(shift).mean() - rate, *_ABILITIES)


def _correlation(first_K: Floats, second_K: Floats) -> float:
    known_K = np.isfinite(first_K) & np.isfinite(second_K)
    return float(np.corrcoef(first_K[known_K], second_K[known_K])[0, 1])


def _expected_correlation(first_N: Floats, m: int, second_N: Floats, n: int) -> float:
    """That of Binomial(m, p) / m with Binomial(n, q) / n, over tasks with rates p and q."""
    covariance = np.cov(first_N, second_N)
    noise = (first_N * (1 - first_N)).mean() / m, (second_N * (1 - second_N)).mean() / n
    return float(
        covariance[0, 1] / np.sqrt((covariance[0, 0] + noise[0]) * (covariance[1, 1] + noise[1]))
    )


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    """Where a monotone function is 0; the end of the range that is nearer to it if nowhere."""
    from scipy.optimize import root_scalar

    ends = function(low), function(high)
    if ends[0] * ends[1] > 0:
        return low if abs(ends[0]) < abs(ends[1]) else high
    return float(root_scalar(function, bracket=(low, high), xtol=_CLOSE).root)
