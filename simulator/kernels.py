"""Compiled inner loops over tasks, which write into arrays that they are given.

Each has a plain NumPy twin in `simulator/plain.py`.
"""

import math

import numpy as np

from simulator.compiler import compiled
from simulator.randomness import noise, normal, stream, uniform

_OCTAVES = 3
_LONGEST_PERIOD = 400.0
_SHARPENING_SCALE = 3.0
_LEAST_VARIANCE = 1e-12  # of rewards that are not all equal
UNLOCK_WIDTH = 0.15
TOKENS_SD = 0.4
TOKENS_WRONG = 1.3


@compiled
def drift(key, cluster, step):
    """A task's own wandering u_k(step): 0 at step 0, of unit variance at step 400.

    Three octaves of value noise, with knots every 400, 200 and 100 steps, interpolated linearly and
    of variance proportional to their spacing, as a random walk's increments are.
    """
    total = 0.0
    counter = stream(key, cluster, 0)
    for octave in range(_OCTAVES):
        period = _LONGEST_PERIOD / (1 << octave)
        place = step / period
        knot = int(place)
        rest = place - knot
        here = (1.0 - rest) * noise(counter, 3 * knot + octave)
        here += rest * noise(counter, 3 * (knot + 1) + octave)
        amplitude = math.sqrt(period / (2.0 * _LONGEST_PERIOD * (2.0 - 0.25)))
        total += amplitude * (here - noise(counter, octave))
    return total


@compiled
def _mastery(ability, domain, skill):
    skills_D = ability.skills_D
    mastery = ability.general * skills_D[0] + ability.domain * skills_D[domain]
    return mastery + ability.skill * skills_D[skill]


@compiled
def _step_rate(tasks, task, ability):
    """The chance q = sigma(l) of one right step."""
    mastery = _mastery(ability, tasks.domain_N[task], tasks.skill_N[task])
    logit = tasks.logit_N[task] + tasks.slope_N[task] * mastery
    cluster = tasks.cluster_N[task]
    if ability.drift_sd > 0.0:
        logit += ability.drift_sd * drift(ability.key, cluster, ability.step)
    if ability.wandering > 0.0:
        logit += ability.wandering * normal(stream(ability.key, cluster, 1), 0)
    if ability.memory_C.size > 0 and ability.memory_C[cluster] != 0.0:
        age = max(ability.step - ability.touched_C[cluster], 0)  # a lagged policy is older
        logit += np.float64(ability.memory_C[cluster]) * math.exp(-age / ability.memory_steps)
    logit += ability.sharpening * _SHARPENING_SCALE * math.tanh(logit / _SHARPENING_SCALE)
    return 1.0 / (1.0 + math.exp(-logit))


@compiled
def _unlocked(tasks, task, ability):
    """How far the skill that the task needs first is mastered, in [0, 1]."""
    need = tasks.need_N[task]
    if need == 0:
        return 1.0
    above = _mastery(ability, tasks.domain_N[task], need) - tasks.threshold_N[task]
    return 1.0 / (1.0 + math.exp(-above / UNLOCK_WIDTH))


@compiled
def _all_steps(tasks, task, right):
    """The chance q^L that all steps of a task are right."""
    return right if tasks.chain_N[task] == 1 else right ** tasks.chain_N[task]


@compiled
def _rate(tasks, task, ability):
    """Expected reward p of one rollout."""
    solved = _all_steps(tasks, task, _step_rate(tasks, task, ability))
    passed = ability.gate * _unlocked(tasks, task, ability)
    if tasks.wrong_N[task]:
        return 0.5 * (1.0 - solved) * passed
    floor = np.float64(tasks.guess_N[task])
    return floor + (tasks.ceiling_N[task] - floor) * passed * solved


@compiled
def solve_rates(tasks, task_ids_B, ability, rates_B):
    """Writes the true solve rates of these tasks, shape (B,)."""
    for b in range(task_ids_B.size):
        rates_B[b] = _rate(tasks, task_ids_B[b], ability)


@compiled
def all_solve_rates(tasks, start, stop, ability, rates_N):
    """Writes the true solve rates of tasks `start` to `stop` - 1 to their places in `rates_N`."""
    for task in range(start, stop):
        rates_N[task] = _rate(tasks, task, ability)


@compiled
def _response(tasks, task, ability):
    """Rate p, and d logit p / d l, d logit p / d phi and d logit p / d (mastery of the need)."""
    right = _step_rate(tasks, task, ability)
    solved = _all_steps(tasks, task, right)
    unlocked = _unlocked(tasks, task, ability)
    if tasks.wrong_N[task]:
        gated = 0.5 * (1.0 - solved) * ability.gate * unlocked
        slope = -0.5 * ability.gate * unlocked * solved * tasks.chain_N[task] * (1.0 - right)
        rate = gated
    else:
        floor = np.float64(tasks.guess_N[task])
        gated = (tasks.ceiling_N[task] - floor) * ability.gate * unlocked * solved
        slope = gated * tasks.chain_N[task] * (1.0 - right)
        rate = floor + gated
    variance = rate * (1.0 - rate)
    if variance <= 0.0:
        return rate, 0.0, 0.0, 0.0
    to_gate = gated * (1.0 - ability.gate) / variance
    to_need = gated * (1.0 - unlocked) / UNLOCK_WIDTH / variance
    return rate, slope / variance, to_gate, to_need


@compiled
def all_responses(tasks, ability, responses_4N):
    """Writes rate, d logit p / d l, d logit p / d phi and d logit p / d (mastery of the need)."""
    for task in range(responses_4N.shape[1]):
        rate, to_logit, to_gate, to_need = _response(tasks, task, ability)
        responses_4N[0, task], responses_4N[1, task] = rate, to_logit
        responses_4N[2, task], responses_4N[3, task] = to_gate, to_need


@compiled
def _reward(rate, sub_tests, correlation, counter, draw):
    """The mean of `sub_tests` tests that pass at `rate` and are correlated: a Polya urn.

    That is a beta-binomial count; each test is a biased coin whose bias leans towards what the
    tests before it showed. One test is a plain coin.
    """
    if sub_tests == 1:
        return 1.0 if uniform(counter, draw) < rate else 0.0
    passed = 0.0
    for test in range(sub_tests):
        lean = correlation / (1.0 + (test - 1) * correlation) if test > 0 else 0.0
        chance = rate + lean * (passed - test * rate)
        if uniform(counter, draw * sub_tests + test) < chance:
            passed += 1.0
    return passed / sub_tests


@compiled
def rollouts(
    tasks, task_ids_B, ability, drawn_N, tests, correlation, keys, step, rewards_BG, tokens_BG
):
    """Writes rewards and tokens of B groups, each of shape (B, G).

    `drawn_N` counts the draws each task has used at this step and is advanced in place, so a task
    that is rolled out twice at one step gets fresh draws. `keys` are the seeds of rewards and of
    lengths. A length is log-normal, and longer when the answer is not fully right.
    """
    group_size = rewards_BG.shape[1]
    for b in range(task_ids_B.size):
        task = task_ids_B[b]
        rate = _rate(tasks, task, ability)
        counter, length_counter = stream(keys[0], task, step), stream(keys[1], task, step)
        log_tokens = np.float64(tasks.log_tokens_N[task])
        for g in range(group_size):
            draw = drawn_N[task] + g
            reward = _reward(rate, tests, correlation, counter, draw)
            tokens = math.exp(log_tokens + TOKENS_SD * normal(length_counter, draw))
            rewards_BG[b, g] = reward
            tokens_BG[b, g] = tokens if reward == 1.0 else TOKENS_WRONG * tokens
        drawn_N[task] += group_size


@compiled
def moments(rewards_BG, moments_3B):
    """Writes mean, variance and size of each group, lost rollouts (NaN) left out; shape (3, B).

    The variance of equal rewards is exactly 0, and so are the moments of an empty group.
    """
    for b in range(rewards_BG.shape[0]):
        total, squares, count = 0.0, 0.0, 0
        low, high = np.inf, -np.inf
        for g in range(rewards_BG.shape[1]):
            reward = rewards_BG[b, g]
            if not math.isnan(reward):
                total += reward
                squares += reward * reward
                count += 1
                low, high = min(low, reward), max(high, reward)
        mean = total / max(count, 1)
        varied = high > low
        moments_3B[0, b] = mean
        moments_3B[1, b] = max(squares / count - mean * mean, _LEAST_VARIANCE) if varied else 0.0
        moments_3B[2, b] = count


@compiled
def learn(
    tasks,
    task_ids_B,
    weights_B,
    ability,
    visits_C,
    repetition_visits,
    own_rate,
    own_cost,
    gradient_D1,
):
    """Adds up the gradient that a batch exerts, and leaves its traces in visits and memory.

    Args:
        tasks: item parameters.
        task_ids_B: the groups' tasks.
        weights_B: w / N_e, what each group's rewards are worth; 0 teaches nothing.
        ability: as it is before the step; its memory is changed in place.
        visits_C: times each cluster taught something; advanced in place.
        repetition_visits: nu; a cluster visited v times before teaches 1 / (1 + v / nu).
        own_rate: kappa times the step's size, what the task's own logit gains; 0: no memory.
        own_cost: xi kappa, what general ability loses per unit of w |h|, however often a cluster
            has taught.
        gradient_D1: sums over the batch by ability, and last by the gate's logit, shape (D + 1,).
    """
    for b in range(task_ids_B.size):
        task = task_ids_B[b]
        if weights_B[b] == 0.0:
            continue
        cluster = tasks.cluster_N[task]
        weight = weights_B[b] / (1.0 + visits_C[cluster] / repetition_visits)
        visits_C[cluster] += 1
        _, to_logit, to_gate, to_need = _response(tasks, task, ability)
        push = weight * tasks.transfer_N[task] * to_logit
        need_push = weight * tasks.transfer_N[task] * to_need
        gradient_D1[0] += ability.general * (push + need_push)
        gradient_D1[0] -= own_cost * weights_B[b] * abs(to_logit)
        gradient_D1[tasks.domain_N[task]] += ability.domain * (push + need_push)
        gradient_D1[tasks.skill_N[task]] += ability.skill * push
        if need_push != 0.0:
            gradient_D1[tasks.need_N[task]] += ability.skill * need_push
        gradient_D1[-1] += weight * to_gate
        if own_rate > 0.0:
            age = ability.step - ability.touched_C[cluster]
            memory = np.float64(ability.memory_C[cluster])
            kept = memory * math.exp(-age / ability.memory_steps)
            ability.memory_C[cluster] = kept + own_rate * weight * to_logit
            ability.touched_C[cluster] = ability.step


@compiled
def noises(key, step, noises_D):
    """Writes independent numbers of mean 0 and variance 1."""
    counter = stream(key, step, 0)
    for i in range(noises_D.size):
        noises_D[i] = noise(counter, i)
