"""Fixtures that more than one file asks for."""

import signal

import numpy as np
import pytest
from forest_helpers import F

# A run that was started in the background ignores Ctrl-C, and so would what is tested.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="module")
def train() -> tuple[np.ndarray, np.ndarray]:
    """Rows and targets for small forests."""
    rng = np.random.default_rng(7)
    x = rng.normal(size=(1500, F)).astype(np.float32)
    x[:, 1] = np.round(x[:, 1] * 2)  # zeros and ties among the thresholds
    x[:, 2] *= np.float32(1e-38)  # denormal floats too
    y = x[:, 0] * 2 + np.where(x[:, 1] > 0, 1, -1) + x[:, 2] * 1e38 * x[:, 3] + rng.normal(size=len(x)) + 5
    return x, y
