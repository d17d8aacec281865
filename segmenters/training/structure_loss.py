"""The loss of PraNet (Fan et al., MICCAI 2020), which Polyp-PVT and CTNet took over."""

from __future__ import annotations

import torch
from torch.nn.functional import avg_pool2d, binary_cross_entropy_with_logits


def structure_loss(logits: torch.Tensor, masks: torch.Tensor, weighted_bce: bool = False) -> torch.Tensor:
    """Cross-entropy + IoU loss; pixels near the border count up to six times: 1 + 5 |mean of 31 × 31 - mask|.

    Both (n, 1, h, w), masks in [0, 1] and possibly soft. As published, only the IoU half is weighted: the released
    code asks for `reduce='none'`, which torch reads as the plain mean over all images. `weighted_bce` weights both
    halves, each image by itself, as the paper's formula does.
    """
    weights = 1 + 5 * (_surroundings(masks) - masks).abs()
    if weighted_bce:
        entropy = binary_cross_entropy_with_logits(logits, masks, reduction="none")
        entropy = (weights * entropy).sum((2, 3)) / weights.sum((2, 3))
    else:
        entropy = binary_cross_entropy_with_logits(logits, masks)
    probabilities = logits.sigmoid()
    overlap = (weights * probabilities * masks).sum((2, 3))
    union = (weights * (probabilities + masks)).sum((2, 3)) - overlap
    return (entropy + 1 - (overlap + 1) / (union + 1)).mean()


def _surroundings(masks: torch.Tensor) -> torch.Tensor:
    """Mean of the 31 × 31 pixels around each, zero beyond the edge: rows first, then columns, 62 reads and not 961."""
    rows = avg_pool2d(masks, (1, 31), stride=1, padding=(0, 15))
    return avg_pool2d(rows, (31, 1), stride=1, padding=(15, 0))
