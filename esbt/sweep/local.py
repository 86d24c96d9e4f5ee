"""Parts run one after another in this process."""

from collections.abc import Generator, Iterable

from esbt.sweep.block import Part, run_part
from esbt.sweep.lanes import BoundSpace
from esbt.sweep.market import Markets


def local_parts(bound: BoundSpace, numbers: Iterable[int], part_lanes: int, *, daily: bool, threads: int) -> Generator[Part]:
    """The parts of these numbers, in order, each as soon as it is done."""
    markets = Markets(bound)
    for number in numbers:
        yield run_part(bound, markets, number, part_lanes, daily=daily, threads=threads)
