"""The headline: a million lanes over ten years of minutes by one call of `esbt.sweep`, alone in a process, on two threads, to a folder.

    PYTHONPATH=. python benchmarks/headline.py

Prints one line of JSON: lanes, bars, seconds of the call, peak_mib (the process's own highest resident set, bars included), where the main
thread was (shares of samples taken every 20 ms, by the innermost function of esbt), and mean trades a lane. Lanes out of the finished
table are run again by themselves and must be equal, outside the time. ESBT_HEADLINE_LANES and ESBT_HEADLINE_BARS make it smaller.

Axes: 8 EMA pairs, 5 cut-offs over a column of random predictions that keep 20 to 100 % of the signals, 25 stops, 40 targets, 25 trailing
distances. Entries are the slowest, as a user would write them. Fewer lanes have shorter axes of exits.
"""

import json
import os
import re
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

import esbt

LANES, BARS, THREADS = 1_000_000, 3_500_000, 2
EVERY_S = 0.02
EXITS = {"stop_atr": (0.6, 0.1, 25), "target_r": (0.5, 0.1, 40), "trail_atr": (1.0, 0.2, 25)}  # first, step, count
CUTS = [0.0, 0.2, 0.4, 0.6, 0.8]


def axes(lanes: int) -> dict[str, list[Any]]:
    """The space of about so many lanes."""
    entries: dict[str, list[Any]] = {"fast": [16, 20, 24, 28], "slow": [60, 80], "confidence": CUTS}
    shorter = min(1.0, lanes / LANES) ** (1 / 3)
    exits = {
        name: [round(first + step * k, 10) for k in np.linspace(0, count - 1, max(2, round(count * shorter))).round().tolist()]
        for name, (first, step, count) in EXITS.items()
    }
    return entries | exits


def run(lanes: int, bars: int) -> dict[str, Any]:
    """The sweep, measured. Raises AssertionError where a lane is not its own backtest."""
    market = esbt.synthetic_bars(days=bars // 1200 + 2, instrument="ES", edge=0.0, seed=20_260)[:bars]
    predictions = np.random.default_rng(1).random(len(market))
    space = axes(lanes)
    with tempfile.TemporaryDirectory() as folder, Sampled() as places:
        began = time.perf_counter()
        words = {"predictions": predictions, "threads": THREADS, "cash": 10_000_000.0}
        table = esbt.sweep(market, esbt.AtrStrategy(), space, out=Path(folder) / "headline", **words)
        seconds = time.perf_counter() - began
        places.stop()
        peak = peak_mib()
        require_equal_to_singles(table)
        return {
            "lanes": len(table.frame),
            "bars": len(market),
            "seconds": seconds,
            "lanes_per_second": len(table.frame) / seconds,
            "peak_mib": peak,
            "trades": table.frame["trades"].mean(),
            "where": places.shares(),
        }


def peak_mib() -> float:
    """The highest resident set of this program. Not `ru_maxrss`: that begins with what the parent held when it started it."""
    status = Path("/proc/self/status").read_text("utf-8")
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024  # type: ignore[index]


def require_equal_to_singles(table: esbt.sweep.SweepTable) -> None:
    """Lanes from all over the table, each against its own backtest."""
    for lane in np.linspace(0, len(table.frame) - 1, 5).astype(int).tolist():
        row, alone = table.frame.row(lane, named=True), table.replay(lane)
        assert row["lane"] == lane
        assert row["trades"] == len(alone.raw_trades) > 0, (row, len(alone.raw_trades))
        assert row["net_profit"] == alone.net_profit, (row, alone.net_profit)


class Sampled:
    """Where the calling thread is, looked at every 20 ms by another one: the innermost function of esbt on its stack."""

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()
        self._watched = threading.get_ident()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "Sampled":
        self._thread.start()
        return self

    def __exit__(self, *fault: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Look no more."""
        self._over.set()
        self._thread.join()

    def shares(self) -> dict[str, float]:
        """Function -> share of the samples, the largest six."""
        whole = max(1, self._seen.total())
        return {place: round(count / whole, 3) for place, count in self._seen.most_common(6)}

    def _watch(self) -> None:
        home = str(Path(esbt.__file__).parent)
        while not self._over.wait(EVERY_S):
            frame: FrameType | None = sys._current_frames().get(self._watched)
            while frame is not None and not frame.f_code.co_filename.startswith(home):
                frame = frame.f_back
            if frame is not None:
                self._seen[f"{Path(frame.f_code.co_filename).relative_to(home)}:{frame.f_code.co_name}"] += 1


if __name__ == "__main__":
    asked = (int(os.environ.get(name, most)) for name, most in (("ESBT_HEADLINE_LANES", LANES), ("ESBT_HEADLINE_BARS", BARS)))
    print(json.dumps(run(*asked)))
