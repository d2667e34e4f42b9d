"""Draws pools of tasks, and the rates of reference models on them, from a population's law."""

import numpy as np
import numpy.typing as npt

from simulator.kernels import UNLOCK_WIDTH
from simulator.population import Domain, Population, Reference
from simulator.tasks import NEVER, Floats, Ints, Tasks, assemble, number_clusters

_CHUNK = 1 << 19
_FEWEST_KEPT = 1 / 1000

Rates = dict[str, Floats]


def draw(population: Population, num_tasks: int, rng: np.random.Generator) -> Tasks:
    """`num_tasks` tasks, unfiltered and without near duplicates."""
    kinds_N = _kinds(population, num_tasks, rng)
    skills_N = rng.integers(population.skills_per_domain, size=num_tasks)
    columns: dict[str, npt.NDArray] = {}
    for kind, domain in enumerate(population.domains):
        mine = np.flatnonzero(kinds_N == kind)
        for name, values in _of_domain(domain, skills_N[mine], rng).items():
            column = columns.setdefault(name, np.empty(num_tasks, np.asarray(values).dtype))
            column[mine] = values
    first_skill_N = 1 + len(population.domains) + kinds_N * population.skills_per_domain
    needs = columns.pop("needs_N")
    return assemble(
        domain_N=1 + kinds_N,
        skill_N=first_skill_N + skills_N,
        need_N=np.where(needs, first_skill_N + skills_N - 1, 0),
        **columns,
    )


def draw_with_references(
    population: Population, num_tasks: int, rng: np.random.Generator
) -> tuple[Tasks, Rates]:
    """`num_tasks` tasks that pass the filter, and what each reference scored on them.

    Raises:
        ValueError: when hardly any task passes the filter.
    """
    biases = [
        rng.normal(0, reference.domain_bias_sd, len(population.domains))
        for reference in population.references
    ]
    parts: list[tuple[Tasks, Rates]] = []
    found = drawn = 0
    while found < num_tasks:
        size = min(num_tasks, _CHUNK)
        parts.append(_filtered(population, size, biases, rng))
        found, drawn = found + parts[-1][0].num_tasks, drawn + size
        if found < drawn * _FEWEST_KEPT:
            raise ValueError(
                f"{found} of {drawn} tasks pass weak < {population.weak_below:g} and "
                f"strong > {population.strong_above:g}: loosen the filter"
            )
    return _joined(parts, num_tasks, population.copies)


def _kinds(population: Population, size: int, rng: np.random.Generator) -> Ints:
    shares = np.array([domain.share for domain in population.domains])
    return rng.choice(len(shares), size, p=shares / shares.sum())


def _of_domain(domain: Domain, skills_K: Ints, rng: np.random.Generator) -> dict[str, npt.NDArray]:
    """All parameters of tasks of one domain, shape (K,)."""
    size = skills_K.size
    logit_K, harder_K = _logits(domain, rng, size)
    own = np.sqrt(1 - domain.slope_correlation**2) * rng.standard_normal(size)
    log_slope_K = domain.slope_mean + domain.slope_sd * (own - domain.slope_correlation * harder_K)
    label_K = rng.random(size)
    ceiling_K = _beta(domain.ceiling, domain.ceiling_sd, size, rng)
    guess_K = np.minimum(_beta(domain.guess, domain.guess_sd, size, rng), ceiling_K)
    flaky_K = label_K < domain.unsolvable + domain.flaky
    shaky_K = np.maximum(np.minimum(ceiling_K, domain.flaky_ceiling), guess_K)
    ceiling_K = np.where(flaky_K, shaky_K, ceiling_K)
    hopeless_K = label_K < domain.unsolvable
    late_K = rng.random(size) < domain.late
    arrives_K = rng.integers(domain.late_from, domain.late_to + 1, size)
    log_value = -(domain.transfer_sd**2) / 2  # a mean of 1 whatever the spread
    return {
        "logit_N": logit_K,
        "slope_N": np.exp(log_slope_K),
        "transfer_N": domain.speed * np.exp(rng.normal(log_value, domain.transfer_sd, size)),
        "guess_N": np.where(hopeless_K, 0.0, guess_K),
        "ceiling_N": np.where(hopeless_K, 0.0, ceiling_K),
        "wrong_N": label_K > 1 - domain.mislabelled,
        "chain_N": rng.integers(1, domain.longest_chain + 1, size),
        "needs_N": (rng.random(size) < domain.locked) & (skills_K > 0),
        "threshold_N": np.full(size, domain.unlock),
        "log_tokens_N": domain.log_tokens + domain.tokens_slope * harder_K,
        "arrives_N": np.where(late_K, arrives_K, 0),
        "leaves_N": np.full(size, domain.leaves or NEVER),
    }


def _logits(domain: Domain, rng: np.random.Generator, size: int) -> tuple[Floats, Floats]:
    """Initial logits, and difficulties in units of their sd."""
    shares = np.array([part.share for part in domain.logit])
    means = np.array([part.mean for part in domain.logit])
    sds = np.array([part.sd for part in domain.logit])
    part_K = rng.choice(len(shares), size, p=shares / shares.sum())
    logit_K = rng.normal(means[part_K], sds[part_K])
    mean = float(shares @ means / shares.sum())
    variance = float(shares @ (sds**2 + (means - mean) ** 2) / shares.sum())
    return logit_K, (mean - logit_K) / np.sqrt(variance or 1.0)


def _beta(mean: float, sd: float, size: int, rng: np.random.Generator) -> Floats:
    """A Beta law of this mean and standard deviation; a constant for sd = 0."""
    if sd == 0:
        return np.full(size, mean)
    weight = mean * (1 - mean) / sd**2 - 1
    return rng.beta(mean * weight, (1 - mean) * weight, size)


def _filtered(
    population: Population, size: int, biases: list[Floats], rng: np.random.Generator
) -> tuple[Tasks, Rates]:
    clusters = -(-size // population.copies)
    tasks = draw(population, clusters, rng)
    residuals = _residuals(population, clusters, rng)
    if population.copies > 1:
        places_N = rng.permutation(np.repeat(np.arange(clusters), population.copies)[:size])
        tasks = Tasks._make(array[places_N] for array in tasks)
        own_N = rng.normal(0, population.copy_sd, size)
        tasks = tasks._replace(logit_N=(tasks.logit_N + own_N).astype(np.float32))
        residuals = [residual[places_N] for residual in residuals]
    rates = {
        reference.name: _measured(reference, tasks, bias, residual, rng)
        for reference, bias, residual in zip(population.references, biases, residuals, strict=True)
    }
    if population.swapped > 0:
        _swap(rates, population.swapped, rng)
    if population.weak_below > 1 and population.strong_above < 0:
        return tasks, rates
    passed_N = np.ones(tasks.num_tasks, dtype=np.bool_)
    if population.weak_below <= 1:
        passed_N &= rates["weak"] < population.weak_below
    if population.strong_above >= 0:
        passed_N &= rates["strong"] > population.strong_above
    kept = Tasks._make(array[passed_N] for array in tasks)
    return kept, {name: rate[passed_N] for name, rate in rates.items()}


def _residuals(population: Population, size: int, rng: np.random.Generator) -> list[Floats]:
    """What each reference's logit has beside slope times ability, in units of its sd."""
    share = population.shared_residual
    shared = rng.standard_normal(size) if share > 0 else np.zeros(1)
    return [
        np.sqrt(share) * shared + np.sqrt(1 - share) * rng.standard_normal(size)
        for _ in population.references
    ]


def _measured(
    reference: Reference, tasks: Tasks, bias: Floats, residual: Floats, rng: np.random.Generator
) -> Floats:
    """The rate that a reference scored: Binomial(trials, p) / trials, or what is reported."""
    logit = tasks.logit_N + tasks.slope_N * reference.ability + bias[tasks.domain_N - 1]
    logit = logit + reference.residual_sd * residual
    solved = _sigmoid(logit) ** tasks.chain_N
    unlocked = _sigmoid((reference.ability - tasks.threshold_N) / UNLOCK_WIDTH)
    unlocked = np.where(tasks.need_N > 0, unlocked, 1.0)
    chance = tasks.guess_N + (tasks.ceiling_N - tasks.guess_N) * unlocked * solved
    chance = np.where(tasks.wrong_N, 0.5 * (1 - solved) * unlocked, chance)
    rates = rng.binomial(reference.trials, np.clip(chance, 0, 1)) / reference.trials
    if reference.reversed > 0:
        rates = np.where(rng.random(rates.size) < reference.reversed, 1 - rates, rates)
    if reference.missing > 0:
        rates[rng.random(rates.size) < reference.missing] = np.nan
    return rates


def _swap(rates: Rates, share: float, rng: np.random.Generator) -> None:
    first, *_, last = rates
    places = rng.random(rates[first].size) < share
    rates[first][places], rates[last][places] = rates[last][places], rates[first][places]


def _joined(parts: list[tuple[Tasks, Rates]], size: int, copies: int) -> tuple[Tasks, Rates]:
    pools = [tasks for tasks, _ in parts]
    if copies > 1:
        sizes = [1 + int(pool.cluster_N.max(initial=0)) for pool in pools]
        offsets = np.cumsum([0, *sizes[:-1]])
        pools = [
            pool._replace(cluster_N=(pool.cluster_N + offset).astype(np.int32))
            for pool, offset in zip(pools, offsets, strict=True)
        ]
    tasks = Tasks._make(np.concatenate(arrays)[:size] for arrays in zip(*pools, strict=True))
    if copies > 1:
        tasks = number_clusters(tasks)
    else:
        tasks = tasks._replace(cluster_N=np.arange(size, dtype=np.int32))
    names = parts[0][1]
    return tasks, {
        name: np.concatenate([rates[name] for _, rates in parts])[:size] for name in names
    }


def _sigmoid(logit: npt.NDArray) -> Floats:
    return 0.5 * (1 + np.tanh(np.asarray(logit, dtype=np.float64) / 2))
