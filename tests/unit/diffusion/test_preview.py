"""Previews: what a picture shows, that it is what sampling makes, and that training sees nothing of it."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from bench.contracts import Context
from bench.images import load_mask, load_rgb
from generators.controlnet_mi import ControlNetMi
from generators.denoising.pictures import COLUMNS, GAP, evaluating, tile
from generators.diffusion.base_model.model import load_base
from generators.diffusion.sampling.sample_set import sample_set
from generators.diffusion.sampling.sampler import Sampler, SamplingJob
from generators.diffusion.training.preview import Preview
from generators.siamese import Siamese
from tests.conftest import make_pairs

SIZE = 32
SAMPLER = Sampler(2, 3.0)


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    return make_pairs(tmp_path_factory.mktemp("pairs"), 6, SIZE + 16)


@pytest.fixture(scope="module", params=[Siamese, ControlNetMi], ids=["mask", "mask-and-image"])
def preview(request, narrow_base, pairs, tmp_path_factory):
    """Of a ControlNet whose residuals are far from zero, as after training."""
    base = load_base(narrow_base)
    method = request.param(request.param.Params(base=narrow_base, size=SIZE)).method(base, 0)
    torch.manual_seed(1)
    for parameter in method.trained["controlnet"].parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.05)
    prompts = [pair.prompt for pair in pairs]
    ctx = Context(seed=7, workdir=tmp_path_factory.mktemp("work"))
    return Preview(SamplingJob(base=base, method=method, sampler=SAMPLER, size=SIZE, ctx=ctx), pairs, prompts)


def cell(picture, row, column):
    top, left = GAP + row * (SIZE + GAP), GAP + column * (SIZE + GAP)
    return picture[top : top + SIZE, left : left + SIZE]


def test_rows_are_mask_image_and_what_sampling_makes(preview, pairs, tmp_path):
    """The third row is, pixel by pixel, the set the generator would write for these masks with this seed."""
    picture = preview.draw()
    assert picture.shape == (3 * (SIZE + GAP) + GAP, COLUMNS * (SIZE + GAP) + GAP, 3)
    first, prompts = pairs[:COLUMNS], preview.prompts[:COLUMNS]
    sample_set(preview.job, first, prompts, COLUMNS, tmp_path)
    for column, pair in enumerate(first):
        assert np.array_equal(cell(picture, 0, column)[..., 0], load_mask(pair.mask, (SIZE, SIZE)) * 255)
        assert np.array_equal(cell(picture, 1, column), load_rgb(pair.image, (SIZE, SIZE)))
        assert np.array_equal(cell(picture, 2, column), load_rgb(tmp_path / "images" / f"{pair.id}.png"))


def test_the_same_weights_give_the_same_picture_and_others_another(preview):
    one = preview.draw()
    torch.manual_seed(5)
    assert np.array_equal(preview.draw(), one)
    changed = replace(preview, job=replace(preview.job, method=copy.deepcopy(preview.job.method)))
    for parameter in changed.job.method.trained["controlnet"].parameters():
        parameter.data += 0.01
    other = changed.draw()
    assert np.array_equal(cell(other, 1, 0), cell(one, 1, 0))
    assert not np.array_equal(cell(other, 2, 0), cell(one, 2, 0))


def test_gradients_modes_and_random_state_are_left_as_they_were(preview):
    modules = preview.job.method.trained.values()
    parts = [part for module in modules for part in module.modules()]
    parts[3].training = not parts[0].training
    parameters = [p for module in modules for p in module.parameters()]
    for parameter in parameters[::2]:
        parameter.grad = torch.randn_like(parameter)
    before = [None if p.grad is None else p.grad.clone() for p in parameters]
    modes, state = [part.training for part in parts], torch.get_rng_state()
    preview.draw()
    assert [part.training for part in parts] == modes
    assert torch.equal(torch.get_rng_state(), state)
    for parameter, gradient in zip(parameters, before, strict=True):
        assert (parameter.grad is None) == (gradient is None)
        assert gradient is None or torch.equal(parameter.grad, gradient)


def test_fewer_pairs_than_columns(preview, pairs):
    picture = replace(preview, pairs=pairs[:2], prompts=preview.prompts[:2]).draw()
    assert picture.shape[1] == 2 * (SIZE + GAP) + GAP


def test_modes_come_back_after_an_error():
    layer = torch.nn.Sequential(torch.nn.Dropout(), torch.nn.Dropout())
    layer[1].eval()

    def fail():
        with evaluating({"layer": layer}):
            assert not any(part.training for part in layer.modules())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert [part.training for part in layer.modules()] == [True, True, False]


def test_tiles_lie_on_white():
    black = np.zeros((3, 5, 3), np.uint8)
    grid = tile([[black, black], [black, black], [black, black]])
    assert grid.shape == (3 * (3 + GAP) + GAP, 2 * (5 + GAP) + GAP, 3)
    assert (grid == 0).sum() == 6 * black.size
    assert set(np.unique(grid)) == {0, 255}
