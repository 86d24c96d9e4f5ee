"""Where the parts of a sweep go: memory, or a folder that a killed run can be gone on from. Knows no lanes and runs nothing.

The folder holds manifest.json (what the sweep is), parts/part-NNNNNN.parquet (a dataset any Parquet reader takes) and, where asked for,
daily.npy (int64[L, S], session P&L in 1e-4 USD). A part is there whole or not at all: its daily rows are written first, then its frame
beside the final name, then it is renamed. So a kill at any moment costs the parts under way and nothing else.
"""

import json
import shutil
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

from esbt.errors import EsbtError
from esbt.files import atomic_path, make_folder, write_json, write_parquet
from esbt.running import require_folder
from esbt.sweep.block import Part
from esbt.sweep.manifest import differences

MANIFEST, PARTS, DAILY = "manifest.json", "parts", "daily.npy"
_SCRAP = (".manifest.*", ".daily.*", f"{PARTS}/.part-*")  # what a killed run may leave, by `esbt.files.atomic_path`


class Sink(Protocol):
    """Takes parts, in any order, and gives the whole."""

    def done(self) -> set[int]:
        """Numbers of the parts that are there."""

    def keep(self, part: Part) -> None:
        """Take one part."""

    def frame(self) -> pl.DataFrame:
        """All parts, by lane."""

    def daily(self) -> npt.NDArray[np.int64] | None:
        """Session P&L, int64[L, S]."""


class Memory:
    """Parts in memory. daily: shape (L, S) of the session P&L, None for none."""

    def __init__(self, daily: tuple[int, int] | None) -> None:
        self._frames: dict[int, pl.DataFrame] = {}
        self._daily = None if daily is None else np.zeros(daily, np.int64)

    def done(self) -> set[int]:
        """See Sink."""
        return set(self._frames)

    def keep(self, part: Part) -> None:
        """See Sink."""
        if self._daily is not None and part.daily is not None:
            self._daily[part.frame["lane"].to_numpy()] = part.daily
        self._frames[part.number] = part.frame

    def frame(self) -> pl.DataFrame:
        """See Sink."""
        return _by_lane(pl.concat(self._frames[number] for number in sorted(self._frames)))

    def daily(self) -> npt.NDArray[np.int64] | None:
        """See Sink."""
        return self._daily


class Folder:
    """Parts in a folder.

    said: the manifest. resume: go on with what is there. Raises EsbtError for a folder that is not empty without resume, that is no
    sweep's, or whose sweep was another one, with what differs.
    """

    def __init__(self, out: str | Path, said: dict[str, Any], *, resume: bool) -> None:
        self.path = require_folder(out)
        self._said = said
        there = sorted(p.name for p in self.path.iterdir() if not p.name.startswith(".")) if self.path.is_dir() else []
        known = self.path / MANIFEST
        if there and not resume:
            raise EsbtError(f"out {str(out)!r} is not empty: give resume=True (--resume) to go on with it, or another folder")
        if known.exists():
            self._require_same(known)
        elif set(there) - {PARTS, DAILY} or any((self.path / PARTS).glob("part-*")):  # more than a run killed before its manifest leaves
            raise EsbtError(f"out {str(out)!r} holds no results (no {MANIFEST}, but {there[0]!r}): give another folder")
        make_folder(self.path / PARTS)
        for pattern in _SCRAP:
            for scrap in self.path.glob(pattern):
                scrap.unlink()
        for job in self.path.glob(".job-*"):  # arrays of a killed run's workers
            shutil.rmtree(job, ignore_errors=True)
        if not known.exists():
            if said["daily"]:
                self._make_daily()
            write_json(known, said)

    def done(self) -> set[int]:
        """See Sink."""
        return {int(path.stem.removeprefix("part-")) for path in (self.path / PARTS).glob("part-*.parquet")}

    def keep(self, part: Part) -> None:
        """See Sink."""
        if part.daily is not None:
            rows = np.lib.format.open_memmap(self.path / DAILY, mode="r+")
            rows[part.frame["lane"].to_numpy()] = part.daily
            rows.flush()
        write_parquet(self.path / PARTS / f"part-{part.number:06d}.parquet", part.frame)

    def frame(self) -> pl.DataFrame:
        """See Sink."""
        return _by_lane(pl.read_parquet(sorted((self.path / PARTS).glob("part-*.parquet"))))

    def daily(self) -> npt.NDArray[np.int64] | None:
        """See Sink: memory-mapped, read-only."""
        return np.lib.format.open_memmap(self.path / DAILY, mode="r") if self._said["daily"] else None

    def _require_same(self, known: Path) -> None:
        try:
            then = json.loads(known.read_text("utf-8"))
        except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
            raise EsbtError(f"{known} cannot be read: {error}; give another folder") from None
        if faults := list(differences(then, self._said)):
            told = "; ".join(faults[:5]) + (f"; and {len(faults) - 5} more" if len(faults) > 5 else "")
            raise EsbtError(f"out {str(self.path)!r} holds another run: {told}: give the same again, or another folder")

    def _make_daily(self) -> None:
        with atomic_path(self.path / DAILY) as temporary:
            np.lib.format.open_memmap(temporary, mode="w+", dtype=np.int64, shape=(self._said["lanes"], self._said["sessions"])).flush()


def _by_lane(frame: pl.DataFrame) -> pl.DataFrame:
    """Sorted, without a copy where it is already: of a million lanes a copy is a third of a gigabyte."""
    return frame if frame["lane"].is_sorted() else frame.sort("lane")
