"""Lesion-free images as backgrounds: drawn by seed and id, told where they are not there, painted on by a formula."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from bench.images import load_rgb, save_png
from bench.workflows.request import RunRequest
from bench.workflows.setup import choose
from generators._normals import on_normals, try_normals
from generators.controlpolypnet import ControlPolypNet, Params
from generators.diffusion.conditioning.mask_image import painted
from tests.conftest import make_pairs, refused


@pytest.fixture
def normals(tmp_path):
    for index in range(6):
        save_png(tmp_path / "normals" / f"n{index}.png", np.full((20, 30, 3), 40 * index, np.uint8))
    return str(tmp_path / "normals")


def test_a_background_is_drawn_by_seed_and_id(tmp_path, normals):
    pairs = make_pairs(tmp_path / "pairs", 12)
    drawn = [one.image.name for one in on_normals(pairs, normals, 0)]
    assert [one.image.name for one in on_normals(pairs[::-1], normals, 0)] == drawn[::-1]
    assert [one.image.name for one in on_normals(pairs, normals, 1)] != drawn
    assert len(set(drawn)) > 3
    assert [one.mask for one in on_normals(pairs, normals, 0)] == [one.mask for one in pairs]


def test_the_hint_is_the_image_with_a_white_lesion():
    """As the authors' `image OR mask` of eight bits."""
    image = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    mask = np.zeros((8, 8), np.uint8)
    mask[2:5, 3:7] = 1
    want = image | (mask[..., None] * 255)
    as_hint = torch.from_numpy(image / 255.0).permute(2, 0, 1)[None]
    found = painted(torch.from_numpy(mask)[None, None].repeat(1, 3, 1, 1), as_hint)
    assert (np.rint(found[0].permute(1, 2, 0).numpy() * 255) == want).all()


def test_rows_say_where_the_background_is_the_pairs_own(normals):
    assert ControlPolypNet(Params()).remark() == "background of the pair"
    assert ControlPolypNet(Params(normals=normals)).remark() == ""
    setting = f"controlpolypnet.normals={normals}"
    choose(RunRequest(generators=("controlpolypnet",), dataset="phantom", masks="random", settings=(setting,)))


def test_masks_that_were_moved_are_refused_without_other_backgrounds():
    refused(
        lambda: choose(RunRequest(generators=("controlpolypnet",), dataset="phantom", masks="random")),
        *("--masks random", "controlpolypnet", "normals=DIR"),
    )


def test_what_is_no_folder_of_images_is_told(tmp_path, normals):
    (tmp_path / "empty").mkdir()
    for folder, said in (("none", "no such folder"), ("empty", "holds no image")):
        lines = ControlPolypNet(Params(base="tiny", normals=str(tmp_path / folder))).missing()
        assert said in lines[-1]
    assert ControlPolypNet(Params(base="tiny", normals=normals)).missing() == ()
    broken = tmp_path / "normals" / "n3.png"
    broken.write_bytes(broken.read_bytes()[:40])
    refused(lambda: try_normals(normals), str(broken))


def test_samples_stand_on_the_backgrounds_that_were_drawn(tmp_path, normals, monkeypatch):
    """What the sampler is given in place of the pairs' own images."""
    seen = []
    monkeypatch.setattr(
        "generators.diffusion.generator.DiffusionGenerator.sample",
        lambda _, conditions, *__: seen.extend(load_rgb(one.image)[0, 0, 0] for one in conditions),
    )
    pairs = make_pairs(tmp_path / "pairs", 4)
    generator = ControlPolypNet(replace(Params(), normals=normals))
    generator.sample(pairs, tmp_path, tmp_path, type("Ctx", (), {"seed": 3})())
    assert seen == [load_rgb(one.image)[0, 0, 0] for one in on_normals(pairs, normals, 3)]
