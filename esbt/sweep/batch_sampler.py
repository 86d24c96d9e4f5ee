"""Optuna's tree-structured Parzen estimator for batches: within one nothing is told, so one fit serves all lanes that are drawn."""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from optuna.samplers import TPESampler

if TYPE_CHECKING:
    import optuna
    from optuna.distributions import BaseDistribution

Draws = dict[str, npt.NDArray[Any]]


class BatchSampler(TPESampler):
    """Proposals of one batch. seed: of the draws. count: proposals drawn at a time, each the best of as many candidates as TPESampler looks
    at for one (Bergstra et al. 2011, NeurIPS 24, section 4). Lanes told after the first draw are not looked at."""

    def __init__(self, seed: int, count: int) -> None:
        super().__init__(seed=seed)
        self._candidates, self._count = self._n_ei_candidates, count
        self._n_ei_candidates *= count
        self._drawn: dict[tuple[str, ...], list[dict[str, Any]]] = {}
        self._chosen: list[dict[str, Any]] = []

    def _sample(self, study: "optuna.Study", trial: Any, search_space: "dict[str, BaseDistribution]") -> dict[str, Any]:
        names = tuple(search_space)
        if not self._drawn.get(names):
            super()._sample(study, trial, search_space)
            self._drawn[names] = self._chosen[::-1]
        own = self._drawn[names].pop()
        return {name: axis.to_external_repr(own[name]) for name, axis in search_space.items()}

    def _compute_acquisition_func(self, samples: Draws, mpe_below: Any, mpe_above: Any) -> npt.NDArray[np.float64]:
        values = np.asarray(super()._compute_acquisition_func(samples, mpe_below, mpe_above), dtype=np.float64)
        best = values.reshape(self._count, self._candidates).argmax(axis=1) + self._candidates * np.arange(self._count)
        self._chosen = [{name: own[place].item() for name, own in samples.items()} for place in best.tolist()]
        return values
