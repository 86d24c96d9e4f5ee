"""Audits: does a strategy, a set of features or a trained system know what it cannot have known, and where? See docs/audit.md.

The package is the function too: `esbt.audit(bars, strategy)`. `prefix.py` cuts the future off, `labels.py` shuffles labels, `delay.py` acts
late; `stages.py` says what a subject consists of. Knows no model library and no `python_models`, whose `audited.py` hands the pipeline in.
"""

import sys
from types import ModuleType
from typing import Any

from esbt.audit.labels import Learner
from esbt.audit.result import Audit, Check, Finding
from esbt.audit.run import audit

__all__ = ["Audit", "Check", "Finding", "Learner", "audit"]


class _Package(ModuleType):
    """A package that is called like the function of its name."""

    def __call__(self, *subjects: Any, **words: Any) -> Audit:
        return audit(*subjects, **words)


_Package.__call__.__doc__ = audit.__doc__
sys.modules[__name__].__class__ = _Package
