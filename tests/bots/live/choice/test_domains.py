import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from bots.live.choice.domains import Progress, allocate


def places(wanted, available, batch_size, floor=0.0, ceiling=1.0, rng=None):
    size = len(wanted)
    return allocate(
        np.array(wanted, dtype=float),
        np.array(available),
        batch_size,
        np.broadcast_to(floor, size),
        np.broadcast_to(ceiling, size),
        np.random.default_rng(0) if rng is None else rng,
    )


DOMAIN = st.tuples(
    st.one_of(st.just(0.0), st.floats(1e-6, 1e6)),
    st.integers(0, 50),
    st.floats(0, 0.3),
    st.floats(0.3, 1),
)


@given(st.lists(DOMAIN, min_size=1, max_size=8), st.integers(1, 100), st.integers(0, 2**31))
def test_places_keep_to_every_bound_and_add_up(domains, batch_size, seed):
    wanted, available, floor, ceiling = (np.array(x) for x in zip(*domains, strict=True))
    floor = floor / max(floor.sum(), 1)
    room = np.minimum(ceiling * batch_size, available)
    assume(room.sum() >= batch_size and np.all(floor * batch_size <= available))
    got = places(wanted, available, batch_size, floor, ceiling, np.random.default_rng(seed))
    assert got.sum() == batch_size
    assert np.all(got <= available)
    assert np.all(got > floor * batch_size - 1)
    assert np.all(got < ceiling * batch_size + 1)


@pytest.mark.integration
def test_expected_places_are_exact():
    # 12 z-scores of 10,000 draws each; beyond 5 with a chance of 1e-5.
    rng = np.random.default_rng(1)
    wanted, draws = np.array([1, 2, 3.5, 0.25]), 10_000
    for ceiling, floor, expected in (
        (1.0, 0.0, 7 * wanted / wanted.sum()),
        (0.4, 0.0, np.append(np.array([1, 2]) * (7 - 2.8) / 3.25, [2.8, 0.25 * 4.2 / 3.25])),
        (1.0, 0.1, np.append(wanted[:3] * (7 - 0.7) / 6.5, 0.7)),
    ):
        got = np.array(
            [places(wanted, [99] * 4, 7, floor, ceiling, rng) for _ in range(draws)], dtype=float
        )
        rest = expected - np.floor(expected)
        error = got.mean(axis=0) - expected
        assert np.all(np.abs(error) < 5 * np.sqrt(rest * (1 - rest) / draws) + 1e-9)
        assert np.all(np.abs(got - expected) < 1)


def test_whole_targets_need_no_luck():
    for seed in range(20):
        rng = np.random.default_rng(seed)
        assert places([1, 1, 2], [9, 9, 9], 8, rng=rng).tolist() == [2, 2, 4]


def test_domains_that_nobody_wants_fill_up_last():
    assert places([1, 0, 0], [3, 9, 9], 3).tolist() == [3, 0, 0]
    assert places([1, 0, 0], [3, 9, 9], 7).tolist() == [3, 2, 2]
    assert places([0, 0], [9, 9], 4).tolist() == [2, 2]
    assert places([1, 0], [9, 9], 4, floor=0.25).tolist() == [3, 1]


def test_the_unit_of_what_is_wanted_does_not_matter():
    wanted, available = np.array([0.3, 0.01, 5.0, 0.0]), [3, 7, 9, 9]
    for scale in (1e-200, 1e-9, 1e200):
        rngs = np.random.default_rng(3), np.random.default_rng(3)
        assert_array_equal(
            places(wanted * scale, available, 12, rng=rngs[0]),
            places(wanted, available, 12, rng=rngs[1]),
        )


@pytest.mark.parametrize(
    ("wanted", "available", "floor", "ceiling", "message"),
    [
        ([1, -1], [9, 9], 0, 1, "wanted is .* at least 0"),
        ([1, 1], [9, 9, 9], 0, 1, "one per domain"),
        ([1, 1], [9, 9], [0, 0.6], [1, 0.5], "domain 1 has floor 0.6 above its ceiling 0.5"),
        ([1, 1], [9, 9], [0.7, 0.4], 1, "largest is 0.7 of domain 0"),
        ([1, 1], [9, 2], [0, 0.5], 1, "domain 1 has a floor of 4 places but 2 tasks"),
        ([1, 1], [3, 3], 0, 1, "can fill 6 of 8 places: lower batch_size"),
        ([1, 1], [9, 1], 0, 0.5, "can fill 5 of 8 places: raise ceilings, that of domain 0"),
    ],
)
def test_what_cannot_be_met_names_the_domain_and_the_remedy(
    wanted, available, floor, ceiling, message
):
    size = len(wanted)
    with pytest.raises(ValueError, match=message):
        allocate(
            np.array(wanted, dtype=float),
            np.array(available),
            8,
            np.broadcast_to(floor, size),
            np.broadcast_to(ceiling, size),
            np.random.default_rng(0),
        )


def test_shares_follow_the_size_of_progress_whatever_its_sign():
    progress = Progress(floor=0.01)
    for _ in range(30):
        progress.observe(np.array([0, 1, 1, 2]), np.array([0.2, -0.3, -0.1, 0.0]))
    assert_allclose(progress.progress(), [0.2, -0.2, 0.0], atol=1e-12)
    assert_allclose(progress.shares(), np.array([0.21, 0.21, 0.01]) / 0.43)


def test_progress_follows_a_change_and_waits_while_nothing_is_measured():
    progress = Progress(momentum=0.8)
    for surprise in (0.3, -0.1):
        for _ in range(60):
            progress.observe(np.array([0]), np.array([surprise]))
    assert progress.progress()[0] == pytest.approx(-0.1, abs=1e-4)
    for _ in range(20_000):
        progress.observe(np.array([1]), np.array([0.0]))
    assert progress.progress()[0] == pytest.approx(-0.1, abs=1e-4)


def test_a_domain_without_a_measurement_counts_as_the_best():
    progress = Progress()
    assert progress.shares(4).tolist() == [0.25] * 4
    progress.observe(np.array([0, 2]), np.array([0.5, 0.0]))
    shares = progress.shares(4)
    assert shares[1] == shares[3] == shares[0] > shares[2] > 0
    assert shares.sum() == pytest.approx(1)
    assert sorted(progress.metrics()) == ["progress/0", "progress/2"]


def test_progress_continues_from_its_state():
    progress, resumed = Progress(), Progress()
    progress.observe(np.array([0, 2]), np.array([0.5, 0.1]))
    resumed.load_state_dict(progress.state_dict())
    for each in (progress, resumed):
        each.observe(np.array([], dtype=int), np.array([]))
        each.observe(np.array([3, 2]), np.array([0.5, 0.2]))
    assert_array_equal(resumed.shares(), progress.shares())


def test_progress_refuses_what_is_not_its_state():
    progress = Progress()
    with pytest.raises(ValueError, match="entries `sum`"):
        progress.load_state_dict({})
    with pytest.raises(ValueError, match="no larger than its count"):
        progress.load_state_dict({"sum": np.array([2.0]), "count": np.array([1.0])})
    with pytest.raises(ValueError, match="num_domains is 0"):
        progress.shares()
    with pytest.raises(ValueError, match="floor is 0"):
        Progress(floor=0.0)


def test_the_domain_whose_floor_lacks_tasks_is_named_and_not_one_with_fewer_tasks():
    with pytest.raises(ValueError, match="domain 0 has a floor of 6 places but 5"):
        places([1, 1, 1], [5, 3, 90], 10, floor=[0.6, 0.0, 0.0])


@pytest.mark.parametrize("momentum", [-0.1, 1.0])
def test_progress_must_forget(momentum):
    with pytest.raises(ValueError, match="momentum is"):
        Progress(momentum)
