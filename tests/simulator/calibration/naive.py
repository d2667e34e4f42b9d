"""The state-space likelihood in plain NumPy: task by task, forwards, with whole matrices."""

import numpy as np
from scipy.stats import norm


def log_likelihood(rows, initial, dynamics, duration, spacing, nodes):
    """Log-likelihood of one task; `rows` are (step, successes, trials) in order of time."""
    points = np.arange(-round(15 / spacing), round(15 / spacing) + 1) * spacing
    edges = np.concatenate([[-np.inf], (points[1:] + points[:-1]) / 2, [np.inf]])
    start = sum(part.share * np.diff(norm.cdf(edges, part.mean, part.sd)) for part in initial.logit)
    places = np.linspace(-2.8, 2.8, nodes)
    mean = sum(part.share * part.mean for part in initial.logit)
    square = sum(part.share * (part.sd**2 + part.mean**2) for part in initial.logit)
    standard = np.clip((points - mean) / np.sqrt(square - mean**2), -2.8, 2.8)
    rho = initial.slope_correlation
    weights = norm.pdf(places[:, None], rho * standard, np.sqrt(1 - rho**2))
    weights /= weights.sum(axis=0)
    total = 0.0
    for place, weight in zip(places, weights, strict=True):
        slope = np.exp(dynamics.slope_sd * place)
        total += forward(rows, points, weight * start, dynamics, slope, duration)
    never = initial.unsolvable * all(successes == 0 for _, successes, _ in rows)
    return np.log((1 - initial.unsolvable) * total + never)


def forward(rows, points, mass, dynamics, slope, duration):
    """P(all counts | slope)."""
    before, shift, logits = 0.0, 0.0, points
    for step, successes, trials in rows:
        mass = mass @ diffusion(logits, dynamics.walk_sd**2 * (step - before))
        logits = flow(logits + shift, before, step, dynamics, slope, duration)
        rate = 1 / (1 + np.exp(-logits))
        mass = mass * rate**successes * (1 - rate) ** (trials - successes)
        mean = successes / trials
        before, shift = step, dynamics.own * 2 * np.sqrt(mean * (1 - mean))
    return mass.sum()


def flow(logits, before, step, dynamics, slope, duration):
    """Where points are after the drift of a gap, in Euler steps of at most 20 training steps."""
    edges = np.linspace(0, duration, len(dynamics.drifts) + 1)
    inside = np.clip(np.minimum(step, edges[1:]) - np.maximum(before, edges[:-1]), 0, None)
    drift, gap = float(inside @ dynamics.drifts), step - before
    parts = max(1, int(np.ceil(gap / 20)))
    for _ in range(parts):
        rate = 1 / (1 + np.exp(-logits))
        speed = dynamics.level * np.tanh(logits / 3) + dynamics.middle * 4 * rate * (1 - rate)
        logits = logits + (slope * drift + gap * speed) / parts
    return logits


def diffusion(logits, variance):
    """Chances of moves between points of mean 0 and this variance, as a matrix [from, to]."""
    size = logits.size
    if variance == 0:
        return np.eye(size)
    parts = max(1, int(np.ceil(2 * variance / np.diff(logits).min() ** 2)))
    assert parts <= 64
    once = np.eye(size)
    for m in range(1, size - 1):
        up, down = logits[m + 1] - logits[m], logits[m] - logits[m - 1]
        once[m, m + 1] = variance / parts / (up * (up + down))
        once[m, m - 1] = variance / parts / (down * (up + down))
        once[m, m] -= once[m, m + 1] + once[m, m - 1]
    return np.linalg.matrix_power(once, parts)
