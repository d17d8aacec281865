"""Structure loss of PraNet, as its followers took it over."""

from __future__ import annotations

import torch
from torch.nn import functional


def structure_loss(logits: torch.Tensor, masks: torch.Tensor, weighted_bce: bool = False) -> torch.Tensor:
    """Cross-entropy + weighted IoU of logits and masks in [0, 1], both (n, 1, h, w); pixels near a border weigh more.

    Weight 1 + 5 |mean over 31 × 31 - mask|. As published the cross-entropy is *not* weighted: the code passes
    `reduce='none'`, which torch takes for a true value, so that it is averaged over the batch before the weights reach
    it. `weighted_bce` does what the paper says.
    """
    weights = 1 + 5 * (functional.avg_pool2d(masks, 31, stride=1, padding=15) - masks).abs()
    crossed = functional.binary_cross_entropy_with_logits(logits, masks, reduction="none")
    if weighted_bce:
        crossed = (weights * crossed).sum((2, 3)) / weights.sum((2, 3))
    probabilities = logits.sigmoid()
    both = (probabilities * masks * weights).sum((2, 3))
    either = ((probabilities + masks) * weights).sum((2, 3)) - both
    return crossed.mean() + (1 - (both + 1) / (either + 1)).mean()
