"""Synthetic task pools: initial difficulty, discrimination, skills, and two reference models."""

from dataclasses import dataclass

import numpy as np

from simulator.tasks import Floats, Tasks


@dataclass(frozen=True, slots=True)
class Population:
    """The law from which tasks are drawn. `docs/simulator.md` gives each constant's basis."""

    logit_mean: float = -1.0  # of the learner's initial logit
    logit_sd: float = 2.5
    unsolvable: float = 0.08  # share of tasks whose ceiling is 0
    slope_sd: float = 0.5  # sd of log discrimination
    transfer_sd: float = 0.25  # sd of log transfer value
    num_domains: int = 3
    skills_per_domain: int = 8
    weak_ability: float = 0.8  # of the weak reference, in units of mastery; the learner starts at 0
    strong_ability: float = 2.4
    reference_sd: float = 1.6  # sd of a reference's own residual per task, in logits
    reference_trials: int = 16  # rollouts behind a reference solve rate
    weak_below: float = 1.01  # tasks with a weak rate at or above this are filtered out
    strong_above: float = -0.01  # tasks with a strong rate at or below this are filtered out
    heldout_shift: float = 0.0  # added to the initial logit of held-out tasks

    def __post_init__(self) -> None:
        rules = {
            "logit_sd": self.logit_sd >= 0,
            "unsolvable": 0 <= self.unsolvable < 1,
            "slope_sd": self.slope_sd >= 0,
            "transfer_sd": self.transfer_sd >= 0,
            "num_domains": self.num_domains >= 1,
            "skills_per_domain": self.skills_per_domain >= 1,
            "reference_sd": self.reference_sd >= 0,
            "reference_trials": self.reference_trials >= 1,
            "weak_below": self.weak_below > 0,
            "strong_above": self.strong_above < 1,
        }
        for name, holds in rules.items():
            if not holds:
                raise ValueError(f"{name} is {getattr(self, name)}; see Population for its range")


def draw(population: Population, num_tasks: int, rng: np.random.Generator) -> Tasks:
    """`num_tasks` tasks, unfiltered."""
    law = population
    domains_N = rng.integers(law.num_domains, size=num_tasks)
    skills_N = domains_N * law.skills_per_domain
    skills_N += rng.integers(law.skills_per_domain, size=num_tasks)
    return Tasks(
        logit_N=rng.normal(law.logit_mean, law.logit_sd, num_tasks),
        slope_N=np.exp(rng.normal(0, law.slope_sd, num_tasks)),
        transfer_N=np.exp(rng.normal(0, law.transfer_sd, num_tasks)),
        guess_N=np.zeros(num_tasks),
        ceiling_N=(rng.random(num_tasks) >= law.unsolvable).astype(np.float64),
        domain_N=1 + domains_N,
        skill_N=1 + law.num_domains + skills_N,
    )


def draw_with_references(
    population: Population, num_tasks: int, rng: np.random.Generator
) -> tuple[Tasks, dict[str, Floats]]:
    """`num_tasks` tasks that pass the filter, with the weak and strong model's measured rates.

    A reference of ability t solves task k with logit l_k + a_k t + N(0, reference_sd^2).

    Raises:
        ValueError: when hardly any task passes the filter.
    """
    kept: list[Tasks] = []
    rates: list[tuple[Floats, Floats]] = []
    found = drawn = 0
    while found < num_tasks:
        tasks = draw(population, num_tasks, rng)
        weak_N = _reference_rates(tasks, population.weak_ability, population, rng)
        strong_N = _reference_rates(tasks, population.strong_ability, population, rng)
        keep_N = (weak_N < population.weak_below) & (strong_N > population.strong_above)
        kept.append(tasks.take(keep_N))
        rates.append((weak_N[keep_N], strong_N[keep_N]))
        found += int(keep_N.sum())
        drawn += num_tasks
        if found < drawn / 1000:
            raise ValueError(
                f"{found} of {drawn} tasks pass weak < {population.weak_below:g} and "
                f"strong > {population.strong_above:g}: loosen the filter"
            )
    tasks = Tasks._make(np.concatenate(arrays)[:num_tasks] for arrays in zip(*kept, strict=True))
    weak_N, strong_N = (np.concatenate(arrays)[:num_tasks] for arrays in zip(*rates, strict=True))
    return tasks, {"weak": weak_N, "strong": strong_N}


def _reference_rates(
    tasks: Tasks, ability: float, population: Population, rng: np.random.Generator
) -> Floats:
    residual_N = rng.normal(0, population.reference_sd, tasks.num_tasks)
    logit_N = tasks.logit_N + tasks.slope_N * ability + residual_N
    chance_N = tasks.ceiling_N / (1 + np.exp(-logit_N))
    return rng.binomial(population.reference_trials, chance_N) / population.reference_trials
