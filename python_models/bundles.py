"""Model bundles: what was learned as a folder that is checked before it is used, trades as the original does, and runs no code.

Inside: manifest.json (see `bundle_folder`), learned.json (inputs, bounds, calibration, threshold, size), and each forest in its
library's own file: LightGBM's text or XGBoost's UBJSON, read by `esbt.Forest`, which refuses walks that do not end. Never a pickle. What a
new phase learns goes into `_Saved` and one branch in `save_bundle` and `load_bundle`.
"""

import json
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from esbt import __version__
from esbt.account import Kelly
from esbt.entry_model import STATE_INPUTS, Ask
from esbt.errors import EsbtError
from esbt.features import Features
from esbt.settings import Settings
from python_models.boosting import TrainedForest
from python_models.bundle_folder import read_folder, write_folder
from python_models.calibration import Calibrated, Calibration, calibration_from
from python_models.entry_confidence import ConfidenceModel
from python_models.labels import Labels
from python_models.learn import Learned, Training
from python_models.stop_loss import StopModel

FORMAT = 1
LIBRARIES = ("numpy", "lightgbm", "treelite", "scikit-learn")
_SAID = ("esbt", "features", "format", "libraries", "seed", "training")

Texts = Annotated[tuple[str, ...], Field(strict=False)]
Pair = Annotated[tuple[float, float], Field(strict=False)]


class _SavedStop(Settings):
    file: str
    inputs: Texts
    bounds: Pair
    trained_on: Annotated[int, Field(ge=0)]


class _SavedConfidence(Settings):
    file: str
    inputs: Texts
    calibration: Pair
    calibrator: dict[str, Any] | None
    threshold: Annotated[float, Field(ge=0, le=1)]
    quality: dict[str, float]


class _SavedSize(Settings):
    fraction: float
    payoff: float
    heat_cap: Annotated[float, Field(le=0.06)]
    volatility_ref: float | None
    max_contracts: int | None


class _Saved(Settings):
    stop: _SavedStop | None
    confidence: _SavedConfidence | None
    size: _SavedSize | None
    notes: Texts


_PARTS: dict[str, type[Settings]] = {"stop": _SavedStop, "confidence": _SavedConfidence, "size": _SavedSize}


def save_bundle(learned: Learned, path: str | Path, training: Training) -> Path:
    """Write what was learned on this training into a new folder, whole or not at all.

    The held-out labels the filter would have taken are not kept. Raises EsbtError where the folder exists or cannot be written, and for a
    forest that was not trained here.
    """
    files: dict[str, bytes] = {}

    def file_of(name: str, hook: Any) -> str:
        if not isinstance(hook, TrainedForest):
            raise EsbtError(f"the {name} model is a {type(hook).__name__}: only forests that learning trained can be saved")
        files[f"{name}{hook.suffix}"] = hook.content
        return f"{name}{hook.suffix}"

    stop, confidence, size = learned.stop, learned.confidence, learned.size
    hook = confidence and confidence.ask.hook
    calibrated = hook if isinstance(hook, Calibrated) else None
    saved = {
        "stop": stop
        and {"file": file_of("stop", stop.forest), "inputs": stop.ask.inputs, "bounds": stop.bounds, "trained_on": stop.trained_on},
        "confidence": confidence
        and {
            "file": file_of("confidence", calibrated.model if calibrated else hook),
            "inputs": confidence.ask.inputs,
            "calibration": confidence.calibration,
            "calibrator": calibrated and calibrated.calibration.described(),
            "threshold": confidence.threshold,
            "quality": confidence.quality,
        },
        "size": size and {name: getattr(size, name) for name in _SavedSize.model_fields},
        "notes": learned.notes,
    }
    files["learned.json"] = (json.dumps(saved, indent=2, allow_nan=False) + "\n").encode()
    bars = training.bars
    first, last = (str(np.datetime64(int(t), "ns")) + "Z" for t in (bars.ts[0], bars.ts[-1]))
    said = {
        "format": FORMAT,
        "esbt": __version__,
        "libraries": {name: version(name) for name in LIBRARIES},
        "features": list(training.features.names),
        "training": {"instrument": bars.instrument.symbol, "bars": len(bars), "first_bar": first, "last_bar": last},
        "seed": training.learning.seed,
    }
    return write_folder(path, said, files)


def load_bundle(path: str | Path, features: Features | Sequence[str]) -> Learned:
    """What `save_bundle` wrote, for these features (names in order): it trades as the original does.

    Every byte is checked before any model is opened. Raises EsbtError, saying why, for other features or another order, another format or
    minor version of esbt, whatever `bundle_folder.read_folder` refuses, and content that makes no model. Library versions are for the
    reader: files of LightGBM and XGBoost are read by any version here.
    """
    said, files = read_folder(path)
    _check_manifest(said, path)
    names = tuple(features.names if isinstance(features, Features) else features)
    if names != tuple(said["features"]):
        raise EsbtError(f"the bundle {path} learned from other features: {_difference(tuple(said['features']), names)}")
    saved = _read_saved(files.pop("learned.json", None), path)
    used = [part.file for part in (saved.stop, saved.confidence) if part]
    if sorted(used) != sorted(files):
        raise EsbtError(
            f"learned.json of the bundle {path} names the files {', '.join(used) or 'none'}, it holds {', '.join(files) or 'none'}"
        )
    learned = Learned(notes=list(saved.notes))
    if saved.stop is not None:
        low, high = saved.stop.bounds
        if not 0 < low <= high:
            raise EsbtError(f"the bundle {path} has stop bounds {low}, {high}: they must be 0 < low <= high")
        ask = _ask(saved.stop, files, names, path)
        learned.stop = StopModel(ask.hook, ask, (low, high), saved.stop.trained_on)
    if saved.confidence is not None:
        own = saved.confidence
        ask = _ask(own, files, names, path)
        if own.calibrator is not None:
            ask = Ask(Calibrated(ask.hook, _calibrator(own.calibrator, path)), ask.inputs)
        learned.confidence = ConfidenceModel(ask, own.calibration, own.threshold, dict(own.quality), _no_labels())
    if saved.size is not None:
        learned.size = Kelly(**{name: getattr(saved.size, name) for name in _SavedSize.model_fields})
    if (learned.size and not learned.confidence) or (learned.confidence and not learned.stop):
        raise EsbtError(f"the bundle {path} has a later phase without the one before it: it is not of save_bundle")
    return learned


def _check_manifest(said: dict[str, Any], path: str | Path) -> None:
    if said.get("format") != FORMAT or type(said["format"]) is not int:
        raise EsbtError(f"the bundle {path} has format {str(said.get('format'))[:20]}, this esbt reads {FORMAT}: save it again")
    own, other = __version__, said.get("esbt")
    if not isinstance(other, str) or other.split(".")[:2] != own.split(".")[:2]:
        raise EsbtError(f"the bundle {path} is of esbt {str(other)[:20]}, this is {own}, whose features may differ: learn again")
    if tuple(sorted(said)) != _SAID or not isinstance(said["features"], list) or not all(isinstance(n, str) for n in said["features"]):
        raise EsbtError(f"the manifest of the bundle {path} must hold {', '.join(_SAID)}: it is not of save_bundle")


def _read_saved(content: bytes | None, path: str | Path) -> _Saved:
    if content is None:
        raise EsbtError(f"the bundle {path} has no learned.json: it is not of save_bundle")
    try:
        data = json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise EsbtError(f"learned.json of the bundle {path} is not JSON: {str(error)[:100]}") from error
    try:
        table = _table(_Saved, data)
        parts: dict[str, Any] = {name: _made(kind, table[name]) for name, kind in _PARTS.items()}
        return _Saved(**parts, notes=table["notes"])
    except (EsbtError, OverflowError, RecursionError) as error:  # a whole number too large for a float, a list in a list in a list
        raise EsbtError(f"learned.json of the bundle {path}: {str(error)[:300]}") from None


def _made(kind: type[Settings], data: Any) -> Settings | None:
    return None if data is None else kind(**_table(kind, data))


def _table(kind: type[Settings], data: Any) -> dict[str, Any]:
    if not isinstance(data, dict) or data.keys() != kind.model_fields.keys():
        raise EsbtError(f"expected a table of {', '.join(kind.model_fields)}, got {str(data)[:80]}")
    return data


def _ask(part: _SavedStop | _SavedConfidence, files: dict[str, bytes], names: tuple[str, ...], path: str | Path) -> Ask:
    try:
        forest = TrainedForest.from_content(Path(part.file).suffix, files[part.file])
    except EsbtError as error:
        raise EsbtError(f"{part.file} of the bundle {path} makes no model: {error}") from error
    if strange := [name for name in part.inputs if name not in names and name not in STATE_INPUTS]:
        raise EsbtError(f"{part.file} of the bundle {path} asks for {strange[0]!r}, which is none of its features")
    if forest.n_features != len(part.inputs):
        raise EsbtError(f"{part.file} of the bundle {path} has {forest.n_features} columns for {len(part.inputs)} inputs: it is damaged")
    return Ask(forest, part.inputs)


def _calibrator(data: dict[str, Any], path: str | Path) -> Calibration:
    try:
        return calibration_from(data)
    except EsbtError as error:
        raise EsbtError(f"learned.json of the bundle {path}: {str(error)[:300]}") from None


def _difference(saved: tuple[str, ...], given: tuple[str, ...]) -> str:
    if missing := [name for name in saved if name not in given]:
        return f"{missing[0]!r} is missing"
    if extra := [name for name in given if name not in saved]:
        return f"{extra[0]!r} is one too many"
    return f"the same in another order; give {', '.join(saved)}"


def _no_labels() -> Labels:
    bars, money = np.zeros(0, dtype=np.int64), np.zeros(0)
    return Labels(signal_bar=bars, end_bar=bars, side=bars, pnl=money, risk=money, mae_atr=money)
