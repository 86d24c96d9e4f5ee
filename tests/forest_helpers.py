"""What the forest tests share: parameters of the small models they train, and the rows they ask."""

import numpy as np
import treelite

F = 6
LGB = {"verbose": -1, "num_leaves": 15, "min_data_in_leaf": 5, "num_threads": 1, "deterministic": True}
XGB = {"max_depth": 5, "nthread": 1, "eta": 0.3}


def with_holes(x: np.ndarray) -> np.ndarray:
    x = x.copy()
    x[np.random.default_rng(1).random(x.shape) < 0.1] = np.nan
    return x


def probes(forest_model: treelite.Model, x: np.ndarray, *, nan: bool = True, inf: bool = True, big: bool = True) -> np.ndarray:
    """Rows that hold every threshold of the model, one float32 ulp either side, and the special values, each in real surroundings."""
    rng = np.random.default_rng(3)
    special = [0.0, -0.0, 1e-45, -1e-45, 1e-35, -1e-35, 1e30, -1e30]
    special += [3.4028235e38, -3.4028235e38] * big + [np.inf, -np.inf] * inf + [np.nan] * nan
    rows = [x[:200]]
    edges: dict[int, list[float]] = {f: list(special) for f in range(x.shape[1])}
    for tree in (forest_model.get_tree_accessor(i) for i in range(forest_model.num_tree)):
        split = tree.get_field("node_type") == 1
        for f, t in zip(tree.get_field("split_index")[split], tree.get_field("threshold")[split].astype(np.float32), strict=True):
            edges[f] += [t, np.nextafter(t, np.float32(-np.inf)), np.nextafter(t, np.float32(np.inf))]
    if not inf:  # scikit-learn's split "missing or not" has an infinite threshold
        edges = {f: [v for v in values if not np.isinf(v)] for f, values in edges.items()}
    for f, values in edges.items():
        block = x[rng.integers(0, len(x), len(values))].copy()
        block[:, f] = values
        rows.append(block)
    mixed = np.stack([rng.choice(np.asarray(edges[f], dtype=np.float32), 500) for f in range(x.shape[1])], axis=1)
    return np.concatenate([*rows, mixed]).astype(np.float32)
