"""A walk-forward as it travels to workers: through the same tasks, and by the same rules, as a sweep (`esbt.sweep.workers`)."""

import pickle
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass

from esbt.errors import EsbtError
from esbt.features import Features
from esbt.features.matrix import first_full
from esbt.sweep.parcel import Arrays, Brief, packed, unpacked
from esbt.walkforward.fold import Choice, FoldWork
from esbt.walkforward.models import Trainer
from esbt.walkforward.windows import Fold


@dataclass(frozen=True)
class FoldsJob:
    """Parts that are folds. features: model -> names of its columns, of which the arrays hold the rows."""

    brief: Brief
    folds: tuple[Fold, ...]
    choice: Choice
    models: tuple[Trainer, ...]
    features: dict[str, tuple[str, ...]]
    by_files: bool

    def opened(self, arrays: Arrays) -> FoldWork:
        """See `esbt.sweep.workers.Job`."""
        bound = unpacked(self.brief, {name: array for name, array in arrays.items() if not name.startswith("features.")})
        features: dict[str, Features] = {}
        for model, names in self.features.items():
            matrix = arrays[f"features.{names_key(names)}"]
            features[model] = Features(matrix, names, first_full(matrix), bound.bars.ts)
        return FoldWork(bound, self.folds, self.choice, self.models, features, by_files=self.by_files)


def job_of(work: FoldWork, executor: Executor) -> tuple[FoldsJob, Arrays]:
    """The small part and the arrays of the work. Models that leave a process as files do so where processes do not share memory."""
    brief, arrays = packed(work.columns.bound)
    names = {model: own.names for model, own in work.features.items()}
    arrays |= {f"features.{names_key(own.names)}": own.matrix for own in work.features.values()}
    return FoldsJob(brief, tuple(work.folds), work.choice, tuple(work.models), names, not _shares_memory(executor)), arrays


def names_key(names: tuple[str, ...]) -> str:
    """A file name for the columns of these names."""
    from hashlib import blake2b

    return blake2b("\n".join(names).encode(), digest_size=8).hexdigest()


def require_travelling(models: tuple[Trainer, ...], executor: Executor | None) -> None:
    """Raise EsbtError for a model that the executor cannot carry to another process: found out now, not in the first task."""
    if executor is None or _shares_memory(executor):
        return
    for model in models:
        try:
            pickle.dumps(model)  # as the executor will; nothing is ever loaded from it here
        except (pickle.PicklingError, TypeError, AttributeError) as error:
            raise EsbtError(
                f"model {model.name!r} cannot be carried to another process ({error}): define its class in a module and keep plain "
                "settings in it, or use a ThreadPoolExecutor or no executor"
            ) from None


def _shares_memory(executor: Executor) -> bool:
    return isinstance(executor, ThreadPoolExecutor)
