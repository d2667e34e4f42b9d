"""Classes of tasks: groups about which the same is known before any of them is rolled out."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bots import checks
from bots._types import Floats, Ints
from bots.live.belief.grouping import Column, distinct_values, grouped, positions, rounded
from bots.pool import Pool

_GRIDS = (None, 256, 128, 64, 32, 16, 8, 4, 2, 1)  # finest first; None: rates as they are
_MOST = 1 << 16  # what class numbers of 16 bits can tell apart


class TooManyClassesError(ValueError):
    """There are more classes than can be told apart."""


@dataclass(frozen=True, slots=True, eq=False)
class TaskClasses:
    """C groups of tasks; the tasks of a group have the same reference rates and domain.

    Attributes:
        references_CK: shape (C, K), rates in [0, 1], NaN where not measured; K may be 0.
        names_K: the references' names, ascending.
        domain_C: shape (C,), positions in `domains_D`.
        domains_D: the domains' labels as strings, distinct; `("",)` for a pool without domains.
        levels: L when rates were rounded to multiples of 1 / L, None when they were not.

    Raises:
        ValueError: for shapes that do not fit, rates outside [0, 1], unknown domains.

    Example:
        >>> classes = TaskClasses(np.array([[0.1], [0.9]]), ("weak",), np.array([0, 0]), ("math",))
        >>> classes.num_classes, classes.reference("weak").tolist()
        (2, [0.1, 0.9])
    """

    references_CK: Floats
    names_K: tuple[str, ...]
    domain_C: Ints
    domains_D: tuple[str, ...]
    levels: int | None = None

    def __post_init__(self) -> None:
        references_CK = checks.numbers("references", self.references_CK)
        domain_C = np.array(self.domain_C, dtype=np.int64)
        shape = (domain_C.size, len(self.names_K))
        if domain_C.ndim != 1 or domain_C.size == 0 or references_CK.shape != shape:
            raise ValueError(
                f"references have shape {references_CK.shape} and domains {domain_C.shape} for "
                f"{len(self.names_K)} names; they must be (C, K) and (C,) with C at least 1"
            )
        checks.shares("references", references_CK[~np.isnan(references_CK)])
        if domain_C.min() < 0 or domain_C.max() >= len(self.domains_D):
            raise ValueError(
                f"domains span {domain_C.min()} to {domain_C.max()}; they are positions in the "
                f"{len(self.domains_D)} labels of domains_D"
            )
        for name, array in (("references_CK", references_CK), ("domain_C", domain_C)):
            array.setflags(write=False)
            object.__setattr__(self, name, array)

    @property
    def num_classes(self) -> int:
        """C."""
        return int(self.domain_C.size)

    def reference(self, name: str) -> Floats:
        """The rates of one reference, shape (C,), NaN where not measured."""
        if name not in self.names_K:
            raise ValueError(
                f"there is no reference {name!r} among {list(self.names_K)}: add its rates to "
                "Pool(references=...) or choose a predictor that does without"
            )
        return self.references_CK[:, self.names_K.index(name)]


def classes_of(
    pool: Pool, known: TaskClasses | None = None, max_classes: int = 65_000
) -> tuple[TaskClasses, npt.NDArray[np.uint16]]:
    """The classes of a pool's tasks, and which class each task is in.

    A class is a distinct row of reference rates and domain. Where there are more than `max_classes`
    of them, rates are rounded to multiples of 1 / L, with the largest L among 256, 128, ..., 1 at
    which there are not; a rate is then off by at most 1 / (2 L), and so is every prediction on a
    line between two references. Rates counted in a few rollouts need no rounding.

    Cost: a few look-ups per task and column, and about 30 bytes per task beside the result.

    Args:
        pool: the tasks; its references and domains are used.
        known: classes of another pool with the same references. They keep their numbers, occupied
            or not; rows (rounded as theirs) and domains that they lack come after them.
        max_classes: between 1 and 65,536.

    Returns:
        The classes, in ascending order of domain and rates where they are new, and class numbers
        of shape (N,).

    Raises:
        ValueError: when `known` has other references, or there are too many classes still.

    Example:
        >>> pool = Pool(["a", "b", "c"], {"weak": [0.5, 0.25, 0.5]})
        >>> classes, class_N = classes_of(pool)
        >>> classes.references_CK.tolist(), class_N.tolist()
        ([[0.25], [0.5]], [1, 0, 1])
    """
    checks.integer("max_classes", max_classes, 1, _MOST)
    names_K = tuple(sorted(pool.references))
    if known is not None and known.names_K != names_K:
        raise ValueError(
            f"the pool has references {list(names_K)}, the known classes {list(known.names_K)}: "
            "give the pool the same references (NaN where a rate is not measured)"
        )
    domains_D, domain = _domains(pool, known, max_classes)
    for levels in _GRIDS if known is None else (known.levels,):
        groups = grouped(_columns(pool, known, domain, len(domains_D), levels), max_classes)
        if groups is not None:
            rows_C, group = _renumbered(*groups, 0 if known is None else known.num_classes)
            references_CK = np.empty((rows_C[0].size, len(names_K)))
            for k, rates_C in enumerate(rows_C[1:]):
                references_CK[:, k] = rates_C
            return TaskClasses(references_CK, names_K, rows_C[0], domains_D, levels), group
    raise TooManyClassesError(
        f"the {len(names_K)} references and {len(domains_D)} domains make more than max_classes = "
        f"{max_classes} classes: "
        + (
            "merge domains, drop references, or raise max_classes (up to 65,536)"
            if known is None
            else "form the classes anew, without the known ones, so that rates are rounded more"
        )
    )


def _domains(
    pool: Pool, known: TaskClasses | None, limit: int
) -> tuple[tuple[str, ...], npt.NDArray[np.int32]]:
    """All labels, and the domain of every known class and then of every task."""
    labels, code = [""], np.zeros(pool.num_tasks, dtype=np.int32)
    if pool.domains_N is not None:
        distinct = distinct_values(pool.domains_N, limit)
        if distinct is None:
            raise ValueError(
                f"the pool has more than max_classes = {limit} domains: merge domains, or leave "
                "them out"
            )
        labels, code = (
            [str(label) for label in distinct.tolist()],
            positions(pool.domains_N, distinct),
        )
    before = () if known is None else known.domains_D
    domains_D = tuple(dict.fromkeys([*before, *labels]))
    place = {label: d for d, label in enumerate(domains_D)}
    code = np.array([place[label] for label in labels], dtype=np.int32)[code]
    if known is not None:
        code = np.concatenate([known.domain_C.astype(np.int32), code])
    return domains_D, code


def _columns(
    pool: Pool,
    known: TaskClasses | None,
    domain: npt.NDArray[np.int32],
    num_domains: int,
    levels: int | None,
) -> Iterator[Column | None]:
    """Domains, then reference by reference; None where a column alone has too many entries."""
    yield np.arange(num_domains), domain
    for name in sorted(pool.references):
        rates = pool.references[name]
        if known is not None:
            rates = np.concatenate([known.reference(name), rates])
        if levels is not None:
            yield np.append(np.arange(levels + 1) / levels, np.nan), rounded(rates, levels)
            continue
        entries = distinct_values(rates, _MOST)
        yield None if entries is None else (entries, positions(rates, entries))


def _renumbered(
    rows: list[npt.NDArray[Any]], group: npt.NDArray[np.int32], num_known: int
) -> tuple[list[npt.NDArray[Any]], npt.NDArray[np.uint16]]:
    """The first `num_known` members' groups become groups 0, 1, ...; the others follow in order."""
    first = group[:num_known]
    if np.unique(first).size < num_known:
        raise ValueError("two known classes are equal: pass classes that classes_of returned")
    order = np.concatenate([first, np.setdiff1d(np.arange(rows[0].size), first)])
    number = np.empty(order.size, dtype=np.uint16)
    number[order] = np.arange(order.size)
    return [column[order] for column in rows], number[group[num_known:]]
