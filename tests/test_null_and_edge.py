"""scripts/null_and_edge.py: its mechanics on two small markets; by night the whole claim on 40 markets a case. And the claim itself."""

import importlib.util
import os
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy import stats

import esbt
from esbt.errors import EsbtError
from python_models.claim import LEVEL, claim, claim_of

PATH = Path(__file__).parents[1] / "scripts" / "null_and_edge.py"
SPEC = importlib.util.spec_from_file_location("null_and_edge", PATH)
SCRIPT = importlib.util.module_from_spec(SPEC)
sys.modules["null_and_edge"] = SCRIPT
SPEC.loader.exec_module(SCRIPT)


def test_rows_are_kept_and_gone_on_with(tmp_path, monkeypatch, capsys) -> None:
    """One seed, then two: the first is not made again; the same seed gives the same row; another edge is refused, not mixed in."""
    words = [str(tmp_path), "--days", "24", "--workers", "1", "--cases", "null,edge"]
    SCRIPT.main([*words, "--seeds", "1"])
    first = pl.read_csv(tmp_path / "rows.csv")
    made = []
    real = SCRIPT.row
    monkeypatch.setattr(SCRIPT, "row", lambda case, seed, settings: made.append((case, seed)) or real(case, seed, settings))
    SCRIPT.main([*words, "--seeds", "2"])
    both = pl.read_csv(tmp_path / "rows.csv")
    assert made == [("null", 2), ("edge", 2)]
    assert both.filter(pl.col("seed") == 1).equals(first.sort("case", "seed"))
    assert both.select("case", "seed").rows() == [("edge", 1), ("edge", 2), ("null", 1), ("null", 2)]
    assert both.filter(pl.col("case") == "null")["oracle_usd"].to_list() == [0.0, 0.0]
    assert both.filter(pl.col("case") == "edge")["oracle_usd"].min() > 10_000
    assert both["sessions"].min() >= 9
    assert "at least half of the oracle's profit" in capsys.readouterr().out
    with pytest.raises(EsbtError, match="rows of other settings"):
        SCRIPT.main([*words, "--seeds", "2", "--edge", "0.1"])


def test_verdicts_fail_where_they_should() -> None:
    """Seven claims in 40 markets are more than chance allows at 99 %, six are not; 31 halves are too few, 32 enough."""
    assert SCRIPT.most_false_claims(40) == 6

    def frame(case: str, claims: int, halves: int) -> pl.DataFrame:
        k = np.arange(40)
        return pl.DataFrame(
            {"case": case, "seed": k, "edge": k < claims, "improvement": False, "share": np.where(k < halves, 0.6, 0.4), "trades": 5}
        )

    assert [SCRIPT.verdicts(frame("null", n, 0))["null"][0] for n in (6, 7)] == [True, False]
    assert [SCRIPT.verdicts(frame("edge", 0, n))["edge"][0] for n in (31, 32)] == [False, True]


@pytest.mark.skipif(os.environ.get("ESBT_NIGHTLY") != "1", reason="half an hour: by night (ESBT_NIGHTLY=1)")
def test_no_edge_is_claimed_where_there_is_none_and_half_recovered_where_there_is(tmp_path) -> None:
    assert SCRIPT.main([str(tmp_path), "--seeds", "40"]) == 0


def test_a_claim_is_as_rare_as_its_level_where_nothing_is() -> None:
    """2,000 null series of 30 fat-tailed sessions: an edge in at most 5 % and what chance adds, an improvement rarer still."""
    rng = np.random.default_rng(1)
    claims = [claim_of(*(400.0 * rng.standard_t(4, size=(2, 30)))) for _ in range(2_000)]
    edges, better = sum(one.edge for one in claims), sum(one.improvement for one in claims)
    assert 0.02 * 2_000 < edges <= stats.binom.ppf(0.999, 2_000, LEVEL)
    assert better < edges


def test_a_claim_needs_both() -> None:
    rng = np.random.default_rng(2)
    noise = rng.normal(0.0, 100.0, 60)
    good = claim_of(noise + 200.0, 0.5 * noise)
    assert good.edge
    assert good.improvement
    assert "An edge is claimed" in str(good)
    lost_less = claim_of(noise - 100.0, 1.5 * noise - 400.0)
    assert not lost_less.edge
    assert not lost_less.improvement
    assert lost_less.above_baseline < 0.001
    same = claim_of(noise + 200.0, noise + 200.0)
    assert same.edge
    assert not same.improvement
    assert "no improvement" in str(same)


def test_few_sessions_and_no_trades_claim_nothing() -> None:
    assert not claim_of(np.full(9, 100.0) + np.arange(9), np.zeros(9)).edge
    assert "needs 10" in str(claim_of(np.full(9, 100.0) + np.arange(9), np.zeros(9)))
    assert not claim_of(np.zeros(40), -np.arange(40.0)).edge


def test_size_alone_improves_nothing() -> None:
    """The same trades with three contracts: a mean three times as large, and the same per contract."""
    bars = esbt.synthetic_bars(days=30, interval="5min", edge=1.0, seed=4)
    strategy = esbt.AtrStrategy(fast=3, slow=9, target_r=None)
    one, three = (esbt.backtest(bars, strategy, size=size) for size in (1, 3))
    found = claim(three, one)
    assert found.edge
    assert found.gain_usd == pytest.approx(0.0, abs=1e-9)
    assert not found.improvement
    with pytest.raises(EsbtError, match="same bars"):
        claim(esbt.backtest(bars[:2_000], strategy), one)
