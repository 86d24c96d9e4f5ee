"""Bundles: a loaded one trades as the original; one that was damaged, tampered with or made for something else is refused with a reason."""

import dataclasses
import json
import os
import pickle
import re
import subprocess
import sys

import lightgbm as lgb
import numpy as np
import pytest
import xgboost as xgb
from bundle_mutations import damaged
from learning_helpers import ONE_THREAD, ROOT, plain_features, quick_run, same_model

import esbt
from esbt.errors import EsbtError
from esbt.forest import Forest
from python_models import Learned
from python_models.boosting import TrainedForest
from python_models.bundle_folder import _manifest_bytes, read_folder, write_folder
from python_models.bundles import load_bundle, save_bundle
from python_models.calibration import FITS
from python_models.pipeline import judge

CONFIG, BARS, COLUMNS, TRAINING, LEARNED, TEST = quick_run(models=("lightgbm", "xgboost", "network"), stop_target="best")
FILES = ["manifest.json", "learned.json", "stop_lightgbm.txt", "confidence_xgboost.ubj", "stop_network_0_weight.npy"]
NAMES = COLUMNS.names
RUNS = ["baseline", "phase 1: stop", "phase 2 alone: confidence", "phase 3 alone: size", "phase 2: + confidence", "ML: + size"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A bundle of all three phases, for reading only."""
    return save_bundle(LEARNED, tmp_path_factory.mktemp("bundles") / "es", TRAINING)


@pytest.fixture
def bundle(whole, tmp_path):
    """The same, to be spoiled."""
    said, files = read_folder(whole)
    return write_folder(tmp_path / "es", said, files)


def rewritten(bundle, said=None, **files):
    """The bundle with other entries of its manifest and other files, every sum made anew; None takes a file away."""
    old, content = read_folder(bundle)
    content |= {name.replace("__", "."): data for name, data in files.items()}
    return write_folder(bundle.parent / "tampered", old | (said or {}), {name: data for name, data in content.items() if data is not None})


def forged(bundle, **entries):
    """The bundle with a manifest of other entries, its own sum made anew, whatever they say."""
    said = json.loads((bundle / "manifest.json").read_text())
    del said["sha256"]
    (bundle / "manifest.json").write_bytes(_manifest_bytes(said | entries))
    return bundle


# --- what is saved is what is loaded -------------------------------------------------------------------------------------------------


def test_a_loaded_bundle_trades_identically(whole):
    """Every phase on the test time: the same trades, all columns of them."""
    loaded = load_bundle(whole, COLUMNS)
    assert same_model(loaded, LEARNED)
    ours, theirs = (judge(CONFIG, BARS, COLUMNS, TEST, learned) for learned in (LEARNED, loaded))
    assert list(ours) == list(theirs) == RUNS
    for name, run in ours.items():
        assert len(run.trades) > 20
        assert run.trades.equals(theirs[name].trades)
    assert (loaded.notes, loaded.stop.trained_on, loaded.confidence.quality) == (
        LEARNED.notes,
        LEARNED.stop.trained_on,
        LEARNED.confidence.quality,
    )


def test_saving_a_loaded_bundle_gives_the_same_bytes(whole, tmp_path):
    again = save_bundle(load_bundle(whole, NAMES), tmp_path / "again", TRAINING)
    assert {p.name: p.read_bytes() for p in again.iterdir()} == {p.name: p.read_bytes() for p in whole.iterdir()}


@pytest.mark.parametrize("phases", [(), ("stop",), ("stop", "confidence")])
def test_phases_left_out_stay_out(phases, tmp_path):
    some = Learned(notes=["Phase 3 left out: ..."], **{name: getattr(LEARNED, name) for name in phases})
    loaded = load_bundle(save_bundle(some, tmp_path / "some", TRAINING), NAMES)
    assert same_model(loaded, some)
    assert loaded.notes == some.notes


@pytest.mark.parametrize("kind", ["beta", "isotonic"])
def test_calibrators_are_saved(kind, tmp_path):
    """One that is no line goes with the forest; the loaded one gives the same trades."""
    margins = np.random.default_rng(3).normal(size=300)
    own = FITS[kind](margins, margins + np.random.default_rng(4).normal(size=300) > 0)
    confidence = dataclasses.replace(LEARNED.confidence, calibrator=own, threshold=0.4)
    learned = dataclasses.replace(LEARNED, confidence=confidence)
    loaded = load_bundle(save_bundle(learned, tmp_path / "b", TRAINING), NAMES)
    assert loaded.confidence.calibrator == own
    ours, theirs = (judge(CONFIG, BARS, COLUMNS, TEST, one)["ML: + size"].trades for one in (learned, loaded))
    assert len(ours) > 10
    assert ours.equals(theirs)
    assert not ours.equals(judge(CONFIG, BARS, COLUMNS, TEST, LEARNED)["ML: + size"].trades)


def test_the_manifest_says_what_it_is(whole):
    said = json.loads((whole / "manifest.json").read_text())
    arrays = [
        f"{question}_network_{layer}_{part}.npy" for question in ("confidence", "stop") for layer in range(3) for part in ("bias", "weight")
    ]
    forests = [f"{question}_{name}" for question in ("confidence", "stop") for name in ("lightgbm.txt", "xgboost.ubj")]
    assert sorted(p.name for p in whole.iterdir()) == sorted(["learned.json", "manifest.json", *arrays, *forests])
    assert said["features"] == list(NAMES)
    assert (said["format"], said["esbt"], said["seed"]) == (2, esbt.__version__, CONFIG.learning.seed)
    assert said["libraries"]["lightgbm"] == lgb.__version__
    assert said["training"]["bars"] == len(TRAINING.bars)
    assert np.datetime64(said["training"]["last_bar"][:-1]).astype("datetime64[ns]").astype(np.int64) == TRAINING.bars.ts[-1]
    assert not list(whole.parent.glob(".*"))  # no scrap


def test_a_forest_of_xgboost(tmp_path):
    """Its file gives the margins of the booster, bit for bit."""
    x = np.random.default_rng(1).normal(size=(500, 4)).astype(np.float32)
    booster = xgb.train({"objective": "binary:logistic", "max_depth": 3, "nthread": 1}, xgb.DMatrix(x, x[:, 0] > 0.2), 10)
    forest = TrainedForest(booster)
    again = TrainedForest.from_content(forest.suffix, forest.content)
    assert forest.suffix == ".ubj"
    assert np.array_equal(again.predict(x), Forest(booster).predict(x))


def test_saving_is_refused(whole, tmp_path):
    with pytest.raises(EsbtError, match="exists: remove it or choose another name"):
        save_bundle(LEARNED, whole, TRAINING)
    members = LEARNED.stop.ensemble.members
    other = Forest(lgb.Booster(model_str=members["lightgbm"].content.decode()))
    plain = dataclasses.replace(LEARNED.stop, ensemble=dataclasses.replace(LEARNED.stop.ensemble, members=members | {"lightgbm": other}))
    with pytest.raises(EsbtError, match="the stop model 'lightgbm' is a Forest: only models that learning trained can be saved"):
        save_bundle(Learned(stop=plain), tmp_path / "b", TRAINING)
    (tmp_path / "file").write_text("")
    with pytest.raises(EsbtError, match="a file is in the way"):
        save_bundle(LEARNED, tmp_path / "file" / "b", TRAINING)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file"]


# --- damage --------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FILES)
def test_any_damage_is_refused(bundle, name):
    """250 kinds of damage to each file: an EsbtError that names it."""
    content = (bundle / name).read_bytes()
    for seed in range(250):
        (bundle / name).write_bytes(damaged(content, seed))
        with pytest.raises(EsbtError, match=name):
            load_bundle(bundle, NAMES)


@pytest.mark.parametrize("name", FILES)
def test_any_flipped_byte_is_seen(bundle, name):
    """One byte, at 200 places, white space among them; and the file cut off, at 50."""
    content = (bundle / name).read_bytes()
    rng = np.random.default_rng(2)
    for at in rng.integers(0, len(content), 200):
        (bundle / name).write_bytes(content[:at] + bytes([content[at] ^ (1 << rng.integers(8))]) + content[at + 1 :])
        with pytest.raises(EsbtError, match=name):
            load_bundle(bundle, NAMES)
    for at in rng.integers(0, len(content), 50):
        (bundle / name).write_bytes(content[:at])
        with pytest.raises(EsbtError, match=name):
            load_bundle(bundle, NAMES)
    (bundle / name).write_bytes(content)
    assert same_model(load_bundle(bundle, NAMES), LEARNED)


SPOILED = {
    "no folder": (lambda b: b / "none", "cannot be read: No such file"),
    "a file": (lambda b: b / "stop_lightgbm.txt", "cannot be read: Not a directory"),
    "no manifest": (lambda b: (b / "manifest.json").unlink(), "has no manifest.json"),
    "missing": (lambda b: (b / "stop_lightgbm.txt").unlink(), "stop_lightgbm.txt is missing from the bundle"),
    "one too many": (lambda b: (b / "extra.txt").write_text(""), "'extra.txt' in the bundle .* is not in its manifest"),
    "hidden": (lambda b: (b / ".stop_lightgbm.txt").write_text(""), "'.stop_lightgbm.txt' in the bundle"),
    "link": (
        lambda b: (b / "stop_lightgbm.txt").rename(b.parent / "s") and (b / "stop_lightgbm.txt").symlink_to(b.parent / "s"),
        "it is a link",
    ),
    "manifest link": (
        lambda b: (b / "manifest.json").rename(b.parent / "m") and (b / "manifest.json").symlink_to(b.parent / "m"),
        "it is a link",
    ),
    "folder": (lambda b: (b / "stop_lightgbm.txt").unlink() or (b / "stop_lightgbm.txt").mkdir(), "stop_lightgbm.txt is no plain file"),
    "pipe": (lambda b: (b / "stop_lightgbm.txt").unlink() or os.mkfifo(b / "stop_lightgbm.txt"), "stop_lightgbm.txt is no plain file"),
    "oversize": (lambda b: os.truncate(b / "stop_lightgbm.txt", 2**40), "stop_lightgbm.txt has 1,099,511,627,776 bytes, more than"),
    "oversize manifest": (lambda b: os.truncate(b / "manifest.json", 2**40), "manifest.json has 1,099,511,627,776 bytes, more than"),
    "nested": (lambda b: (b / "manifest.json").write_text("[" * 10**6), "manifest.json is not JSON as it was saved"),
    "no table": (lambda b: (b / "manifest.json").write_text("[]"), "manifest.json is not what was saved"),
    "way out": (
        lambda b: forged(b, files={"../stop_lightgbm.txt": {"bytes": 1, "sha256": ""}}),
        "names '../stop_lightgbm.txt', which is no file of a bundle",
    ),
    "absolute": (lambda b: forged(b, files={"/etc/passwd": {"bytes": 1, "sha256": ""}}), "names '/etc/passwd', which is no file"),
    "itself": (lambda b: forged(b, files={"manifest.json": {"bytes": 1, "sha256": ""}}), "names 'manifest.json', which is no file"),
    "pickle": (lambda b: forged(b, files={"model.pkl": {"bytes": 1, "sha256": ""}}), "names 'model.pkl', which is no file"),
    "no files": (lambda b: forged(b, files=[]), "lists no files"),
    "too many": (lambda b: forged(b, files={f"a{i}.txt": {} for i in range(100)}), "more than 64"),
    "huge": (
        lambda b: forged(b, files={"stop_lightgbm.txt": {"bytes": 2**60, "sha256": ""}}),
        "no size up to 268,435,456 bytes and sum of stop_lightgbm.txt",
    ),
    "true": (lambda b: forged(b, files={"stop_lightgbm.txt": {"bytes": True, "sha256": ""}}), "no size up to"),
    "no sum": (lambda b: forged(b, files={"stop_lightgbm.txt": {"bytes": 1}}), "no size up to"),
    "format": (lambda b: forged(b, format=1), "has format 1, this esbt reads 2"),
    "no format": (lambda b: forged(b, format=None), "has format None"),
    "version": (lambda b: forged(b, esbt="0.2.0"), "is of esbt 0.2.0, this is 0.1.0, whose features may differ"),
    "unknown entry": (lambda b: forged(b, code="import os"), "must hold esbt, features, format"),
    "features": (lambda b: forged(b, features="rsi"), "must hold esbt, features, format"),
}


@pytest.mark.parametrize("how", SPOILED)
def test_spoiled_folders(bundle, how):
    spoil, message = SPOILED[how]
    made = spoil(bundle)
    with pytest.raises(EsbtError, match=message):
        load_bundle(made if how in ("no folder", "a file") else bundle, NAMES)


def test_other_features(whole):
    ones = np.ones(5)
    for names, message in [
        (NAMES[:-1], f"'{re.escape(NAMES[-1])}' is missing"),
        ((*NAMES, "rsi(21)"), r"'rsi\(21\)' is one too many"),
        (NAMES[::-1], r"the same in another order; give move\(1\), move\(5\)"),
        (plain_features(**dict.fromkeys(("a", "b"), ones)), "'move.1.' is missing"),
    ]:
        with pytest.raises(EsbtError, match=f"learned from other features: {message}"):
            load_bundle(whole, names)


# --- tampering: every sum made anew --------------------------------------------------------------------------------------------------


def learned_with(bundle, change):
    """learned.json changed by a function of its table."""
    data = json.loads((bundle / "learned.json").read_text())
    data = change(data) or data
    return rewritten(bundle, learned__json=json.dumps(data).encode())


TAMPERED = {
    "nothing": (lambda d: {"a": 1}, "expected a table of stop, confidence, size, notes"),
    "a list": (lambda d: [1], "expected a table"),
    "self": (lambda d: d.update(self=1), "expected a table"),
    "part": (lambda d: d.update(stop=3), "expected a table of ensemble, bounds, trained_on, target, moving, got 3"),
    "empty": (lambda d: d.update(stop={}), "expected a table of ensemble, bounds"),
    "bounds": (lambda d: d["stop"].update(bounds=[2.0, 1.0]), "has stop bounds 2.0, 1.0"),
    "nan": (lambda d: d["stop"].update(bounds=[float("nan"), 1.0]), "finite number"),
    "weights": (lambda d: d["stop"]["ensemble"]["weights"].update(lightgbm=0.9, xgboost=0.9), "they must sum to 1"),
    "no weights": (lambda d: d["stop"]["ensemble"].update(weights={}), "they must sum to 1"),
    "negative": (lambda d: d["stop"]["ensemble"]["weights"].update(lightgbm=-0.5), "greater than or equal to 0, got -0.5"),
    "member": (lambda d: d["stop"]["ensemble"].update(weights={"catboost": 1.0}), "'lightgbm', 'xgboost' or 'network'"),
    "objective": (lambda d: d["stop"]["ensemble"].update(objective="exec"), "'binary', 'quantile' or 'mean', got 'exec'"),
    "ensemble": (lambda d: d["stop"].update(ensemble=[]), "stop.ensemble: |ensemble: "),
    "multipliers": (
        lambda d: d["stop"]["moving"].update(multipliers=[9.0, 1.0]),
        r"has multipliers \(9.0, 1.0\) in 0.7, 1.5: they must lie",
    ),
    "regime": (lambda d: d["stop"]["moving"].update(regime="tomorrow"), "has regimes of 'tomorrow', which is none of its features"),
    "smoothing": (lambda d: d["stop"]["moving"].update(smoothing=0.0), "smoothing: .* greater than 0, got 0.0"),
    "calibrator": (
        lambda d: d["confidence"].update(calibrator={"kind": "exec"}),
        "learned.json of the bundle .* unknown calibration 'exec'",
    ),
    "calibrators": (lambda d: d["confidence"].update(calibrator=[]), "calibrator: "),
    "large": (lambda d: d["stop"].update(bounds=[10**400, 0.0]), "learned.json of the bundle"),
    "threshold": (lambda d: d["confidence"].update(threshold=1.5), "threshold: .* less than or equal to 1, got 1.5"),
    "text": (lambda d: d["confidence"].update(threshold="0.5"), "threshold: .* valid number, got '0.5'"),
    "size": (lambda d: d["size"].update(fraction=7.0), "fraction: .* less than or equal to 1, got 7.0"),
    "heat": (lambda d: d["size"].update(heat_cap=0.5), "heat_cap: .* less than or equal to 0.06, got 0.5"),
    "inputs": (lambda d: d["stop"]["ensemble"]["inputs"].__setitem__(0, "tomorrow"), "the stop of the bundle .* asks for 'tomorrow'"),
    "fewer": (lambda d: d["stop"]["ensemble"]["inputs"].pop() and None, "has 21 columns for 20 inputs"),
    "one less": (lambda d: d["stop"]["ensemble"].update(weights={"xgboost": 1.0}), "stop_lightgbm.txt of the bundle .* is of no model"),
    "order": (lambda d: d.update(confidence=None), "confidence_.* of the bundle .* is of no model"),
    "nested": (lambda d: d.update(notes=json.loads("[" * 400 + "]" * 400)), "notes"),
}


@pytest.mark.parametrize("how", TAMPERED)
def test_tampered_settings(bundle, how):
    change, message = TAMPERED[how]
    with pytest.raises(EsbtError, match=message):
        load_bundle(learned_with(bundle, change), NAMES)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"learned__json": None}, "has no learned.json"),
        ({"learned__json": b"{"}, "learned.json of the bundle .* is not JSON"),
        ({"learned__json": b"[" * 10**6}, "learned.json of the bundle .* is not JSON"),
        ({"learned__json": b"\xff\xfe"}, "learned.json of the bundle .* is not JSON"),
        ({"stop_lightgbm__txt": b""}, "stop_lightgbm.txt of the bundle .* makes no model: .* is not complete"),
        ({"stop_lightgbm__txt": None, "stop_lightgbm__npy": b""}, "stop_lightgbm.txt of the bundle .* makes no model: it is missing"),
        ({"other__txt": b""}, "other.txt of the bundle .* is of no model that its learned.json names"),
        ({"stop_network_9_bias__npy": b""}, "stop_network_9_bias.npy of the bundle .* is of no model"),
        ({"stop_network_0_weight__npy": None}, "stop_network of the bundle .* makes no model: the files of 'stop_network' make no network"),
        ({"stop_network_1_bias__npy": b"x"}, "stop_network of the bundle .* makes no model: stop_network_1_bias.npy is no .npy"),
    ],
)
def test_tampered_files(bundle, files, message):
    with pytest.raises(EsbtError, match=message):
        load_bundle(rewritten(bundle, **files), NAMES)


def test_random_settings_never_crash(bundle):
    """300 kinds of damage to learned.json with its sums made anew: refused, or a model that can be asked."""
    content, tampered, refused = (bundle / "learned.json").read_bytes(), bundle.parent / "tampered", 0
    for seed in range(300):
        for old in tampered.glob("*"):
            old.unlink()
        if tampered.exists():
            tampered.rmdir()
        rewritten(bundle, learned__json=damaged(content, seed))
        try:
            learned = load_bundle(tampered, NAMES)
        except EsbtError:
            refused += 1
            continue
        learned.model(COLUMNS).prepare(len(BARS))
    assert 150 < refused < 300


class _Writes:
    """A pickle that makes a folder when it is read."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


def test_no_pickle_is_ever_read(bundle, tmp_path):
    """In place of each file, with sums that fit; and to show that it would have worked, read on purpose."""
    mark = tmp_path / "mark"
    evil = pickle.dumps(_Writes(str(mark)))
    for number, name in enumerate(("learned__json", "stop_lightgbm__txt", "confidence_xgboost__ubj", "stop_network_1_weight__npy")):
        said, files = read_folder(bundle)
        tampered = write_folder(tmp_path / f"t{number}", said, files | {name.replace("__", "."): evil})
        with pytest.raises(EsbtError):
            load_bundle(tampered, NAMES)
    assert not mark.exists()
    pickle.loads(evil)
    assert mark.exists()


def test_damaged_models_never_crash(tmp_path):
    """What LightGBM's text and XGBoost's files become when damaged and given sums that fit: 400 each, loaded in a process of its own within
    a minute, each refused with EsbtError or a forest with finite answers."""
    x = np.random.default_rng(1).normal(size=(300, 4)).astype(np.float32)
    booster = xgb.train({"objective": "binary:logistic", "max_depth": 3, "nthread": 1}, xgb.DMatrix(x, x[:, 0] > 0.2), 5)
    files = {"txt": LEARNED.stop.ensemble.members["lightgbm"].content} | {
        kind: bytes(booster.save_raw(raw_format=kind)) for kind in ("ubj", "json")
    }
    for kind, content in files.items():
        (tmp_path / f"model.{kind}").write_bytes(content)
    script = [sys.executable, str(ROOT / "tests" / "bundle_mutations.py"), "400", *(str(tmp_path / f"model.{kind}") for kind in files)]
    done = subprocess.run(script, capture_output=True, timeout=60, env=ONE_THREAD, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    counts = [tuple(map(int, line.split()[1:])) for line in done.stdout.splitlines() if line.startswith(b"COUNTS")]
    assert [refused + made for refused, made in counts] == [400] * 3
    assert all(refused > 100 and made > 5 for refused, made in counts)
