"""Array types. Shapes are in the names: `_N` tasks, `_B` groups, `_G` rollouts of a group."""

import numpy as np
import numpy.typing as npt

Floats32 = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
