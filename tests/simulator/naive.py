"""The simulator's kernels in plain NumPy."""

import numpy as np

U = np.uint64
STEP, MIX_1, MIX_2 = U(0x9E3779B97F4A7C15), U(0xBF58476D1CE4E5B9), U(0x94D049BB133111EB)


def mix(counter: np.ndarray) -> np.ndarray:
    counter = (counter ^ (counter >> U(30))) * MIX_1
    counter = (counter ^ (counter >> U(27))) * MIX_2
    return counter ^ (counter >> U(31))


def stream(key, first, second) -> np.ndarray:
    first, second = np.atleast_1d(first).astype(U), np.atleast_1d(second).astype(U)
    counter = mix(np.atleast_1d(U(key)) + STEP * (first + U(1)))
    return mix(counter + STEP * (second + U(1)))


def uniform(counter, draw) -> np.ndarray:
    bits = mix(np.atleast_1d(counter) + STEP * (np.atleast_1d(draw).astype(U) + U(1)))
    return (bits >> U(11)).astype(np.float64) * 2.0**-53


def noise(counter, draw) -> np.ndarray:
    return (uniform(counter, draw) - 0.5) * np.sqrt(12.0)


def drift(key, tasks_N, step) -> np.ndarray:
    counter, total_N = stream(key, tasks_N, 0), np.zeros(len(tasks_N))
    for octave, period in enumerate((400.0, 200.0, 100.0)):
        knot, rest = divmod(step / period, 1)
        here = (1 - rest) * noise(counter, 3 * int(knot) + octave)
        here = here + rest * noise(counter, 3 * (int(knot) + 1) + octave)
        total_N += np.sqrt(period / (2 * 700.0)) * (here - noise(counter, octave))
    return total_N


def right(tasks, ids, ability) -> np.ndarray:
    skills = ability.skills_D
    mastery = ability.general * skills[0] + ability.domain * skills[tasks.domain_N[ids]]
    mastery = mastery + ability.skill * skills[tasks.skill_N[ids]]
    logit = tasks.logit_N[ids] + tasks.slope_N[ids] * mastery
    if ability.drift_sd > 0:
        logit = logit + ability.drift_sd * drift(ability.drift_key, ids, ability.step)
    logit = logit + ability.sharpening * 3 * np.tanh(logit / 3)
    return 1 / (1 + np.exp(-logit))


def solve_rates(tasks, ids, ability) -> np.ndarray:
    height = (tasks.ceiling_N[ids] - tasks.guess_N[ids]) * ability.gate
    return tasks.guess_N[ids] + height * right(tasks, ids, ability)


def sensitivities(tasks, ids, ability) -> tuple[np.ndarray, np.ndarray]:
    q = right(tasks, ids, ability)
    above = (tasks.ceiling_N[ids] - tasks.guess_N[ids]) * ability.gate * q
    rates = tasks.guess_N[ids] + above
    variance = rates * (1 - rates)
    safe = np.where(variance > 0, variance, np.inf)
    return above * (1 - q) / safe, above * (1 - ability.gate) / safe


def rollouts(rates_B, ids, drawn_N, group_size, key, step) -> np.ndarray:
    rewards = np.zeros((len(ids), group_size))
    for b, task in enumerate(ids):
        draws = uniform(stream(key, task, step), drawn_N[task] + np.arange(group_size))
        rewards[b] = draws < rates_B[b]
        drawn_N[task] += group_size
    return rewards


def noises(key, step, count) -> np.ndarray:
    return noise(stream(key, step, 0), np.arange(count))
