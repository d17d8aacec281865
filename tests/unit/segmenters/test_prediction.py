"""From a trained network to maps: batches of one size, each map made at its own image's size."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from PIL import Image
from torch.nn.functional import interpolate

from bench.contracts import Context
from bench.images import load_grey, load_rgb, save_png
from segmenters.ctnet import plugin as ctnet
from segmenters.polyp_pvt import plugin as polyp_pvt
from segmenters.sanet import plugin as sanet
from segmenters.training.loop import predict, write
from segmenters.training.maps import MapHead
from segmenters.unet import plugin as unet
from tests.conftest import make_pairs, refused

SIZES = ((24, 24), (40, 17), (24, 24), (9, 64), (24, 24))
"""Width and height."""
MAPPED = {"sanet": sanet.SANet, "polyp-pvt": polyp_pvt.PolypPVT, "ctnet": ctnet.CTNet, "unet": unet.UNet}


class Pooled(torch.nn.Module):
    """One logit at an eighth of the size: how much redder a place is than the image."""

    def __init__(self):
        super().__init__()
        self.gain = torch.nn.Parameter(torch.tensor(1.0))

    def forward(self, images):
        self.seen = [*getattr(self, "seen", []), tuple(images.shape)]
        red = torch.nn.functional.avg_pool2d(images[:, :1], 8)
        return self.gain * (red - red.mean((2, 3), keepdim=True))


@pytest.fixture
def samples(tmp_path):
    found = make_pairs(tmp_path / "pairs", len(SIZES))
    for sample, size in zip(found, SIZES, strict=True):
        save_png(sample.image, np.asarray(Image.fromarray(load_rgb(sample.image)).resize(size)))
    return found


def predicted(plugin, network, samples, place, batch, logits=None):
    """Maps that were written, by id, and the exact ones they were made of."""
    (place / "model").mkdir(parents=True)
    (place / "out").mkdir()
    head = plugin.head()
    write(network, place / "model", {})
    exact = []

    def mapped(logits, size):
        exact.append(head.lesion_map(logits, size))
        return exact[-1]

    recipe = replace(plugin.recipe(), size=64, batch=batch)
    head_seen = MapHead(logits or head.logits, mapped)
    predict(
        network,
        head_seen,
        recipe,
        samples,
        model_dir=place / "model",
        out=place / "out",
        ctx=Context(seed=0, workdir=place),
    )
    return {sample.id: load_grey(place / "out" / f"{sample.id}.png") for sample in samples}, exact


@pytest.mark.parametrize("name", ["sanet", "unet"])
def test_batches_give_the_maps_of_one_image_at_a_time(name, samples, tmp_path):
    """To 1e-5 before rounding to 8 bits; the network saw all five at once, of one size."""
    plugin, network = MAPPED[name](MAPPED[name].Params()), Pooled()
    maps, exact = predicted(plugin, network, samples, tmp_path / "all", 5)
    assert network.seen == [(5, 3, 64, 64)]
    alone, one_by_one = predicted(plugin, Pooled(), samples, tmp_path / "each", 1)
    assert [found.shape for found in maps.values()] == [(height, width) for width, height in SIZES]
    for ours, theirs in zip(exact, one_by_one, strict=True):
        assert torch.allclose(ours, theirs, atol=1e-5)
    for sample, found in zip(samples, exact, strict=True):
        assert np.abs(maps[sample.id] - found[0].numpy() * 255).max() <= 0.5
        assert np.abs(maps[sample.id].astype(int) - alone[sample.id]).max() <= 1


def test_sanets_correction_counts_the_pixels_of_the_image_itself():
    """Enlarged first: shares are those of the logits at the image's size, not those of the network's grid."""
    logits = torch.randn(2, 1, 6, 6, generator=torch.Generator().manual_seed(0))
    full = interpolate(logits, (37, 50), mode="bilinear", align_corners=True)[:, 0]
    positive, negative = ((full * sign > 0).float().mean((1, 2), keepdim=True) for sign in (1, -1))
    want = torch.where(full > 0, full / positive, full / negative).sigmoid()
    plugin = sanet.SANet(sanet.Params())
    assert torch.allclose(plugin.head().lesion_map(logits, (37, 50)), want, atol=1e-6)


@pytest.mark.parametrize("name", ["polyp-pvt", "ctnet"])
def test_maps_are_stretched_at_the_images_own_size(name):
    """Enlarged, then the sigmoid, then its extremes: each map of 37 × 50 reaches 0 and 1."""
    logits = torch.randn(2, 1, 6, 6, generator=torch.Generator().manual_seed(0))
    p = interpolate(logits, (37, 50), mode="bilinear", align_corners=False)[:, 0].sigmoid()
    want = torch.stack([(one - one.min()) / (one.max() - one.min() + 1e-8) for one in p])
    found = MAPPED[name](MAPPED[name].Params()).head().lesion_map(logits, (37, 50))
    assert torch.allclose(found, want, atol=1e-6)
    assert (found.amin((1, 2)) == 0).all()
    assert (found.amax((1, 2)) > 1 - 1e-6).all()


def test_of_two_logits_the_second_is_the_lesions():
    logits = torch.randn(1, 2, 6, 6, generator=torch.Generator().manual_seed(0))
    full = interpolate(logits, (13, 9), mode="bilinear", align_corners=False)
    want = 1 / (1 + (full[:, 0] - full[:, 1]).exp())
    assert torch.allclose(unet.UNet(unet.Params()).head().lesion_map(logits, (13, 9)), want, atol=1e-6)


@pytest.mark.parametrize("name", MAPPED)
@pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan")])
def test_a_broken_logit_is_no_map(name, value, samples, tmp_path):
    """The sigmoid of infinity is one: it must not pass for a certain network."""
    plugin = MAPPED[name](MAPPED[name].Params())

    def broken(model, images):
        logits = model(images).repeat(1, 2 if name == "unet" else 1, 1, 1)
        logits[2, 0, 1, 1] = value
        return logits

    refused(
        lambda: predicted(plugin, Pooled(), samples, tmp_path / "broken", 5, broken),
        samples[2].image, "not finite", "lower the learning rate",
    )  # fmt: skip
