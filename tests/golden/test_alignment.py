"""Mask alignment equals a slow twin that counts pixels; its floor takes each mask once and never an image's own."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from bench.contracts import NO_MASK, Context, ImageSet, Sample, Space
from metrics.alignment import Alignment, others_masks
from tests.conftest import refused

CTX = Context(seed=4, workdir="")
SPACE = Space("Net")


def drawn(folder, count, seed=0, size=(12, 9), mask_size=(12, 9)):
    """`count` random masks and maps; the first map is all zero."""
    rng = np.random.default_rng(seed)
    folder.mkdir()
    samples, maps = [], []
    for index in range(count):
        mask, grey = folder / f"{index}-mask.png", folder / f"{index}-map.png"
        Image.fromarray((rng.random(mask_size[::-1]) > 0.6).astype(np.uint8) * 255).save(mask)
        Image.fromarray((rng.integers(0, 256, size[::-1]) * (index > 0)).astype(np.uint8)).save(grey)
        samples.append(Sample(id=f"i{index}", image=folder / f"{index}.png", mask=mask, group=f"video {index // 4}"))
        maps.append(grey)
    return ImageSet(tuple(samples), maps=tuple(maps))


def slow_dice(path, mask_path):
    """One pixel at a time, masks of another size by nearest pixel."""
    grey = Image.open(path)
    mask = Image.open(mask_path).convert("L").resize(grey.size, Image.Resampling.NEAREST)
    hit = found = lesion = 0
    for x in range(grey.width):
        for y in range(grey.height):
            positive, inside = grey.getpixel((x, y)) > 127.5, mask.getpixel((x, y)) > 127
            hit, found, lesion = hit + (positive and inside), found + positive, lesion + inside
    return 2 * hit / (found + lesion) if found + lesion else 1.0


def slow(images):
    return [slow_dice(path, sample.mask) for path, sample in zip(images.maps, images.samples, strict=True)]


def score(real, fake):
    return {name.removeprefix("alignment-Net").strip(): one for name, one in Alignment(None).score(
        real, fake, SPACE, CTX).items()}  # fmt: skip


def test_it_equals_the_slow_twin(tmp_path):
    real, fake = drawn(tmp_path / "real", 7), drawn(tmp_path / "fake", 10, seed=1, mask_size=(24, 18))
    found = score(real, fake)
    dice = slow(fake)
    assert found[""].per_image.tolist() == pytest.approx(dice)
    assert found[""].ids == tuple(f"i{index}" for index in range(10))
    assert found[""].value == pytest.approx(sum(dice) / 10)
    assert found["p5"].value == pytest.approx(sorted(dice)[0] * 0.55 + sorted(dice)[1] * 0.45)
    assert found["ceiling"].value == pytest.approx(sum(slow(real)) / 7)
    shuffled = replace(fake, samples=others_masks(fake.samples, CTX.seed))
    assert found["floor"].value == pytest.approx(sum(slow(shuffled)) / 10)


def test_intervals_know_that_frames_of_a_video_belong_together(tmp_path):
    """Three videos say less than ten images; two images of one mask are not two witnesses either."""
    real, fake = drawn(tmp_path / "real", 7), drawn(tmp_path / "fake", 10, seed=1)
    one_video = replace(fake, samples=tuple(replace(sample, group="v") for sample in fake.samples))
    one_mask = replace(fake, samples=tuple(replace(sample, group="", source="m") for sample in fake.samples))
    assert score(real, fake)[""].low < score(real, fake)[""].value < score(real, fake)[""].high
    assert score(real, one_video)[""].low is None
    assert score(real, one_mask)[""].low is None


def test_a_copied_mask_is_the_best_and_its_ceiling_does_not_depend_on_it(tmp_path):
    """Maps that are the masks: 1 for every image, above the floor."""
    real, fake = drawn(tmp_path / "real", 7), drawn(tmp_path / "fake", 10, seed=1)
    perfect = replace(fake, maps=tuple(sample.mask for sample in fake.samples))
    found = score(real, perfect)
    assert found[""].value == found["p5"].value == found[""].low == 1.0
    assert found["floor"].value < 0.7
    assert found["ceiling"] == score(real, fake)["ceiling"]


@pytest.mark.parametrize("copies", [1, 2, 3])
@pytest.mark.parametrize("conditions", [2, 3, 7])
def test_the_floor_takes_every_mask_once_and_never_an_images_own(conditions, copies):
    samples = tuple(
        Sample(id=f"m{mask}-{copy}", image="", mask=f"{mask}.png", source=f"m{mask}")
        for copy in range(copies)
        for mask in range(conditions)
    )
    for seed in range(5):
        others = others_masks(samples, seed)
        assert sorted(one.id for one in others) == sorted(one.id for one in samples)
        assert all(one.condition != other.condition for one, other in zip(samples, others, strict=True))
    assert others_masks(samples, 1) == others_masks(samples, 1)


def test_the_floor_is_shuffled_by_the_seed():
    samples = tuple(Sample(id=f"m{mask}", image="", mask="") for mask in range(20))
    assert others_masks(samples, 1) != others_masks(samples, 2)


def test_without_another_mask_there_is_no_floor(tmp_path):
    """One condition behind more than half of the images: a mask of another cannot be given to each."""
    fake = drawn(tmp_path / "fake", 4)
    same = replace(fake, samples=tuple(replace(sample, source=f"m{index // 3}")
                                       for index, sample in enumerate(fake.samples)))  # fmt: skip
    assert set(score(fake, same)) == {"", "p5", "ceiling"}


def test_sets_without_maps_or_masks_are_refused(tmp_path):
    whole = drawn(tmp_path / "whole", 3)
    bare = replace(whole, samples=(whole.samples[0], Sample(id="lonely", image=whole.samples[1].image, mask=NO_MASK)))
    refused(lambda: score(whole, replace(whole, maps=None)), "alignment-Net", "synthetic", "--segmenter")
    refused(lambda: score(bare, whole), "alignment-Net", "real image lonely has no mask")
