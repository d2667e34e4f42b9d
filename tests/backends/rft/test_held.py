"""Groups that the real backend holds between steps: their state, and training on them later."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest

from backends import run
from backends.rft.config import TrainConfig
from backends.rft.held import packed, unpacked
from backends.rft.rollouts import Completion, Group
from bots import RolloutBatch, load_state, save_state
from bots.baselines import ShuffleSelector
from bots.baselines.filters.speed import Screening
from tests.backends.rft import models
from tests.lazy import lazily

with lazily():
    from backends.rft import backend as backend_module


def completion(*tokens: int, reason: str = "stop") -> Completion:
    ids = np.array(tokens, dtype=np.int64)
    return Completion(ids, -0.5 * ids.astype(np.float32), reason)


def batch() -> RolloutBatch:
    """Groups of two and of one, a lost rollout, prompts of two lengths."""
    groups = (
        Group(np.array([3, 4]), (completion(5, 6, 1), completion(7, reason="length")), 2),
        Group(np.array([8]), (completion(9, 1),), 5),
    )
    return RolloutBatch([6, 0], [[1.0, np.nan], [0.5, np.nan]], groups)


def plain(batch: RolloutBatch | None) -> object:
    """A batch as nested lists, NaN as None."""
    if batch is None:
        return None
    rewards = [[None if np.isnan(r) else r for r in row] for row in batch.rewards_BG.tolist()]
    groups = [
        (
            group.policy_version,
            group.prompt_ids_T.tolist(),
            [
                (c.token_ids_T.tolist(), c.logprobs_T.tolist(), c.finish_reason)
                for c in group.completions_G
            ],
        )
        for group in batch.payload_B
    ]
    return batch.task_ids_B.tolist(), rewards, groups


@pytest.mark.parametrize("held", [None, batch()])
def test_packing_loses_nothing_in_memory_or_in_a_file(held, tmp_path):
    assert plain(unpacked(packed(held), 7)) == plain(held)
    save_state(tmp_path / "state.npz", {"held": packed(held)})
    restored = unpacked(load_state(tmp_path / "state.npz")["held"], 7)
    assert plain(restored) == plain(held)
    for group in () if restored is None else restored.payload_B:
        for found in group.completions_G:
            assert (found.token_ids_T.dtype, found.logprobs_T.dtype) == (np.int64, np.float32)


def test_what_was_packed_is_a_copy():
    held = batch()
    arrays = packed(held)
    before = plain(held)
    for array in arrays.values():
        array[:] = 0
    assert plain(held) == before


@pytest.mark.parametrize("name", packed(None))
@pytest.mark.parametrize("damage", ["missing", "list", "shorter", "matrix", "kind"])
def test_damaged_arrays_are_refused(name, damage):
    state = packed(batch())
    if damage == "missing":
        del state[name]
    elif damage == "kind":
        state[name] = state[name].astype("U8")
    else:
        changes = {
            "list": np.ndarray.tolist,
            "shorter": lambda a: a[:-1],
            "matrix": lambda a: a[None],
        }
        state[name] = changes[damage](state[name])
    with pytest.raises(ValueError, match="held groups in the state are damaged"):
        unpacked(state, 7)


@pytest.mark.parametrize("name", ["prompt_sizes", "group_sizes", "sizes"])
@pytest.mark.parametrize("change", [[1, -1], [5, -5]])
def test_sizes_that_do_not_fit_are_refused(name, change):
    """Moved from one to the next, the sum as before: more completions than rewards, or negative."""
    state = packed(batch())
    state[name][:2] += change
    if name == "group_sizes" or state[name].min() < 0:
        with pytest.raises(ValueError, match="damaged"):
            unpacked(state, 7)
    else:
        assert unpacked(state, 7) is not None


@pytest.mark.parametrize("state", [None, {}, 3, {"tasks": np.array([1])}])
def test_other_things_are_refused(state):
    with pytest.raises(ValueError, match="damaged"):
        unpacked(state, 7)


def test_tasks_of_another_pool_are_refused():
    with pytest.raises(ValueError, match="not in the pool of 6"):
        unpacked(packed(batch()), 6)


def test_joined_groups_have_the_completions_of_both_and_the_older_version():
    first, _ = batch().payload_B
    other = Group(first.prompt_ids_T, (completion(2, 1),), 1)
    for parts, count, version in (((first, other), 3, 1), ((other, first), 3, 1)):
        joined = parts[0] + parts[1]
        assert len(joined) == count
        assert joined.completions_G == parts[0].completions_G + parts[1].completions_G
        assert joined.policy_version == version
    assert (len(first), len(other)) == (2, 1)


def test_groups_of_two_prompts_cannot_be_joined():
    first, second = batch().payload_B
    with pytest.raises(ValueError, match="two prompts"):
        first + second


def made(backend, steps, selector=None, start=None):
    selector = selector or ShuffleSelector(backend.pool, np.random.default_rng(0))
    steps_of = run(backend, selector, 8, 4, Screening(200, initial=2, oversample=2), start)
    return list(islice(steps_of, steps)), selector


def traced(records) -> list[object]:
    return [(record.progress, plain(record.generated), plain(record.trained)) for record in records]


@pytest.mark.integration
def test_a_run_that_holds_groups_resumes_bit_for_bit(tmp_path):
    whole, _ = made(models.backend(), 4)
    assert all(record.trained.rewards_BG.shape == (8, 4) for record in whole)
    backend = models.backend()
    first, selector = made(backend, 2)
    assert backend.held() is not None
    save_state(tmp_path / "backend.npz", backend.state_dict())
    kept = selector.state_dict()
    backend = models.backend()
    backend.load_state_dict(load_state(tmp_path / "backend.npz"))
    selector = ShuffleSelector(backend.pool, np.random.default_rng(9))
    selector.load_state_dict(kept)
    second, _ = made(backend, 2, selector, first[-1].progress)
    assert traced(first) + traced(second) == traced(whole)
    versions = [group.policy_version for group in second[-1].trained.payload_B]
    assert min(versions) == 2


@pytest.mark.integration
def test_state_with_damaged_held_groups_is_refused_and_changes_nothing():
    backend = models.backend()
    backend.hold(backend.rollout(np.arange(3), 2))
    state = models.backend().state_dict()
    state["held"] = {**state["held"], "tasks": np.array([999])}
    with pytest.raises(ValueError, match="damaged"):
        backend.load_state_dict(state)
    assert backend.held().task_ids_B.tolist() == [0, 1, 2]
    assert state["version"] == backend_module._STATE_VERSION


@pytest.mark.integration
def test_a_batch_without_completions_cannot_be_held():
    with pytest.raises(ValueError, match="no completions"):
        models.backend().hold(RolloutBatch([3], [[1.0, 0.0]]))


@pytest.mark.integration
def test_held_completions_are_weighed_by_the_probabilities_they_were_sampled_with():
    """The gap between trainer and sampler is that of one step of training, not of rounding."""
    backend = models.precise_backend(TrainConfig(learning_rate=3e-3, warmup_steps=0))
    held = backend.rollout(np.arange(32), 8)
    fresh = backend.train(backend.rollout(np.arange(32, 64), 8))
    stale = backend.train(held)
    assert fresh["engine_gap_max"] < models.reported(models.policy())
    assert stale["engine_gap"] > 100 * fresh["engine_gap"]


@pytest.mark.integration
def test_rewards_that_pad_a_shorter_group_change_nothing():
    """Of a joined batch: a task with 8 rollouts beside others with 4."""
    weights = []
    for width in (4, 8):
        backend = models.backend()
        batch = backend.rollout(np.arange(16), 4)
        padding = np.full((16, width - 4), np.nan)
        padded = replace(batch, rewards_BG=np.hstack([batch.rewards_BG, padding]))
        backend.train(padded)
        weights.append(backend.state_dict()["weights"])
    np.testing.assert_array_equal(*weights)


@pytest.mark.integration
def test_joined_groups_train_as_if_sampled_at_once():
    weights = []
    for joined in (False, True):
        backend = models.backend()
        batch = backend.rollout(np.arange(16), 8)
        if joined:
            halves = [
                RolloutBatch(
                    batch.task_ids_B,
                    batch.rewards_BG[:, part],
                    tuple(
                        Group(g.prompt_ids_T, g.completions_G[part], g.policy_version)
                        for g in batch.payload_B
                    ),
                )
                for part in (slice(0, 3), slice(3, 8))
            ]
            batch = RolloutBatch.concatenate(halves).joined()
        backend.train(batch)
        weights.append(backend.state_dict()["weights"])
    np.testing.assert_array_equal(*weights)
