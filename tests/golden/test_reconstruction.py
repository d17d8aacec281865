"""Reconstruction against a literal way through the autoencoder, image by image."""

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKL
from PIL import Image

from bench.contracts import Context
from bench.datasets.phantom import Phantom
from bench.images import load_rgb
from generators.diffusion.base_model.location import TINY_FOLDER
from generators.reconstruction import Params, Reconstruction
from tests.conftest import make_pairs


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory):
    """Training pairs of the demo's stand-in."""
    root = tmp_path_factory.mktemp("phantom")
    dataset = Phantom(Phantom.Params(train=24, test=2), root)
    dataset.build(root, Context(seed=0, workdir=root))
    return dataset.samples("train")


def made(pairs, place, **params):
    """Images by id, of base model tiny at 64 px."""
    generator, ctx = Reconstruction(Params(base="tiny", size=64, **params)), Context(seed=0, workdir=place)
    generator.fit(pairs, place, ctx)
    generator.sample(pairs, place, place / "out", ctx)
    return {pair.id: load_rgb(place / "out" / "images" / f"{pair.id}.png") for pair in pairs}


def resized(path):
    return np.asarray(Image.open(path).convert("RGB").resize((64, 64), Image.Resampling.BILINEAR))


def literal(vae, pixels):
    """Grey levels before they are rounded, in double precision."""
    x = torch.tensor(pixels / 127.5 - 1).permute(2, 0, 1)[None]
    with torch.no_grad():
        mean = vae.encoder(x)
        mean = vae.quant_conv(mean)[:, : vae.config.latent_channels]
        y = vae.decoder(vae.post_quant_conv(mean))[0].permute(1, 2, 0)
    return np.clip((y.numpy() + 1) * 127.5, 0, 255)


@pytest.mark.parametrize("batch", [1, 5])
def test_it_is_the_decoded_mean_of_each_image_pixel_for_pixel(phantoms, tmp_path, batch):
    """Images of other sizes than that of the set, in batches of which the last is smaller. Only where a level lies
    within a hundredth of a half may single precision round to the other side."""
    pairs = (*phantoms[:4], *make_pairs(tmp_path / "pairs", 3, 40))
    vae = AutoencoderKL.from_pretrained(TINY_FOLDER / "vae").double().eval()
    ours = made(pairs, tmp_path, sample_batch=batch)
    for pair in pairs:
        levels = literal(vae, resized(pair.image))
        clear = np.abs(levels % 1 - 0.5) > 0.01
        assert clear.mean() > 0.95
        assert np.array_equal(ours[pair.id][clear], np.rint(levels)[clear]), pair.id
        assert np.abs(ours[pair.id] - levels).max() < 0.52


def test_the_bundled_base_shows_phantoms_above_24_db(phantoms, tmp_path):
    """Above 20 dB for each of them; not the image itself."""
    ours = made(phantoms, tmp_path)
    errors = [np.mean((ours[pair.id] - resized(pair.image).astype(float)) ** 2) for pair in phantoms]
    ratios = 10 * np.log10(255**2 / np.array(errors))
    assert ratios.mean() > 24
    assert ratios.min() > 20
    assert ratios.max() < 40
