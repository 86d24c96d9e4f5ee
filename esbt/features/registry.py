"""What features there are: the core's registry as names and as a table. Knows no bars."""

import polars as pl

from esbt import _core


def feature_names() -> tuple[str, ...]:
    """Names of all features, in the order of `features(bars)`'s rows."""
    return tuple(name for name, *_ in _core.feature_registry())


def feature_table() -> pl.DataFrame:
    """One row a feature: `name`, `unit`, `warm_up` (Int32, bars of each contract segment that are NaN), `formula`.

    In formulas "ATR" as a divisor is Wilder's ATR(14) at the same bar, at least one tick; "ATR(n)" is taken as it is.
    """
    schema = {"name": pl.String, "unit": pl.String, "warm_up": pl.Int32, "formula": pl.String}
    return pl.DataFrame(_core.feature_registry(), schema=schema, orient="row")


def warm_ups() -> dict[str, int]:
    """Warm-up in bars by feature name."""
    return {name: warm_up for name, _, warm_up, _ in _core.feature_registry()}
