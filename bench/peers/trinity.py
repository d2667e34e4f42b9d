"""The published selector of BOTS, trinity-rft's `difficulty_based`, as a contender of `serve.py`.

It runs in the environment that `install_trinity.py` makes and imports nothing of this checkout. The
selector and its estimator are the published files, unmodified.
"""

from importlib.metadata import version
from types import SimpleNamespace
from typing import Any

import numpy as np

_SEED = 42  # the default of its configuration
_COLUMNS = ("weak", "strong")
_PAPER = {"lamb": 0.1, "rho": 0.1, "target_reward": 0.5, "tau": 0, "do_sample": True}


class Trinity:
    """`DifficultyBasedSelector` with the paper's setting.

    Reference rates, indices and measured rates are given as NumPy arrays, which costs it less than
    the data set and the lists of its trainer.
    """

    def __init__(self, weak_N: np.ndarray, strong_N: np.ndarray, setting: dict[str, Any]) -> None:
        import torch

        torch.set_num_threads(setting["threads"])
        self._source = SimpleNamespace(
            dataset=dict(zip(_COLUMNS, (weak_N, strong_N), strict=True)),
            dataset_size=weak_N.size,
        )
        self._group_size = setting["group_size"]
        self.given = (self._source,)
        self.versions = {name: version(name) for name in ("trinity-rft", "torch", "numpy")}

    def build(self) -> Any:
        """The published selector."""
        self._selector = _published(self._source, self._group_size)
        return self._selector

    def select(self, batch_size: int) -> Any:
        """Its `get_indices`."""
        return self._selector.get_indices(batch_size)

    def update(self, ids_B: np.ndarray, solved_B: np.ndarray) -> None:
        """Its `feedback`, which takes mean rewards."""
        self._selector.feedback(ids_B, solved_B / self._group_size)


def _published(source: Any, group_size: int) -> Any:
    from trinity.buffer.selector.selector import (  # pyright: ignore[reportMissingImports]  # there
        DifficultyBasedSelector,
    )
    from trinity.common.config import (  # pyright: ignore[reportMissingImports]  # there
        DataSelectorConfig,
    )

    config = DataSelectorConfig(
        selector_type="difficulty_based",
        seed=_SEED,
        feature_keys=list(_COLUMNS),
        kwargs={"m": group_size, **_PAPER},
    )
    return DifficultyBasedSelector(source, config)
