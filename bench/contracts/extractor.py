"""What an extractor promises: a fixed network that looks at one image at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from bench.contracts.context import Context
from bench.contracts.plugin import Plugin


class Network:
    """An extractor's network, loaded. Images are uint8 RGB (h, w, 3), of any and unequal sizes.

    What comes out for an image never depends on the images beside it. An extractor gives `features`, or `activations`
    and `distances`, or all three.
    """

    def features(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """float32 (n, dim)."""
        raise NotImplementedError

    def activations(self, images: Sequence[np.ndarray]) -> Sequence[Any]:
        """One opaque thing an image, for `distances`."""
        raise NotImplementedError

    def distances(self, pairs: Sequence[tuple[Any, Any]]) -> np.ndarray:
        """float32 (n,): 0 for equal images, larger for less similar ones."""
        raise NotImplementedError


@dataclass(frozen=True)
class Look:
    """What stands beside a number: label, backbone and resize of an extractor, as it describes them."""

    label: str
    backbone: str
    resize: str


class Extractor(Plugin):
    """A fixed network that looks at one image at a time. `Params` has a field `batch`: images in one forward pass."""

    declares = ("version", "open")
    describes: ClassVar[tuple[str, ...]] = ("label", "backbone", "resize", "sha256")
    """What an extractor must have besides, of its class or its parameters."""
    label: str
    """Short name used in column names, e.g. `Lite0`."""
    backbone: str
    """Network and layer in words, e.g. `Inception v3 (TensorFlow 2015-12-05), pool 2048`."""
    resize: str
    """What happens to an image's size before the network, e.g. `resize to 299 × 299, bilinear without antialias`."""
    sha256: str
    """Of the weight file; its first eight digits stand beside every number."""
    file: str = ""
    """Name under which the weight file was published; empty: there is none."""
    weights_size: int = 0
    """Bytes of the weight file; 0: not known."""
    address: str = ""
    """Where the weight file was published; empty: it comes inside a package."""
    dim: int = 0
    gives: ClassVar[tuple[str, ...]] = ("features",)
    """`features`, and `distances` where two images can be compared by `activations`."""

    def weights(self) -> Path | None:
        """Path at which the weight file is looked for, there or not; None for an extractor without one."""
        return None

    def look(self, uses: str) -> Look:
        """How it looks at images for its `features` or its `distances`: override it where they differ."""
        return Look(self.label, self.backbone, self.resize)

    def open(self, ctx: Context) -> Network:
        """Load the network, once for many images. BenchError with the remedy when weights are absent or wrong."""
        raise NotImplementedError
