"""Walk-forward: choose and train on a window of time, trade the next one, move on. `esbt.walk_forward` is run.py; docs/walk_forward.md.

To add a way to cut time, see windows.py; a kind of model derives from `Trainer` and `Trained` (models.py); a column of the table of folds,
result.py.
"""

from esbt.walkforward.grid import WalkForwardGrid, walk_forward_grid
from esbt.walkforward.models import Trained, Trainer
from esbt.walkforward.result import WalkForward
from esbt.walkforward.run import walk_forward
from esbt.walkforward.windows import Fold, folds_of, windows_frame, windows_of

__all__ = [
    "Fold",
    "Trained",
    "Trainer",
    "WalkForward",
    "WalkForwardGrid",
    "folds_of",
    "walk_forward",
    "walk_forward_grid",
    "windows_frame",
    "windows_of",
]
