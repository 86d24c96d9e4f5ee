"""
esbt's compiled core; the public face is the package esbt.
"""
from __future__ import annotations
import collections.abc
import numpy
import numpy.typing
import typing
__all__: list[str] = ['CoreBars', 'EntryModel', 'FeatureStream', 'Forest', 'Network', 'compute_features', 'default_plan', 'ema_crossings', 'feature_registry', 'feature_warm_up', 'mark_equity', 'plan_dtype', 'resample', 'run_lanes', 'simulate', 'simulate_each', 'totals', 'trade_dtype', 'wilder_atr']
class CoreBars:
    """
    Bars as the core reads them: whole ticks, borrowed from the arrays given.
    """
    def __init__(self, ts: typing.Annotated[numpy.typing.ArrayLike, numpy.int64], open: typing.Annotated[numpy.typing.ArrayLike, numpy.int32], high: typing.Annotated[numpy.typing.ArrayLike, numpy.int32], low: typing.Annotated[numpy.typing.ArrayLike, numpy.int32], close: typing.Annotated[numpy.typing.ArrayLike, numpy.int32], volume: typing.Annotated[numpy.typing.ArrayLike, numpy.int64], session: typing.Annotated[numpy.typing.ArrayLike, numpy.int32], segment: typing.Annotated[numpy.typing.ArrayLike, numpy.int32], buys: typing.Annotated[numpy.typing.ArrayLike, numpy.int64] | None = None) -> None:
        ...
    def __len__(self) -> int:
        ...
class EntryModel:
    """
    What is learned about an entry, asked through hooks at the signal bar's close.
    """
    def __init__(self, stop_hook: typing.Any, stop_ids: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex], stop_bounds: tuple[typing.SupportsFloat | typing.SupportsIndex, typing.SupportsFloat | typing.SupportsIndex], confidence_hook: typing.Any, confidence_ids: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex], calibration: tuple[typing.SupportsFloat | typing.SupportsIndex, typing.SupportsFloat | typing.SupportsIndex], threshold: typing.SupportsFloat | typing.SupportsIndex, features: typing.Annotated[numpy.typing.ArrayLike, numpy.float32], dynamic_hook: typing.Any = None, dynamic_ids: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [], dynamic_bounds: tuple[typing.SupportsFloat | typing.SupportsIndex, typing.SupportsFloat | typing.SupportsIndex] = (0.5, 4.0), smoothing: typing.SupportsFloat | typing.SupportsIndex = 1.0, regime_id: typing.SupportsInt | typing.SupportsIndex = -1, regime_bounds: tuple[typing.SupportsFloat | typing.SupportsIndex, typing.SupportsFloat | typing.SupportsIndex] = (1.0, 1.0), loosen: bool = False) -> None:
        ...
class FeatureStream:
    """
    Features bar by bar, with the bits of the batch.
    """
    def __init__(self, columns: collections.abc.Sequence[tuple[typing.SupportsInt | typing.SupportsIndex, collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex]]]) -> None:
        ...
    def push(self, ts: typing.SupportsInt | typing.SupportsIndex, open: typing.SupportsInt | typing.SupportsIndex, high: typing.SupportsInt | typing.SupportsIndex, low: typing.SupportsInt | typing.SupportsIndex, close: typing.SupportsInt | typing.SupportsIndex, volume: typing.SupportsInt | typing.SupportsIndex, session: typing.SupportsInt | typing.SupportsIndex, segment: typing.SupportsInt | typing.SupportsIndex, buys: typing.SupportsInt | typing.SupportsIndex = -1) -> numpy.typing.NDArray[numpy.float32]:
        """
        float32[F]: the values at this closed bar
        """
    def replay(self, bars: CoreBars) -> numpy.typing.NDArray[numpy.float32]:
        """
        float32[N, F]: push every bar of a run
        """
class Forest:
    """
    Trees as flat arrays; see esbt.Forest for the reader of models.
    """
    def __init__(self, *, tree_start: numpy.typing.NDArray[numpy.int64], feature: numpy.typing.NDArray[numpy.int32], threshold: numpy.typing.NDArray[numpy.float64], strict: numpy.typing.NDArray[numpy.uint8], nan_left: numpy.typing.NDArray[numpy.uint8], left: numpy.typing.NDArray[numpy.int32], right: numpy.typing.NDArray[numpy.int32], value: numpy.typing.NDArray[numpy.float64], n_features: typing.SupportsInt | typing.SupportsIndex, base: typing.SupportsFloat | typing.SupportsIndex = 0.0, average: bool = False) -> None:
        ...
    def leaves(self, x: numpy.typing.NDArray[numpy.float32]) -> numpy.typing.NDArray[numpy.int32]:
        """
        Node where each tree ends, int32[n, n_trees], counted from the tree's first node.
        """
    def predict(self, x: numpy.typing.NDArray[numpy.float32]) -> numpy.typing.NDArray[numpy.float64]:
        """
        Raw margins float64[n] of X float32[n, n_features].
        """
    def row(self, x: typing.Any) -> float:
        """
        Raw margin of one row float32[n_features].
        """
    @property
    def batch_address(self) -> int:
        ...
    @property
    def fast_block(self) -> bool:
        """
        A block goes 128 rows at a time; else it walks.
        """
    @property
    def fast_row(self) -> bool:
        """
        A row is asked all splits of a tree at once; else it walks.
        """
    @property
    def n_features(self) -> int:
        ...
    @property
    def n_nodes(self) -> int:
        ...
    @property
    def n_trees(self) -> int:
        ...
    @property
    def state_address(self) -> int:
        ...
class Network:
    """
    Dense layers with ReLU between; see esbt.Network.
    """
    def __init__(self, n_inputs: typing.SupportsInt | typing.SupportsIndex, layers: collections.abc.Sequence[tuple[typing.Annotated[numpy.typing.ArrayLike, numpy.float64], typing.Annotated[numpy.typing.ArrayLike, numpy.float64]]]) -> None:
        """
        layers: pairs of float64[outputs, inputs] and float64[outputs].
        """
    def predict(self, x: numpy.typing.NDArray[numpy.float32]) -> numpy.typing.NDArray[numpy.float64]:
        """
        Outputs float64[n] of X float32[n, n_inputs].
        """
    @property
    def batch_address(self) -> int:
        ...
    @property
    def n_inputs(self) -> int:
        ...
    @property
    def n_layers(self) -> int:
        ...
    @property
    def state_address(self) -> int:
        ...
def compute_features(bars: CoreBars, columns: collections.abc.Sequence[tuple[typing.SupportsInt | typing.SupportsIndex, collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex]]], threads: typing.SupportsInt | typing.SupportsIndex = 1) -> numpy.typing.NDArray[numpy.float32]:
    """
    float32[len(columns), N]: row k is columns[k] = (feature number, parameter values), NaN while it warms up in each segment
    """
def default_plan() -> numpy.typing.NDArray[numpy.void]:
    """
    One plan with the core's defaults.
    """
def ema_crossings(bars: CoreBars, fast: typing.SupportsInt | typing.SupportsIndex, slow: typing.SupportsInt | typing.SupportsIndex, warm_bars: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.int8]:
    """
    Crossings of two EMAs, int8[n] in {-1, 0, +1}, known at each bar's close.
    """
def feature_registry() -> list[dict[str, typing.Any]]:
    """
    list of {name, group, parameters: [(name, initial, low, high, whole)], unit, formula, source, standard}, by feature number
    """
def feature_warm_up(kind: typing.SupportsInt | typing.SupportsIndex, values: collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex]) -> int:
    """
    bars of each contract segment without a value
    """
def mark_equity(bars: CoreBars, trades: numpy.typing.NDArray[numpy.void], plan: numpy.typing.NDArray[numpy.void]) -> numpy.typing.NDArray[numpy.int64]:
    """
    Equity at each bar's close, int64[n] in 1e-4 USD.
    """
def plan_dtype() -> numpy.dtype[typing.Any]:
    """
    The core's layout of a plan.
    """
def resample(bars: CoreBars, kind: str, amount: typing.SupportsInt | typing.SupportsIndex, session_day: typing.Annotated[numpy.typing.ArrayLike, numpy.int32], session_open: typing.Annotated[numpy.typing.ArrayLike, numpy.int64]) -> dict[str, typing.Any]:
    """
    Columns of the bars that whole source bars make: first int64[M + 1], ts, open, high, low, close, volume, and buys where the bars
    have them. kind: minutes (amount in ns), volume, dollars (amount in ticks * contracts), range_ticks, session.
    """
def run_lanes(bars: CoreBars, day: typing.Annotated[numpy.typing.ArrayLike, numpy.int32], signals: typing.Annotated[numpy.typing.ArrayLike, numpy.int8], atr: typing.Annotated[numpy.typing.ArrayLike, numpy.float64], plans: numpy.typing.NDArray[numpy.void], finer: CoreBars | None = None, finer_first: typing.Annotated[numpy.typing.ArrayLike, numpy.int64] | None = None, fees_e4: typing.Annotated[numpy.typing.ArrayLike, numpy.int64] | None = None, slips: typing.Annotated[numpy.typing.ArrayLike, numpy.int32] | None = None, daily: bool = False, threads: typing.SupportsInt | typing.SupportsIndex = 1) -> tuple[numpy.typing.NDArray[numpy.void], numpy.typing.NDArray[numpy.int64] | None, int]:
    """
    Totals of each plan, the P&L of each day (int64[plans, days], 1e-4 USD) where asked for, and how many plans were stepped.
    """
def simulate(bars: CoreBars, signals: typing.Annotated[numpy.typing.ArrayLike, numpy.int8], atr: typing.Annotated[numpy.typing.ArrayLike, numpy.float64], plan: numpy.typing.NDArray[numpy.void], finer: CoreBars | None = None, finer_first: typing.Annotated[numpy.typing.ArrayLike, numpy.int64] | None = None, model: EntryModel | None = None, fees_e4: typing.Annotated[numpy.typing.ArrayLike, numpy.int64] | None = None, slips: typing.Annotated[numpy.typing.ArrayLike, numpy.int32] | None = None) -> tuple[numpy.typing.NDArray[numpy.void], dict[str, int]]:
    """
    Trades (structured array) and the counts of skipped signals of one plan.
    """
def simulate_each(bars: CoreBars, signals: typing.Annotated[numpy.typing.ArrayLike, numpy.int8], atr: typing.Annotated[numpy.typing.ArrayLike, numpy.float64], plan: numpy.typing.NDArray[numpy.void], finer: CoreBars | None = None, finer_first: typing.Annotated[numpy.typing.ArrayLike, numpy.int64] | None = None, model: EntryModel | None = None, fees_e4: typing.Annotated[numpy.typing.ArrayLike, numpy.int64] | None = None, slips: typing.Annotated[numpy.typing.ArrayLike, numpy.int32] | None = None) -> tuple[numpy.typing.NDArray[numpy.void], dict[str, int]]:
    """
    One independent trade per signal, overlaps allowed: what labels are made of. A signal inside an earlier one's trade is counted as
    skipped there and traded on its own turn, so these counts are no tally.
    """
def totals(bars: CoreBars, day: typing.Annotated[numpy.typing.ArrayLike, numpy.int32], trades: numpy.typing.NDArray[numpy.void], plan: numpy.typing.NDArray[numpy.void]) -> numpy.typing.NDArray[numpy.void]:
    """
    What the metrics of one run are made of (one record); day: trade date of each bar, as a number that never falls.
    """
def trade_dtype() -> numpy.dtype[typing.Any]:
    """
    The core's layout of a trade.
    """
def wilder_atr(bars: CoreBars, period: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.float64]:
    """
    Wilder's ATR in ticks, float64[n], NaN while warming up.
    """
