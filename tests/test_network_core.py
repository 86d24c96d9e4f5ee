"""Network = torch, batch norm folded; the same bits for a row, a block and every machine; in the loop by its hook; what does not fit is
refused.
"""

import itertools
import os
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import esbt
from esbt import Dense, EsbtError, Network
from esbt.hooks import as_hook


def numbers(t):
    return None if t is None else t.detach().numpy()


def torch_net(seed, widths, norm, bias=True):
    """Linear, batch norm, ReLU, dropout ... Linear, after some steps in which batch norm has seen data; in float64, in use."""
    torch.manual_seed(seed)
    layers = []
    for inputs, outputs in itertools.pairwise(widths):
        layers += [torch.nn.Linear(inputs, outputs, bias=bias)]
        layers += [torch.nn.BatchNorm1d(outputs, affine=norm == "affine")] if norm else []
        layers += [torch.nn.ReLU(), torch.nn.Dropout(0.3)]
    net = torch.nn.Sequential(*layers, torch.nn.Linear(widths[-1], 1))
    with torch.no_grad():
        for p in net.parameters():
            p.add_(torch.randn_like(p) * 0.1)
        for _ in range(10):
            net(torch.randn(50, widths[0]) * 2 + 0.5)
    return net.eval()


def dense_layers(net):
    """What a user does: one Dense for each Linear, with the batch norm behind it."""
    parts, layers = list(net), []
    for linear, after in zip(parts, [*parts[1:], None], strict=True):
        if not isinstance(linear, torch.nn.Linear):
            continue
        norm = {}
        if isinstance(after, torch.nn.BatchNorm1d):
            norm = {"mean": numbers(after.running_mean), "variance": numbers(after.running_var), "eps": after.eps}
            norm |= {"gamma": numbers(after.weight), "beta": numbers(after.bias)}
        layers.append(Dense(numbers(linear.weight), numbers(linear.bias), **norm))
    return layers


def rows(seed, n, width):
    return np.random.default_rng(seed).standard_normal((n, width), dtype=np.float32) * 2


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**31 - 1),
    widths=st.lists(st.sampled_from([1, 2, 7, 16, 17, 33, 64]), min_size=1, max_size=4),
    norm=st.sampled_from(["affine", "plain", None]),
    bias=st.booleans(),
)
def test_equal_to_torch(seed, widths, norm, bias):
    net = torch_net(seed, widths, norm, bias)
    x = rows(seed, 60, widths[0])
    ours = Network(dense_layers(net)).predict(x)
    with torch.no_grad():
        single = net(torch.from_numpy(x)).numpy()[:, 0]
        double = net.double()(torch.from_numpy(x).double()).numpy()[:, 0]
    scale = np.abs(double).max()
    np.testing.assert_allclose(ours, double, rtol=1e-11, atol=1e-13 * (1 + scale))
    np.testing.assert_allclose(ours, single, rtol=1e-6, atol=2e-6 * (1 + scale))  # float32 loses what cancels


def test_row_equals_block_bit_for_bit():
    network = Network(dense_layers(torch_net(1, [40, 64, 32], "affine")))
    x = rows(2, 37, 40)
    whole = network.predict(x)
    assert np.ptp(whole) > 0.1
    assert whole.tolist() == [network.predict(r[None, :])[0] for r in x] == network.hook(x).tolist()
    assert whole.tolist() == network.predict(np.asfortranarray(x)).tolist()
    assert network.predict(x[:0]).shape == (0,)
    assert repr(network) == "Network(inputs=40, layers=3)"


def test_wide_layers_leave_the_stack_buffer():
    rng = np.random.default_rng(3)
    w, v = rng.normal(size=(3000, 5)), rng.normal(size=(1, 3000))
    x = rows(4, 9, 5)
    expected = (v @ np.maximum(w @ x.T.astype(np.float64), 0))[0]
    np.testing.assert_allclose(Network([Dense(w), Dense(v)]).predict(x), expected, rtol=1e-12)


BITS = """
import numpy as np
from esbt import Dense, Network
rng = np.random.default_rng(0)
sizes = [40, 64, 33, 1]
network = Network([Dense(rng.normal(size=(o, i)), rng.normal(size=o)) for i, o in zip(sizes, sizes[1:])])
print(network.predict(rng.standard_normal((300, 40), dtype=np.float32)).tobytes().hex())
"""


def test_every_machine_gives_the_same_bits():
    def answer(target):
        env = {**os.environ, "ESBT_TARGET": target}
        return subprocess.run([sys.executable, "-c", BITS], env=env, capture_output=True, text=True, check=True).stdout

    assert len(answer("baseline")) > 1000
    assert answer("baseline") == answer("avx2")


def test_nan_and_infinity():
    w = Dense([[1.0, 0.5], [-1.0, 0.5]])
    network = Network([w, Dense([[1.0, 1.0]], [2.0])])
    x = np.asarray([[1, 2], [np.nan, 1], [1, np.nan], [np.inf, 1], [-0.0, 0.0]], np.float32)
    with torch.no_grad():
        first, second = torch.nn.Linear(2, 2, bias=False), torch.nn.Linear(2, 1)
        first.weight[:], second.weight[:], second.bias[:] = torch.tensor(w.weight), 1.0, 2.0
        expected = second(torch.relu(first(torch.from_numpy(x)))).numpy()[:, 0]
    assert np.isnan(expected).tolist() == [False, True, True, False, False]
    np.testing.assert_array_equal(network.predict(x), expected)


def test_in_the_loop():
    bars = esbt.synthetic_bars(days=30)
    columns = esbt.features(bars, ["move(1)", "move(30)"])
    names = ["move(1)", "move(30)", "side"]
    network = Network(dense_layers(torch_net(5, [3, 8], "affine")))
    assert as_hook(network, 3) is network.hook

    def run(hook):
        model = esbt.EntryModel(
            columns, stop=esbt.Ask(hook, names), stop_bounds=(0.5, 4.0), confidence=esbt.Ask(hook, names), threshold=0.5
        )
        return esbt.backtest(bars, esbt.AtrStrategy(), model=model)

    ours, python = run(network), run(network.predict)
    assert len(ours.trades) > 10
    assert ours.raw_trades.tobytes() == python.raw_trades.tobytes()
    assert ours.skipped == python.skipped
    assert ours.skipped["confidence"] > 0


def test_nan_takes_no_signal():
    bars = esbt.synthetic_bars(days=30)
    columns = esbt.features(bars, ["move(1)"])
    empty = esbt.Features(np.full_like(columns.matrix, np.nan), columns.names, 0, bars.ts)
    ask = esbt.Ask(Network([Dense([[1.0]], [100.0])]), ["move(1)"])
    assert len(esbt.backtest(bars, esbt.AtrStrategy(), model=esbt.EntryModel(columns, confidence=ask)).trades) > 10
    result = esbt.backtest(bars, esbt.AtrStrategy(), model=esbt.EntryModel(empty, confidence=ask))
    assert len(result.trades) == 0
    assert result.skipped["confidence"] > 10
    with pytest.raises(EsbtError, match="NaN"):
        esbt.backtest(bars, esbt.AtrStrategy(), model=esbt.EntryModel(empty, stop=ask))


ONE = np.ones((1, 2))


@pytest.mark.parametrize(
    ("layers", "why"),
    [
        ([], "at least one"),
        (Dense(ONE), "list of esbt.Dense"),
        ([ONE], "layer 0 of the network is a ndarray"),
        ([Dense(np.ones(3))], r"layer 0.weight has shape (3,)"),
        ([Dense(np.ones((0, 3)))], "layer 0.weight has shape"),
        ([Dense(ONE, np.ones(2))], r"layer 0.bias has shape (2,): weight has 1 outputs, give [1]"),
        ([Dense(np.ones((3, 2))), Dense(np.ones((1, 4)))], "layer 1 has 4 inputs, the layer before gives 3"),
        ([Dense(np.ones((3, 2)))], "the last layer has 3 outputs"),
        ([Dense(ONE * np.nan)], "layer 0.weight has a value that is not finite"),
        ([Dense(ONE, ["a"])], "layer 0.bias is no array of numbers"),
        ([Dense(ONE, mean=[0.0])], "batch norm without its mean or variance"),
        ([Dense(ONE, gamma=[1.0])], "batch norm without its mean or variance"),
        ([Dense(ONE, mean=[0.0], variance=[-1.0])], "variance + eps must be positive"),
        ([Dense(ONE, mean=[0.0], variance=[0.0], eps=0.0)], "variance + eps must be positive"),
        ([Dense(np.ones((1, 5000)))], "cannot be used"),
        ([Dense(ONE * 1e300, mean=[0.0], variance=[0.0], eps=1e-30)], "not finite"),
    ],
)
def test_refused(layers, why):
    with pytest.raises(EsbtError, match=re.escape(why)):
        Network(layers)


def test_wrong_input():
    network = Network([Dense(ONE)])
    for x, why in [
        (np.ones((3, 2)), "float64"),
        (np.ones((3, 3), np.float32), r"\(3, 3\)"),
        (np.ones(2, np.float32), "shape"),
        ([[1.0, 2.0]], "list"),
    ]:
        with pytest.raises(EsbtError, match=why):
            network.predict(x)
    with pytest.raises(EsbtError, match="the hook takes 2 inputs"):
        as_hook(network, 3)
    with pytest.raises(EsbtError, match="1 to 256"):
        _ = Network([Dense(np.ones((1, 257)))]).hook


def test_the_benchmark_asks_the_same_network():
    """Every way of the benchmark gives torch's outputs; in its loop the network is asked at every signal and changes no trade."""
    sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))
    ways, forests, workload = (import_module(name) for name in ("rivals.network_torch", "rivals.forest_rivals", "workload"))
    ways.require_same_outputs(forests.rows(300))
    assert forests.EntryAsk(workload.full_rules(20_000), "network").require_asked("network") > 300
