"""Random search in two rounds, the same for every strategy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from bench.runner import plans, run_cells
from bench.settings import Setting
from bench.store import Store
from bench.strategies import REFERENCE
from bench.summary import BEST
from bench.tuning.score import FAILED, Runs
from bench.tuning.trials import Trial

_KEPT = 1 / 4  # of the drawn trials, that enter the second round


@dataclass(frozen=True, slots=True)
class Course:
    """Where trials are judged.

    Attributes:
        settings: each has the same weight.
        seeds: the first alone decides which trials meet the others.
    """

    settings: tuple[Setting, ...]
    seeds: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """What the search found for a strategy.

    Attributes:
        strategy: who.
        options: of the best trial; none: the defaults.
        score: its score on the seeds of the second round; -inf when every trial failed. As the best
            of several noisy ones it is too high on average.
        default_score: of the defaults, on the same seeds.
        trials: how many there were.
        failed: how many of them failed, in either round.
        cells: how many runs they took, those of shuffle and the gain oracle not counted.
    """

    strategy: str
    options: Mapping[str, Any]
    score: float
    default_score: float
    trials: int
    failed: int
    cells: int


def search(
    fields: Mapping[str, Sequence[Trial]],
    course: Course,
    store: Store,
    workers: int,
    redo: bool = False,
) -> list[Found]:
    """The best trial of each strategy.

    All trials are run on the first seed. The defaults, and the best quarter of the others, are run
    on the other seeds and judged by these alone, since the first one chose them. So no winner
    scores below the defaults, which also win a tie.

    Args:
        fields: by strategy, its trials, all different, the defaults first.
        course: where they are judged.
        store: where cells go; those that are there are not run again.
        workers: processes.
        redo: run cells again that the store holds with another configuration.

    Raises:
        KeyboardInterrupt: when a signal stopped the runs.
        ValueError: see `bench.runner.run_cells` and `bench.tuning.score.Runs.score`.
    """
    first, rest = course.seeds[:1], course.seeds[1:]

    def run(contenders: Mapping[str, Sequence[Trial]], seeds: Sequence[int]) -> Runs:
        specs = [trial.spec for field in contenders.values() for trial in field]
        cells = plans(course.settings, [REFERENCE, BEST, *specs], seeds)
        if run_cells(cells, store, workers, redo).signal:
            raise KeyboardInterrupt
        return Runs(store.load())

    runs = run(fields, first)
    early = {name: _scores(field, runs, course, first) for name, field in fields.items()}
    finalists = {name: _finalists(field, early[name]) for name, field in fields.items()}
    if rest:
        runs = run(finalists, rest)
    judges = rest or first
    late = {name: _scores(field, runs, course, judges) for name, field in finalists.items()}
    return [_found(fields[name], early[name], late[name], course) for name in fields]


def _scores(
    field: Sequence[Trial], runs: Runs, course: Course, seeds: Sequence[int]
) -> dict[str, float]:
    return {trial.spec: runs.score(trial.spec, course.settings, seeds) for trial in field}


def _finalists(field: Sequence[Trial], scores: Mapping[str, float]) -> list[Trial]:
    """The defaults, and the best of the others that did not fail."""
    defaults, *others = field
    ranked = sorted(others, key=lambda trial: -scores[trial.spec])
    kept = ranked[: ceil(_KEPT * len(others))]
    return [defaults, *(trial for trial in kept if scores[trial.spec] > FAILED)]


def _found(
    field: Sequence[Trial], early: Mapping[str, float], late: Mapping[str, float], course: Course
) -> Found:
    best = max((trial for trial in field if trial.spec in late), key=lambda trial: late[trial.spec])
    scores = {**early, **late}
    runs = len(field) + len(late) * (len(course.seeds) - 1)
    return Found(
        best.strategy,
        best.options,
        late[best.spec],
        late[field[0].spec],
        len(field),
        sum(score == FAILED for score in scores.values()),
        runs * len(course.settings),
    )
