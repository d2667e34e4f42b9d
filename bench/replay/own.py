"""What strategies got in runs of their own, beside what a replay foretells."""

from collections import defaultdict
from pathlib import Path

import numpy as np

from bench import stats
from bench.replay.log import read_log
from bench.stats import Estimate

_BETWEEN = "--"


def own_runs(folder: Path, like: Path) -> dict[str, Estimate]:
    """Shares of informative groups in the traces that `bench run` left in a folder, by strategy.

    Means over seeds with Student's intervals, of traces of the same setting as `like`:
    SETTING--STRATEGY--SEED.parquet.

    Raises:
        ValueError: when the folder has none.
    """
    setting = like.name.split(_BETWEEN)[0]
    shares = defaultdict(list)
    for path in sorted(folder.glob(f"{setting}{_BETWEEN}*{_BETWEEN}*.parquet")):
        strategy = path.name.split(_BETWEEN)[1]
        shares[strategy].append(float(read_log(path).informative_R.mean()))
    if not shares:
        raise ValueError(
            f"{folder} has no trace {setting}{_BETWEEN}STRATEGY{_BETWEEN}SEED.parquet; give the "
            "folder `traces` of a run of the log's own setting, or leave --runs out"
        )
    return {strategy: stats.paired(np.array(found)) for strategy, found in shares.items()}
