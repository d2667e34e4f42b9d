"""Places of a batch over domains, and the learning progress that may decide about them."""

from bisect import bisect_left
from typing import Any

import numpy as np

from bots import checks
from bots._types import Floats, Ints

_SLACK = 1e-9  # places; below it a fraction of a place is rounding error


def allocate(
    wanted_D: Floats,
    available_D: Ints,
    batch_size: int,
    floor_D: Floats,
    ceiling_D: Floats,
    rng: np.random.Generator,
) -> Ints:
    """How many of a batch's B places each of D domains gets.

    A domain's expected places are t_d = clip(h w_d, lo_d, hi_d) with lo = floor B and
    hi = min(ceiling B, available), and the level h at which they add up to B: proportional to what
    is wanted within the bounds. Only when the others are full does a domain with w_d = 0 get more
    than its floor, and then all such domains equally.

    Expected places are rounded at random, down or up to a whole number, so that E[places_d] = t_d
    exactly (systematic sampling, Madow 1949). A floor or ceiling of 2.5 places is thus kept on
    average, and by a single batch up to less than one place.

    Args:
        wanted_D: w, shape (D,), at least 0, in any unit.
        available_D: shape (D,), tasks that may be chosen.
        batch_size: B, at least 1.
        floor_D: shape (D,), smallest shares of the batch, in [0, 1], with a sum of at most 1.
        ceiling_D: shape (D,), largest shares, in [floor, 1].
        rng: rounds.

    Returns:
        Whole places, shape (D,), at most `available_D`, with sum B.

    Raises:
        ValueError: when the bounds contradict each other or the tasks available.

    Example:
        >>> none, all_ = np.zeros(3), np.ones(3)
        >>> wanted, available = np.array([3.0, 1.0, 0.0]), np.array([5, 90, 90])
        >>> allocate(wanted, available, 8, none, all_, np.random.default_rng(0)).tolist()
        [5, 3, 0]
    """
    wanted_D = _amounts("wanted", wanted_D)
    tasks_D = _amounts("available", available_D)
    floor_D, ceiling_D = checks.shares("floor", floor_D), checks.shares("ceiling", ceiling_D)
    checks.integer("batch_size", batch_size, 1)
    checks.rng(rng)
    _check_bounds(wanted_D, tasks_D, batch_size, floor_D, ceiling_D)
    low_D = floor_D * batch_size
    high_D = np.maximum(np.minimum(ceiling_D * batch_size, tasks_D), low_D)
    return _rounded(_filled(wanted_D, low_D, high_D, batch_size), batch_size, rng)


def _amounts(name: str, values: Floats | Ints) -> Floats:
    vector = checks.vector(name, values)
    if vector.size == 0 or vector.min() < 0:
        raise ValueError(f"{name} is {vector}; it needs an entry of at least 0 for every domain")
    return vector


def _check_bounds(
    wanted_D: Floats, available_D: Floats, batch_size: int, floor_D: Floats, ceiling_D: Floats
) -> None:
    sizes = [array.size for array in (wanted_D, available_D, floor_D, ceiling_D)]
    if len(set(sizes)) > 1:
        raise ValueError(
            f"wanted, available, floor and ceiling have {sizes} entries; give one per domain each"
        )
    d = int(np.argmax(floor_D - ceiling_D))
    if floor_D[d] > ceiling_D[d]:
        raise ValueError(
            f"domain {d} has floor {floor_D[d]:g} above its ceiling {ceiling_D[d]:g}: lower the "
            "floor or raise the ceiling"
        )
    if floor_D.sum() > 1 + _SLACK:
        d = int(np.argmax(floor_D))
        raise ValueError(
            f"the floors add up to {floor_D.sum():g}; they may claim at most the whole batch: "
            f"lower them, the largest is {floor_D[d]:g} of domain {d}"
        )
    d = int(np.argmax(floor_D * batch_size - available_D))
    if floor_D[d] * batch_size > available_D[d] + _SLACK:
        raise ValueError(
            f"domain {d} has a floor of {floor_D[d] * batch_size:g} places but {available_D[d]:g} "
            "tasks available: lower its floor or batch_size, or wait until more are available"
        )
    room_D = np.minimum(ceiling_D * batch_size, available_D)
    if room_D.sum() < batch_size - _SLACK:
        d = int(np.argmax(available_D - ceiling_D * batch_size))
        remedy = "lower batch_size, or wait until more are available"
        if available_D[d] > ceiling_D[d] * batch_size:
            remedy = f"raise ceilings, that of domain {d} ({ceiling_D[d]:g}) holds back most tasks"
        raise ValueError(
            f"all domains together can fill {room_D.sum():g} of {batch_size} places: {remedy}"
        )


def _filled(wanted_D: Floats, low_D: Floats, high_D: Floats, places: float) -> Floats:
    """clip(h w, low, high) with sum `places`; domains that nobody wants fill up last."""
    target_D = low_D.copy()
    for group_D, weight_D in ((wanted_D > 0, wanted_D), (wanted_D == 0, np.ones(wanted_D.size))):
        if group_D.any():
            left = places - target_D[~group_D].sum()
            target_D[group_D] = _level(weight_D[group_D], low_D[group_D], high_D[group_D], left)
    return target_D


def _level(weight_D: Floats, low_D: Floats, high_D: Floats, places: float) -> Floats:
    """clip(h w, low, high) for weights > 0; their sum is as near to `places` as can be."""
    weight_D = weight_D / weight_D.max()

    def total(level: float) -> float:
        return float(np.clip(level * weight_D, low_D, high_D).sum())

    # The total is a straight line between neighbouring levels at which a domain meets a bound.
    levels = np.sort(np.concatenate([low_D / weight_D, high_D / weight_D])).tolist()
    after = min(bisect_left(levels, places, key=total), len(levels) - 1)
    ends = levels[max(after - 1, 0)], levels[after]
    level = np.interp(places, [total(end) for end in ends], ends)
    return np.clip(level * weight_D, low_D, high_D)


def _rounded(target_D: Floats, places: int, rng: np.random.Generator) -> Ints:
    """Whole numbers with sum `places` whose expectations are the targets."""
    whole_D = np.floor(target_D + _SLACK)
    rest_D = np.where(target_D - whole_D < _SLACK, 0.0, target_D - whole_D)
    extra = places - whole_D.sum()
    passed_D = np.minimum(np.cumsum(rest_D), extra)
    passed_D[np.max(np.flatnonzero(rest_D), initial=0) :] = extra
    return (whole_D + np.diff(np.floor(passed_D + rng.random()), prepend=0.0)).astype(np.int64)


class Progress:
    """Learning progress of every domain: how far measured rates lately ran ahead of the beliefs.

    With momentum g, over the tasks u of domain d in every call that measured any::

        S_d <- g S_d + sum surprise_u,   C_d <- g C_d + count_d,   progress_d = S_d / C_d

    where the surprise of a task is its measured rate minus its belief's mean before. Beliefs trail
    the learner, so a domain in which it improves (or forgets) has surprises of one sign.

    Args:
        momentum: g in [0, 1).
        floor: what is added to |progress| in `shares`, in solve rate, above 0.

    Example:
        >>> progress = Progress()
        >>> progress.observe(np.array([0, 0, 1]), np.array([0.25, 0.15, -0.05]))
        >>> progress.shares().round(2).tolist()
        [0.78, 0.22]
    """

    def __init__(self, momentum: float = 0.95, floor: float = 0.01) -> None:
        self._momentum = checks.number("momentum", momentum, 0.0, np.nextafter(1.0, 0.0))
        self._floor = checks.number("floor", floor, np.nextafter(0.0, 1.0))
        self._sum_D, self._count_D = np.zeros(0), np.zeros(0)

    def observe(self, domain_U: Ints, surprise_U: Floats) -> None:
        """Learns from U measured tasks.

        Args:
            domain_U: shape (U,), their domains, counted from 0; new ones are taken in.
            surprise_U: shape (U,), in [-1, 1].
        """
        if domain_U.size == 0:
            return
        size = max(self._sum_D.size, int(domain_U.max()) + 1)
        count_D = np.bincount(domain_U, minlength=size)
        keep_D = np.where(count_D > 0, self._momentum, 1.0)
        surprise_D = np.bincount(domain_U, surprise_U, minlength=size)
        self._sum_D = keep_D * _padded(self._sum_D, size) + surprise_D
        self._count_D = keep_D * _padded(self._count_D, size) + count_D

    def progress(self) -> Floats:
        """S / C of every domain seen so far, shape (D,), in [-1, 1], NaN before it is measured."""
        count_D = np.where(self._count_D > 0, self._count_D, np.nan)
        return self._sum_D / count_D

    def shares(self, num_domains: int | None = None) -> Floats:
        """Shares of a batch, proportional to |progress| + `floor`, shape (D,), with sum 1.

        A domain without a measurement counts as the one with the most progress.

        Args:
            num_domains: D; default the number of domains seen so far, of which there must be one.
        """
        size = self._sum_D.size if num_domains is None else num_domains
        checks.integer("num_domains", size, max(self._sum_D.size, 1))
        speed_D = np.full(size, np.nan)
        speed_D[: self._sum_D.size] = np.abs(self.progress())
        most = np.nanmax(speed_D) if np.isfinite(speed_D).any() else 0.0
        weight_D = np.where(np.isnan(speed_D), most, speed_D) + self._floor
        return weight_D / weight_D.sum()

    def metrics(self) -> dict[str, float]:
        """`progress/D` for every domain D that was measured."""
        progress_D = self.progress()
        return {f"progress/{d}": float(progress_D[d]) for d in np.flatnonzero(self._count_D)}

    def state_dict(self) -> dict[str, Any]:
        """The sums and counts."""
        return {"sum": self._sum_D.copy(), "count": self._count_D.copy()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Puts them back."""
        if not isinstance(state, dict) or set(state) != {"sum", "count"}:
            raise ValueError(f"the progress's state is {state!r}; it needs entries `sum`, `count`")
        sum_D, count_D = checks.vector("sum", state["sum"]), checks.vector("count", state["count"])
        if sum_D.size != count_D.size or np.any(np.abs(sum_D) > count_D * (1 + _SLACK)):
            raise ValueError(
                f"sum is {sum_D} and count {count_D}; both hold one entry per domain, and a sum is "
                "no larger than its count: go back to an earlier checkpoint"
            )
        self._sum_D, self._count_D = sum_D, count_D


def _padded(values_D: Floats, size: int) -> Floats:
    return np.append(values_D, np.zeros(size - values_D.size))
