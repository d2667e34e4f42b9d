import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots import BOTSSelector, Feedback, LiveSelector, Pool, ResidualMemorySelector, RolloutBatch
from bots import feedback as module
from bots.baselines import ShuffleSelector
from tests.bots.states import same

NAN = float("nan")


@pytest.fixture(autouse=True)
def _nothing_was_warned_of_yet():
    module._warn_of_means.cache_clear()
    yield
    module._warn_of_means.cache_clear()


def held(feedback):
    """All that it holds, by name."""
    names = ("task_ids_B", "successes_B", "trials_B", "squares_B", "tokens_B")
    names += ("batch_id", "policy_version", "current_version")
    return {name: getattr(feedback, name) for name in names}


def test_repeated_tasks_add_up():
    evidence = Feedback([4, 1, 4], [2, 3, 1], [4, 8, 2]).evidence()
    assert evidence.task_ids_U.tolist() == [1, 4]
    assert evidence.successes_U.tolist() == [3, 3]
    assert evidence.trials_U.tolist() == [8, 6]


def test_a_group_that_lost_members_counts_those_that_came_back():
    evidence = Feedback([0, 1], [3, 1], [16, 2]).evidence()
    assert evidence.solve_rates_U.tolist() == [3 / 16, 1 / 2]
    assert evidence.group_size == 9


def test_a_group_that_was_lost_whole_is_no_evidence():
    evidence = Feedback([0, 1], [0, 1], [0, 2]).evidence()
    assert evidence.task_ids_U.tolist() == [1]
    assert evidence.group_size == 2


def test_feedback_in_which_everything_was_lost_is_no_evidence():
    evidence = Feedback([0, 1], [0, 0], [0, 0]).evidence()
    assert evidence.task_ids_U.size == 0
    assert evidence.group_size == 0


def test_only_mixed_groups_are_informative():
    feedback = Feedback([0, 1, 2, 3], [0, 4, 2, 0], [4, 4, 4, 0])
    assert feedback.informative_B.tolist() == [False, False, True, False]


def test_it_keeps_its_own_read_only_copy():
    successes = np.array([1.0])
    feedback = Feedback([0], successes, [4])
    successes[0] = 3
    assert feedback.successes_B[0] == 1
    with pytest.raises(ValueError, match="read-only"):
        feedback.successes_B[0] = 2


@pytest.mark.parametrize(
    ("task_ids", "successes", "trials", "says"),
    [
        ([], [], [], "at least one"),
        ([0], [1], [0], "0 <= successes <= trials"),
        ([0], [5], [4], "5 successes in 4 trials"),
        ([0], [-1], [4], "0 <= successes"),
        ([0], [0], [-4], "0 <= successes"),
        ([0], [np.nan], [4], "nan"),
        ([0], [1], [np.inf], "inf"),
        ([-1], [1], [4], "-1"),
        ([0.5], [1], [4], "integer"),
        ([True], [1], [4], "integer"),
        ([0, 1], [1], [4], "one of each"),
        ([[0]], [1], [4], "shape"),
        ([0], [[1]], [4], "shape"),
        ([0], ["many"], [4], "numbers"),
        (np.array([2**63], dtype=np.uint64), [1], [4], "int64"),
    ],
)
def test_bad_input_is_refused_with_the_value_and_the_rule(task_ids, successes, trials, says):
    with pytest.raises(ValueError, match=says):
        Feedback(task_ids, successes, trials)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"squares_B": [1.0, 1.0]}, "2 squares.*one of each"),
        ({"squares_B": [2.1]}, r"squares 2.1.*lie in \[1, 2\]"),
        ({"squares_B": [0.9]}, r"squares 0.9.*lie in \[1, 2\]"),
        ({"squares_B": [np.nan]}, "nan"),
        ({"tokens_B": []}, "0 tokens.*one of each"),
        ({"tokens_B": [-1]}, "-1 tokens.*leave tokens out"),
        ({"tokens_B": [np.inf]}, "inf"),
        ({"batch_id": -1}, "batch_id is -1"),
        ({"batch_id": 1.5}, "batch_id is 1.5"),
        ({"batch_id": True}, "batch_id is True"),
        ({"policy_version": 3}, "current_version is None.*both, or neither"),
        ({"current_version": 3}, "policy_version is None.*both, or neither"),
        ({"policy_version": 4, "current_version": 3}, "is 3, policy_version 4.*swap"),
        ({"policy_version": -1, "current_version": 3}, "policy_version is -1"),
        ({"policy_version": 0, "current_version": np.inf}, "current_version is inf"),
        ({"policy_version": "new", "current_version": 3}, "policy_version is 'new'"),
    ],
)
def test_bad_details_are_refused_with_the_value_and_the_rule(given, says):
    with pytest.raises(ValueError, match=says):
        Feedback([0], [2], [4], **given)


def test_a_group_that_was_lost_whole_has_no_squares():
    assert Feedback([0], [0], [0], squares_B=[0]).squares_B.tolist() == [0]
    with pytest.raises(ValueError, match="squares 1"):
        Feedback([0], [0], [0], squares_B=[1])


def test_age_is_how_far_the_policy_has_moved_on_and_zero_when_not_known():
    assert Feedback([0], [1], [4], policy_version=2.5, current_version=np.int64(8)).age == 5.5
    assert Feedback([0], [1], [4]).age == 0


def test_details_are_optional_and_change_no_count():
    plain = Feedback([4, 1, 4], [2, 3, 1], [4, 8, 2])
    given = Feedback([4, 1, 4], [2, 3, 1], [4, 8, 2], [2, 2, 1], [40, 80, 20], 7, 3.0, 5.0)
    for name in ("task_ids_U", "successes_U", "trials_U", "group_size"):
        assert np.array_equal(getattr(plain.evidence(), name), getattr(given.evidence(), name))


def test_squares_and_tokens_add_up_over_the_groups_of_a_task():
    squares, tokens = [2.0, 2.5, 1.0, 0.0], [40, 80, 20, 9]
    evidence = Feedback([4, 1, 4, 2], [2, 3, 1, 0], [4, 8, 2, 0], squares, tokens).evidence()
    assert evidence.squares_U.tolist() == [2.5, 3.0]
    assert evidence.tokens_U.tolist() == [80, 60]


def test_without_squares_rewards_are_0_and_1_and_without_tokens_there_are_none():
    evidence = Feedback([4, 1], [2, 3], [4, 8]).evidence()
    assert evidence.squares_U.tolist() == evidence.successes_U.tolist()
    assert evidence.tokens_U is None


counts = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 16), st.integers(0, 16)), min_size=1, max_size=30
)


@given(counts)
def test_merging_loses_no_rollout(groups):
    ids, successes, lost = (np.array(column) for column in zip(*groups, strict=True))
    evidence = Feedback(ids, successes, successes + lost).evidence()
    assert evidence.successes_U.sum() == successes.sum()
    assert evidence.trials_U.sum() == (successes + lost).sum()
    assert (evidence.trials_U > 0).all()
    assert (np.diff(evidence.task_ids_U) > 0).all()


numbers = st.one_of(st.integers(-3, 20), st.floats(allow_nan=True, allow_infinity=True), st.none())
vectors = st.lists(numbers, max_size=5)


@pytest.mark.filterwarnings("ignore:no group has more than 1 success")
@given(vectors, vectors, vectors)
def test_any_input_is_either_sound_or_refused(task_ids, successes, trials):
    try:
        feedback = Feedback(task_ids, successes, trials)
    except ValueError:
        return
    assert feedback.task_ids_B.size == feedback.successes_B.size == feedback.trials_B.size > 0
    assert (feedback.task_ids_B >= 0).all()
    assert (feedback.successes_B >= 0).all()
    assert (feedback.successes_B <= feedback.trials_B).all()
    assert np.isfinite(feedback.trials_B).all()


details = st.one_of(st.none(), vectors)
number = st.one_of(numbers, st.booleans(), st.text(max_size=2))


@pytest.mark.filterwarnings("ignore:no group has more than 1 success")
@given(
    counts, st.tuples(details, details), st.tuples(number, number, number), st.sampled_from([0, 1])
)
def test_any_details_are_either_sound_or_refused(groups, columns, rest, fitting):
    ids, successes, lost = (np.array(column) for column in zip(*groups, strict=True))
    own = (successes * 0.75, successes * 9) if fitting else columns
    try:
        feedback = Feedback(ids, successes, successes + lost, *own, *rest)
    except ValueError:
        return
    evidence = feedback.evidence()
    assert (evidence.squares_U <= evidence.successes_U * (1 + 1e-8)).all()
    assert evidence.tokens_U is None or (evidence.tokens_U >= 0).all()
    assert feedback.batch_id is None or feedback.batch_id >= 0
    assert 0 <= feedback.age < np.inf
    assert 1 <= evidence.information <= 16


@given(st.lists(st.lists(st.floats(0, 1), min_size=1, max_size=9), min_size=1, max_size=5))
def test_moments_of_any_rewards_between_0_and_1_are_accepted(groups):
    successes = [sum(rewards) for rewards in groups]
    squares = [sum(reward**2 for reward in rewards) for rewards in groups]
    Feedback(range(len(groups)), successes, [len(rewards) for rewards in groups], squares)


def test_some_of_the_groups_keep_all_that_is_known_of_them():
    whole = Feedback([4, 1, 4], [2, 3, 1], [4, 8, 2], [2, 2.5, 1], [40, 80, 20], 7, 3, 5)
    part = whole.only(np.array([True, False, True]))
    assert (part.task_ids_B.tolist(), part.successes_B.tolist()) == ([4, 4], [2, 1])
    assert (part.squares_B.tolist(), part.tokens_B.tolist()) == ([2, 1], [40, 20])
    assert (part.batch_id, part.policy_version, part.current_version) == (7, 3, 5)


def test_versions_count_from_0_and_are_floats():
    first = Feedback([0], [1], [4], policy_version=0, current_version=np.int64(0))
    assert (type(first.policy_version), type(first.current_version)) == (float, float)
    assert first.age == 0


class Tensor:
    """What a tensor on another device offers: `tolist`, and no conversion to an array."""

    def __init__(self, values):
        self._values = values

    def tolist(self):
        return self._values

    def __array__(self, *_, **__):
        raise TypeError("cannot be converted: move it to host memory first")


def test_rewards_are_counted_and_lost_rollouts_are_no_trials():
    made = Feedback.from_rewards([7, 3, 5], [[1, 0, None], [0, 0, 0], [NAN, NAN, NAN]])
    assert same(held(made), held(Feedback([7, 3, 5], [1, 0, 0], [2, 3, 0])))


@pytest.mark.parametrize(
    "rewards",
    [
        [[1, 0], [1, 1]],
        ((True, False), (True, True)),
        np.array([[1, 0], [1, 1]], np.int8),
        np.array([[1, 0], [1, 1]], np.float16),
        np.array([[True, False], [True, True]]),
        np.array([[1, 0], [1, 1]], object),
        np.ma.array([[1, 0, 1], [1, 1, 0]], mask=[[0, 0, 1], [0, 0, 1]]),
        [np.array([1, 0]), [1, 1]],
        Tensor([[1.0, 0.0], [1.0, 1.0]]),
        [Tensor([1.0, 0.0]), Tensor([1.0, 1.0])],
        [[Tensor(1.0), Tensor(0.0)], [np.float32(1), np.bool_(True)]],
        [[1, 0, None], [1, 1]],
    ],
)
def test_arrays_tensors_and_lists_are_taken_alike(rewards):
    assert same(
        held(Feedback.from_rewards([7, 3], rewards)), held(Feedback([7, 3], [1, 2], [2, 2]))
    )


def test_task_ids_may_be_a_tensor_too():
    assert Feedback.from_rewards(Tensor([7, 3]), [[1], [0]]).task_ids_B.tolist() == [7, 3]


def test_flat_rewards_are_grouped_by_task_wherever_they_lie():
    made = Feedback.from_rewards([9, 2, 9, 2, 9], [1, 0, 1, None, 0])
    assert same(held(made), held(Feedback([9, 2], [2, 0], [3, 1])))


def test_a_group_of_flat_rewards_that_was_lost_whole_has_no_trials():
    assert Feedback.from_rewards([9, 9, 2, 2], [NAN, None, 1, 0]).trials_B.tolist() == [0, 2]


def test_a_task_in_two_rows_is_two_groups():
    assert Feedback.from_rewards([4, 4], [[1, 0], [1, 1]]).trials_B.tolist() == [2, 2]


def test_a_threshold_makes_successes_of_what_reaches_it():
    made = Feedback.from_rewards([0, 1], [[0.5, 0.49, None], [-1, 3, 0.6]], threshold=0.5)
    assert same(held(made), held(Feedback([0, 1], [1, 2], [2, 3])))


def test_fractional_rewards_are_summed_with_their_squares():
    made = Feedback.from_rewards([0, 1], [[0.5, 0.25, None], [1, 0, 0.5]], threshold="fractional")
    assert same(held(made), held(Feedback([0, 1], [0.75, 1.5], [2, 3], [0.3125, 1.25])))


def test_the_details_are_kept():
    rest = {"batch_id": 4, "policy_version": 10, "current_version": 12}
    made = Feedback.from_rewards([0, 1], [[1, 0], [0, 0]], tokens=[30, 40], **rest)
    assert same(held(made), held(Feedback([0, 1], [1, 0], [2, 2], None, [30, 40], 4, 10, 12)))


@pytest.mark.parametrize(
    ("task_ids", "rewards", "tokens"),
    [
        ([5, 6], [[1, 0], [None, 0]], [[10, 20], [30, 5]]),
        ([5, 6], [[1, 0], [0]], [[10, 20], [35, None]]),
        ([5, 6], [[1, 0], [0, None]], [[10, 20], [35, None]]),
        ([5, 6], [[1, 0], [0, None]], [30, 35]),
        ([5, 6, 5, 6], [1, 0, 0, NAN], [10, 30, 20, 5]),
    ],
)
def test_tokens_of_rollouts_are_summed_lost_ones_included(task_ids, rewards, tokens):
    if rewards[-1] == [0]:
        rewards = [[1, 0], [0, None]]
    assert Feedback.from_rewards(task_ids, rewards, tokens=tokens).tokens_B.tolist() == [30, 35]


@pytest.mark.parametrize(
    ("task_ids", "rewards", "given", "says"),
    [
        ([7], [[0.5, 1]], {}, 'task 7 has reward 0.5.*threshold=0.5.*threshold="fractional"'),
        ([7], [[-1, 1]], {}, "reward -1"),
        ([7, 3, 7], [1, 0.25, 0], {}, "task 3 has reward 0.25"),
        ([7, 3], [0.5, 0.25], {}, "mean rewards.*every rollout"),
        ([7, 3], [1, 0], {"threshold": 0.5}, "mean rewards.*np.newaxis"),
        ([7, 3], [0.5, 0.25], {"threshold": "fractional"}, "mean rewards"),
        ([7], [[1, np.inf]], {}, "inf.*None or nan marks"),
        ([7], [[1, -np.inf]], {"threshold": 0.5}, "-inf"),
        ([7], [["1", 0]], {}, r"rewards\[0\]\[0\] is '1'"),
        ([7], ["10"], {}, r"rewards\[0\] is '10'"),
        ([7], np.array([["1", "0"]]), {}, "'1'"),
        ([7], "10", {}, "'10'.*array"),
        ([7], None, {}, "None.*array"),
        ([7], 1.0, {}, "array"),
        ([7], {7: [1, 0]}, {}, "array"),
        ([7], [[1j, 0]], {}, "1j"),
        ([7], [[10**400, 0]], {}, "beyond float64"),
        ([7, 3], [[1, 0], 1], {}, r"rewards\[1\] is 1 beside lists.*\[\]"),
        ([7, 3], [[1, 0], None], {}, r"rewards\[1\] is None beside lists"),
        ([7], [[[1, 0]]], {}, "must be a number"),
        ([7], np.zeros((1, 2, 2)), {}, r"shape \(1, 2, 2\)"),
        ([7, 3], np.zeros((4, 2)), {}, r"\(4, 2\).*rewards.T"),
        ([7, 7, 7, 3, 3, 3], np.zeros((2, 3)), {}, r"rewards.ravel"),
        ([7, 3, 4, 8], np.zeros((2, 3)), {}, r"one task id per row"),
        ([7, 3], np.zeros(6), {}, r"np.repeat\(task_ids, group_size\)"),
        ([], [], {}, "at least one"),
        ([[7]], [[1]], {}, "task_ids has shape"),
        ([7], [[0, 1]], {"threshold": "half"}, "'half'.*fractional"),
        ([7], [[0, 1]], {"threshold": np.nan}, "threshold is nan"),
        ([7], [[0, 1]], {"threshold": True}, "threshold is True"),
        ([7], [[0, 1.5]], {"threshold": "fractional"}, "reward 1.5.*rescale"),
        ([7], [[0, -0.5]], {"threshold": "fractional"}, "reward -0.5"),
        ([7], [[0, 1]], {"tokens": [1, 2]}, r"tokens has shape \(2,\)"),
        ([7], [[0, 1]], {"tokens": [[5, None]]}, "nan for a rollout that came back"),
        ([7], [[0, 1]], {"tokens": [[-5, 8]]}, "tokens holds -5"),
        ([7, 7], [0, 1], {"tokens": [8]}, r"tokens has shape \(1,\)"),
        ([7], [[0, 1]], {"batch_id": -1}, "batch_id is -1"),
        ([7], [[0, 1]], {"policy_version": 3}, "current_version is None"),
    ],
)
def test_rewards_that_cannot_be_read_are_refused_with_the_remedy(task_ids, rewards, given, says):
    with pytest.raises(ValueError, match=says):
        Feedback.from_rewards(task_ids, rewards, **given)


eighths = st.one_of(st.none(), st.integers(0, 8).map(lambda part: part / 8))
tables = st.integers(1, 5).flatmap(
    lambda width: st.lists(
        st.lists(eighths, min_size=width, max_size=width), min_size=1, max_size=5
    )
)
thresholds = st.one_of(st.just("fractional"), st.integers(-1, 9).map(lambda part: part / 8))


@given(tables, thresholds, st.randoms(use_true_random=False))
def test_the_order_of_rollouts_within_a_group_changes_nothing(rewards, threshold, random):
    ids = range(len(rewards))
    moved = [random.sample(row, len(row)) for row in rewards]
    one = Feedback.from_rewards(ids, rewards, threshold=threshold)
    assert same(held(one), held(Feedback.from_rewards(ids, moved, threshold=threshold)))


@given(tables, thresholds, st.integers(0, 3))
def test_padding_with_nan_changes_nothing(rewards, threshold, width):
    ids = range(len(rewards))
    padded = [[*row, *[NAN] * width] for row in rewards]
    ragged = [[*row, *[None] * (b % 2)] for b, row in enumerate(rewards)]
    one = held(Feedback.from_rewards(ids, rewards, threshold=threshold))
    assert same(one, held(Feedback.from_rewards(ids, padded, threshold=threshold)))
    assert same(one, held(Feedback.from_rewards(ids, ragged, threshold=threshold)))


@given(
    st.lists(st.tuples(st.integers(0, 3), eighths), min_size=5, max_size=20),
    thresholds,
    st.randoms(use_true_random=False),
)
def test_the_order_of_flat_rollouts_changes_no_evidence(rollouts, threshold, random):
    evidences = []
    for order in (rollouts, random.sample(rollouts, len(rollouts))):
        ids, rewards = zip(*order, strict=True)
        evidences.append(Feedback.from_rewards(ids, rewards, threshold=threshold).evidence())
    for name in ("task_ids_U", "successes_U", "trials_U", "group_size", "squares_U"):
        assert np.array_equal(*(getattr(evidence, name) for evidence in evidences))


@given(tables, thresholds)
def test_rows_flat_rewards_and_a_batch_of_rollouts_agree(rewards, threshold):
    ids, width = np.arange(len(rewards))[::-1], len(rewards[0])
    rows = Feedback.from_rewards(ids, rewards, threshold=threshold)
    batch = RolloutBatch(ids, np.array(rewards, dtype=float))
    other = batch.feedback(None if threshold == "fractional" else threshold)
    assert same(held(rows), held(other))
    if width > 1:
        each = np.array(rewards, dtype=float).ravel()
        flat = Feedback.from_rewards(np.repeat(ids, width), each, threshold=threshold)
        assert same(held(rows), held(flat))


@given(st.lists(st.lists(st.sampled_from([0, 1, None]), min_size=1), min_size=1, max_size=6))
def test_it_equals_the_plain_constructor(rewards):
    came = [[reward for reward in row if reward is not None] for row in rewards]
    plain = Feedback(range(len(rewards)), list(map(sum, came)), list(map(len, came)))
    assert same(held(plain), held(Feedback.from_rewards(range(len(rewards)), rewards)))


anything = st.recursive(
    st.one_of(number, st.text(max_size=2), st.just(np.array([1, 0]))),
    lambda inner: st.lists(inner, max_size=4),
)


@given(st.lists(st.integers(-1, 4), max_size=4), anything, st.one_of(thresholds, number), anything)
def test_any_rewards_are_either_sound_or_refused(task_ids, rewards, threshold, tokens):
    try:
        feedback = Feedback.from_rewards(task_ids, rewards, threshold=threshold, tokens=tokens)
    except ValueError:
        return
    assert (feedback.successes_B <= feedback.trials_B).all()
    assert set(feedback.task_ids_B) == set(task_ids)


def test_mean_rewards_as_successes_are_warned_of_once():
    with pytest.warns(UserWarning, match="mean rewards.*from_rewards") as caught:
        Feedback([1, 2], [0.5, 1.0], [8, 8])
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Feedback([1, 2], [0.5, 0.25], [8, 8])


@pytest.mark.parametrize(
    ("successes", "trials", "squares"),
    [
        ([1, 0], [8, 8], None),  # counts
        ([0.5, 2.5], [8, 8], None),  # a sum above 1
        ([0.5, 0.25], [1, 1], None),  # single rollouts
        ([0.5, 0.25], [8, 8], [0.25, 0.0625]),  # fractional rewards, and known to be
    ],
)
def test_what_cannot_be_mean_rewards_is_not_warned_of(successes, trials, squares):
    Feedback([1, 2], successes, trials, squares)


def test_small_sums_of_fractional_rewards_are_not_warned_of():
    Feedback.from_rewards([1, 2], [[0.25, 0.125], [0, 0.5]], threshold="fractional")
    RolloutBatch([1, 2], [[0.25, 0.125], [0, 0.5]]).feedback(None)


def test_some_of_the_groups_are_not_warned_of_when_the_whole_was_not():
    whole = Feedback([1, 2, 3], [0.5, 3, 0], [8, 8, 0])
    assert whole.only(np.array([True, False, True])).successes_B.tolist() == [0.5, 0]
    whole.evidence()


@pytest.mark.parametrize(
    "kind", [BOTSSelector, LiveSelector, ResidualMemorySelector, ShuffleSelector]
)
@pytest.mark.parametrize("wrong", [np.arange(2), [0.5, 0.25], {"task_ids": [0]}, None])
def test_a_selector_refuses_anything_else_and_is_left_as_it_was(kind, wrong):
    pool = Pool.numbered(3, {"weak": [0.0, 0.2, 0.9], "strong": [0.3, 0.9, 1.0]})
    selector = kind(pool, np.random.default_rng(0))
    before = selector.state_dict()
    with pytest.raises(ValueError, match=r"must be a Feedback.*Feedback\.from_rewards"):
        selector.update(wrong)
    assert same(selector.state_dict(), before)
