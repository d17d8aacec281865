"""PraNet's evaluation as written: stretch, then one pass over the image for each of 256 thresholds."""

import numpy as np


def stretched(prob):
    values = prob / 255.0
    low, high = values.min(), values.max()
    return (values - low) / (high - low) if high > low else values


def literal_scores(prob, truth):
    """Means over thresholds of Dice and IoU; `prob` uint8, `truth` in {0, 1}."""
    values = stretched(prob)
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


def literal_alignment(prob, truth):
    """E-measure, mean over thresholds, from the matrices of its paper."""
    values, wanted = stretched(prob), truth.astype(float)
    scores = []
    for threshold in np.linspace(1.0, 0.0, 256):
        positive = (values >= threshold).astype(float)
        if not wanted.any():
            enhanced = 1 - positive
        elif wanted.all():
            enhanced = positive
        else:
            ours, theirs = positive - positive.mean(), wanted - wanted.mean()
            aligned = 2 * ours * theirs / (ours**2 + theirs**2 + np.spacing(1))
            enhanced = (aligned + 1) ** 2 / 4
        scores.append(enhanced.sum() / (truth.size - 1))
    return np.mean(scores)


def literal_calibration(probs, truths, bins=15):
    """Expected calibration error of all pixels, one after the other; a probability on an edge lies in the upper bin."""
    held = [[] for _ in range(bins)]
    for prob, truth in zip(probs, truths, strict=True):
        for level, lesion in zip(prob.ravel().tolist(), truth.ravel().tolist(), strict=True):
            held[min(level * bins // 255, bins - 1)].append((level / 255, lesion))
    pixels = sum(map(len, held))
    return sum(abs(sum(p - t for p, t in one)) / pixels for one in held)


def outline(region):
    """Pixels of a region with one of four neighbours outside it or outside the image, as (row, column)."""
    padded = np.pad(region, 1)
    inner = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return np.argwhere(region & ~inner)


def literal_outlines(found, truth, tolerance):
    """95 % Hausdorff distance and surface Dice of two regions, both not empty, from all distances of outline pixels."""
    ours, theirs = outline(found), outline(truth)
    distances = np.sqrt(((ours[:, None] - theirs[None]) ** 2).sum(-1))
    there, back = distances.min(1), distances.min(0)
    near = (there <= tolerance).sum() + (back <= tolerance).sum()
    return max(np.percentile(there, 95), np.percentile(back, 95)), near / (len(ours) + len(theirs))
