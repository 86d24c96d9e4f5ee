"""What a sweep will cost in time, memory and disk, before it is run; and the refusal of one that cannot fit."""

import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from esbt.errors import EsbtError
from esbt.sweep.block import run_block
from esbt.sweep.engine import COLUMNS, last_bars
from esbt.sweep.lanes import BoundSpace
from esbt.sweep.market import Markets

_PROBE_S = 1.0
_ADVICE = "take fewer lanes (esbt.Random, esbt.Sobol), or leave daily out"


@dataclass(frozen=True)
class Estimate:
    """seconds: from a probe of a few lanes on one machine (an upper estimate: larger blocks share more). memory_bytes: table, block under
    way and shared columns. disk_bytes: Parquet before compression, and the matrix of session P&L; 0 without a folder.
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
    sessions = len(last_bars(bound.bars.session))
    table = lanes * 8 * (1 + len(bound.places) + len(COLUMNS))
    matrix = lanes * sessions * 8 if daily else 0
    block = min(lanes, part_lanes) * 8 * (len(COLUMNS) + 32 + (sessions if daily else 0))
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
        sessions=len(last_bars(bound.bars.session)),
        seconds=_seconds(bound, daily=daily, threads=threads),
        memory_bytes=memory,
        disk_bytes=disk,
        disk_free_bytes=free,
    )


def _seconds(bound: BoundSpace, *, daily: bool, threads: int) -> float:
    """Time of a group's columns, times the groups, and time a lane, times the lanes, from ever larger blocks of one group."""
    lanes = bound.ordered(0, min(len(bound), 1024))
    group = next(iter(bound.groups(lanes)))
    markets = Markets(bound)
    start = time.perf_counter()
    markets.of(group)
    columns = time.perf_counter() - start
    spent, count, per_lane = 0.0, 1, 0.0
    while spent < _PROBE_S:
        some = lanes[group.rows[np.arange(count) % len(group.rows)]]
        began = time.perf_counter()
        run_block(bound, markets, some, number=0, daily=daily, threads=threads)
        took = time.perf_counter() - began
        spent, per_lane = spent + took, took / count
        if count >= len(group.rows):
            break
        count = min(4 * count, len(group.rows))
    return bound.group_count * columns + len(bound) * per_lane


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
