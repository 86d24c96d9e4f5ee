"""What a sweep is, as JSON: plan, data, version. Two sweeps with equal manifests give the same table, so one may go on where the other
stopped; with different ones it is told what differs."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from esbt.files import jsonable
from esbt.sweep.axes import strategy_axes
from esbt.sweep.fingerprint import array_digest, fingerprint
from esbt.sweep.lanes import BoundSpace

_MISSING = "nothing"


def manifest(bound: BoundSpace, space: dict[str, Any], lanes: int, *, part_lanes: int, daily: bool) -> dict[str, Any]:
    """The manifest of a sweep. space: its description; lanes: how many there are."""
    from esbt import __version__

    base, account = bound.base, bound.base_account
    data = {"bars": fingerprint(bound.bars), "predictions": array_digest(bound.predictions)}
    data |= {"finer": _MISSING if bound.finer is None else fingerprint(bound.finer)}
    data |= {name: array_digest(getattr(base, name)) for name in ("values", "atr_ticks") if hasattr(base, name)}
    said: dict[str, Any] = jsonable(
        {
            "version": __version__,
            "data": data,
            "space": space,
            "strategy": {"kind": type(base).__name__} | {name: getattr(base, name) for name in strategy_axes(base)},
            "account": account,
            "lanes": lanes,
            "part_lanes": part_lanes,
            "daily": daily,
            "sessions": bound.sessions,
        }
    )
    return said


def digest_of(said: dict[str, Any]) -> str:
    """Digest of a manifest: equal for equal sweeps alone."""
    return hashlib.blake2b(json.dumps(said, sort_keys=True).encode(), digest_size=16).hexdigest()


def differences(then: Any, now: Any, where: str = "") -> Iterator[str]:
    """What differs between two manifests, a phrase each: 'strategy.stop_atr was 2.0, is 3.0'."""
    if isinstance(then, dict) and isinstance(now, dict):
        for name in dict.fromkeys([*then, *now]):
            yield from differences(then.get(name, _MISSING), now.get(name, _MISSING), f"{where}.{name}" if where else str(name))
    elif then != now:
        yield f"{where} was {_short(then)}, is {_short(now)}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
