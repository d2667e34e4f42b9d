"""Splits passes over a large pool between threads."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

_BLOCK = 1 << 16


def in_blocks(work: Callable[[int, int], None], size: int, threads: int = 1) -> None:
    """Calls `work(start, stop)` for consecutive blocks of 0 to `size` - 1.

    `work` must treat every element by itself and release the interpreter's lock for threads to pay
    off. Blocks do not depend on the number of threads, so neither do the results.
    """
    starts = range(0, size, _BLOCK)
    if threads == 1 or len(starts) == 1:
        work(0, size)
        return
    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(lambda start: work(start, min(start + _BLOCK, size)), starts):
            pass
