"""What each recipe does to a batch, its steps and its rates, against the published lists and slow twins."""

import colorsys
import dataclasses
import json

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from bench.contracts import Context
from bench.errors import BenchError
from bench.images import load_grey, load_mask, load_rgb, save_png
from segmenters import segformer
from segmenters.ctnet import plugin as ctnet
from segmenters.polyp_pvt import plugin as polyp_pvt
from segmenters.sanet import plugin as sanet
from segmenters.training import augment, loop
from segmenters.training.batches import open_source
from segmenters.training.colour_exchange import colours_of, exchange_colours
from segmenters.training.published import Augmentation, Crop, Photometric
from segmenters.training.schedule import warm_up_and_fall
from segmenters.unet import plugin as unet
from tests.conftest import make_pairs


class Tiny(torch.nn.Module):
    """Four weights under the name of a backbone: any recipe can train it."""

    def __init__(self):
        super().__init__()
        self.bkbone, self.head = torch.nn.Conv2d(3, 1, 1), torch.nn.Conv2d(1, 1, 1)

    def forward(self, images):
        return self.head(self.bkbone(images))


@dataclasses.dataclass
class Seen:
    """Sizes, masks and the first group's rate of every update."""

    sizes: list = dataclasses.field(default_factory=list)
    masks: list = dataclasses.field(default_factory=list)
    rates: list = dataclasses.field(default_factory=list)
    report: dict = dataclasses.field(default_factory=dict)


def trained(published, samples, folder, **context):
    """What the loss is given when `Tiny` is trained by a published recipe."""
    seen, optimizers = Seen(), []

    def loss(model, images, masks):
        seen.rates.append([group["lr"] for group in optimizers[0].param_groups])
        seen.sizes.append(tuple(images.shape[2:])[0])
        seen.masks.append(masks)
        return torch.nn.functional.binary_cross_entropy_with_logits(model(images)[:, 0], (masks == 1).float())

    def make_optimizer(model):
        optimizers.append(published.make_optimizer(model))
        return optimizers[0]

    work, model_dir = folder / "work", folder / "model"
    for path in (work, model_dir):
        path.mkdir(parents=True)
    recipe = dataclasses.replace(published, loss=loss, make_optimizer=make_optimizer)
    loop.fit(Tiny(), recipe, samples, (), model_dir, Context(seed=0, workdir=work, **context))
    seen.report = json.loads((model_dir / "training.json").read_text())
    return seen


def soft_pairs(folder, count=3, size=96):
    """Masks with grey edges, as JPEG leaves them."""
    samples = make_pairs(folder, count, size)
    for sample in samples:
        mask = load_grey(sample.mask).astype(float)
        save_png(sample.mask, ((mask + np.roll(mask, 3, 1) + np.roll(mask, 5, 0)) / 3).astype(np.uint8))
    return samples


def literal_bilinear(grey, size):
    """Aligned corners: the first and last pixel centres of both grids lie on each other."""
    old = len(grey)
    out = np.empty((size, size))
    for y in range(size):
        for x in range(size):
            v, u = y * (old - 1) / (size - 1), x * (old - 1) / (size - 1)
            top, left = min(int(v), old - 2), min(int(u), old - 2)
            a, b = v - top, u - left
            out[y, x] = (
                grey[top, left] * (1 - a) * (1 - b) + grey[top, left + 1] * (1 - a) * b
                + grey[top + 1, left] * a * (1 - b) + grey[top + 1, left + 1] * a * b
            )  # fmt: skip
    return out


THREE = {
    "polyp-pvt": lambda **changes: polyp_pvt.PolypPVT(polyp_pvt.Params(pretrained=False, **changes)),
    "ctnet": lambda **changes: ctnet.CTNet(ctnet.Params(pretrained=False, **changes)),
}


@pytest.mark.parametrize("name", THREE)
def test_a_batch_is_trained_at_three_sizes_a_step_each(name, tmp_path):
    """256, 352 and 448 px in this order, at a constant rate; `updates` counts the steps."""
    seen = trained(THREE[name](batch=2, epochs=2).recipe(), soft_pairs(tmp_path, 4), tmp_path)
    assert seen.sizes == [256, 352, 448] * 4
    assert seen.report["updates"] == 12
    assert {rate for rates in seen.rates for rate in rates} == {1e-4}


@pytest.mark.parametrize("name", THREE)
def test_the_three_steps_can_be_switched_off(name, tmp_path):
    recipe = THREE[name](batch=2, epochs=2, three_steps=False).recipe()
    seen = trained(recipe, soft_pairs(tmp_path, 4), tmp_path)
    assert (seen.sizes, seen.report["updates"]) == ([352] * 4, 4)


@pytest.mark.parametrize("name", THREE)
def test_masks_stay_grey_and_are_resized_as_the_images(name, tmp_path):
    """Levels of the file over 255 at its own size, a bilinear twin with aligned corners at the others."""
    (sample,) = soft_pairs(tmp_path, 1)
    seen = trained(THREE[name](size=96 if name == "polyp-pvt" else 128, epochs=1).recipe(), (sample,), tmp_path)
    grey = load_grey(sample.mask, (seen.sizes[1],) * 2) / 255
    assert len(np.unique(grey)) > 2
    for size, mask in zip(seen.sizes, seen.masks, strict=True):
        want = grey if size == len(grey) else literal_bilinear(grey, size)
        np.testing.assert_allclose(mask[0].numpy(), want, atol=1e-5)


def test_sanet_draws_one_size_a_batch_with_the_published_chances():
    """Of 256, 288, 320 and 352 px with .1, .2, .3 and .4: frequencies within three standard errors."""
    rng = np.random.default_rng(0)
    drawn = [sanet.SCALES.drawn(352, rng) for _ in range(2000)]
    assert {len(sizes) for sizes in drawn} == {1}
    shares = {size: np.mean([sizes == (size,) for sizes in drawn]) for size in (256, 288, 320, 352)}
    for share, want in zip(shares.values(), (0.1, 0.2, 0.3, 0.4), strict=True):
        assert abs(share - want) < 3 * np.sqrt(want * (1 - want) / len(drawn))


def test_sanet_trains_hard_masks_an_update_a_batch_at_falling_rates(tmp_path):
    """Over eight epochs: the rate of the first three, half of it for two, a quarter for three; backbone a tenth."""
    plugin = sanet.SANet(sanet.Params(pretrained=False, size=64, batch=2, epochs=8))
    seen = trained(plugin.recipe(), make_pairs(tmp_path, 4, 48), tmp_path)
    assert seen.report["updates"] == len(seen.sizes) == 16
    assert {value for mask in seen.masks for value in mask.unique().tolist()} == {0, 1}
    want = [0.4] * 6 + [0.2] * 4 + [0.1] * 6
    assert seen.rates == [pytest.approx([rate / 10, rate]) for rate in want]


def literal_batch(samples, size, wrap):
    """SANet's changes with every chance at one, by the released code's steps: colours, then both flips."""
    frames = [sample for sample in samples if sample.group]
    for row, sample in enumerate(samples):
        partner = load_rgb(frames[row % len(frames)].image, (size, size))
        image = load_rgb(sample.image, (size, size))
        image = exchange_colours(image, colours_of(image), colours_of(partner), wrap)
        mask = load_mask(sample.mask, (size, size))
        yield image[::-1, ::-1], mask[::-1, ::-1]


@pytest.mark.parametrize("wrap", [True, False])
def test_sanets_changes_are_the_published_ones(wrap, tmp_path):
    """With certain flips and frames as lenders a batch is the literal one, its quarter turns left aside."""
    samples = tuple(
        dataclasses.replace(sample, group="video" if row < 2 else "")
        for row, sample in enumerate(make_pairs(tmp_path, 5, 40))
    )
    how = dataclasses.replace(sanet.AUGMENTATION, flip=1, vertical_flip=1, rotate=0, colour_exchange=1, wrap=wrap)
    source = open_source(samples, 32, 5, sanet.SCALES, how, Context(seed=0, workdir=tmp_path))
    batch = source.make(np.arange(5), 0, 0)
    for image, mask, (want_image, want_mask) in zip(
        batch.images, batch.masks, literal_batch(samples, 32, wrap), strict=True
    ):
        np.testing.assert_array_equal(image, want_image)
        np.testing.assert_array_equal(mask, want_mask)
    assert (sanet.AUGMENTATION.flip, sanet.AUGMENTATION.vertical_flip, sanet.AUGMENTATION.rotate) == (0.5, 0.5, 0.5)
    assert sanet.AUGMENTATION.colour_exchange == 0.7


def test_quarter_turns_take_the_mask_along():
    """Each of the four comes up, for image and mask alike."""
    image, rng = np.random.default_rng(0).integers(0, 256, (6, 6, 3), dtype=np.uint8), np.random.default_rng(1)
    seen = set()
    for _ in range(40):
        turned, mask = augment.augmented(image, image[..., 0], Augmentation(rotate=1), rng)
        np.testing.assert_array_equal(turned[..., 0], mask)
        seen.add(next(k for k in range(4) if (np.rot90(image, k) == turned).all()))
    assert seen == {0, 1, 2, 3}


@pytest.mark.parametrize("group", ["", "video"])
def test_one_source_is_told_in_the_report(group, tmp_path):
    """No colours are exchanged then, in one line; with two sources there is no line."""
    samples = make_pairs(tmp_path, 4, 48)
    one = tuple(dataclasses.replace(sample, group=group) for sample in samples)
    recipe = sanet.SANet(sanet.Params(pretrained=False, size=64, batch=2, epochs=1)).recipe()
    (note,) = trained(recipe, one, tmp_path / "one").report["notes"]
    assert "no colour exchange" in note
    two = (dataclasses.replace(one[0], group="" if group else "video"), *one[1:])
    assert trained(recipe, two, tmp_path / "two").report["notes"] == []


def test_segformers_rate_is_that_of_mmengine():
    """Its LinearLR and PolyLR step by step over a hundredth of the published updates, warm-up included."""
    pytest.importorskip("mmengine")
    from mmengine.optim import LinearLR, PolyLR

    updates, warmup = 1600, 15
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], 1.0)
    schedulers = [
        LinearLR(optimizer, start_factor=1e-6, by_epoch=False, begin=0, end=warmup),
        PolyLR(optimizer, eta_min=0.0, power=1.0, begin=warmup, end=updates, by_epoch=False),
    ]
    published = segformer.Params().warmup
    share = warm_up_and_fall(published, 1.0)
    for done in range(updates):
        assert share(done, updates) == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-6, abs=1e-9), done
        optimizer.step()
        for scheduler in schedulers:
            scheduler.step()
    assert round(published * 160_000) == 1500


def test_segformers_rate_changes_with_every_update(tmp_path):
    """The head ten times as fast, rising over a quarter of eight updates and then falling to nothing."""
    pytest.importorskip("mmseg")
    params = segformer.Params(pretrained=False, variant="b0", size=64, batch=2, updates=0, epochs=4, warmup=0.25)
    seen = trained(segformer.SegFormer(params).recipe(), make_pairs(tmp_path, 4, 48), tmp_path)
    share = warm_up_and_fall(0.25, 1.0)
    assert seen.rates == [pytest.approx([6e-5 * share(n, 8), 6e-4 * share(n, 8)]) for n in range(8)]


def literal_crop(image, top, left, size):
    """A pixel at a time; black and `OUTSIDE` beyond the edge."""
    out = np.zeros((size, size, *image.shape[2:]), image.dtype)
    for y in range(size):
        for x in range(size):
            if y + top < len(image) and x + left < len(image):
                out[y, x] = image[y + top, x + left]
    return out


def test_a_crop_is_a_part_of_the_resized_image():
    """At half the size it is whole, at the top left; at twice the size some place of it; the mask goes along."""
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)
    mask = np.tri(16, dtype=np.uint8)
    from PIL import Image

    for scale in (0.5, 2.0):
        side = round(16 * scale)
        large = np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.BILINEAR))
        found, found_mask = augment.cropped(image, mask, Crop((scale, scale)), np.random.default_rng(1))
        margin = max(side - 16, 0) + 1
        places = [
            (y, x) for y in range(margin) for x in range(margin) if (literal_crop(large, y, x, 16) == found).all()
        ]
        assert len(places) == 1
        beyond = found_mask == augment.OUTSIDE
        assert beyond.sum() == 16 * 16 - min(side, 16) ** 2
        assert not found[beyond].any()


def test_a_crop_is_drawn_anew_while_one_class_has_more_than_three_quarters():
    """A lesion in a corner: most crops of up to ten draws hold a quarter of it, which few do at the first draw."""
    mask = np.zeros((32, 32), np.uint8)
    mask[:12, :12] = 1
    image = np.zeros((32, 32, 3), np.uint8)

    def fair(limit):
        crops = (augment.cropped(image, mask, Crop((2.0, 2.0), limit), np.random.default_rng(n))[1] for n in range(200))
        return np.mean([0.25 < (crop == 1).mean() < 0.75 for crop in crops])

    assert fair(1.0) < 0.35
    assert fair(0.75) > 0.7


def test_padding_counts_nothing_in_segformers_loss():
    """Cross-entropy of the pixels inside over the number of all, as the configuration's own loss has it."""
    pytest.importorskip("mmseg")
    plugin = segformer.SegFormer(segformer.Params(pretrained=False, variant="b0", size=64))
    model, recipe = plugin.network().eval(), plugin.recipe()
    images, masks = torch.randn(2, 3, 64, 64), torch.randint(0, 2, (2, 64, 64))
    masks[:, 40:] = augment.OUTSIDE
    with torch.no_grad():
        found = recipe.loss(model, images, masks)
        logits = model.encode_decode(images, [{"img_shape": (64, 64)}] * 2)
    each = torch.nn.functional.cross_entropy(logits[:, :, :40], masks[:, :40], reduction="none")
    assert found.item() == pytest.approx(each.sum().item() / masks.numel(), rel=1e-4)


def test_hue_and_saturation_are_those_of_the_standard_library():
    """`colorsys` a pixel at a time, within what 8 bits of hue, saturation and value leave."""
    image = np.random.default_rng(0).integers(30, 226, (8, 8, 3), dtype=np.uint8)
    for saturation, hue in ((0.6, 0), (1.3, 0), (1.0, 15), (0.8, -18)):
        found = augment.recoloured(image, saturation, hue)
        for pixel, got in zip(image.reshape(-1, 3), found.reshape(-1, 3), strict=True):
            h, s, v = colorsys.rgb_to_hsv(*(pixel / 255))
            want = np.array(colorsys.hsv_to_rgb((h + hue / 180) % 1, min(s * saturation, 1), v)) * 255
            assert np.abs(got - want).max() <= 8


def test_light_changes_with_even_chances_within_the_published_bounds():
    """On mid grey: half of the images keep their brightness and contrast; none leaves 0.5 to 1.5 and 32 levels."""
    grey, rng = np.full((2, 2, 3), 100, np.uint8), np.random.default_rng(0)
    values = np.array([augment.distorted(grey, Photometric(), rng)[0, 0, 0] for _ in range(600)])
    assert 0.15 < np.mean(values == 100) < 0.35
    assert values.min() >= (100 - 32) // 2 - 1
    assert values.max() <= (100 + 32) * 1.5
    assert (Photometric().brightness, Photometric().hue) == (32, 18)


def test_the_unet_is_trained_on_images_as_they_are(tmp_path):
    """No change, no other size, one step a batch: what the first batch is, is what was decoded."""
    recipe = unet.UNet(unet.Params(size=48)).recipe()
    samples = make_pairs(tmp_path, 2, 48)
    source = open_source(samples, 48, 2, recipe.scales, recipe.augmentation, Context(seed=0, workdir=tmp_path))
    batch = source.make(np.array([1, 0]), 0, 0)
    assert (batch.sizes, source.updates, recipe.precision) == ((48,), 1, "fp32")
    np.testing.assert_array_equal(batch.images, [load_rgb(samples[row].image) for row in (1, 0)])
    np.testing.assert_array_equal(batch.masks, [load_mask(samples[row].mask) for row in (1, 0)])


def test_a_diverged_step_is_told_before_it_is_taken(tmp_path):
    """At whatever of the three sizes."""
    recipe = dataclasses.replace(
        THREE["polyp-pvt"](batch=2, epochs=1).recipe(),
        loss=lambda model, images, _: model(images).sum() * float("inf"),
    )
    (tmp_path / "work").mkdir()
    with pytest.raises(BenchError, match="not finite"):
        loop.fit(Tiny(), recipe, make_pairs(tmp_path, 2, 32), (), tmp_path, Context(seed=0, workdir=tmp_path / "work"))
