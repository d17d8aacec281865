"""Reconstruction as a generator: its base, its masks, what it costs and what it says when something is wrong."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from bench.contracts import Context, NoParams, ProcessGroup
from bench.errors import BenchError
from bench.images import load_mask, load_rgb, save_png
from generators.copy_paste import CopyPaste
from generators.diffusion.base_model import coding
from generators.diffusion.base_model.location import missing_base
from generators.reconstruction import Params, Reconstruction
from generators.siamese import Params as SiameseParams
from generators.siamese import Siamese
from tests.conftest import refused

HUB_NAME = "no-such-owner/no-such-model"


@pytest.fixture
def small(narrow_base):
    """`small(…)` of the narrow base at 32 px."""
    return lambda **changes: Reconstruction(Params(**{"base": narrow_base, "size": 32} | changes))


def made(generator, pairs, place, conditions=None, **context):
    ctx, model, out = Context(seed=0, workdir=place, **context), place / "model", place / "out"
    model.mkdir(exist_ok=True)
    out.mkdir(exist_ok=True)
    generator.fit(pairs, model, ctx)
    generator.sample(conditions or pairs, model, out, ctx)
    return out


def files(out):
    return {path.relative_to(out): path.read_bytes() for path in out.rglob("*.png")}


def test_masks_are_the_real_ones_at_the_size_of_the_set(small, pairs, tmp_path):
    """Whatever masks are asked for: an image of another mask is no pair."""
    real = pairs(3, size=50)
    for pair in real:
        save_png(tmp_path / f"{pair.id}.png", (1 - load_mask(pair.mask)) * 255)
    moved = tuple(replace(pair, mask=tmp_path / f"{pair.id}.png", moved=True) for pair in real)
    again = tuple(replace(pair, id=f"{pair.id}-copy2", source=pair.id) for pair in moved)
    out = made(small(), real, tmp_path, (*moved, *again))
    for pair in real:
        for name in (pair.id, f"{pair.id}-copy2"):
            assert np.array_equal(load_mask(out / "masks" / f"{name}.png"), load_mask(pair.mask, (32, 32)))
        twice = [load_rgb(out / "images" / f"{name}.png") for name in (pair.id, f"{pair.id}-copy2")]
        assert np.abs(twice[0].astype(int) - twice[1]).max() <= 1


class First(ProcessGroup):
    size = 2


class Second(First):
    rank = 1


def test_processes_share_the_batches(small, pairs, tmp_path):
    """Each makes its own; together they make what one makes."""
    real, generator = pairs(7), small(sample_batch=2)
    (tmp_path / "one").mkdir()
    whole = files(made(generator, real, tmp_path / "one"))
    first = files(made(generator, real, tmp_path, processes=First()))
    both = files(made(generator, real, tmp_path, processes=Second()))
    assert len(first) == 2 * 4
    assert both == whole


def test_memory_that_runs_out_is_one_line_and_what_is_finished_is_kept(small, pairs, tmp_path, monkeypatch):
    """The second batch does not fit; half of the batch size finishes the set."""
    decode, calls = coding.decode_latents, []

    def full(*args):
        calls.append(torch.empty(10**15 if calls else 0))
        return decode(*args)

    with monkeypatch.context() as patch:
        patch.setattr(coding, "decode_latents", full)
        refused(
            lambda: made(small(sample_batch=2), pairs(4), tmp_path),
            "out of memory on cpu in reconstruction", "NAME.sample_batch=1 (now 2)",
        )  # fmt: skip
    assert len(files(tmp_path / "out")) == 2 * 2
    assert len(files(made(small(sample_batch=1), pairs(4), tmp_path))) == 2 * 4


def test_a_base_that_is_not_here_is_told_as_by_the_others():
    generator = Reconstruction(Params(base=HUB_NAME))
    assert generator.missing() == missing_base(HUB_NAME) != ()
    assert generator.files() == ()
    assert Reconstruction(Params(base="tiny")).missing() == ()


def test_a_damaged_base_and_an_unfit_size_are_refused_before_anything_starts(small, tmp_path):
    broken = tmp_path / "base"
    for part in ("vae", "unet", "text_encoder", "tokenizer", "scheduler"):
        (broken / part).mkdir(parents=True)
    refused(lambda: small(base=str(broken)).try_files(), broken, "give a whole diffusers folder")
    refused(lambda: small(size=40).check_params(1), "size=40", "needs a multiple of 16")


def test_cost_grows_with_images_and_memory_with_the_batch(small):
    assert small().cost("fit", 10, 1) is None
    few, many = (small(sample_batch=4).cost("sample", images, 1) for images in (8, 24))
    assert many.flops == pytest.approx(3 * few.flops)
    assert many.memory == few.memory < small(sample_batch=16).cost("sample", 24, 1).memory
    assert small(sample_batch=4).cost("sample", 24, 3).flops == pytest.approx(few.flops)
    with pytest.raises(BenchError, match="size=40"):
        small(size=40).cost("sample", 8, 1)


def test_it_follows_the_first_that_has_a_base_model(tmp_path):
    """An imported checkpoint is a base model too."""
    latent = Siamese(SiameseParams(base="tiny", size=64))
    imported = Siamese(SiameseParams(base="tiny", size=96, checkpoint=str(tmp_path)))
    assert Reconstruction.follow([CopyPaste(NoParams()), latent, imported], "phantom") == {"base": "tiny", "size": "64"}
    assert Reconstruction.follow([imported, latent], "phantom") == {"base": str(tmp_path), "size": "96"}
    assert Reconstruction.follow([CopyPaste(NoParams())], "phantom") == {}
