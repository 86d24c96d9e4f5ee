"""Parts run in this process: one after another, each on all threads; or where there are many, one a thread side by side, for between parts
nobody waits."""

from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor

from esbt.sweep.block import Part, run_part
from esbt.sweep.lanes import BoundSpace
from esbt.sweep.market import Markets

_MANY = 4  # parts a thread, from which on the last ones, run with a thread idle, weigh little


def local_parts(bound: BoundSpace, numbers: Iterable[int], part_lanes: int, *, daily: bool, threads: int) -> Generator[Part]:
    """The parts of these numbers, in order, each as soon as it and those before it are done."""
    todo = list(numbers)
    if threads == 1 or len(todo) < _MANY * threads:
        markets = Markets(bound)
        for number in todo:
            yield run_part(bound, markets, number, part_lanes, daily=daily, threads=threads)
        return
    markets, under_way = Markets(bound, users=threads), deque[Future[Part]]()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for number in todo:
                under_way.append(pool.submit(run_part, bound, markets, number, part_lanes, daily=daily, threads=1))
                if len(under_way) > threads:
                    yield under_way.popleft().result()
            while under_way:
                yield under_way.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)
