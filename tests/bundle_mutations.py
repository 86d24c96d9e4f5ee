"""Random damage to bytes, from a seed; and, run by name, a child process that loads many damaged models and says what became of them."""

import random
import sys
from collections import Counter
from pathlib import Path

import numpy as np

WORDS = [b"-1", b"99999999999", b"nan", b"inf", b"0", b"\xff\xff\xff\xff", b"[", b"{", b"\x80\x04\x95"]


def damaged(content: bytes, seed: int) -> bytes:
    """Other bytes than these: bits flipped, bytes cut out, doubled, replaced; the end cut off; or noise throughout."""
    rng, data = random.Random(seed), bytearray(content)
    if rng.random() < 0.05:
        data = bytearray(rng.randbytes(rng.randrange(2000)))
    for _ in range(rng.choice([1, 1, 1, 2, 8, 50])):
        at = rng.randrange(len(data) + 1)
        kind = rng.randrange(5)
        if kind == 0 and at < len(data):
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            del data[at : at + rng.randrange(1, 200)]
        elif kind == 2:
            data[at:at] = data[at : at + rng.randrange(1, 100)]
        elif kind == 3:
            data[at : at + 1] = rng.choice(WORDS)
        else:
            data[at : at + 1] = rng.randbytes(1)
    if rng.random() < 0.1:
        del data[rng.randrange(len(data) + 1) :]
    return bytes(data) if bytes(data) != content else content + b"\n"


def main(count: str, *files: str) -> None:
    """Load damaged copies of each model file; each must be refused with EsbtError or be a forest with finite answers. Prints the counts."""
    from esbt.errors import EsbtError
    from python_models.boosting import TrainedForest

    for path in map(Path, files):
        content, seen = path.read_bytes(), Counter()
        for seed in range(int(count)):
            try:
                forest = TrainedForest.from_content(path.suffix, damaged(content, seed))
            except EsbtError:
                seen["refused"] += 1
                continue
            if forest.n_features <= 1000:
                rows = np.random.default_rng(0).normal(size=(20, forest.n_features)).astype(np.float32)
                assert np.isfinite(forest.predict(rows)).all(), seed
            seen["model"] += 1
        print("\nCOUNTS", seen["refused"], seen["model"], flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
