import numpy as np
import pytest

from bots.baselines.predictors.diversity import diverse_b


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def naive(utility, features, batch_size, diversity):
    def cosine(a, b):
        return float(a @ b / np.sqrt((a @ a) * (b @ b)))

    taken = []
    for _ in range(batch_size):
        worth = {}
        for k, u in enumerate(utility):
            if k not in taken:
                alike = max([cosine(features[k], features[j]) for j in taken], default=0)
                worth[k] = u - diversity * max(alike, 0)
        taken.append(max(worth, key=lambda k: worth[k]))
    return taken


@pytest.mark.parametrize("diversity", [0.01, 0.3, 5.0])
def test_tasks_are_taken_one_by_one_as_the_formula_says(diversity):
    features = rng(1).normal(size=(12, 3)).astype(np.float32)
    utility = -rng(2).random(12)
    chosen = diverse_b(utility, features, 4, diversity, rng())
    assert chosen.tolist() == naive(utility, features, 4, diversity)


def test_without_diversity_the_best_are_taken():
    utility = -rng(2).random(40)
    chosen = diverse_b(utility, np.ones((40, 1), dtype=np.float32), 5, 0.0, rng())
    assert sorted(chosen) == sorted(np.argsort(utility)[-5:])


def test_copies_are_taken_once_while_there_are_others():
    features = np.repeat(np.eye(5, dtype=np.float32), 3, axis=0)
    chosen = diverse_b(np.zeros(15), features, 5, 1.0, rng())
    assert sorted(k // 3 for k in chosen) == [0, 1, 2, 3, 4]


def test_tasks_opposite_to_each_other_are_not_favoured():
    features = np.array([[1, 0], [-1, 0], [0, 1]], dtype=np.float32)
    assert diverse_b(np.array([0, -0.2, -0.1]), features, 2, 1.0, rng()).tolist() == [0, 2]


@pytest.mark.parametrize("diversity", [0.0, 0.1, 100.0])
def test_barred_tasks_are_left_even_if_all_others_are_needed(diversity):
    utility = np.array([-np.inf, -1.0, -np.inf, -1.0, -0.5])
    chosen = diverse_b(utility, np.zeros((5, 2), dtype=np.float32), 3, diversity, rng())
    assert sorted(chosen) == [1, 3, 4]
