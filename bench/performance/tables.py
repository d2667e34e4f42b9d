"""The tables of `python -m bench perf`, one after the other."""

from collections.abc import Iterator, Sequence

from bench.performance import comparison, growth, simulated, stages
from bench.performance.process import BOTS, LIVE, NUMPY, trinity

SIZES = (54_400, 1_000_000, 10_000_000)
TABLES = ("comparison", "stages", "growth", "simulated")
_WITHOUT_PEER = (
    "Without the published selector, trinity-rft 0.6.0. To have it in the comparison: "
    "python -m bench.peers.install_trinity .peers/trinity, and --peer .peers/trinity/bin/python"
)


def measure(
    sizes: Sequence[int],
    batch_size: int,
    rounds: int,
    threads: int,
    peer: str | None = None,
    names: Sequence[str] = TABLES,
) -> Iterator[str]:
    """Tables in Markdown with a line above each, as they are done.

    Args:
        sizes: numbers of tasks.
        batch_size: B.
        rounds: turns of timings.
        threads: for every contender.
        peer: the Python of the environment that `bench.peers.install_trinity` made.
        names: which of `TABLES`.

    Raises:
        ValueError: for a pool smaller than two batches, or a peer that does not run.
    """
    if min(sizes) < 2 * batch_size:
        raise ValueError(
            f"a pool of {min(sizes)} tasks is smaller than two batches of {batch_size}: name "
            "larger --sizes or a smaller --batch-size"
        )
    if "comparison" in names:
        contenders = [LIVE, *([] if peer is None else [trinity(peer)]), NUMPY, BOTS]
        for size in sizes:
            records = comparison.compare(contenders, size, batch_size, rounds, threads)
            above = comparison.head(records, size, batch_size, threads)
            yield f"{above}\n\n{comparison.table(records).markdown()}"
        if peer is None:
            yield _WITHOUT_PEER
    if "stages" in names:
        times = [stages.measure_stages(size, batch_size, rounds, threads) for size in sizes]
        memory = stages.measure_memory(threads)
        yield f"{stages.head(times, memory, threads)}\n\n{stages.table(times, memory).markdown()}"
    if "growth" in names:
        growths = [
            growth.measure_growth(size, batch_size, rounds, threads)
            for size in growth.SIZES
            if size <= max(sizes)
        ]
        yield f"{growth.HEAD}\n\n{growth.table(growths).markdown()}"
    if "simulated" in names:
        yield simulated.table(rounds).markdown()
