from dataclasses import replace

import numpy as np
import pytest

from bench.validation.families import domains, family
from simulator import Domain
from simulator.calibration.state_space import Dynamics
from simulator.calibration.trace import Trace, from_columns

LAWS = {"A1": (1.0, 0.6), "A2": (-1.5, 0.6), "B1": (-4.0, 1.0)}
SIZES = {"A1": 300, "A2": 150, "B1": 150}
DRIFT = 0.01


def trace(unsolvable: float) -> tuple[Trace, dict[str, str]]:
    """Visits at steps 1, 51 and 101 of tasks that drift alike."""
    rng = np.random.default_rng(0)
    label_K = np.repeat(list(LAWS), list(SIZES.values()))
    mean_K, sd_K = np.array([LAWS[label] for label in label_K]).T
    logit_K = rng.normal(mean_K, sd_K)
    solvable_K = rng.random(label_K.size) >= unsolvable
    names_K = np.char.zfill(np.arange(label_K.size).astype(str), 4)
    steps = np.array([1, 51, 101])
    logit_VK = logit_K + DRIFT * (steps[:, None] - 1)
    solved_VK = rng.binomial(8, solvable_K / (1 + np.exp(-logit_VK)))
    when_VK = np.broadcast_to(steps[:, None], solved_VK.shape)
    counts = when_VK.ravel(), solved_VK.ravel(), np.full(solved_VK.size, 8)
    return from_columns(np.tile(names_K, 3), *counts, by_step=True), dict(
        zip(names_K.tolist(), label_K.tolist(), strict=True)
    )


def test_a_family_is_a_label_without_its_level():
    assert [family(label) for label in ("A1", "A12", "math", "3", "v2x")] == [
        "A",
        "A",
        "math",
        "3",
        "v2x",
    ]


@pytest.mark.integration
@pytest.mark.parametrize("unsolvable", [0.0, 0.3])
def test_laws_of_labels_are_recovered(unsolvable):
    like = Domain(slope_sd=0.0, transfer_sd=0.7, unsolvable=0.9)
    found = domains(*trace(unsolvable), Dynamics((DRIFT,)), like, seed=0)
    assert [len(domain.logit) for domain in found] == [2, 1]
    assert [domain.share for domain in found] == pytest.approx([0.75, 0.25])
    assert [part.share for part in found[0].logit] == pytest.approx([2 / 3, 1 / 3])
    parts = [part for domain in found for part in domain.logit]
    for part, (mean, sd) in zip(parts, LAWS.values(), strict=True):
        assert part.mean == pytest.approx(mean, abs=0.35)
        assert part.sd == pytest.approx(sd, abs=0.35)
    for domain in found:
        assert domain.unsolvable == pytest.approx(unsolvable, abs=0.051)
        assert domain.transfer_sd == 0.7


@pytest.mark.integration
def test_growth_is_not_taken_for_ease():
    found = domains(*trace(0.0), Dynamics((DRIFT,)), replace(Domain(), slope_sd=0.0), seed=0)
    blind = domains(*trace(0.0), Dynamics((0.0,)), replace(Domain(), slope_sd=0.0), seed=0)
    assert found[0].logit[1].mean < blind[0].logit[1].mean - 0.2
