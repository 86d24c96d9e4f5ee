"""Model bundles: what was learned as a folder that is checked before it is used, trades as the original does, and runs no code.

Inside: manifest.json (see `bundle_folder`), learned.json (inputs, blends, bounds, regimes, calibration, threshold, size), and each model in
files of its own: LightGBM's text or XGBoost's UBJSON, read by `esbt.Forest`, which refuses walks that do not end, and a network's plain
arrays (`network_files`). Never a pickle. What a new phase learns goes into `_Saved` and one branch in `save_bundle` and `load_bundle`.
"""

import json
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from esbt import __version__
from esbt.account import Kelly
from esbt.entry_model import STATE_INPUTS
from esbt.errors import EsbtError
from esbt.features import Features
from esbt.settings import Settings
from python_models.boosting import TrainedForest
from python_models.bundle_folder import read_folder, write_folder
from python_models.calibration import Calibration, calibration_from
from python_models.dynamic_stop import Moving
from python_models.ensemble import Blend
from python_models.entry_confidence import ConfidenceModel
from python_models.learn import Learned, Training
from python_models.network import TrainedNetwork
from python_models.network_files import network_files, network_from
from python_models.stop_loss import StopModel
from python_models.trained import Ensemble, Model

FORMAT = 2
LIBRARIES = ("numpy", "lightgbm", "xgboost", "treelite", "scikit-learn")
SUFFIXES = {"lightgbm": ".txt", "xgboost": ".ubj"}  # of the forests; any other member is a network
_SAID = ("esbt", "features", "format", "libraries", "seed", "training")

Texts = Annotated[tuple[str, ...], Field(strict=False)]
Pair = Annotated[tuple[float, float], Field(strict=False)]


class _SavedEnsemble(Settings):
    inputs: Texts
    objective: Literal["binary", "quantile", "mean"]
    weights: dict[Literal["lightgbm", "xgboost", "network"], Annotated[float, Field(ge=0, le=1)]]


class _SavedMoving(Settings):
    smoothing: Annotated[float, Field(gt=0, le=1)]
    regime: str | None
    multipliers: Annotated[tuple[float, ...], Field(strict=False, max_length=64)]
    bounds: Pair


class _SavedStop(Settings):
    ensemble: _SavedEnsemble
    bounds: Pair
    trained_on: Annotated[int, Field(ge=0)]
    target: str
    moving: _SavedMoving | None


class _SavedConfidence(Settings):
    ensemble: _SavedEnsemble
    calibrator: dict[str, Any]
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

    Kept is what trades; what explains it (evidence, tables, held-out labels) is not. Raises EsbtError where the folder exists or cannot be
    written, and for a model that was not trained here.
    """
    files: dict[str, bytes] = {}
    stop, confidence, size = learned.stop, learned.confidence, learned.size
    saved = {
        "stop": stop
        and {
            "ensemble": _described("stop", stop.ensemble, stop.inputs, files),
            "bounds": stop.bounds,
            "trained_on": stop.trained_on,
            "target": stop.target,
            "moving": stop.moving and {name: getattr(stop.moving, name) for name in _SavedMoving.model_fields},
        },
        "confidence": confidence
        and {
            "ensemble": _described("confidence", confidence.ensemble, confidence.inputs, files),
            "calibrator": confidence.calibrator.described(),
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
    learned, used = Learned(notes=list(saved.notes)), set[str]()
    if (own := saved.stop) is not None:
        low, high = own.bounds
        if not 0 < low <= high:
            raise EsbtError(f"the bundle {path} has stop bounds {low}, {high}: they must be 0 < low <= high")
        ensemble = _ensemble("stop", own.ensemble, files, names, path)
        used |= _files("stop", ensemble).keys()
        learned.stop = StopModel(ensemble, own.ensemble.inputs, (low, high), own.trained_on, own.target, _moving(own.moving, names, path))
    if (said_of := saved.confidence) is not None:
        ensemble = _ensemble("confidence", said_of.ensemble, files, names, path)
        used |= _files("confidence", ensemble).keys()
        calibrator = _calibrator(said_of.calibrator, path)
        learned.confidence = ConfidenceModel(ensemble, said_of.ensemble.inputs, calibrator, said_of.threshold, dict(said_of.quality))
    if extra := sorted(files.keys() - used):
        raise EsbtError(f"{extra[0]} of the bundle {path} is of no model that its learned.json names")
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


def _described(question: str, ensemble: Ensemble, inputs: tuple[str, ...], files: dict[str, bytes]) -> dict[str, Any]:
    """What learned.json says of an ensemble; its files are put among the others."""
    files |= _files(question, ensemble)
    weights = dict(zip(ensemble.members, ensemble.blend.weights, strict=True))
    return {"inputs": inputs, "objective": ensemble.blend.objective, "weights": weights}


def _files(question: str, ensemble: Ensemble) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    for name, member in ensemble.members.items():
        if isinstance(member, TrainedNetwork):
            files |= network_files(f"{question}_{name}", member)
        elif isinstance(member, TrainedForest) and SUFFIXES.get(name) == member.suffix:
            files[f"{question}_{name}{member.suffix}"] = member.content
        else:
            raise EsbtError(f"the {question} model {name!r} is a {type(member).__name__}: only models that learning trained can be saved")
    return files


def _ensemble(question: str, saved: _SavedEnsemble, files: dict[str, bytes], names: tuple[str, ...], path: str | Path) -> Ensemble:
    if strange := [name for name in saved.inputs if name not in names and name not in STATE_INPUTS]:
        raise EsbtError(f"the {question} of the bundle {path} asks for {strange[0]!r}, which is none of its features")
    if not saved.weights or abs(sum(saved.weights.values()) - 1) > 1e-9:
        raise EsbtError(f"the {question} of the bundle {path} has weights {saved.weights}: they must sum to 1")
    members: dict[str, Model] = {name: _member(f"{question}_{name}", SUFFIXES.get(name), files, path) for name in saved.weights}
    for name, member in members.items():
        if member.n_features != len(saved.inputs):
            found = f"{question}_{name} of the bundle {path} has {member.n_features} columns for {len(saved.inputs)} inputs"
            raise EsbtError(f"{found}: it is damaged")
    return Ensemble(Blend(tuple(saved.weights.values()), saved.objective), members)


def _member(name: str, suffix: str | None, files: dict[str, bytes], path: str | Path) -> Model:
    try:
        if suffix is None:
            return network_from(name, files)
        if f"{name}{suffix}" not in files:
            raise EsbtError("it is missing")
        return TrainedForest.from_content(suffix, files[f"{name}{suffix}"])
    except EsbtError as error:
        raise EsbtError(f"{name}{suffix or ''} of the bundle {path} makes no model: {error}") from error


def _moving(saved: _SavedMoving | None, names: tuple[str, ...], path: str | Path) -> Moving | None:
    if saved is None:
        return None
    low, high = saved.bounds
    if not 0 < low <= high or not all(low <= m <= high for m in saved.multipliers):
        raise EsbtError(f"the bundle {path} has multipliers {saved.multipliers} in {low}, {high}: they must lie in 0 < low <= high")
    if saved.regime is not None and saved.regime not in names:
        raise EsbtError(f"the bundle {path} has regimes of {saved.regime!r}, which is none of its features")
    return Moving(saved.smoothing, saved.regime, saved.multipliers, (low, high))


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
