"""The bundled base model on real images it never saw."""

import numpy as np
import pytest
import torch

from bench.images import load_rgb
from generators.diffusion.base_model.coding import as_target, encode_images
from generators.diffusion.base_model.model import load_base


@pytest.mark.parametrize("folder", ["TrainDataset/images", "TestDataset/Kvasir/images"])
def test_its_autoencoder_reconstructs_polyps(real_data, folder):
    """At 64 px, from the posterior's mean: 30 dB or better, as the mean over images and from the mean error."""
    paths = sorted((real_data / "polyps" / folder).iterdir())[::60]
    pixels = as_target(np.stack([load_rgb(path, (64, 64)) for path in paths]))
    base = load_base("tiny")
    with torch.inference_mode():
        mean, _ = encode_images(base, pixels)
        back = base.vae.decode(mean / base.vae.config.scaling_factor).sample.clamp(-1, 1)
    error = (back - pixels).square().mean((1, 2, 3)) / 4
    assert (-10 * error.log10()).mean() >= 30
    assert -10 * error.mean().log10() >= 30
