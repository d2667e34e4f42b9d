"""Pools and classes, put together and taken apart."""

from typing import Any

import numpy as np
import numpy.typing as npt

from bots.live.belief.classes import TaskClasses
from bots.live.config import LiveConfig
from bots.pool import Pool


def joined(first: Pool, second: Pool) -> Pool:
    """The tasks of `first`, followed by those of `second`.

    Raises:
        ValueError: when they differ in what is known of their tasks, or share a key.

    Example:
        >>> joined(Pool(["a"]), Pool(["b", "c"])).keys_N.tolist()
        ['a', 'b', 'c']
    """
    for what, one, other in (
        ("references", sorted(first.references), sorted(second.references)),
        ("domains", first.domains_N is not None, second.domains_N is not None),
        ("features", first.features_ND is not None, second.features_ND is not None),
        ("kinds of keys", first.keys_N.dtype.kind, second.keys_N.dtype.kind),
    ):
        if one != other:
            raise ValueError(
                f"the pool has {what} {one}, the tasks to be added {other}: give both the same "
                "(reference rates that are not known may be NaN)"
            )
    return Pool(
        np.concatenate([first.keys_N, second.keys_N]),
        {
            name: np.concatenate([rates, second.references[name]])
            for name, rates in first.references.items()
        },
        _both(first.domains_N, second.domains_N),
        _both(first.features_ND, second.features_ND),
    )


def packed(classes: TaskClasses) -> dict[str, Any]:
    """Classes as JSON values and arrays."""
    return {
        "references": classes.references_CK.copy(),
        "names": list(classes.names_K),
        "domain": classes.domain_C.copy(),
        "domains": list(classes.domains_D),
        "levels": classes.levels,
    }


def unpacked(state: Any) -> TaskClasses:
    """What `packed` packed.

    Raises:
        ValueError: for damaged state.
    """
    try:
        names, domains = (_strings(state[name]) for name in ("names", "domains"))
        levels = state["levels"]
        if len(state) != 5 or not (levels is None or (type(levels) is int and levels > 0)):
            raise ValueError(f"levels {levels!r}")
        domain_C = state["domain"]
        if not isinstance(domain_C, np.ndarray) or domain_C.dtype != np.int64:
            raise ValueError("domain does not hold positions")
        return TaskClasses(state["references"], names, domain_C, domains, levels)
    except (LookupError, TypeError, ValueError) as error:
        raise ValueError(
            f"the state's classes are damaged ({error!r}): go back to an earlier checkpoint"
        ) from None


def _strings(values: Any) -> tuple[str, ...]:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise ValueError(f"{values!r} are not labels")
    if len(set(values)) != len(values):
        raise ValueError(f"{values!r} has labels twice")
    return tuple(values)


def _both(
    first: npt.NDArray[Any] | None, second: npt.NDArray[Any] | None
) -> npt.NDArray[Any] | None:
    return None if first is None or second is None else np.concatenate([first, second])


def check_settings(
    config: LiveConfig, classes: TaskClasses, *tasks: npt.NDArray[np.uint16]
) -> None:
    """Refuses settings that a pool with tasks of these classes does not allow.

    Raises:
        ValueError: for a missing reference, or bounds of domains that cannot all be met.
    """
    missing = {"weak", "strong"} - set(classes.names_K)
    if config.predictor == "line" and missing and config.predicts:
        raise ValueError(
            f"predictor is 'line' but the pool has no reference {sorted(missing)}: add the rates "
            "to Pool(references=...), or set predictor='logit' or 'none'"
        )
    size_C = sum(np.bincount(class_N, minlength=classes.num_classes) for class_N in tasks)
    occupied = np.unique(classes.domain_C[size_C > 0])
    config.bounds([classes.domains_D[d] for d in occupied])
