"""A network of 40-64-32-1, asked one row a call and a block of rows; torch beside it. Claim: under 1 microsecond a row.

Each way first gives torch's outputs. One thread.
"""

import pytest
from rivals.forest_rivals import rows
from rivals.network_torch import predictors, require_same_outputs
from timing import measure, settled

BLOCK, SINGLES = 10_000, 500


@settled
@pytest.mark.parametrize("engine", ["esbt hook", "esbt Network.predict", "torch"])
@pytest.mark.parametrize("n", [1, BLOCK])
def test_network(benchmark, engine, n):
    require_same_outputs(rows(200))
    predict = predictors()[engine]
    asked = [rows(n)] if n > 1 else [row[None, :] for row in rows(SINGLES)]

    def run() -> None:
        for part in asked:
            predict(part)

    measure(
        benchmark,
        run,
        "Network 40-64-32-1, one row a call from Python" if n == 1 else f"Network 40-64-32-1, a block of {n:,} rows",
        engine,
        unit="row",
        count=max(n, len(asked)),
        reference=engine == "esbt hook",
        rival=engine == "torch",
    )
