"""Fingerprints of data: two runs are on the same bars when these are equal. Knows no sweep."""

import hashlib
from typing import Any

import numpy as np

from esbt.data import Bars

_ARRAYS = ("ts", "open", "high", "low", "close", "volume", "session", "segment", "spread", "buys")


def fingerprint(bars: Bars) -> str:
    """Digest of the bars' arrays, instrument and contracts; where they were read from does not matter."""
    digest = hashlib.blake2b(digest_size=16)
    digest.update(f"{bars.instrument!r} {bars.contracts!r}".encode())
    for name in _ARRAYS:
        digest.update(array_digest(getattr(bars, name)).encode())
    return digest.hexdigest()


def array_digest(values: Any) -> str:
    """Digest of an array's dtype, shape and bytes; of None a word."""
    if values is None:
        return "none"
    array = np.ascontiguousarray(values)
    digest = hashlib.blake2b(f"{array.dtype.str}{array.shape}".encode(), digest_size=16)
    digest.update(array.view(np.uint8).data if array.size else b"")
    return digest.hexdigest()
