"""Array types. Shapes are in the names.

`_N` tasks, `_B` groups, `_G` rollouts of a group, `_U` distinct measured tasks, `_D` domains; in
`bots.live` also `_C` classes, `_V` visited tasks, `_K` references, `_P` parameters, `_S` strata.
"""

import numpy as np
import numpy.typing as npt

Floats32 = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
