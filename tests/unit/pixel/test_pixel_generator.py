"""What generators on pixels promise beyond the contract: noise by image, pairs changed alike, work that is counted."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from bench.contracts import Context, Sample
from bench.errors import BenchError
from bench.images import save_png
from bench.plugins.overrides import parse_overrides, resolve
from bench.plugins.profile import load_profile
from bench.plugins.registry import Registry
from generators.arsdm import Arsdm
from generators.arsdm import Params as ArsdmParams
from generators.denoising.letterbox import boxed_mask, boxed_rgb, unboxed
from generators.denoising.noise import generators_of
from generators.pixel.adaptive import AdaptiveMethod
from generators.pixel.augment import crop_of, turn_and_crop
from generators.pixel.batch import PixelPlan
from generators.pixel.sampler import PixelJob, walk
from generators.polyp_ddpm import Params, PolypDdpm
from tests.conftest import refused

SMALL = Params(size=32, width=32, steps=2, batch=2, sampler_steps=3)


@pytest.fixture(scope="module")
def method():
    torch.manual_seed(0)
    return PolypDdpm(SMALL).method()


@pytest.mark.parametrize("sampler", ["ancestral", "ddim"])
def test_an_images_noise_depends_on_seed_and_id_alone(method, sampler, tmp_path, monkeypatch):
    """At the first step and, where the sampler draws at each, at all of them."""
    monkeypatch.setattr("generators.polyp_ddpm.TIMESTEPS", 3)
    way = replace(PolypDdpm(replace(SMALL, sampler=sampler)).walk(), steps=3)
    job = PixelJob(
        method=method,
        network=method.network,
        walk=way,
        size=32,
        precision="fp32",
        ctx=Context(seed=0, workdir=tmp_path),
    )
    masks = torch.zeros(3, 1, 32, 32)
    together = walk(job, masks, generators_of(["a", "b", "c"], 0), lambda: None)
    alone = walk(job, masks[:1], generators_of(["b"], 0), lambda: None)
    assert torch.allclose(together[1:2], alone, atol=1e-4)
    assert not torch.allclose(together[0], together[1], atol=0.1)


def plan(**changes):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (5, 32, 32, 3), dtype=np.uint8)
    masks = (images[..., 0] > 127).astype(np.uint8)
    return PixelPlan(images=images, masks=masks, batch=4, timesteps=250, seed=0, device="cpu", **changes)


def test_a_batch_is_the_same_in_any_number_of_parts():
    whole = plan(augment=turn_and_crop).draw(3, 0, 1)
    parts = [plan(augment=turn_and_crop).draw(3, part, 2) for part in range(2)]
    for name in ("images", "masks", "noise", "t"):
        assert torch.equal(getattr(whole, name), torch.cat([getattr(part, name) for part in parts]))
    assert not torch.equal(whole.noise, plan().draw(4, 0, 1).noise)


def test_half_of_the_steps_may_have_no_masks():
    """One draw for a step's whole batch, as the authors have it."""
    steps = [plan(unmasked=0.5).draw(step, 0, 1).masks for step in range(40)]
    assert 10 <= sum(not masks.any() for masks in steps) <= 30
    assert all(not masks.any() or masks.flatten(1).any(1).all() for masks in steps)
    assert all(plan().draw(step, 0, 1).masks.any() for step in range(40))


def test_image_and_mask_are_changed_alike():
    """Here the mask is what the image says."""
    side = torch.zeros(4, 32, 32) - 1
    side[:, 8:20, 4:16] = 1
    changed = turn_and_crop(side, np.random.default_rng(1))
    assert torch.equal(changed[0], changed[3])
    assert not torch.equal(changed, side)


def test_a_crop_has_the_shares_that_it_may_have():
    rng = np.random.default_rng(0)
    for _ in range(200):
        top, left, height, width = crop_of(64, 64, rng)
        assert 0 <= top <= 64 - height
        assert 0 <= left <= 64 - width
        assert 0.78 <= height * width / 64**2 <= 1
        assert 0.7 <= width / height <= 1.4


@pytest.mark.parametrize(("changes", "parts"), [
    ({"size": 36}, ["size=36", "a multiple of 8"]),
    ({"width": 40}, ["width=40", "each needs a multiple of 32"]),
    ({"batch": 3, "accumulation": 2}, ["accumulation=2", "batch=3"]),
])  # fmt: skip
def test_what_makes_no_network_is_refused(changes, parts):
    refused(lambda: PolypDdpm(replace(SMALL, **{"size": 64, **changes})).check_params(1), *parts)


@pytest.mark.parametrize("head", [48, 256])
def test_a_head_that_does_not_divide_the_channels_is_refused(head):
    """Such a network would have attention without numbers, or none that can be imported."""
    refused(
        lambda: Arsdm(ArsdmParams(size=64, width=32, head=head)).check_params(1), f"head={head}", "64, 128 channels"
    )


def test_a_base_model_is_no_parameter_of_it():
    registry = Registry()
    given = parse_overrides(["polyp-ddpm.base=tiny"], registry)
    with pytest.raises(BenchError, match="polyp-ddpm has no field 'base'"):
        resolve(registry.load("generator", "polyp-ddpm"), "generator", "polyp-ddpm", load_profile("demo"), given)


def test_what_is_kept_of_masks_is_work_that_is_saved():
    """As a dry run counts it, at the published size."""
    plain, kept = (Arsdm(ArsdmParams(kept=room, sample_batch=1)).cost("sample", 1, 1) for room in (0.0, 4.0))
    assert plain.flops / kept.flops > 1.4
    assert kept.memory - plain.memory < 4e9


def test_a_letterbox_keeps_the_aspect_and_is_taken_off_again(tmp_path):
    wide = np.zeros((20, 40, 3), np.uint8)
    wide[5:15, 10:30] = 200
    save_png(tmp_path / "wide.png", wide)
    save_png(tmp_path / "mask.png", (wide[..., 0] > 0).astype(np.uint8) * 255)
    boxed, mask = boxed_rgb(tmp_path / "wide.png", 40), boxed_mask(tmp_path / "mask.png", 40)
    assert not boxed[:10].any()
    assert not boxed[30:].any()
    assert (boxed[10:30] == wide).all()
    assert ((boxed[..., 0] > 0) == mask).all()
    back = unboxed(boxed, (40, 20))
    assert back.shape == (40, 40, 3)
    assert abs(int(back[20, 20, 0]) - 200) < 2
    assert np.abs(back[0::2].astype(int) - wide).mean() < 6
    assert unboxed(boxed, (40, 40)) is boxed


@pytest.mark.parametrize(("letterbox", "share"), [(True, 1 / 8), (False, 1 / 4)])
def test_arsdm_trains_on_letterboxed_pairs(tmp_path, letterbox, share, monkeypatch):
    """A lesion of a quarter of a wide image is an eighth of its square."""
    save_png(tmp_path / "image.png", np.zeros((20, 40, 3), np.uint8))
    mask = np.zeros((20, 40), np.uint8)
    mask[5:15, 10:30] = 255
    save_png(tmp_path / "mask.png", mask)
    pair = Sample(id="a", image=tmp_path / "image.png", mask=tmp_path / "mask.png")
    seen, plain = [], AdaptiveMethod.loss

    def watched(method, predicted, noise, masks):
        seen.append(masks.mean())
        return plain(method, predicted, noise, masks)

    monkeypatch.setattr(AdaptiveMethod, "loss", watched)
    params = ArsdmParams(size=32, width=32, hidden=4, steps=1, batch=1, preview_every=0, letterbox=letterbox)
    Arsdm(params).fit((pair,), tmp_path, Context(seed=0, workdir=tmp_path))
    assert seen[0].item() == pytest.approx(share, abs=0.03)
