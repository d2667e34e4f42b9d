"""Figures over all tasks, computed from points that stand for many tasks each."""

from dataclasses import dataclass

import numpy as np

from bots import checks
from bots._types import Floats, Ints
from bots.inspection.view import LARGEST_GROUP, AbstractView, Points, Visits
from bots.live.choice.utility import CODES, scores

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
HOPELESS, MASTERED = 0.05, 0.95
BINS = 20


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Figures over the tasks of the pool or of one domain; NaN where it has none.

    Attributes:
        tasks: how many, removed ones left out.
        rate: mean posterior mean.
        hopeless: share with a posterior mean below 0.05.
        mastered: share with one above 0.95.
        informative: mean chance that a group holds both successes and failures.
    """

    tasks: int
    rate: float
    hopeless: float
    mastered: float
    informative: float


@dataclass(frozen=True, slots=True, eq=False)
class Tasks:
    """Some tasks, one by one.

    Attributes:
        task_ids: positions in the pool.
        rates: posterior means.
        sizes: effective sample sizes alpha + beta, the prior's included.
        informative: chances of an informative group.
        since: policy versions since the last visit, inf: never, NaN: not remembered.
        domains: positions in the view's `domains_D`.
    """

    task_ids: Ints
    rates: Floats
    sizes: Floats
    informative: Floats
    since: Floats
    domains: Ints


@dataclass(frozen=True, slots=True, eq=False)
class Summary:
    """What a selector believes.

    Attributes:
        group_size: n, rollouts in a group.
        whole: over all tasks.
        domains: over the tasks of each domain.
        rate_quantiles: of posterior means at `QUANTILES`; the least value that this share of the
            tasks does not exceed.
        size: mean effective sample size alpha + beta, the prior's included.
        size_quantiles: likewise.
        histogram_H: share of the tasks with a posterior mean in each of 20 bins of width 0.05.
        never: tasks that were never visited; None: not remembered.
        since_L: policy versions since the last visit, of tasks that were visited.
        stalest: the tasks whose last visit is longest ago; those that tie are the first ones.
        certain: those with the largest effective sample sizes; those that tie are any.
        promising: those with the largest chance of an informative group per relative cost;
            likewise.
        batch: the next one.
        inclusion: mean probability with which its tasks were chosen; None: not known.
    """

    group_size: float
    whole: Part
    domains: tuple[Part, ...]
    rate_quantiles: Floats
    size: float
    size_quantiles: Floats
    histogram_H: Floats
    never: int | None
    since_L: Floats
    stalest: Tasks
    certain: Tasks
    promising: Tasks
    batch: Tasks
    inclusion: float | None

    @property
    def expected_ratio(self) -> float:
        """Predicted ETR: the mean chance of an informative group over the next batch."""
        return float(self.batch.informative.mean())


def summarise(
    view: AbstractView,
    group_size: float | None = None,
    batch_size: int | None = None,
    top: int = 10,
) -> Summary:
    """Figures over all tasks, some tasks, and the next batch.

    Args:
        view: the opened state.
        group_size: n, at least 1; default: the view's.
        batch_size: of the next batch; default: the view's.
        top: how many tasks are listed as stalest and so on, >= 0.

    Raises:
        ValueError: for numbers out of range.

    Example:
        >>> from bots import BOTSSelector, Pool
        >>> from bots.inspection.opened import opened
        >>> pool = Pool.numbered(3, {"weak": [0.0, 0.2, 0.9], "strong": [0.3, 0.9, 1.0]})
        >>> view = opened(BOTSSelector(pool, np.random.default_rng(0)).state_dict())
        >>> round(summarise(view, group_size=8).whole.informative, 3)
        0.778
    """
    given = view.group_size if group_size is None else group_size
    group_size = checks.number("group_size", given, 0 if group_size is None else 1, LARGEST_GROUP)
    top = checks.integer("top", top, 0)
    points, visits = view.points, view.visits()
    informative_X = chances(points.alpha_X, points.beta_X, group_size)
    batch = view.next_batch(view.batch_size if batch_size is None else batch_size)
    inclusion_B = batch.inclusion_B

    def described(task_ids: Ints) -> Tasks:
        return _described(view, visits, group_size, task_ids)

    rates_X, sizes_X, count_X = points.rates_X, points.sizes_X, points.count_X
    never, since_L, stalest = _by_visit(visits, top)
    domains, whole = _parts(points, informative_X, len(view.domains_D))
    return Summary(
        group_size,
        whole,
        domains,
        _quantiles(rates_X, count_X),
        float(sizes_X @ count_X / whole.tasks),
        _quantiles(sizes_X, count_X),
        np.histogram(rates_X, BINS, (0, 1), weights=count_X)[0] / whole.tasks,
        never,
        since_L,
        described(stalest),
        described(_best(view, points, sizes_X, top)),
        described(_best(view, points, informative_X / points.cost_X, top)),
        described(batch.task_ids_B),
        None if inclusion_B is None else float(inclusion_B.mean()),
    )


def chances(alpha_X: Floats, beta_X: Floats, group_size: float) -> Floats:
    """The chance of an informative group under each belief; see `bots.live.utility.informative`."""
    return scores(CODES["informative"], alpha_X, beta_X, group_size)


def _parts(
    points: Points, informative_X: Floats, num_domains: int
) -> tuple[tuple[Part, ...], Part]:
    """Figures of every domain, and of all tasks."""
    rates_X = points.rates_X
    values_F = (np.ones(rates_X.size), rates_X, rates_X < HOPELESS, rates_X > MASTERED)
    sums_FD = np.array(
        [
            np.bincount(points.domain_X, points.count_X * values_X, num_domains)
            for values_X in (*values_F, informative_X)
        ]
    )
    parts = [_part(sums_F) for sums_F in (*sums_FD.T, sums_FD.sum(axis=1))]
    return tuple(parts[:-1]), parts[-1]


def _part(sums_F: Floats) -> Part:
    means = sums_F[1:] / sums_F[0] if sums_F[0] else np.full(sums_F.size - 1, np.nan)
    return Part(round(sums_F[0]), *means.tolist())


def _quantiles(values_X: Floats, count_X: Ints) -> Floats:
    """The values at `QUANTILES` if each were there `count_X` times."""
    order = np.argsort(values_X)
    up_to_X = np.cumsum(count_X[order])
    wanted = np.maximum(np.ceil(np.multiply(QUANTILES, up_to_X[-1])), 1)
    return values_X[order[np.searchsorted(up_to_X, wanted)]]


def _by_visit(visits: Visits | None, top: int) -> tuple[int | None, Floats, Ints]:
    """How many tasks were never visited, versions since the others' last visits, the stalest."""
    if visits is None:
        return None, np.empty(0), np.empty(0, np.int64)
    last_N = visits.last_N
    visited = np.flatnonzero(np.isfinite(last_N))
    last_L = last_N[visited]
    never = int((last_N == -np.inf).sum())
    oldest = np.arange(visited.size)
    if 0 < top < visited.size:
        oldest = np.flatnonzero(last_L <= np.partition(last_L, top - 1)[top - 1])
    order = np.argsort(last_L[oldest], kind="stable")[:top]
    return never, visits.now - last_L, visited[oldest[order]]


def _best(view: AbstractView, points: Points, value_X: Floats, top: int) -> Ints:
    """The tasks with the largest values, best first."""
    some = np.flatnonzero(points.count_X > 0)
    if 0 < top < some.size:
        best = np.partition(value_X[some], some.size - top)[some.size - top]
        some = some[value_X[some] >= best]
    found = np.empty(0, np.int64)
    for point in some[np.argsort(-value_X[some], kind="stable")][:top]:
        if found.size < top:
            found = np.append(found, view.members(int(point), top - found.size))
    return found


def _described(view: AbstractView, visits: Visits | None, group_size: float, tasks: Ints) -> Tasks:
    alpha, beta = view.pseudo_counts(tasks)
    since = np.full(tasks.size, np.nan)
    if visits is not None:
        since = visits.now - visits.last_N[tasks]
    informative = chances(alpha, beta, group_size)
    return Tasks(
        tasks, alpha / (alpha + beta), alpha + beta, informative, since, view.domains(tasks)
    )
