"""Every claim on speed, as data: which row of which table must be how fast. report.py judges them; a claim whose row was not run says so.

To add a claim: a line in CLAIMS. Benchmarks of sweeps take the names of their tables from here; tests/test_benchmarks.py holds the rows to
them.
"""

from typing import Literal, NamedTuple

Kind = Literal["ns", "times as fast", "of the time", "s", "MiB"]
VECTORBT = ("vectorbt, Numba engine", "vectorbt, Rust engine")
BACKTEST = "Backtest: trades, and equity at every bar, full rules"
GRID, OF_VECTORBT, OF_RAPTORBT = (
    f"Sweep of 1,024 lanes, stop x target, {rules}" for rules in ("full rules", "rules vectorbt has too", "rules raptorbt has too")
)
TRAILING, ENTRIES = "Sweep of 1,024 lanes, stop x target x trailing", "Sweep of 1,024 lanes, EMA pairs x stop x target"
HEADLINE = "Headline: entry, filter, stop, target and trailing axes, in a process of its own"
LARGE = "Sweep of 8,192 lanes, stop x target x trailing"
STUDY = "A study beside a sweep of as many lanes"
FEATURES = "Features: the default set, written as float32[F, N]"
ASKED = "Hook of 40 inputs in the loop, per signal asked"
STOP = "A dynamic stop, asked at every bar of an open position"


class Claim(NamedTuple):
    """One claim.

    kind: "ns": at most `limit` ns a unit. "times as fast": each row of `over` takes at least `limit` times the row's time a unit. "of the
    time": the row takes at most `limit` times the time of `over`. "s", "MiB": at most so long, and so much memory at its peak. count: units
    in one run of what is claimed, 0 for any.
    """

    said: str
    table: str
    row: str
    kind: Kind
    limit: float
    over: tuple[str, ...] = ()
    count: int = 0


GRID_CELLS, HEADLINE_CELLS = 1_024 * 1_000_000, 1_000_000 * 3_500_000
ONE_BY_ONE = "esbt, one lane at a time"

CLAIMS = (
    Claim("One backtest, signals ready, trades and equity at every bar", BACKTEST, "esbt", "ns", 5.0, count=1_000_000),
    Claim("Sweep, stop x target, 1,024 lanes, one thread", GRID, "esbt", "ns", 0.05, count=GRID_CELLS),
    Claim("The same with the default EMA(12, 26), twice the signals", GRID, "esbt, EMA(12, 26)", "ns", 0.05, count=GRID_CELLS),
    Claim("The same beside vectorbt, the faster engine", OF_VECTORBT, "esbt", "times as fast", 1000, VECTORBT, GRID_CELLS),
    Claim("The same beside raptorbt", OF_RAPTORBT, "esbt", "times as fast", 1, ("raptorbt, batch",), GRID_CELLS),
    Claim("The same beside a tight numba loop", GRID, "esbt", "times as fast", 25, ("numba loop",), GRID_CELLS),
    Claim("The same beside our C++ loop of single runs", GRID, "esbt", "times as fast", 25, (ONE_BY_ONE,), GRID_CELLS),
    Claim("Two threads beside one, 1,024 lanes", GRID, "esbt, two threads", "times as fast", 1.8, ("esbt",), GRID_CELLS),
    Claim("Two threads beside one, 8,192 lanes", LARGE, "esbt, two threads", "times as fast", 1.8, ("esbt",), 8 * GRID_CELLS),
    Claim("Sweep with trailing stops", TRAILING, "esbt", "ns", 0.15, count=GRID_CELLS),
    Claim("Sweep with entry axes", ENTRIES, "esbt", "ns", 0.2, count=GRID_CELLS),
    Claim("A study costs what a sweep costs (at most twice)", STUDY, "study by Optuna", "of the time", 2, ("sweep",), 4096),
    Claim("A million lanes x 3.5 million bars on two cores", HEADLINE, "esbt, two threads", "s", 60, count=HEADLINE_CELLS),
    Claim("The same, peak memory", HEADLINE, "esbt, two threads", "MiB", 2048, count=HEADLINE_CELLS),
    Claim("A compiled hook, over the bare loop", STOP, "compiled function", "ns", 20),
    Claim("A compiled hook of 5 inputs, over the bare loop", STOP, "compiled function of 5 inputs", "ns", 20),
    Claim("The default features, one thread", FEATURES, "esbt, 1 thread", "ns", 1.0),
    Claim("The default features, two threads beside one", FEATURES, "esbt, 2 threads", "times as fast", 1.7, ("esbt, 1 thread",)),
    Claim("Features beside TA-Lib", "Features that TA-Lib has too", "esbt", "times as fast", 4, ("TA-Lib",)),
    Claim("Features beside Polars", "Features that Polars has too", "esbt", "times as fast", 10, ("Polars",)),
    Claim("A bar into the stream of features", "Features bar by bar, the default set, pushed from C++", "esbt", "ns", 1000),
    Claim("A forest asked in the loop", ASKED, "forest", "ns", 700),
    Claim("A forest, a block of rows", "Forest, a block of 10,000 rows", "esbt Forest.predict", "ns", 400),
    Claim("A forest loaded", "Forest, loaded", "esbt LightGBM file", "s", 0.02),
    Claim("A network asked in the loop", ASKED, "network", "ns", 1000),
)
