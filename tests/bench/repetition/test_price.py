"""The price of repetition, recovered from tables whose law is known."""

import numpy as np
import pytest

from bench.repetition.growth import visits_by_growth, worth_by_growth
from bench.repetition.measure import Run, Weighed
from bench.repetition.page import report
from bench.repetition.price import price


def made(
    nu: float, seed: int, strategy: str = "shuffle", noise: float = 0.3, pool_size: int = 0
) -> Weighed:
    """3,000 tasks; half are untouched, easier ones were visited more; cells differ in value."""
    rng = np.random.default_rng([seed, 7])
    size = 3000
    rate = rng.uniform(0.03, 0.97, size)
    cell = rng.integers(6, size=size)
    touched = rng.random(size) < 0.5
    visits = np.where(touched, rng.poisson(20 * rate**2) + 1, 0)
    lessons = rng.binomial(visits, 0.9)
    value = (1 + cell) * (0.5 + rate) / (1 + lessons / nu) * rng.lognormal(0, noise, size)
    columns = {
        "step": np.full(size, 120),
        "task": np.arange(size),
        "cell": np.array([f"{'ABCDEF'[c]}1" for c in cell]),
        "visits": visits,
        "lessons": lessons,
        "rate": rate,
        "influence": value,
        "plain": value,
    }
    curve = {"step": [0, 120], "heldout": [0.1, 0.2], "lessons": [0, int(lessons.sum())]}
    pool_size = pool_size or (1500 if strategy == "shuffle" else 3000)
    return Weighed(Run(strategy, pool_size, seed), columns, curve, lessons[lessons > 0])


@pytest.mark.parametrize("nu", [4.0, 16.0])
def test_the_law_is_recovered_although_visited_tasks_are_easier(nu):
    found = price([made(nu, seed) for seed in range(3)], resamples=200)
    assert found.visits.low < nu < found.visits.high
    assert found.visits.value == pytest.approx(nu, rel=0.25)
    for bin_ in found.bins:
        assert bin_.ratio.value == pytest.approx(1 / (1 + bin_.lessons / nu), abs=0.12)


def test_free_repetition_is_seen_to_be_free():
    found = price([made(1e9, seed) for seed in range(3)], resamples=200)
    assert found.visits.low > 100
    assert all(bin_.ratio.value == pytest.approx(1, abs=0.1) for bin_ in found.bins)


@pytest.mark.integration
def test_intervals_cover_the_truth():
    """40 tables at 90 % coverage or worse would fail with a chance of 1 in 20 or more below 33."""
    nu = 8.0
    covered = [
        found.visits.low <= nu <= found.visits.high
        for found in (
            price([made(nu, 3 * turn + s) for s in range(3)], resamples=150) for turn in range(40)
        )
    ]
    assert sum(covered) >= 33


def test_without_untouched_tasks_there_is_nothing_to_compare_with():
    found = made(8.0, 0)
    found.columns["visits"] = np.maximum(found.columns["visits"], 1)
    found.columns["lessons"] = np.maximum(found.columns["lessons"], 1)
    with pytest.raises(ValueError, match="untouched"):
        price([found])


def grown(nu: float, seed: int) -> list[Weighed]:
    """Runs in random order whose lessons are worth 1 / (1 + v / nu) of (.3 - J) / 1,000."""
    runs = []
    for pool_size in (48, 192, 768, 30_000):
        heldout, lessons = [0.1], [0]
        for _ in range(12):
            before = (lessons[-1] + 100) / pool_size
            gain = 200 * 4e-4 * (0.3 - heldout[-1]) / (1 + before / nu)
            heldout.append(heldout[-1] + gain)
            lessons.append(lessons[-1] + 200)
        curve = {"step": list(range(13)), "heldout": heldout, "lessons": lessons}
        runs.append(Weighed(Run("shuffle", pool_size, seed), {}, curve, np.array([1])))
    return runs


@pytest.mark.parametrize("nu", [4.0, 20.0])
def test_growth_tells_the_price(nu):
    runs = [run for seed in range(3) for run in grown(nu, seed)]
    for bin_ in worth_by_growth(runs):
        assert bin_.ratio.value == pytest.approx(1 / (1 + bin_.lessons / nu), abs=0.08)
    assert np.mean(list(visits_by_growth(runs).values())) == pytest.approx(nu, rel=0.3)


@pytest.mark.integration
def test_the_page_has_every_table_and_a_picture(tmp_path):
    runs = [made(8.0, s, name) for s in range(3) for name in ("shuffle", "bots")]
    runs += [made(8.0, s, "shuffle", pool_size=3000) for s in range(3)]
    text = report(runs, tmp_path / "picture.png")
    assert "all runs: ν" in text
    assert "bots, 3,000 tasks" in text
    assert "0.02 to 0.05" in text
    assert (tmp_path / "picture.png").stat().st_size > 10_000
