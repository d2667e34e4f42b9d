"""Counter-based random numbers: a draw is a function of its place, not of what was drawn before.

The same task at the same step therefore gets the same draws under every policy (common random
numbers), and the order or number of threads in which draws are made cannot matter.
"""

import numpy as np

from simulator.compiler import compiled

_STEP = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio: the counter increment of SplitMix64
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_SHIFTS = (np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11))
_TO_UNIT = 2.0**-53
_PART = np.uint64(0xFFFF)
_PARTS = (np.uint64(16), np.uint64(32), np.uint64(48))
_NORMAL_MEAN = 4 * (2.0**16 - 1) / 2
_NORMAL_SCALE = 1 / np.sqrt(4 * (2.0**32 - 1) / 12)


@compiled
def mix(counter):
    """SplitMix64's finaliser: a bijection of 64-bit integers that scatters neighbours.

    Source: Steele, Lea, Flood (2014), Fast splittable pseudorandom number generators.
    """
    counter = (counter ^ (counter >> _SHIFTS[0])) * _MIX_1
    counter = (counter ^ (counter >> _SHIFTS[1])) * _MIX_2
    return counter ^ (counter >> _SHIFTS[2])


@compiled
def stream(key, first, second):
    """The 64-bit counter from which the draws at place (`first`, `second`) of `key` start."""
    return mix(mix(np.uint64(key) + _STEP * np.uint64(first + 1)) + _STEP * np.uint64(second + 1))


@compiled
def uniform(counter, draw):
    """Draw number `draw` of a `stream`, uniform on [0, 1) in steps of 2^-53."""
    return (
        np.float64(mix(np.uint64(counter) + _STEP * np.uint64(draw + 1)) >> _SHIFTS[3]) * _TO_UNIT
    )


@compiled
def noise(counter, draw):
    """Draw number `draw` of a `stream`, uniform with mean 0 and variance 1."""
    return (uniform(counter, draw) - 0.5) * np.sqrt(12.0)


@compiled
def normal(counter, draw):
    """Draw number `draw` of a `stream`, nearly normal: mean 0, variance 1, kurtosis 2.7.

    The sum of the four 16-bit parts of one 64-bit draw, standardised; never beyond 3.47.
    """
    bits = mix(np.uint64(counter) + _STEP * np.uint64(draw + 1))
    total = (bits & _PART) + ((bits >> _PARTS[0]) & _PART)
    total += ((bits >> _PARTS[1]) & _PART) + (bits >> _PARTS[2])
    return (np.float64(total) - _NORMAL_MEAN) * _NORMAL_SCALE
