"""Walk-forwards over several cuts of time: each is its own walk-forward; compared on the sessions all of them traded, by all trials."""

import numpy as np
import pytest
from walk_helpers import BARS, GRID, STRATEGY, MeanTrainer, same, walked

import esbt
from esbt.errors import EsbtError
from esbt.walkforward.fold import FoldWork

CUTS = {"train": [30, "40 sessions"], "test": [12], "anchored": [False, True]}
NAMES = [f"train {n} sessions, test 12 sessions, {kind}" for n in (30, 40) for kind in ("rolling", "anchored")]
WORDS = {"minimum_trades": 5, "progress": False}


@pytest.fixture(scope="module")
def grid():
    return esbt.walk_forward_grid(BARS, STRATEGY, GRID, models=[MeanTrainer()], **CUTS, **WORDS)


def test_each_is_its_own_walk_forward(grid):
    assert list(grid.results) == NAMES
    same(grid[NAMES[0]], walked(models=[MeanTrainer()]))
    same(grid[NAMES[3]], walked(models=[MeanTrainer()], train=40, anchored=True))
    with pytest.raises(EsbtError, match="unknown windows"):
        grid["train 30"]


def test_cuts_are_compared_on_common_sessions_by_all_trials(grid):
    table = {(row["windows"], row["run"]): row for row in grid.frame.iter_rows(named=True)}
    assert grid.trials == 4 * 12 * 2
    daily = {(name, run): r.daily for name, wf in grid.results.items() for run, r in wf.runs.items()}
    first = max(frame["session"][0] for frame in daily.values())
    returns = {key: frame.filter(frame["session"] >= first)["return"].to_numpy() for key, frame in daily.items()}
    sharpes = {key: own.mean() / own.std(ddof=1) for key, own in returns.items()}
    pool = [*sharpes.values(), *(ratio for wf in grid.results.values() for ratio in wf.lane_ratios())]
    for key, row in table.items():
        assert row["sessions"] == len(returns[key])
        assert row["common_sharpe"] == pytest.approx(sharpes[key] * np.sqrt(252), rel=1e-9)
        trials = 1 if key[1] == "baseline" else 96
        assert row["trials"] == trials
        expected = esbt.stats.deflated_sharpe(returns[key], trials, np.var(pool, ddof=1) if trials > 1 else 0.0)
        assert row["deflated_sharpe"] == pytest.approx(expected, rel=1e-9)
        assert row["sharpe"] == grid[key[0]].runs[key[1]].metrics["sharpe"]


def test_a_folder_each(grid, tmp_path):
    words = {"models": [MeanTrainer()], "out": tmp_path, **CUTS, **WORDS}
    esbt.walk_forward_grid(BARS, STRATEGY, GRID, **words)
    assert len(list(tmp_path.iterdir())) == 4
    again = esbt.walk_forward_grid(BARS, STRATEGY, GRID, **words, resume=True)
    assert again.frame.equals(grid.frame)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"train": "24mo"}, "a grid takes a list"),
        ({"train": []}, "train is empty"),
        ({"train": [30, 85]}, "train=85 sessions, embargo=1 session and test=12 sessions do not fit"),
        ({"anchored": [3]}, "anchored is 3"),
    ],
)
def test_bad_cuts_before_any_work(words, said, monkeypatch):
    monkeypatch.setattr(FoldWork, "__call__", lambda *_: pytest.fail("work began"))
    with pytest.raises(EsbtError) as caught:
        esbt.walk_forward_grid(BARS[: len(BARS) * 8 // 9], STRATEGY, GRID, **{**CUTS, "embargo": 1} | words, **WORDS)
    assert said in str(caught.value)
