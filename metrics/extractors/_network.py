"""A torch network as the suite asks for it: decoded images in, rows out, neighbours without effect."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch

from bench.contracts import Network
from metrics.extractors._resize import resized

Stages = tuple[torch.Tensor, ...]


class TorchNetwork(Network):
    """`features` of `forward`: (b, 3, h, w) on the device, as `prepare` left the pixels -> (b, dim).

    `prepare` brings each image to the size the network sees: uint8 (h, w, 3) -> (h, w, 3), uint8 or already scaled.
    Images of unequal size never share a forward pass.
    """

    def __init__(
        self,
        forward: Callable[[torch.Tensor], torch.Tensor],
        device: str,
        prepare: Callable[[np.ndarray], np.ndarray] = lambda pixels: pixels,
    ) -> None:
        self.forward, self.device, self.prepare = forward, device, prepare

    def features(self, images: Sequence[np.ndarray]) -> np.ndarray:
        prepared = [self.prepare(image) for image in images]
        rows: list[np.ndarray | None] = [None] * len(images)
        with torch.inference_mode(), full_float32():
            for chosen in of_one_size(prepared):
                found = self.forward(stack([prepared[row] for row in chosen], self.device))
                for row, vector in zip(chosen, found.float().cpu().numpy(), strict=True):
                    rows[row] = vector
        return np.stack([row for row in rows if row is not None])


class TorchPairs(Network):
    """`activations`: an image's stages. `distances`: squared differences of two images' stages, weighed, averaged over
    places and summed over stages.

    Images are resized to `size` first. `stages`: uint8 (b, 3, size, size) on the device -> tensors (b, c, h, w), of
    unit length at each place. `weigh`: the number of a stage and squares (1, c, h, w) -> (1, 1, h, w).
    """

    def __init__(
        self,
        stages: Callable[[torch.Tensor], Sequence[torch.Tensor]],
        weigh: Callable[[int, torch.Tensor], torch.Tensor],
        device: str,
        size: int,
    ) -> None:
        self.stages, self.weigh, self.device, self.size = stages, weigh, device, size

    def activations(self, images: Sequence[np.ndarray]) -> list[Stages]:
        with torch.inference_mode(), full_float32():
            found = self.stages(stack([resized(image, self.size) for image in images], self.device))
            # Cut out of the batch, so that an image's memory does not wait for its neighbours'.
            return [tuple(stage[row : row + 1].clone() for stage in found) for row in range(len(images))]

    def distances(self, pairs: Sequence[tuple[Stages, Stages]]) -> np.ndarray:
        distances = []
        with torch.inference_mode(), full_float32():
            for one, other in pairs:
                squares = ((ours - theirs) ** 2 for ours, theirs in zip(one, other, strict=True))
                parts = [self.weigh(number, square).mean() for number, square in enumerate(squares)]
                distances.append(torch.stack(parts).sum())
            return torch.stack(distances).float().cpu().numpy()


class TorchBoth(Network):
    """The rows of one and the pairs of the other."""

    def __init__(self, rows: TorchNetwork, pairs: TorchPairs) -> None:
        self.rows, self.pairs = rows, pairs

    def features(self, images: Sequence[np.ndarray]) -> np.ndarray:
        return self.rows.features(images)

    def activations(self, images: Sequence[np.ndarray]) -> list[Stages]:
        return self.pairs.activations(images)

    def distances(self, pairs: Sequence[tuple[Stages, Stages]]) -> np.ndarray:
        return self.pairs.distances(pairs)


def stack(images: Sequence[np.ndarray], device: str) -> torch.Tensor:
    """Images (h, w, 3) of one size -> (b, 3, h, w) on the device."""
    return torch.from_numpy(np.stack(images)).to(device).permute(0, 3, 1, 2)


def of_one_size(images: Sequence[np.ndarray]) -> Iterator[list[int]]:
    """Row numbers of each size that occurs."""
    shapes = [image.shape for image in images]
    for shape in dict.fromkeys(shapes):
        yield [row for row, other in enumerate(shapes) if other == shape]


@contextmanager
def full_float32() -> Iterator[None]:
    """On an accelerator: no TF32 and no search for the fastest kernel, which change the fourth digit."""
    matmul = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = False
    try:
        with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False):
            yield
    finally:
        torch.backends.cuda.matmul.allow_tf32 = matmul
