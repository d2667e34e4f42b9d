"""Every rollout group of a real run, for estimators to be judged on afterwards."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from backends import StepRecord
from backends.files import atomic
from backends.rft.rollouts import Group
from bots import Pool

COLUMNS = ("step", "task_id", "policy_version", "successes", "trials", "tokens", "trained")


class Trace:
    """One row per generated group.

    `step` counts from 1, `policy_version` is the number of training steps that the policy had
    taken, `tokens` are those of the completions, `trained` says whether the group was trained on.
    """

    def __init__(self) -> None:
        self._parts: list[np.ndarray] = []

    def add(self, record: StepRecord) -> None:
        """The groups of one step."""
        counts = record.feedback
        trained = {int(place) for place in record.kept_B}
        rows = [
            (
                record.progress.steps,
                int(task),
                group.policy_version,
                int(counts.successes_B[b]),
                int(counts.trials_B[b]),
                sum(completion.token_ids_T.size for completion in group.completions_G),
                int(b in trained),
            )
            for b, (task, group) in enumerate(
                zip(record.generated.task_ids_B, record.generated.payload_B, strict=True)
            )
            if isinstance(group, Group)
        ]
        self._parts.append(np.array(rows, dtype=np.int64).reshape(-1, len(COLUMNS)))

    def save(self, path: Path, pool: Pool, header: Mapping[str, str]) -> None:
        """Writes Parquet, with what the pool says of a task beside its position.

        That is its key, its domain, and its solve rate under each reference, `reference/NAME`.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        rows = self._rows()
        task_ids = rows[:, COLUMNS.index("task_id")]
        columns: dict[str, Any] = {
            "task": pa.array(pool.keys_N[task_ids].astype(str)).dictionary_encode(),
            **{name: rows[:, place] for place, name in enumerate(COLUMNS)},
        }
        for name, rates_N in pool.references.items():
            columns[f"reference/{name}"] = pa.array(rates_N[task_ids])
        if pool.domains_N is not None:
            domains = pool.domains_N[task_ids].astype(str)
            columns["domain"] = pa.array(domains).dictionary_encode()
        path.parent.mkdir(parents=True, exist_ok=True)
        table = pa.table(columns).replace_schema_metadata(dict(header))
        with atomic(path) as temporary:
            pq.write_table(table, temporary, compression="zstd")

    def state_dict(self) -> dict[str, Any]:
        """All rows so far."""
        return {"groups": self._rows()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Puts them back."""
        self._parts = [np.array(state["groups"])]

    def _rows(self) -> np.ndarray:
        return np.concatenate([np.empty((0, len(COLUMNS)), dtype=np.int64), *self._parts])
