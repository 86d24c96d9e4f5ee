"""One definition, many ways to compute it: bar by bar or in blocks, alone or beside others, on any number of threads: the same bits."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from feature_facts import bits, other_columns, require_same_bits
from feature_markets import Market, flat_market, random_market, wild_market

from esbt import _core
from esbt.features import features
from esbt.features.registry import Column, default_columns

DEFAULT = default_columns()
MARKETS = {
    "random": lambda: random_market(1, (700, 5, 1, 900, 1_200, 60, 2_100)),
    "one contract": lambda: random_market(2, (5_000,)),
    "through zero": lambda: random_market(3, (1_500, 1_500), level=0),
    "near zero": lambda: random_market(100, (2_500, 1_200), level=40),
    "wild": lambda: wild_market(1, 3_000),
    "wild, of millions": lambda: wild_market(3, 3_000, jump=1_000_000),
    "flat after wild": lambda: flat_market(4_000, 20_000, wild_bars=200),
}


def stream_of(columns: tuple[Column, ...]) -> _core.FeatureStream:
    return _core.FeatureStream([column.request for column in columns])


def batch(m: Market, columns: tuple[Column, ...], threads: int = 1) -> np.ndarray:
    return features(m, [column.name for column in columns], threads=threads).matrix


@pytest.mark.parametrize("market", MARKETS)
def test_a_replay_is_the_batch(market: str):
    m = MARKETS[market]()
    columns = (*DEFAULT, *other_columns(5))
    assert len(m) > 2 * 1_024  # the stream's window comes round
    require_same_bits(stream_of(columns).replay(m.core).T, batch(m, columns), columns)


@pytest.mark.parametrize("seed", range(3))
def test_a_replay_with_random_parameters_is_the_batch(seed: int):
    """Windows longer than the stream's own among them."""
    m = random_market(10 + seed, (300, 4_000, 2_000))
    columns = other_columns(20 + seed, longest=1_900)
    assert max(column.warm_up for column in columns) > 1_024
    require_same_bits(stream_of(columns).replay(m.core).T, batch(m, columns), columns)


def test_pushes_are_the_batch():
    m = random_market(30, (60, 1, 800, 500))
    stream = stream_of(DEFAULT)
    rows = [stream.push(*bar[:8], buys=bar[8]) for bar in zip(*(column.tolist() for column in m.columns), strict=True)]
    assert rows[0].dtype == np.float32
    assert rows[0].shape == (len(DEFAULT),)
    require_same_bits(np.array(rows).T, batch(m, DEFAULT), DEFAULT)


def test_without_buys_nobody_knows_who_bought():
    m = random_market(31, (1_300,))
    columns = tuple(column for column in DEFAULT if column.kind.name == "order_flow_imbalance")
    stream = stream_of(columns)
    rows = [stream.push(*bar) for bar in zip(*(column.tolist() for column in m.columns[:8]), strict=True)]
    unknown = Market(*m.columns[:8], np.full(len(m), -1, np.int64))
    require_same_bits(np.array(rows).T, batch(unknown, columns), columns)
    assert bits(_core.compute_features(_core.CoreBars(*m.columns[:8]), [c.request for c in columns])) == bits(batch(unknown, columns))
    assert bits(batch(m, columns)) != bits(batch(unknown, columns))


def test_a_stream_goes_on_where_it_was():
    m = random_market(32, (900, 1_100, 700))
    stream, whole = stream_of(DEFAULT), batch(m, DEFAULT)
    parts = [stream.replay(m[a:b].core) for a, b in ((0, 1), (1, 1_000), (1_000, 1_030), (1_030, 2_699), (2_699, 2_700))]
    require_same_bits(np.concatenate(parts).T, whole, DEFAULT)


@pytest.mark.parametrize("threads", [2, 3, 5, 64, 256])
def test_threads_give_the_same_bits(threads: int):
    m = random_market(40, (300, 700, 800))
    columns = (*DEFAULT, *other_columns(41))
    require_same_bits(batch(m, columns, threads), batch(m, columns), columns)
    require_same_bits(batch(m, columns[:2], threads), batch(m, columns[:2]), columns[:2])
    assert bits(batch(m[:0], columns, threads)) == b""


@pytest.mark.parametrize("seed", [50, 51])
def test_a_column_is_the_same_alone_and_beside_others(seed: int):
    """What two columns both need is computed once; with other parameters it must not be taken for the same."""
    m = random_market(seed, (30, 600, 500))
    columns = tuple({column.name: column for k in range(4) for column in (*DEFAULT, *other_columns(seed + 10 * k))}.values())
    columns = tuple(np.random.default_rng(seed).permutation(np.array(columns, dtype=object)))
    assert len(columns) > 500
    whole = batch(m, columns)
    alone = np.concatenate([batch(m, (column,)) for column in columns])
    require_same_bits(whole, alone, columns)


HASHES = """
import hashlib
from feature_markets import random_market, wild_market
from esbt import _core
from esbt.features import features
from esbt.features.registry import default_columns
stream = _core.FeatureStream([column.request for column in default_columns()])
for m in (random_market(1, (1_200, 700)), wild_market(2)):
    print(hashlib.sha256(features(m).matrix.tobytes()).hexdigest(), hashlib.sha256(stream.replay(m.core).tobytes()).hexdigest())
"""


def test_every_target_gives_the_same_bits():
    """The loops compiled for the plain machine, and for what this one can do."""
    path = os.pathsep.join(str(Path(__file__).parents[k]) for k in (0, 1))
    said = set()
    for target in ("baseline", "avx2"):
        env = os.environ | {"PYTHONPATH": path, "ESBT_TARGET": target}
        said.add(subprocess.run([sys.executable, "-c", HASHES], capture_output=True, text=True, check=True, env=env).stdout)
    assert len(said) == 1
    assert len(said.pop().split()) == 4


def test_parameters_that_differ_little_are_not_taken_for_the_same():
    m = random_market(60, (400,))
    for kind in {column.kind.name: column.kind for column in DEFAULT}.values():
        for k, p in enumerate(kind.parameters):
            near = [column_with(kind, k, p.initial), column_with(kind, k, p.initial + (1.0 if p.whole else 1e-9))]
            together = _core.compute_features(m.core, [c.request for c in near])
            for row, c in zip(together, near, strict=True):
                assert bits(row) == bits(_core.compute_features(m.core, [c.request])), c


def column_with(kind, k: int, value: float) -> Column:
    values = [p.initial for p in kind.parameters]
    values[k] = value
    return Column(kind, tuple(values))
