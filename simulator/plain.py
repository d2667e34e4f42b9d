"""The kernels in plain NumPy: the model to read, to test against, and to measure the speed by.

Every function is that of `simulator.kernels` or `simulator.randomness` with arrays for loops.
"""

import numpy as np
import numpy.typing as npt

from simulator.kernels import TOKENS_SD, TOKENS_WRONG, UNLOCK_WIDTH
from simulator.tasks import Ability, Floats, Ints, Tasks

_U = np.uint64
_STEP, _MIX_1 = _U(0x9E3779B97F4A7C15), _U(0xBF58476D1CE4E5B9)
_MIX_2 = _U(0x94D049BB133111EB)

Counters = npt.NDArray[np.uint64]


def mix(counter: Counters) -> Counters:
    """SplitMix64's finaliser."""
    counter = (counter ^ (counter >> _U(30))) * _MIX_1
    counter = (counter ^ (counter >> _U(27))) * _MIX_2
    return counter ^ (counter >> _U(31))


def stream(key: np.uint64, first: npt.ArrayLike, second: npt.ArrayLike) -> Counters:
    """Counters at the places (`first`, `second`) of `key`."""
    places = np.atleast_1d(first).astype(_U), np.atleast_1d(second).astype(_U)
    counter = mix(np.atleast_1d(_U(key)) + _STEP * (places[0] + _U(1)))
    return mix(counter + _STEP * (places[1] + _U(1)))


def bits(counter: Counters, draw: npt.ArrayLike) -> Counters:
    """64 random bits per draw."""
    return mix(np.atleast_1d(counter) + _STEP * (np.atleast_1d(draw).astype(_U) + _U(1)))


def uniform(counter: Counters, draw: npt.ArrayLike) -> Floats:
    """Uniform on [0, 1)."""
    return (bits(counter, draw) >> _U(11)).astype(np.float64) * 2.0**-53


def noise(counter: Counters, draw: npt.ArrayLike) -> Floats:
    """Uniform of mean 0 and variance 1."""
    return (uniform(counter, draw) - 0.5) * np.sqrt(12.0)


def normal(counter: Counters, draw: npt.ArrayLike) -> Floats:
    """Nearly normal: the standardised sum of four 16-bit parts."""
    part, whole = _U(0xFFFF), bits(counter, draw)
    total = (whole & part) + ((whole >> _U(16)) & part)
    total = total + ((whole >> _U(32)) & part) + (whole >> _U(48))
    return (total.astype(np.float64) - 2.0 * (2.0**16 - 1)) * (1 / np.sqrt((2.0**32 - 1) / 3))


def drift(key: np.uint64, cluster_B: Ints, step: int) -> Floats:
    """Tasks' own wandering: three octaves of value noise."""
    counter, total_B = stream(key, cluster_B, 0), np.zeros(len(cluster_B))
    for octave, period in enumerate((400.0, 200.0, 100.0)):
        knot, rest = divmod(step / period, 1)
        here = (1 - rest) * noise(counter, 3 * int(knot) + octave)
        here = here + rest * noise(counter, 3 * (int(knot) + 1) + octave)
        total_B += np.sqrt(period / (2 * 700.0)) * (here - noise(counter, octave))
    return total_B


def responses(tasks: Tasks, task_ids_B: Ints, ability: Ability) -> Floats:
    """Rate and its three sensitivities, shape (4, B)."""
    mine = Tasks._make(array[task_ids_B] for array in tasks)
    right_B = _sigmoid(_logits(mine, ability))
    solved_B = right_B ** mine.chain_N.astype(np.float64)
    above_B = _mastery(ability, mine.domain_N, mine.need_N) - mine.threshold_N
    unlocked_B = np.where(mine.need_N > 0, _sigmoid(above_B / UNLOCK_WIDTH), 1.0)
    passed_B, chained_B = ability.gate * unlocked_B, mine.chain_N * (1 - right_B)
    height_B = (mine.ceiling_N.astype(np.float64) - mine.guess_N) * passed_B
    gated_B = np.where(mine.wrong_N, 0.5 * (1 - solved_B) * passed_B, height_B * solved_B)
    slope_B = np.where(mine.wrong_N, -0.5 * passed_B * solved_B, gated_B) * chained_B
    rate_B = np.where(mine.wrong_N, gated_B, mine.guess_N.astype(np.float64) + gated_B)
    variance_B = rate_B * (1 - rate_B)
    safe_B = np.where(variance_B > 0, variance_B, np.inf)
    to_gate_B = gated_B * (1 - ability.gate) / safe_B
    to_need_B = gated_B * (1 - unlocked_B) / UNLOCK_WIDTH / safe_B
    return np.array([rate_B, slope_B / safe_B, to_gate_B, to_need_B])


def rollouts(
    tasks: Tasks,
    task_ids_B: Ints,
    ability: Ability,
    group_size: int,
    tests: int,
    correlation: float,
    keys: Counters,
    step: int,
) -> tuple[Floats, Floats]:
    """Rewards and tokens of the first draws of distinct tasks, each of shape (B, G)."""
    rate_B1 = responses(tasks, task_ids_B, ability)[0][:, None]
    draws_G = np.arange(group_size)[None, :]
    counter_B1 = stream(keys[0], task_ids_B, step)[:, None]
    passed_BG = np.zeros((len(task_ids_B), group_size))
    for test in range(tests):
        lean = correlation / (1 + (test - 1) * correlation) if test > 0 else 0.0
        chance_BG = rate_B1 + lean * (passed_BG - test * rate_B1)
        passed_BG = passed_BG + (uniform(counter_B1, draws_G * tests + test) < chance_BG)
    rewards_BG = passed_BG / tests
    lengths_BG = normal(stream(keys[1], task_ids_B, step)[:, None], draws_G)
    log_tokens_B1 = tasks.log_tokens_N[task_ids_B].astype(np.float64)[:, None]
    tokens_BG = np.exp(log_tokens_B1 + TOKENS_SD * lengths_BG)
    return rewards_BG, np.where(rewards_BG == 1, tokens_BG, TOKENS_WRONG * tokens_BG)


def moments(rewards_BG: Floats) -> Floats:
    """Mean, variance and size of each group, shape (3, B)."""
    given_BG = ~np.isnan(rewards_BG)
    size_B = given_BG.sum(axis=1)
    safe_B = np.maximum(size_B, 1)
    mean_B = np.where(given_BG, rewards_BG, 0).sum(axis=1) / safe_B
    squares_B = np.where(given_BG, rewards_BG, 0) ** 2
    variance_B = squares_B.sum(axis=1) / safe_B - mean_B**2
    high_B = np.where(given_BG, rewards_BG, -np.inf).max(axis=1)
    low_B = np.where(given_BG, rewards_BG, np.inf).min(axis=1)
    variance_B = np.where(high_B > low_B, np.maximum(variance_B, 1e-12), 0.0)
    return np.array([mean_B, variance_B, size_B])


def learn(
    tasks: Tasks,
    task_ids_B: Ints,
    weights_B: Floats,
    ability: Ability,
    visits_C: Ints,
    repetition_visits: float,
    own_rate: float,
    own_cost: float,
) -> Floats:
    """Gradient by ability and gate, shape (D + 1,); distinct clusters only."""
    clusters_B = tasks.cluster_N[task_ids_B]
    _, to_logit_B, to_gate_B, to_need_B = responses(tasks, task_ids_B, ability)
    lost = own_cost * (weights_B * np.abs(to_logit_B)).sum()
    weights_B = weights_B / (1 + visits_C[clusters_B] / repetition_visits)
    visits_C[clusters_B[weights_B != 0]] += 1
    worth_B = weights_B * tasks.transfer_N[task_ids_B]
    push_B, need_B = worth_B * to_logit_B, worth_B * to_need_B
    gradient_D1 = np.zeros(ability.skills_D.size + 1)
    np.add.at(gradient_D1, tasks.domain_N[task_ids_B], ability.domain * (push_B + need_B))
    np.add.at(gradient_D1, tasks.skill_N[task_ids_B], ability.skill * push_B)
    np.add.at(gradient_D1, tasks.need_N[task_ids_B], ability.skill * need_B)
    gradient_D1[0] = ability.general * (push_B + need_B).sum() - lost
    gradient_D1[-1] = (weights_B * to_gate_B).sum()
    taught_B = (weights_B != 0) & (own_rate > 0)
    clusters_B, own_B = clusters_B[taught_B], (weights_B * to_logit_B)[taught_B]
    age_B = ability.step - ability.touched_C[clusters_B]
    kept_B = ability.memory_C[clusters_B] * np.exp(-age_B / ability.memory_steps)
    ability.memory_C[clusters_B] = kept_B + own_rate * own_B
    ability.touched_C[clusters_B] = ability.step
    return gradient_D1


def _logits(mine: Tasks, ability: Ability) -> Floats:
    """Logits of one right step of these tasks, taken out of their pool."""
    mastery_B = _mastery(ability, mine.domain_N, mine.skill_N)
    logit_B = mine.logit_N + mine.slope_N * mastery_B
    clusters_B = mine.cluster_N
    if ability.drift_sd > 0:
        logit_B = logit_B + ability.drift_sd * drift(ability.key, clusters_B, ability.step)
    if ability.wandering > 0:
        counter_B = stream(ability.key, clusters_B, 1)
        logit_B = logit_B + ability.wandering * normal(counter_B, 0)
    if ability.memory_C.size > 0:
        age_B = np.maximum(ability.step - ability.touched_C[clusters_B], 0)
        kept_B = np.exp(-age_B / ability.memory_steps)
        logit_B = logit_B + ability.memory_C[clusters_B].astype(np.float64) * kept_B
    return logit_B + ability.sharpening * 3 * np.tanh(logit_B / 3)


def _mastery(ability: Ability, domain_B: npt.NDArray, skill_B: npt.NDArray) -> Floats:
    skills_D = ability.skills_D
    mastery_B = ability.general * skills_D[0] + ability.domain * skills_D[domain_B]
    return mastery_B + ability.skill * skills_D[skill_B]


def _sigmoid(logit_B: Floats) -> Floats:
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-logit_B))
