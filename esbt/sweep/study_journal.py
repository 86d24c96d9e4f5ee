"""Opens an Optuna study in memory or in its journal, mending first what a killed run left behind. Knows neither sweeps nor models.

A journal is lines of JSON, appended one by one and flushed before the call returns, so a kill at any moment leaves whole lines, then at
most half a one. What half a line would have said was not yet relied on: it is cut off, and whoever asked or told does so again.
"""

import glob
import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from esbt.errors import EsbtError

if TYPE_CHECKING:  # else where it is needed: it is slow to import
    import optuna
    from optuna.pruners import BasePruner


def open_study(
    path: str | Path | None, name: str, direction: Literal["minimize", "maximize"], pruner: "BasePruner | None" = None
) -> "optuna.Study":
    """The study of this name, begun or gone on with. path: the journal's file, which one process may use at a time; None: memory.

    Raises EsbtError for a file that is no journal or cannot be written.
    """
    import optuna
    from optuna.storages import InMemoryStorage
    from optuna.storages.journal import JournalFileBackend, JournalStorage

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        if path is not None:
            mend_journal(Path(path))
        storage = InMemoryStorage() if path is None else JournalStorage(JournalFileBackend(str(path)))
        return optuna.create_study(storage=storage, study_name=name, direction=direction, load_if_exists=True, pruner=pruner)
    except (OSError, ValueError, KeyError, TypeError) as error:  # TypeError: lines that are JSON, but no records
        raise EsbtError(f"the journal {str(path)!r} cannot be used: {error}; give another file") from error


def mend_journal(path: Path) -> None:
    """Take away what a killed run leaves: its lock, and half a line, onto which the next one would be written."""
    Path(f"{path}.lock").unlink(missing_ok=True)
    for scrap in path.parent.glob(f"{glob.escape(path.name)}.lock*.rename"):  # a lock on its way out
        scrap.unlink(missing_ok=True)
    if path.exists() and not (content := path.read_bytes()).endswith(b"\n"):
        os.truncate(path, content.rfind(b"\n") + 1)
