"""The estimate of time, by a clock that the work itself moves: fixed and added time are told apart, groups and blocks are counted."""

import numpy as np
import pytest
from sweep_helpers import BARS

import esbt
from esbt.account import Account
from esbt.sweep import estimate
from esbt.sweep.block import part_count
from esbt.sweep.estimate import work_seconds
from esbt.sweep.lanes import BoundSpace

STRATEGY = esbt.AtrStrategy(fast=3, slow=40, atr_period=5)
STOPS, TARGETS = ([round(0.5 + 0.1 * k, 1) for k in range(n)] for n in (20, 30))
GRID = {"fast": [2, 3, 5], "stop_atr": STOPS, "target_r": TARGETS, "break_even_r": [None, 1.0]}  # 3 groups of 1,200
MANY = esbt.Grid({"fast": list(range(2, 30)), "stop_atr": STOPS[:4]})
SPACES = [esbt.Grid(GRID), esbt.Rows(MANY.frame.sample(fraction=1.0, shuffle=True, seed=1)), esbt.Grid({"fast": [2, 3], "slow": [20, 30]})]


class Work:
    """Stands for the engine: its work moves the clock, and nothing else happens."""

    def __init__(self, monkeypatch, cost, market=0.25):
        self.now, self.runs, self._cost, self._market = 0.0, [], cost, market
        monkeypatch.setattr(estimate, "run_block", self.run_block)
        monkeypatch.setattr(estimate, "Markets", lambda bound: self)

    def of(self, group):
        self.now += self._market

    def run_block(self, bound, markets, lanes, *, number, daily, threads):
        assert len(set(lanes.tolist())) == len(lanes)
        self.runs.append(len(lanes))
        self.now += self._cost(bound, lanes)

    def whole(self, bound, part_lanes):
        """What the whole sweep takes by this clock, block by block, and how many blocks that is."""
        spent, blocks = bound.group_count * self._market, 0
        for number in range(part_count(bound, part_lanes)):
            lanes = bound.ordered(number * part_lanes, min(len(bound), (number + 1) * part_lanes))
            for group in bound.groups(lanes):
                spent, blocks = spent + self._cost(bound, lanes[group.rows]), blocks + 1
        return spent, blocks


def bound_to(space):
    return BoundSpace(BARS, STRATEGY, Account(), space if isinstance(space, esbt.sweep.Space) else esbt.Grid(space))


def seconds(bound, work, part_lanes=256):
    return work_seconds(bound, part_lanes=part_lanes, daily=False, threads=1, clock=lambda: work.now)


@pytest.mark.parametrize("space", range(len(SPACES)))
@pytest.mark.parametrize("part_lanes", [64, 100, 256, 300, 1200, 4096])
@pytest.mark.parametrize(("fixed", "each"), [(0.0, 0.001), (0.05, 0.0), (0.05, 0.0004), (2.0, 0.001), (0.001, 0.5)])
def test_fixed_and_added_time_are_told_apart(space, part_lanes, fixed, each, monkeypatch):
    """A block costs `fixed` and each lane `each`: then the estimate is the very time of the whole sweep, however few lanes are tried."""
    bound = bound_to(SPACES[space])
    work = Work(monkeypatch, lambda bound, lanes: fixed + each * len(lanes))
    assert seconds(bound, work, part_lanes) == pytest.approx(work.whole(bound, part_lanes)[0], rel=1e-9)
    assert sum(work.runs) <= 3 * min(len(bound), part_lanes) * 7 / 3 + 1  # a block and the smaller samples of it, thrice
    if each == 0.5:  # a second is enough to know
        assert max(work.runs) <= 4


def test_scans_that_lanes_share_and_lanes_that_are_stepped(monkeypatch):
    """By hand: a block looks at the bars once for each of its stops and targets, and steps half of its lanes, a hundred times slower."""
    space = bound_to(GRID)

    def cost(bound, lanes):
        codes = bound.space.codes(lanes)
        legs = len(set(codes["stop_atr"].tolist())) + len(set(codes["target_r"].tolist()))
        return 0.01 + 0.002 * legs + 0.00001 * len(lanes) + 0.001 * int(np.count_nonzero(codes["break_even_r"]))

    work = Work(monkeypatch, cost)
    whole, blocks = work.whole(space, 512)
    assert blocks == 10  # of 512, 512 and 176; 336, 512 and 352; 160, 512, 512 and 16
    assert seconds(space, work, 512) == pytest.approx(whole, rel=0.3)


def test_groups_that_differ(monkeypatch):
    """Fast crossings have many signals, slow ones few: the mean of the first, the middle and the last group, not the first alone."""
    bound = bound_to({"fast": list(range(2, 12)), "stop_atr": STOPS})
    work = Work(monkeypatch, lambda bound, lanes: 0.001 * len(lanes) * (12 - bound.space.lane(int(lanes[0]))["fast"]))
    assert seconds(bound, work) == pytest.approx(work.whole(bound, 256)[0], rel=0.02)


def test_more_than_a_part_is_never_run(monkeypatch):
    """A grid of a billion lanes is not spread out to be estimated: a nanosecond a lane is a second."""
    bound = bound_to(
        {"stop_atr": list(np.linspace(0.5, 3, 1000)), "target_r": list(np.linspace(0.5, 3, 1000)), "max_bars": list(range(1, 1001))}
    )
    work = Work(monkeypatch, lambda bound, lanes: 1e-9 * len(lanes))
    assert seconds(bound, work, 4096) == pytest.approx(0.25 + 1.0)
    assert max(work.runs) == 4096
