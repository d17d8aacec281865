"""PraNet's evaluation as written: stretch, then one pass over the image for each of 256 thresholds."""

import numpy as np


def literal_scores(prob, truth):
    """Means over thresholds of Dice and IoU; `prob` uint8, `truth` in {0, 1}."""
    values = prob / 255.0
    low, high = values.min(), values.max()
    if high > low:
        values = (values - low) / (high - low)
    dice, iou = [], []
    for threshold in np.linspace(1.0, 0.0, 256):
        positive = values >= threshold
        hit = np.logical_and(positive, truth == 1).sum()
        if hit == 0:
            dice.append(0.0)
            iou.append(0.0)
            continue
        missed = np.logical_and(~positive, truth == 1).sum()
        iou.append(hit / (missed + positive.sum()))
        dice.append(2 * hit / ((truth == 1).sum() + positive.sum()))
    return np.mean(dice), np.mean(iou)
