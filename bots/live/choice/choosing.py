"""From beliefs to a batch: places by rank, places drawn uniformly, and how likely each task was."""

from dataclasses import dataclass

import numpy as np

from bots._types import Bools, Floats, Ints
from bots.live.belief.beliefs import Beliefs
from bots.live.belief.classes import TaskClasses
from bots.live.choice.domains import allocate
from bots.live.choice.expectation import ExpectationLaw, rank_best
from bots.live.choice.inclusion import inclusion_probabilities
from bots.live.choice.kernels import BARRED, REMOVED, Recall
from bots.live.choice.ranked import Ranked, pick
from bots.live.choice.thompson import DrawLaw, draw_best
from bots.live.config import LiveConfig

Law = DrawLaw | ExpectationLaw

_AWAY = REMOVED | BARRED
_ROUNDING = 1e-9  # of shares that add up to 1


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """What a choice is made from.

    Attributes:
        beliefs: about all tasks.
        classes: the tasks' classes.
        config: what is preferred.
        cost_C: relative expected tokens, >= 1.
        now: the policy version.
        group_size: rollouts per task to be expected.
        progress_D: shares of a batch that domains would have by progress.
        density_S: draws per unit of rank that the last choice met, by stratum; empty: none yet.
    """

    beliefs: Beliefs
    classes: TaskClasses
    config: LiveConfig
    cost_C: Floats
    now: float
    group_size: float
    progress_D: Floats
    density_S: Floats

    def law(self, divided: bool) -> Law:
        """The ranking, in one stratum or in one per domain."""
        strata = self.classes.domain_C if divided else np.zeros(self.cost_C.size, np.int64)
        num_strata = len(self.classes.domains_D) if divided else 1
        recall = Recall(float(self.now), float(self.config.retest))
        if self.config.thompson:
            return DrawLaw(self.config.target, self.cost_C, strata, num_strata, recall)
        closeness = self.config.utility == "closeness"
        parameter = self.config.target if closeness else self.group_size
        return ExpectationLaw(
            self.config.utility, parameter, self.cost_C, strata, num_strata, recall
        )


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """A batch, and what its inclusion probabilities depend on.

    Attributes:
        task_ids_B: those taken by rank, then those drawn uniformly.
        ranked: the best tasks.
        places_S: how many of each stratum were taken by rank.
        num_available: how many tasks could have been chosen.
        density_S: for the next choice.
    """

    task_ids_B: Ints
    ranked: Ranked
    places_S: Ints
    num_available: int
    density_S: Floats

    def inclusion(self, scene: Scene) -> Floats:
        """The probability with which each task was chosen, given the other tasks' draws."""
        law = scene.law(self.places_S.size > 1)
        by_rank = int(self.places_S.sum())
        chances = np.concatenate(
            [
                self._chances(scene, law, self.task_ids_B[:by_rank], by_rank=True),
                self._chances(scene, law, self.task_ids_B[by_rank:], by_rank=False),
            ]
        )
        num_uniform = self.task_ids_B.size - by_rank
        return inclusion_probabilities(
            chances,
            np.arange(chances.size) < by_rank,
            num_uniform,
            self.num_available,
            by_rank,
        )

    def _chances(self, scene: Scene, law: Law, task_ids: Ints, by_rank: bool) -> Floats:
        """The chance to be among the best: to rank better than the last of the others' best."""
        strata = law.stratum_C[scene.beliefs.table.class_N[task_ids]]
        reach_S = self.ranked.nth(self.places_S + int(by_rank))
        chances = law.chances(scene.beliefs, task_ids, reach_S[strata])
        if isinstance(law, ExpectationLaw):
            last_S = self.ranked.nth(self.places_S)
            ties = law.ties(scene.beliefs, task_ids, last_S[strata])
            chances = np.where(ties, self.ranked.lottery_S[strata], chances)
        return chances


def choose(scene: Scene, batch_size: int, barred: Ints, rng: np.random.Generator) -> Choice:
    """`batch_size` distinct tasks, none removed or in `barred` (distinct, not removed)."""
    flags_N, before = scene.beliefs.table.flags_N, rng.bit_generator.state
    flags_N[barred] |= BARRED
    try:
        return _choose(scene, batch_size, barred, rng)
    except ValueError:
        rng.bit_generator.state = before
        raise
    finally:
        flags_N[barred] &= ~BARRED


def _choose(scene: Scene, batch_size: int, barred: Ints, rng: np.random.Generator) -> Choice:
    beliefs = scene.beliefs
    num_uniform = _rounded(scene.config.coverage * batch_size, rng)
    places_S = np.array([batch_size - num_uniform])
    if scene.config.divides:
        places_S = _divided(scene, int(places_S[0]), barred, rng)
    ranked, density_S = _best(scene, scene.law(scene.config.divides), places_S, barred, rng)
    by_rank = ranked.task_ids[ranked.first(places_S)]

    def usable(task_ids: Ints) -> Bools:
        return (beliefs.table.flags_N[task_ids] & _AWAY == 0) & ~np.isin(task_ids, by_rank)

    uniform = pick(lambda places: places, beliefs.num_tasks, num_uniform, usable, rng)
    num_available = beliefs.num_tasks - beliefs.removed.size - barred.size
    task_ids_B = np.concatenate([by_rank, uniform])
    return Choice(task_ids_B, ranked, places_S, num_available, density_S)


def _best(
    scene: Scene, law: Law, places_S: Ints, barred: Ints, rng: np.random.Generator
) -> tuple[Ranked, Floats]:
    if isinstance(law, ExpectationLaw):
        return rank_best(scene.beliefs, law, places_S, barred, rng), scene.density_S
    density_S = scene.density_S
    if density_S.size != law.num_strata:
        total = density_S.sum() if density_S.size else float(scene.beliefs.num_tasks)
        density_S = np.full(law.num_strata, total / law.num_strata)
    return draw_best(scene.beliefs, law, places_S + 1, density_S, rng)


def _divided(scene: Scene, places: int, barred: Ints, rng: np.random.Generator) -> Ints:
    """The places of each domain."""
    domain_C, config = scene.classes.domain_C, scene.config
    num_domains = len(scene.classes.domains_D)
    if places == 0:
        return np.zeros(num_domains, np.int64)
    class_N = scene.beliefs.table.class_N
    size_D = np.bincount(domain_C, np.diff(scene.beliefs.starts_C), num_domains)
    available_D = size_D - np.bincount(domain_C, scene.beliefs.removed_C, num_domains)
    available_D -= np.bincount(domain_C[class_N[barred]], minlength=num_domains)
    if config.allocation == "belief":
        pilot, _ = _best(scene, scene.law(False), np.array([places]), barred, rng)
        best = pilot.task_ids[pilot.first(np.array([places]))]
        wanted_D = np.bincount(domain_C[class_N[best]], minlength=num_domains)
    else:
        wanted_D = scene.progress_D if config.allocation == "progress" else available_D
    most_D = available_D / max(places, 1)
    floor_D, ceiling_D = np.zeros(num_domains), np.ones(num_domains)
    here = np.flatnonzero(size_D)  # the other domains are those of a pool before this one
    floor_D[here], ceiling_D[here] = config.bounds([scene.classes.domains_D[d] for d in here])
    floor_D = np.minimum(floor_D, most_D)
    if (
        np.minimum(ceiling_D, most_D).sum() < 1 - _ROUNDING
    ):  # the other domains have too few tasks just now
        ceiling_D[:] = 1
    return allocate(
        wanted_D.astype(np.float64), available_D.astype(np.int64), places, floor_D, ceiling_D, rng
    )


def _rounded(number: float, rng: np.random.Generator) -> int:
    """A whole number whose expectation is `number`."""
    whole = int(number)
    return whole + (number > whole and rng.random() < number - whole)
