"""The features' slow, obvious twins: the specification that csrc/esbt/features.hpp is held to. One function a feature, of the same name.

Each family is a module of its own and registers its twins where it is imported; `base` has the registry and the helpers. Every twin is
written from its formula in the registry of the core (`esbt.features.registry.kinds()`). Imports nothing of esbt.
"""

from importlib import import_module
from pkgutil import iter_modules

from reference.features.base import EXACT, SETTLES, TOLERANCE, TWINS, Segment, disagrees, per_segment

for _family in iter_modules(__path__, f"{__name__}."):
    import_module(_family.name)

__all__ = ["EXACT", "SETTLES", "TOLERANCE", "TWINS", "Segment", "disagrees", "per_segment"]
