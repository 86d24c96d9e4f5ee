"""The nodes of all trees of a treelite.Model at once, out of treelite's serialised form.

Duty: the columns that forest_arrays.py needs, as whole arrays. treelite's accessors copy one field of one tree a call, 30 ms for 200 trees;
this takes 2. The form is that of treelite 4 (its docs, serialization/v4); another major version is read through the accessors.
"""

import struct
from typing import Any

import numpy as np
import numpy.typing as npt
import treelite

Columns = dict[str, npt.NDArray[Any]]

# Arrays of a tree in their order, each a count and its values; "T" is the type of thresholds and leaves.
_FIELDS = (
    *(("node_type", "i1"), ("cleft", "<i4"), ("cright", "<i4"), ("split_index", "<i4"), ("default_left", "i1"), ("leaf_value", "T")),
    *(("threshold", "T"), ("cmp", "i1"), ("category_list_right_child", "i1"), ("leaf_vector", "T"), ("leaf_vector_begin", "<u8")),
    *(("leaf_vector_end", "<u8"), ("category_list", "<u4"), ("category_list_begin", "<u8"), ("category_list_end", "<u8")),
    *(("data_count", "<u8"), ("data_count_present", "i1"), ("sum_hess", "<f8"), ("sum_hess_present", "i1"), ("gain", "<f8")),
    ("gain_present", "i1"),
)
_WANTED = ("node_type", "cleft", "cright", "split_index", "default_left", "leaf_value", "threshold", "cmp")
_FLOATS = {2: "<f4", 3: "<f8"}  # treelite's TypeInfo


class _NotAsKnown(Exception):
    """The bytes are not of the form that this file knows."""


def columns(model: treelite.Model) -> tuple[Columns, npt.NDArray[np.int64]]:
    """node_type, cleft, cright, split_index, default_left, leaf_value, threshold and cmp of all nodes, tree after tree, under treelite's
    names; and the number of nodes of each tree.
    """
    try:
        return from_bytes(model.serialize_bytes(), model.num_tree)
    except (_NotAsKnown, struct.error):
        return from_accessors(model)


def from_accessors(model: treelite.Model) -> tuple[Columns, npt.NDArray[np.int64]]:
    """The same, field by field and tree by tree."""
    trees = [model.get_tree_accessor(t) for t in range(model.num_tree)]
    parts = {name: [np.asarray(tree.get_field(name)) for tree in trees] for name in _WANTED}
    sizes = np.asarray([len(p) for p in parts["node_type"]], dtype=np.int64)
    return {name: np.concatenate(p) if p else np.empty(0) for name, p in parts.items()}, sizes


def from_bytes(data: bytes, n_trees: int) -> tuple[Columns, npt.NDArray[np.int64]]:
    """The same, from treelite's bytes. Raises _NotAsKnown or struct.error where they are not of treelite 4's form to the last byte."""
    major, _minor, _patch, kind, leaf_kind, trees = struct.unpack_from("<iiiBBQ", data)
    if major != 4 or kind != leaf_kind or kind not in _FLOATS or trees != n_trees:
        raise _NotAsKnown
    at = struct.calcsize("<iiiBBQ") + struct.calcsize("<iB?i")  # number of features, task type, average or not, number of targets
    for size in (4, 4, 4, 4, 1):  # classes, shape of leaf vectors, target and class of each tree, postprocessor
        at = _skip(data, at, size)
    at += 8  # two parameters of the postprocessor
    for size in (8, 1):  # base scores, attributes
        at = _skip(data, at, size)
    at = _no_options(data, at)
    view = memoryview(data)
    parts: dict[str, list[memoryview]] = {name: [] for name in _WANTED}
    types = [(name, np.dtype(_FLOATS[kind] if code == "T" else code)) for name, code in _FIELDS]
    plan = [(t.itemsize, parts.get(name)) for name, t in types]
    sizes, count = [], struct.Struct("<Q").unpack_from
    for _ in range(n_trees):
        nodes = struct.unpack_from("<i", data, at)[0]
        at += 5  # and whether it has categorical splits
        for size, part in plan:
            (n,) = count(data, at)
            at += 8
            if part is not None:
                if n != nodes:
                    raise _NotAsKnown
                part.append(view[at : at + n * size])
            at += n * size
        at = _no_options(data, _no_options(data, at))
        sizes.append(nodes)
    if at != len(data):
        raise _NotAsKnown
    dtypes = dict(types)
    return {name: np.frombuffer(b"".join(p), dtypes[name]) for name, p in parts.items()}, np.asarray(sizes, dtype=np.int64)


def _skip(data: bytes, at: int, size: int) -> int:
    return int(at + 8 + struct.unpack_from("<Q", data, at)[0] * size)


def _no_options(data: bytes, at: int) -> int:
    if struct.unpack_from("<i", data, at)[0] != 0:
        raise _NotAsKnown
    return at + 4
