import numpy as np
import pytest

from simulator import LearnerLaw
from simulator.user_pool import Items, split, tasks_from_items, tasks_from_rates


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def items(num_tasks: int = 500) -> Items:
    draws = rng(1)
    return Items(
        draws.normal(0, 1, num_tasks),
        draws.uniform(0.5, 2, num_tasks),
        draws.uniform(0, 0.2, num_tasks),
        draws.uniform(0.8, 1, num_tasks),
    )


DOMAINS = np.arange(500) % 3


def start_rates(tasks) -> np.ndarray:
    everything = np.arange(tasks.num_tasks)
    learner, _ = split(tasks, 0.002, LearnerLaw(drift_sd=0.0), 0, rng())
    assert learner.tasks.num_tasks == everything.size - 1
    return learner.solve_rates()


@pytest.mark.parametrize("start_rate", [0.2, 0.5, 0.8])
def test_a_learner_of_known_items_starts_at_the_given_mean(start_rate):
    tasks = tasks_from_items(items(), DOMAINS, start_rate, rng())
    assert start_rates(tasks).mean() == pytest.approx(start_rate, abs=0.003)


@pytest.mark.parametrize("start_rate", [0.1, 0.5])
def test_a_learner_of_known_rates_starts_at_the_given_mean(start_rate):
    weak = rng(2).random(500)
    tasks = tasks_from_rates({"weak": weak}, 16, DOMAINS, start_rate, rng())
    rates = start_rates(tasks)
    assert rates.mean() == pytest.approx(start_rate, abs=0.003)


def test_tasks_that_references_find_hard_are_hard():
    weak = rng(2).random(500)
    tasks = tasks_from_rates({"weak": weak, "strong": weak}, 16, DOMAINS, 0.4, rng())
    assert 0.6 < np.corrcoef(tasks.logit_N, weak)[0, 1] < 0.99


def test_tasks_without_a_rate_get_one_from_the_others():
    weak = np.where(np.arange(500) < 250, 0.9, np.nan)
    strong = np.where(np.arange(500) < 260, 0.1, np.nan)
    tasks = tasks_from_rates({"weak": weak, "strong": strong}, 16, DOMAINS, 0.4, rng())
    assert np.isfinite(tasks.logit_N).all()


@pytest.mark.parametrize(("residual_sd", "least", "most"), [(0.0, 0.999, 1.0), (1.0, 0.6, 0.97)])
def test_the_learner_strays_from_the_items_curves_by_the_residual(residual_sd, least, most):
    known = items()
    tasks = tasks_from_items(known, DOMAINS, 0.5, rng(), residual_sd)
    design = np.stack([known.discrimination_N, known.discrimination_N * known.difficulty_N])
    curve = design.T @ np.linalg.lstsq(design.T, tasks.logit_N, rcond=None)[0]
    assert least <= np.corrcoef(tasks.logit_N, curve)[0, 1] <= most + 1e-12


def test_domains_and_skills_have_their_own_abilities():
    tasks = tasks_from_items(items(), DOMAINS, 0.5, rng())
    assert set(tasks.domain_N) == {1, 2, 3}
    assert tasks.skill_N.min() == 4
    assert not set(tasks.domain_N) & set(tasks.skill_N)


def test_held_out_tasks_are_never_trained_on():
    tasks = tasks_from_items(items(), DOMAINS, 0.5, rng())
    learner, places = split(tasks, 0.2, LearnerLaw(), 0, rng())
    assert places.size == learner.tasks.num_tasks == 400
    assert learner._heldout.num_tasks == 100
    assert not set(learner._heldout.logit_N) & set(learner.tasks.logit_N)


def test_an_unreachable_start_is_an_error():
    with pytest.raises(ValueError, match=r"cannot start at a mean solve rate of 0\.01"):
        tasks_from_items(items(), DOMAINS, 0.01, rng())


def test_rates_are_needed():
    with pytest.raises(ValueError, match="no task has a reference rate"):
        tasks_from_rates({}, 16, DOMAINS, 0.5, rng())
    with pytest.raises(ValueError, match="no task has a reference rate"):
        tasks_from_rates({"weak": np.full(500, np.nan)}, 16, DOMAINS, 0.5, rng())


@pytest.mark.parametrize("share", [0.0, 1.0, -0.5, 0.0001])
def test_both_parts_need_tasks(share):
    tasks = tasks_from_items(items(), DOMAINS, 0.5, rng())
    with pytest.raises(ValueError, match="at least one"):
        split(tasks, share, LearnerLaw(), 0, rng())


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("difficulty_N", np.nan, "difficulty of task 3"),
        ("guessing_N", -0.1, "task 3 has guessing"),
        ("ceiling_N", 1.1, "task 3 has guessing"),
        ("ceiling_N", -1.0, "task 3 has guessing"),
    ],
)
def test_impossible_items_are_refused(field, value, says):
    good = items()
    names = ("difficulty_N", "discrimination_N", "guessing_N", "ceiling_N")
    fields = {name: getattr(good, name).copy() for name in names}
    fields[field][3] = value
    with pytest.raises(ValueError, match=says):
        Items(**fields)
