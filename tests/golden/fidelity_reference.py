"""torch-fidelity's `calculate_metrics` on features that are put in by hand."""

from __future__ import annotations

import numpy as np
import torch
from torch.utils.data import Dataset
from torch_fidelity import FeatureExtractorBase, calculate_metrics, register_feature_extractor
from torch_fidelity.registry import FEATURE_EXTRACTORS_REGISTRY

NAME = "three-pixels-a-number"


class PixelCache(Dataset):
    """uint8 images (3, 1, d) as torch-fidelity reads them."""

    def __init__(self, images: np.ndarray) -> None:
        self.images = torch.from_numpy(images)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> torch.Tensor:
        return self.images[index]


class ThreePixels(FeatureExtractorBase):
    """A weighted sum of red, green and blue of each pixel: (3, 1, d) -> d numbers."""

    def __init__(self, name, features_list, **kwargs):
        super().__init__(name, features_list)

    @staticmethod
    def get_provided_features_list():
        return ("sum",)

    @staticmethod
    def get_default_feature_layer_for_metric(metric):  # noqa: ARG004
        return "sum"

    @staticmethod
    def can_be_compiled():
        return False

    @staticmethod
    def get_dummy_input_for_compile():
        return None

    def forward(self, pixels):
        return (features_of(pixels),)


def features_of(images: torch.Tensor) -> torch.Tensor:
    """uint8 (n, 3, 1, d) -> float32 (n, d)."""
    weights = torch.tensor([0.5, 0.3, -0.4]).reshape(1, 3, 1, 1)
    return (images.float() * weights).sum((1, 2)) / 64


def random_images(count: int, dim: int, seed: int, shift: int = 0) -> np.ndarray:
    low = np.random.default_rng(seed).integers(0, 200, (count, 3, 1, dim))
    return (low + shift).astype(np.uint8)


def published(real: np.ndarray, fake: np.ndarray, **options: object) -> dict[str, float]:
    """calculate_metrics with input 1 = synthetic and input 2 = real."""
    if NAME not in FEATURE_EXTRACTORS_REGISTRY:
        register_feature_extractor(NAME, ThreePixels)
    return calculate_metrics(
        input1=PixelCache(fake), input2=PixelCache(real), feature_extractor=NAME,
        cuda=False, save_cpu_ram=True, cache=False, verbose=False, **options,
    )  # fmt: skip
