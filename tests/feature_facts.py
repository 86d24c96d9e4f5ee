"""What the tests know of each feature beyond the registry: its range, and what a mirror of prices does to it. A new feature has one line in
RANGE and one in MIRROR (or NOT_MIRRORED, with the reason). Also: columns of other parameter values than the standard ones.
"""

from collections.abc import Callable, Sequence

import numpy as np
from feature_markets import Market

from esbt.features.registry import Column, Kind, Parameter, default_columns, kinds

Range = tuple[float, float]
inf = np.inf
ANY, POSITIVE, SHARE, PERCENT, SIDED = (-inf, inf), (0.0, inf), (0.0, 1.0), (0.0, 100.0), (-1.0, 1.0)


def _steepest(fast: float, slow: float) -> Range:
    """Wilder's mean over `fast` weighs no bar more than slow / fast times as much as the one over `slow`, if that is the slower one."""
    return (0.0, slow / fast if fast <= slow else inf)


def _outlier(n: float) -> float:
    """How many standard deviations (over n) one of n values can lie from their mean."""
    return float(np.sqrt(n - 1.0))


# Bounds of a feature's values, or bounds by the values of its parameters.
RANGE: dict[str, Range | Callable[..., Range]] = {
    **dict.fromkeys(("move", "log_return", "momentum", "acceleration", "pullback_depth", "pullback_speed"), ANY),
    "simple_return": (-1.0, inf),
    **dict.fromkeys(("resistance_distance", "support_distance"), POSITIVE),
    "volume_ratio": lambda n: (0.0, n),
    "volume_surge": lambda n: (-_outlier(n), _outlier(n)),
    **dict.fromkeys(("volume_balance", "order_flow_imbalance", "chaikin_money_flow"), SIDED),
    **dict.fromkeys(("on_balance_volume", "vwap_distance", "session_vwap", "rolling_vwap_distance", "rolling_vwap", "force_index"), ANY),
    "dollar_volume": POSITIVE,
    "money_flow_index": PERCENT,
    **dict.fromkeys(("atr", "relative_volatility", "historical_volatility", "historical_volatility_ratio"), POSITIVE),
    **dict.fromkeys((f"{who}_volatility" for who in ("parkinson", "garman_klass", "rogers_satchell", "yang_zhang")), POSITIVE),
    "volatility_ratio": _steepest,
    "volatility_percentile": SHARE,
    "bar_range": (0.0, 14.0),  # one of the 14 true ranges
    "range_ratio": lambda n: (0.0, n),
    "bar_gap": (-14.0, 14.0),
    "downside_share": SHARE,
    **dict.fromkeys(("sma", "ema", "sma_distance", "ema_distance", "sma_slope", "macd", "macd_signal", "macd_histogram"), ANY),
    "linear_slope": ANY,
    "linear_fit": SHARE,
    "bollinger_width": POSITIVE,
    "bollinger_position": lambda n, k: (0.5 - 0.5 * _outlier(n) / k, 0.5 + 0.5 * _outlier(n) / k),
    "keltner_position": ANY,
    "donchian_position": SHARE,
    "donchian_width": POSITIVE,
    "supertrend_distance": ANY,
    "supertrend_side": SIDED,
    **dict.fromkeys(("rsi", "stochastic_k", "stochastic_d", "aroon_up", "aroon_down", "plus_di", "minus_di", "adx"), PERCENT),
    "williams_r": (-100.0, 0.0),
    "cci": lambda n: (-n / 0.03, n / 0.03),  # one outlier among n equals
    "aroon_oscillator": (-100.0, 100.0),
    **dict.fromkeys(("close_in_bar", "upper_shadow", "lower_shadow", "still_share", "efficiency_ratio", "hurst_exponent"), SHARE),
    **dict.fromkeys(("body_share", "tick_balance", "autocorrelation"), SIDED),
    **dict.fromkeys(("liquidity_score", "amihud_illiquidity", "roll_spread", "variance_ratio"), POSITIVE),
    "corwin_schultz_spread": (0.0, 2.0),
    **dict.fromkeys(("session_open_distance", "pivot_distance", "overnight_gap", "opening_range_position"), ANY),
    **dict.fromkeys(("prior_high_distance", "prior_low_distance", "prior_close_distance"), ANY),
    "session_high_distance": (-inf, 0.0),
    **dict.fromkeys(("session_low_distance", "session_range_ratio", "opening_range_width"), POSITIVE),
    "session_range_position": SHARE,
    "minutes_since_open": (0.0, 1_440.0),
    "minutes_to_close": (1.0 / 60.0, 1_440.0),
    **dict.fromkeys(("time_sine", "time_cosine", "trend_regime", "momentum_regime"), SIDED),
    "regular_hours": SHARE,
    "day_of_week": (0.0, 6.0),
    "days_to_roll": (0.0, 98.0),  # fourteen weeks at most from one third Friday to the next
    "volatility_regime": (0.0, 2.0),
}

SAME, NEGATED = (lambda x: x), np.negative


def share_from_the_other_side(x: np.ndarray) -> np.ndarray:
    return 1.0 - x


def percent_from_the_other_side(x: np.ndarray) -> np.ndarray:
    return 100.0 - x


# Prices times minus one: the column becomes this function of itself, or of another feature with the same parameters.
MIRROR: dict[str, Callable[[np.ndarray], np.ndarray] | tuple[str, Callable[[np.ndarray], np.ndarray]]] = {
    **dict.fromkeys(("move", "momentum", "acceleration", "pullback_depth", "pullback_speed", "bar_gap", "force_index"), NEGATED),
    **dict.fromkeys(("volume_balance", "on_balance_volume", "order_flow_imbalance", "chaikin_money_flow"), NEGATED),
    **dict.fromkeys(("vwap_distance", "session_vwap", "rolling_vwap_distance", "rolling_vwap"), NEGATED),
    **dict.fromkeys(("sma", "ema", "sma_distance", "ema_distance", "sma_slope", "macd", "macd_signal", "macd_histogram"), NEGATED),
    **dict.fromkeys(("linear_slope", "keltner_position", "supertrend_distance", "supertrend_side", "cci", "aroon_oscillator"), NEGATED),
    **dict.fromkeys(("body_share", "tick_balance", "trend_regime", "momentum_regime"), NEGATED),
    **dict.fromkeys(("session_open_distance", "prior_close_distance", "pivot_distance", "overnight_gap"), NEGATED),
    **dict.fromkeys(("close_in_bar", "downside_share", "bollinger_position", "donchian_position"), share_from_the_other_side),
    **dict.fromkeys(("session_range_position", "opening_range_position"), share_from_the_other_side),
    **dict.fromkeys(("rsi", "stochastic_k", "stochastic_d", "money_flow_index"), percent_from_the_other_side),
    "williams_r": lambda x: -100.0 - x,
    **dict.fromkeys(("volume_ratio", "volume_surge", "dollar_volume", "liquidity_score"), SAME),
    **dict.fromkeys(("atr", "relative_volatility", "volatility_ratio", "volatility_percentile", "volatility_regime"), SAME),
    **dict.fromkeys(("bar_range", "range_ratio", "linear_fit", "bollinger_width", "donchian_width", "adx", "still_share"), SAME),
    **dict.fromkeys(("roll_spread", "efficiency_ratio", "variance_ratio", "hurst_exponent", "autocorrelation"), SAME),
    **dict.fromkeys(("session_range_ratio", "opening_range_width"), SAME),
    **dict.fromkeys(("minutes_since_open", "minutes_to_close", "time_sine", "time_cosine", "regular_hours"), SAME),
    **dict.fromkeys(("day_of_week", "days_to_roll"), SAME),
    "resistance_distance": ("support_distance", SAME),
    "support_distance": ("resistance_distance", SAME),
    "aroon_up": ("aroon_down", SAME),
    "aroon_down": ("aroon_up", SAME),
    "plus_di": ("minus_di", SAME),
    "minus_di": ("plus_di", SAME),
    "upper_shadow": ("lower_shadow", SAME),
    "lower_shadow": ("upper_shadow", SAME),
    "session_high_distance": ("session_low_distance", NEGATED),
    "session_low_distance": ("session_high_distance", NEGATED),
    "prior_high_distance": ("prior_low_distance", NEGATED),
    "prior_low_distance": ("prior_high_distance", NEGATED),
}
_LOGS = "of ratios of prices: below one tick there are none, and a fall by half is no rise by half"
NOT_MIRRORED = {
    **dict.fromkeys(("simple_return", "log_return", "historical_volatility", "historical_volatility_ratio"), _LOGS),
    **dict.fromkeys((f"{who}_volatility" for who in ("parkinson", "garman_klass", "rogers_satchell", "yang_zhang")), _LOGS),
    **dict.fromkeys(("amihud_illiquidity", "corwin_schultz_spread"), _LOGS),
}
PRICES = {"sma", "ema", "session_vwap", "rolling_vwap"}  # in ticks: they move with the market
FEELS_LEVEL = {
    *NOT_MIRRORED,
    *PRICES,
    "relative_volatility",
    "dollar_volume",
    "money_flow_index",
}  # on purpose: money, or part of the price
FEW_VALUES = ("-1, 0, 1", "0, 1, 2", "-1 or 1", "0 or 1", "0..6", "days")  # units


def bounds(column: Column) -> Range:
    low_high = RANGE[column.kind.name]
    return low_high(*column.values) if callable(low_high) else low_high


def bits(values: np.ndarray) -> bytes:
    return np.ascontiguousarray(values).tobytes()


def require_same_bits(found: np.ndarray, expected: np.ndarray, columns: Sequence[Column], where: object = "") -> None:
    """Rows of two float32 matrices; raises AssertionError with the columns that differ in a bit, and the first bar that does in each."""
    unlike = np.ascontiguousarray(found).view(np.int32) != np.ascontiguousarray(expected).view(np.int32)
    wrong = [(columns[k].name, int(np.argmax(unlike[k])), int(unlike[k].sum())) for k in np.flatnonzero(unlike.any(axis=1))]
    rows = {column.name: k for k, column in enumerate(columns)}
    said = [f"{name}: {n} bars, first {i}: {found[rows[name], i]!r}, expected {expected[rows[name], i]!r}" for name, i, n in wrong]
    if said:
        raise AssertionError(f"{where} {len(said)} of {len(columns)} columns differ\n" + "\n".join(said))


def mirrored(m: Market) -> Market:
    """Prices times minus one; who bought has sold."""
    buys = np.where(m.buys >= 0, m.volume - m.buys, -1)
    return Market(m.ts, -m.open, -m.low, -m.high, -m.close, m.volume, m.session, m.segment, buys)


def _other_value(p: Parameter, rng: np.random.Generator, longest: int) -> float:
    if not p.whole:
        return float(np.clip(round(p.initial * rng.uniform(0.5, 1.5), 2), p.low, p.high))
    low, high = p.low, min(p.high, longest)
    return low if rng.random() < 0.2 else float(int(low * (high / low) ** rng.random()))


def other_column(kind: Kind, rng: np.random.Generator, longest: int = 200) -> Column:
    """The feature with random parameters: windows of up to `longest` bars (the least allowed among them), warm within twice as many."""
    while True:
        column = Column(kind, tuple(_other_value(p, rng, longest) for p in kind.parameters))
        if column.warm_up <= 2 * longest:
            return column


def other_columns(seed: int, longest: int = 200) -> tuple[Column, ...]:
    """Two columns a feature that has parameters, all different from each other and from the default set."""
    rng = np.random.default_rng(seed)
    with_parameters = [kind for kind in kinds().values() if kind.parameters] * 2
    found = {column.name: column for column in (other_column(kind, rng, longest) for kind in with_parameters)}
    standard = {column.name for column in default_columns()}
    return tuple(column for name, column in found.items() if name not in standard)
