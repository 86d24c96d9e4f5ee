"""What a sweep will cost in time, memory and disk, before it is run; and the refusal of one that cannot fit."""

import math
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from esbt.errors import EsbtError
from esbt.sweep.block import part_count, run_block
from esbt.sweep.engine import COLUMNS
from esbt.sweep.lanes import BoundSpace, Group
from esbt.sweep.market import Markets
from esbt.sweep.space import Lanes

_PROBE_S = 1.0  # of all probes together
_PLACES = 3  # of the space, first to last: markets differ in signals, blocks in what kinds of lanes they hold
_GROWTH = 4
_ADVICE = "take fewer lanes (esbt.Random, esbt.Sobol), or leave daily out"


@dataclass(frozen=True)
class Estimate:
    """seconds: of the work on this machine, from a probe of some lanes; writing aside. memory_bytes: table, block under way and shared
    columns. disk_bytes: Parquet before compression, and the matrix of session P&L; 0 without a folder.
    """

    lanes: int
    groups: int
    bars: int
    sessions: int
    seconds: float
    memory_bytes: int
    disk_bytes: int
    disk_free_bytes: int | None

    def __str__(self) -> str:
        free = "" if self.disk_free_bytes is None else f" of {_size(self.disk_free_bytes)} free"
        return (
            f"{self.lanes:,} lanes in {self.groups:,} groups on {self.bars:,} bars of {self.sessions:,} sessions: "
            f"about {_duration(self.seconds)}, memory {_size(self.memory_bytes)}, disk {_size(self.disk_bytes)}{free}"
        )


def require_room(bound: BoundSpace, lanes: int, *, out: str | Path | None, daily: bool, part_lanes: int) -> tuple[int, int, int | None]:
    """(memory, disk, free disk) in bytes. Raises EsbtError where the disk, or without a folder the memory, cannot hold the results."""
    table = lanes * 8 * (1 + len(bound.places) + len(COLUMNS))
    matrix = lanes * bound.sessions * 8 if daily else 0
    block = min(lanes, part_lanes) * 8 * (len(COLUMNS) + 32 + (bound.sessions if daily else 0))
    memory = 2 * table + block + 64 * len(bound.bars) + (0 if out else matrix)
    disk, free = (table + matrix, _free(out)) if out else (0, None)
    if free is not None and disk > free:
        raise EsbtError(f"{lanes:,} lanes need {_size(disk)} on disk, {str(out)!r} has {_size(free)} free: {_ADVICE}")
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if memory > total:
        raise EsbtError(f"{lanes:,} lanes need {_size(memory)} of memory, this machine has {_size(total)}: {_ADVICE}")
    return memory, disk, free


def estimate(bound: BoundSpace, *, out: str | Path | None, daily: bool, part_lanes: int, threads: int) -> Estimate:
    """Probe a few lanes for about a second, and reckon the rest. Raises EsbtError as `require_room`."""
    memory, disk, free = require_room(bound, len(bound), out=out, daily=daily, part_lanes=part_lanes)
    return Estimate(
        lanes=len(bound),
        groups=bound.group_count,
        bars=len(bound.bars),
        sessions=bound.sessions,
        seconds=work_seconds(bound, part_lanes=part_lanes, daily=daily, threads=threads),
        memory_bytes=memory,
        disk_bytes=disk,
        disk_free_bytes=free,
    )


def work_seconds(bound: BoundSpace, *, part_lanes: int, daily: bool, threads: int, clock: Callable[[], float] = time.perf_counter) -> float:
    """Seconds for the markets of all groups, what a block of lanes costs whatever is in it, and what each lane adds.

    The engine looks at the bars once for all lanes of a block, so time is no multiple of lanes: in up to three blocks, from the first to
    the last, ever larger random samples are run, until a third of a second is spent or the block is whole, and the last two sizes tell
    fixed and added time. The samples hold lanes of free legs and stepped ones as the block does. clock: seconds, for tests.
    """
    markets, shuffled = Markets(bound), np.random.default_rng(0)
    columns, fixed, added = [], [], []
    for number, (lanes, group) in enumerate(_blocks(bound, part_lanes)):
        began = clock()
        markets.of(group)
        columns.append(clock() - began)
        rows = shuffled.permutation(group.rows)

        def timed(count: int, lanes: Lanes = lanes[rows]) -> float:
            began = clock()
            run_block(bound, markets, lanes[:count], number=0, daily=daily, threads=threads)
            return clock() - began

        if number == 0:
            timed(1)  # imports, threads
        count, took = 1, timed(1)
        before, spent = (0, 0.0), took
        while count < len(rows) and (spent < _PROBE_S / _PLACES or count == 1):
            before, count = (count, took), min(_GROWTH * count, len(rows))
            took = timed(count)
            spent += took
        each = (
            max(0.0, (took - before[1]) / (count - before[0])) if before[0] else 0.0
        )  # a block of one lane tells no slope, and needs none
        added.append(each)
        fixed.append(max(0.0, took - each * count))
    groups = bound.group_count
    pieces = groups + part_count(bound, part_lanes) - 1  # every cut between parts is in a group, if not between two
    if len(bound) % groups == 0:
        pieces -= (len(bound) - 1) // math.lcm(len(bound) // groups, part_lanes)
    later = columns[1:] or columns  # the first market makes what others find made
    market = columns[0] + (groups - 1) * sum(later) / len(later)
    return market + (pieces * sum(fixed) + len(bound) * sum(added)) / len(fixed)


def _blocks(bound: BoundSpace, part_lanes: int) -> Iterator[tuple[Lanes, Group]]:
    """Lanes of a part and one group among them, at places from the first lane to the last, each once."""
    seen = set()
    for place in np.unique(np.linspace(0, len(bound) - 1, _PLACES).astype(np.int64)).tolist():
        start = place // part_lanes * part_lanes
        lanes = bound.ordered(start, min(start + part_lanes, len(bound)))
        group = next(group for group in bound.groups(lanes) if place - start in group.rows)
        if (start, group.key) not in seen:
            seen.add((start, group.key))
            yield lanes, group


def _free(out: str | Path) -> int:
    there = next(folder for folder in (Path(out).absolute(), *Path(out).absolute().parents) if folder.exists())
    return shutil.disk_usage(there).free


def _size(count: int) -> str:
    power = max(0, min(4, (max(count, 1).bit_length() - 1) // 10))
    return f"{count:,} B" if power == 0 else f"{count / 1024**power:,.1f} {('KiB', 'MiB', 'GiB', 'TiB')[power - 1]}"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:,.1f} s"
    return f"{seconds / 60:,.1f} min" if seconds < 5400 else f"{seconds / 3600:,.1f} h"
