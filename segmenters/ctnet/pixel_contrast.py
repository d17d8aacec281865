"""Pixel contrast of CTNet: pixels of one class are drawn together, pixels of different classes apart."""

from __future__ import annotations

import torch

TEMPERATURE, BASE_TEMPERATURE = 0.1, 0.07
SAMPLES, VIEWS = 1024, 100
"""Pixels compared in a batch, and at most so many of one class of one image."""


def pixel_contrast(embedding: torch.Tensor, masks: torch.Tensor, predicted: torch.Tensor) -> torch.Tensor:
    """`embedding` (n, d, h, w) of length 1; `masks`, `predicted` (n, h, w): the classes that are and that were found.

    A class is any value of a mask with more than `VIEWS` pixels; half of its views are pixels found to be of another
    class, as far as there are any. 0 where no class is that large, and where there are too many of them for two views
    each (strongly blurred masks; the released code's loss is then no number). In fp32, whatever the network computes
    in. Views are drawn with torch's own random numbers.
    """
    with torch.autocast(embedding.device.type, enabled=False):
        views, classes = _views(embedding.float().flatten(2).movedim(1, 2), masks.flatten(1), predicted.flatten(1))
        return _contrast(views, classes) if len(classes) else embedding.sum() * 0


def _views(pixels: torch.Tensor, masks: torch.Tensor, predicted: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Views (classes of all images, views, d) and the class of each."""
    large = []
    for row, mask in enumerate(masks):
        values, counts = mask.unique(return_counts=True)
        large += [(row, value) for value in values[counts > VIEWS]]
    count = min(SAMPLES // len(large), VIEWS) if large else 0
    if count < 2:
        return pixels[:0], masks[:0, 0]
    drawn = [pixels[row, _draw(masks[row] == value, predicted[row] != value, count)] for row, value in large]
    return torch.stack(drawn), torch.stack([value for _, value in large])


def _draw(of_class: torch.Tensor, wrong: torch.Tensor, count: int) -> torch.Tensor:
    """Indices of `count` pixels of the class: half of them hard (found to be of another), half easy, where they can."""
    hard, easy = (kind.nonzero()[:, 0] for kind in (of_class & wrong, of_class & ~wrong))
    if len(easy) < count / 2:
        hard_count = count - len(easy)
    elif len(hard) < count / 2:
        hard_count = len(hard)
    else:
        hard_count = count // 2
    chosen = (torch.randperm(len(hard))[:hard_count], torch.randperm(len(easy))[: count - hard_count])
    return torch.cat([kind[order.to(kind.device)] for kind, order in zip((hard, easy), chosen, strict=True)])


def _contrast(views: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
    """Mean over all views of -log of what a view of its own class has against all views of other classes."""
    per_class = views.shape[1]
    flat, labels = views.flatten(0, 1), classes.repeat_interleave(per_class)
    logits = flat @ flat.T / TEMPERATURE
    logits = logits - logits.amax(1, keepdim=True).detach()
    same = labels[:, None] == labels[None]
    others = (logits.exp() * ~same).sum(1, keepdim=True)
    likelihood = logits - (logits.exp() + others).log()
    partners = same & ~torch.eye(len(flat), dtype=torch.bool, device=flat.device)
    mean = (likelihood * partners).sum(1) / partners.sum(1)
    return -TEMPERATURE / BASE_TEMPERATURE * mean.mean()
