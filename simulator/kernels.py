"""Compiled inner loops over tasks. Each has a plain NumPy twin in `tests/simulator/naive.py`."""

import math

import numpy as np
from numba import njit

from simulator.randomness import noise, stream, uniform

_OCTAVES = 3
_LONGEST_PERIOD = 400.0
_SHARPENING_SCALE = 3.0


@njit(cache=True)
def drift(key, task, step):
    """A task's own wandering u_k(step): 0 at step 0, of unit variance at step 400.

    Three octaves of value noise, with knots every 400, 200 and 100 steps, interpolated linearly and
    of variance proportional to their spacing, as a random walk's increments are.
    """
    total = 0.0
    counter = stream(key, task, 0)
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


@njit(cache=True)
def _sigmoid(tasks, task, ability):
    """The chance sigma(l) of a right answer, format, guessing and ceiling left out."""
    skills_D = ability.skills_D
    mastery = ability.general * skills_D[0] + ability.domain * skills_D[tasks.domain_N[task]]
    mastery += ability.skill * skills_D[tasks.skill_N[task]]
    logit = tasks.logit_N[task] + tasks.slope_N[task] * mastery
    if ability.drift_sd > 0.0:
        logit += ability.drift_sd * drift(ability.drift_key, task, ability.step)
    logit += ability.sharpening * _SHARPENING_SCALE * math.tanh(logit / _SHARPENING_SCALE)
    return 1.0 / (1.0 + math.exp(-logit))


@njit(cache=True)
def solve_rates(tasks, task_ids_B, ability):
    """True solve rates p_k = g_k + (c_k - g_k) F sigma(l_k), shape (B,)."""
    rates_B = np.empty(task_ids_B.size)
    for b in range(task_ids_B.size):
        task = task_ids_B[b]
        floor = tasks.guess_N[task]
        height = (tasks.ceiling_N[task] - floor) * ability.gate
        rates_B[b] = floor + height * _sigmoid(tasks, task, ability)
    return rates_B


@njit(cache=True)
def sensitivities(tasks, task_ids_B, ability):
    """How the log-odds of success respond to ability and to the format gate.

    Returns:
        d logit p / d l and d logit p / d phi (F = sigma(phi)), each of shape (B,); 0 where p is 0
        or 1.
    """
    to_logit_B, to_gate_B = np.zeros(task_ids_B.size), np.zeros(task_ids_B.size)
    for b in range(task_ids_B.size):
        task = task_ids_B[b]
        floor = tasks.guess_N[task]
        right = _sigmoid(tasks, task, ability)
        above = (tasks.ceiling_N[task] - floor) * ability.gate * right
        rate = floor + above
        variance = rate * (1.0 - rate)
        if variance > 0.0:
            to_logit_B[b] = above * (1.0 - right) / variance
            to_gate_B[b] = above * (1.0 - ability.gate) / variance
    return to_logit_B, to_gate_B


@njit(cache=True)
def rollouts(rates_B, task_ids_B, drawn_N, group_size, key, step):
    """Rewards of B groups, shape (B, group_size): 1 where a uniform draw is below the rate.

    `drawn_N` counts the draws each task has used at this step and is advanced in place, so a task
    that is rolled out twice at one step gets fresh draws.
    """
    rewards_BG = np.empty((task_ids_B.size, group_size))
    for b in range(task_ids_B.size):
        task = task_ids_B[b]
        counter = stream(key, task, step)
        for g in range(group_size):
            rewards_BG[b, g] = 1.0 if uniform(counter, drawn_N[task] + g) < rates_B[b] else 0.0
        drawn_N[task] += group_size
    return rewards_BG


@njit(cache=True)
def noises(key, step, count):
    """`count` independent numbers of mean 0 and variance 1."""
    counter = stream(key, step, 0)
    values = np.empty(count)
    for i in range(count):
        values[i] = noise(counter, i)
    return values
