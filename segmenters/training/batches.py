"""Batches as the network sees them: read ahead, augmented and brought to the size they are trained at."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn.functional import interpolate

from bench.contracts import Context, Split
from segmenters.training.augment import augmented
from segmenters.training.colour_exchange import SKIPPED, Partners, colours_of, exchange_colours, find_partners
from segmenters.training.data import Pairs, decode_pairs, epoch_batches
from segmenters.training.published import Augmentation, Scales

DRAWS = 2
"""Tells the random numbers of batches from those of the order and of dropout."""


@dataclass(frozen=True)
class Batch:
    """uint8 images (n, s, s, 3) and masks (n, s, s), and the sizes at which they are trained, a step each."""

    images: np.ndarray
    masks: np.ndarray
    sizes: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Source:
    """Training pairs and how they are changed. What is drawn comes from (seed, epoch, batch) alone."""

    pairs: Pairs
    batch: int
    seed: int
    scales: Scales
    augmentation: Augmentation
    partners: Partners | None = None
    colours: tuple[np.ndarray, ...] = ()
    """Each image's own mean and standard deviation, where colours are exchanged."""

    @property
    def updates(self) -> int:
        """Optimiser steps an epoch."""
        return len(epoch_batches(len(self.pairs), self.batch, 0, self.seed)) * self.scales.steps

    @property
    def notes(self) -> tuple[str, ...]:
        return (SKIPPED,) if self.augmentation.colour_exchange and not self.partners else ()

    def epoch(self, epoch: int, workers: int) -> Iterator[Batch]:
        """Made by `workers` threads ahead of the network, or in turn with it where there is none."""
        rows = epoch_batches(len(self.pairs), self.batch, epoch, self.seed)
        if not workers:
            yield from (self.make(part, epoch, number) for number, part in enumerate(rows))
            return
        with ThreadPoolExecutor(workers) as pool:
            waiting: deque[Future[Batch]] = deque()
            for number, part in enumerate(rows):
                waiting.append(pool.submit(self.make, part, epoch, number))
                if len(waiting) > workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()

    def make(self, rows: np.ndarray, epoch: int, number: int) -> Batch:
        """Batch `number` of an epoch: the pairs of these rows, changed by what this seed, epoch and number draw."""
        rng = np.random.default_rng([self.seed, DRAWS, epoch, number])
        images, masks = self.pairs.read(rows)
        if self.augmentation != Augmentation():
            for index, row in enumerate(rows):
                image = self._exchanged(images[index], int(row), rng)
                images[index], masks[index] = augmented(image, masks[index], self.augmentation, rng)
        return Batch(images, masks, self.scales.drawn(self.pairs.size, rng))

    def _exchanged(self, image: np.ndarray, row: int, rng: np.random.Generator) -> np.ndarray:
        if not self.partners:
            return image
        partner = self.partners.of(row, rng, self.augmentation.colour_exchange)
        return exchange_colours(image, self.colours[row], self.colours[partner], self.augmentation.wrap)


def open_source(
    samples: Split, size: int, batch: int, scales: Scales, augmentation: Augmentation, ctx: Context
) -> Source:
    """Decode the samples to `size` px, and find out whose colours are exchanged where the augmentation does so."""
    pairs = decode_pairs(samples, size, scales.soft_masks, ctx)
    partners = find_partners(samples) if augmentation.colour_exchange else None
    colours = tuple(colours_of(pairs.read([row])[0][0]) for row in range(len(pairs))) if partners else ()
    return Source(
        pairs=pairs,
        batch=batch,
        seed=ctx.seed,
        scales=scales,
        augmentation=augmentation,
        partners=partners,
        colours=colours,
    )


def to_tensors(images: np.ndarray, masks: np.ndarray, soft: bool, device: str) -> tuple[torch.Tensor, torch.Tensor]:
    """float images (n, 3, s, s) in [0, 255]; masks (n, s, s): float in [0, 1] if `soft`, otherwise int64."""
    pixels = torch.from_numpy(images).to(device).permute(0, 3, 1, 2).float()
    truth = torch.from_numpy(masks).to(device)
    return pixels, truth.float() / 255 if soft else truth.long()


def resized(images: torch.Tensor, masks: torch.Tensor, size: int, scales: Scales) -> tuple[torch.Tensor, torch.Tensor]:
    """Images (n, 3, s, s) and masks (n, s, s) of `to_tensors` at another size, as the scales say."""
    if size == images.shape[-1]:
        return images, masks
    images = interpolate(images, (size, size), mode="bilinear", align_corners=scales.corners)
    if scales.soft_masks:
        return images, interpolate(masks[:, None], (size, size), mode="bilinear", align_corners=scales.corners)[:, 0]
    return images, interpolate(masks[:, None].float(), (size, size), mode="nearest")[:, 0].long()
