"""The kernels of the live selector in plain Python: integers without bounds, loops, one task each.

Logarithms and exponentials are Python's, which the compiled code also calls, so results agree bit
for bit unless a docstring says otherwise.
"""

import math

MASK = (1 << 64) - 1


def uniform(key: int, what: int) -> float:
    z = (int(key) + (int(what) + 1) * 0x9E3779B97F4A7C15) & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    z ^= z >> 31
    return ((z >> 11) + 0.5) / 2**53


def belief(table, sums, k) -> tuple[float, float]:
    c = table.class_N[k]
    success, failure = (float(excess) for excess in table.excess_N2[k])
    return (
        max(float(sums.alpha_C[c]) + sums.scale * success, sums.alpha_0),
        max(float(sums.beta_C[c]) + sums.scale * failure, sums.beta_0),
    )


def is_due(streak, last, recall) -> bool:
    waits = recall.interval * 2.0 ** (min(abs(int(streak)), 16) - 1)
    return bool(streak != 0 and math.isfinite(recall.interval) and recall.now - last >= waits)


def drawn_belief(table, sums, recall, k) -> tuple[float, float]:
    if is_due(table.streak_N[k], table.last_N[k], recall):
        return sums.alpha_0, sums.beta_0
    return belief(table, sums, k)


def log_gamma_below(x: float) -> float:
    return (x - 0.5) * math.log(x) - x + 0.5 * math.log(2 * math.pi)


def log_power(alpha: float, beta: float, x: float) -> float:
    value = 0.0
    if alpha != 1:
        value += (alpha - 1) * (math.log(x) if x > 0 else -math.inf)
    if beta != 1:
        value += (beta - 1) * (math.log1p(-x) if x < 1 else -math.inf)
    return value


def density_bound(alpha: float, beta: float, low: float, high: float) -> float:
    powers = [log_power(alpha, beta, low), log_power(alpha, beta, high)]
    a, b = alpha - 1, beta - 1
    if a > 0 and b > 0 and low <= a / (a + b) <= high:
        powers.append(a * math.log(a / (a + b)) + b * math.log(b / (a + b)))
    total = alpha + beta
    constant = log_gamma_below(total) + 1 / (12 * total)
    constant = constant - log_gamma_below(alpha) - log_gamma_below(beta)
    return exp(constant + max(powers))


def exp(x: float) -> float:
    return math.exp(x) if x < 709 else math.inf


def peak_bound(alpha: float, beta: float) -> float:
    if alpha < 1 or beta < 1:
        return math.inf
    a, b = alpha - 1, beta - 1
    squared = 1.05
    if a + b > 0.5:
        squared = min(squared, (a + b + 0.2) / (2 * math.pi * max(a * b, 1e-9)))
    return (a + b + 1) * math.sqrt(squared)


def window(target: float, half: float) -> tuple[float, float]:
    return max(target - half, 0.0), min(target + half, 1.0)


def inside(target: float, half: float) -> float:
    """The measure of the window."""
    low, high = window(target, half)
    return high - low


def chance_bound(width: float, inner: float, density: float) -> float:
    if width <= 0:
        return 0.0
    within = float(inner) * density
    if math.isnan(within) or within >= 0.5:
        return 1.0
    chance = width * density / (1 - within)
    return chance if chance < 0.5 else 1.0


def class_chances(sums, windows_C, inner_C, target) -> list[float]:
    chances = []
    for c, (half, inner) in enumerate(zip(windows_C, inner_C, strict=True)):
        low, high = window(target, half)
        density = density_bound(float(sums.alpha_C[c]), float(sums.beta_C[c]), low, high)
        width = high - low - inside(target, inner)
        chances.append(chance_bound(width, inside(target, inner), density) if half > inner else 0.0)
    return chances


def places(key: int, c: int, size: int, chance: float) -> list[int]:
    """Places in `size` that succeed, by geometric gaps."""
    if chance <= 0:
        return []
    slope = math.log1p(-chance) if chance < 1 else -math.inf
    found, place = [], -1
    while True:
        gap = math.log(uniform(key, (c << 40) + len(found))) / slope
        if gap >= size - place - 1:
            return found
        place += 1 + int(gap)
        found.append(place)


def list_proposals(key, starts_C, chance_C, member_N) -> list[list[int]]:
    """The proposed members, class by class."""
    return [
        [int(member_N[starts_C[c] + place]) for place in places(key, c, size, float(chance_C[c]))]
        for c, size in enumerate((starts_C[1:] - starts_C[:-1]).tolist())
    ]


def mark_visited(key, table, sums, visited_V, recall, windows_C, inner_C, target) -> list[bool]:
    marked = []
    for k in visited_V.tolist():
        c = table.class_N[k]
        inner = inside(target, inner_C[c])
        width = inside(target, windows_C[c]) - inner
        density = peak_bound(*drawn_belief(table, sums, recall, k))
        chance = chance_bound(width, inner, density) if windows_C[c] > inner_C[c] else 0.0
        marked.append(uniform(key, k) < chance)
    return marked


def propose(table, sums, task_ids, recall, windows_C, inner_C, target) -> list[tuple]:
    """A row of `Proposals` per task."""
    rows = []
    for k in task_ids.tolist():
        c = table.class_N[k]
        ends, inner_ends = window(target, windows_C[c]), window(target, inner_C[c])
        if table.flags_N[k] & 1:
            alpha, beta = drawn_belief(table, sums, recall, k)
            bound = peak_bound(alpha, beta)
        else:
            alpha, beta = float(sums.alpha_C[c]), float(sums.beta_C[c])
            bound = density_bound(alpha, beta, *ends)
        inner = inner_ends[1] - inner_ends[0]
        plain = chance_bound(ends[1] - ends[0] - inner, inner, bound) < 1
        rows.append((alpha, beta, *ends, *inner_ends, bound, plain))
    return rows


def accept(task, remains, places, coins) -> list[tuple[float, bool]]:
    """A draw per proposal, and whether it counts."""
    rows = []
    for i, plain in enumerate(task.plain.tolist()):
        alpha, beta, low, high, inner_low, inner_high, bound = (
            float(column[i]) for column in task[:7]
        )
        if not plain:
            rows.append((0.0, False))
            continue
        place = places[i] * (inner_low - low + high - inner_high)
        draw = low + place if place < inner_low - low else inner_high + place - (inner_low - low)
        log_density = math.lgamma(alpha + beta) - math.lgamma(alpha) - math.lgamma(beta)
        for power, base in ((alpha - 1, draw), (beta - 1, 1 - draw)):
            log_density += power * math.log(base) if power else 0.0
        chance = math.exp(log_density) / remains[i] / bound * (1 - (inner_high - inner_low) * bound)
        rows.append((draw, coins[i] < chance))
    return rows


def material(table, sums, visited_V, share) -> list[bool]:
    found = []
    for k in visited_V.tolist():
        residual = sum(abs(float(part)) for part in table.excess_N2[k])
        found.append(sums.scale * residual > share * sum(belief(table, sums, k)))
    return found
