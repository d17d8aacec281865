"""Which training pairs an optimiser step sees, drawn from (seed, step) alone: resuming needs no stored state."""

from __future__ import annotations

import numpy as np


def pick_rows(count: int, batch: int, step: int, seed: int) -> np.ndarray:
    """Rows of step `step`: one permutation after another, so that every pair is seen once an epoch."""
    positions = np.arange(step * batch, (step + 1) * batch)
    epochs = positions // count
    orders = {epoch: np.random.default_rng([seed, 1, int(epoch)]).permutation(count) for epoch in np.unique(epochs)}
    return np.array([orders[epoch][position % count] for epoch, position in zip(epochs, positions, strict=True)])
