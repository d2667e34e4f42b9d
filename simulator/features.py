"""What a text embedding would show of a task: its topic well, its difficulty in part."""

import numpy as np
import numpy.typing as npt

from simulator.population import Population
from simulator.tasks import Tasks

_CHUNK = 1 << 16


def draw_features(
    population: Population, tasks: Tasks, rng: np.random.Generator
) -> npt.NDArray[np.float32] | None:
    """An embedding of every task, shape (N, D) with D = `embedding_size`; None where D = 0.

    With u_d, u_s and w random directions of unit length in D dimensions, one per domain, one per
    skill and one in all, and z_k the standardised initial logit of task k::

        h_k = r z_k + sqrt(1 - r^2) eps_k
        e_k = (u_domain + u_skill + h_k w) / sqrt(3) + noise / sqrt(D)

    where r = `embedding_difficulty` is the correlation between what the embedding shows of the
    difficulty and the difficulty itself, eps_k and the noise (of sd `embedding_noise`) are standard
    normal, and near duplicates share both.
    """
    size = population.embedding_size
    if size == 0:
        return None
    places = 1 + max(int(tasks.domain_N.max()), int(tasks.skill_N.max()))
    direction_VD = _unit(rng.standard_normal((places, size)))
    hardness_D = _unit(rng.standard_normal((1, size)))[0]
    clusters = 1 + int(tasks.cluster_N.max())
    shown_C = rng.standard_normal(clusters, dtype=np.float32)
    noise_CD = rng.standard_normal((clusters, size), dtype=np.float32)
    logit_N, r = tasks.logit_N, population.embedding_difficulty
    z_N = (logit_N - logit_N.mean()) / (logit_N.std() or 1.0)
    features_ND = np.empty((tasks.num_tasks, size), dtype=np.float32)
    for first in range(0, tasks.num_tasks, _CHUNK):
        part = slice(first, first + _CHUNK)
        cluster = tasks.cluster_N[part]
        difficulty = r * z_N[part] + np.sqrt(1 - r**2) * shown_C[cluster]
        topic = direction_VD[tasks.domain_N[part]] + direction_VD[tasks.skill_N[part]]
        signal = (topic + difficulty[:, None] * hardness_D) / np.sqrt(3)
        noise = population.embedding_noise / np.sqrt(size) * noise_CD[cluster]
        features_ND[part] = signal + noise
    return features_ND


def _unit(vectors_VD: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return vectors_VD / np.linalg.norm(vectors_VD, axis=1, keepdims=True)
