"""What never changes in training is computed once for all generators, and again when its origin changes."""

import shutil

import numpy as np
import pytest
import torch

from bench.contracts import Context
from bench.images import load_mask, load_rgb, save_png
from generators.diffusion import latents
from generators.diffusion.base import encode_images, encode_prompts, load_base
from generators.diffusion.cache import digest_of, once
from generators.diffusion.latents import as_target, prepare_training_set
from tests.conftest import make_pairs

PROMPTS = ["A photo of a polyp.", "A photo of a lesion.", "A photo of a polyp."]


@pytest.fixture(scope="module")
def base():
    return load_base("tiny")


@pytest.fixture
def place(tmp_path):
    """Three pairs, and two contexts that share a cache as two generators do."""
    contexts = [Context(0, tmp_path / name, cache=tmp_path / "cache") for name in ("one", "two")]
    for ctx in contexts:
        ctx.workdir.mkdir()
    return make_pairs(tmp_path / "pairs", 3), contexts


@pytest.fixture
def encoded(monkeypatch):
    """Counts what is encoded."""
    counts = {"images": 0, "prompts": 0}

    def images(base, pixels):
        counts["images"] += len(pixels)
        return encode_images(base, pixels)

    def prompts(base, texts):
        counts["prompts"] += len(texts)
        return encode_prompts(base, texts)

    monkeypatch.setattr(latents, "encode_images", images)
    monkeypatch.setattr(latents, "encode_prompts", prompts)
    return counts


def test_rows_belong_to_the_pairs(base, place):
    samples, (ctx, _) = place
    data = prepare_training_set(base, samples, 64, PROMPTS, ctx)
    pixels = np.stack([load_rgb(sample.image, (64, 64)) for sample in samples])
    assert (data.images == pixels).all()
    assert (data.masks == np.stack([load_mask(sample.mask, (64, 64)) for sample in samples])).all()
    mean, std = encode_images(base, as_target(pixels))
    assert torch.allclose(data.mean, mean, atol=1e-5)
    assert torch.allclose(data.std, std, atol=1e-5)
    assert torch.allclose(data.context, encode_prompts(base, PROMPTS), atol=1e-5)
    assert torch.allclose(data.empty_context, encode_prompts(base, [""]), atol=1e-5)


def test_a_second_generator_encodes_nothing(base, place, encoded):
    samples, (one, two) = place
    first = prepare_training_set(base, samples, 64, PROMPTS, one)
    assert encoded == {"images": 3, "prompts": 3}  # two distinct prompts and the empty one
    second = prepare_training_set(base, samples, 64, PROMPTS, two)
    assert encoded == {"images": 3, "prompts": 3}
    for name in ("mean", "std", "context", "empty_context"):
        assert torch.equal(getattr(first, name), getattr(second, name))
    assert (first.images == second.images).all()


def test_moved_files_are_the_same_content(base, place, encoded, tmp_path):
    samples, (one, two) = place
    prepare_training_set(base, samples, 64, PROMPTS, one)
    shutil.move(tmp_path / "pairs", tmp_path / "elsewhere")
    moved = make_pairs(tmp_path / "elsewhere", 3)
    prepare_training_set(base, moved, 64, PROMPTS, two)
    assert encoded["images"] == 3


@pytest.mark.parametrize("change", ["pixels", "size", "vae", "prompts", "text encoder"])
def test_another_origin_is_encoded_anew(place, encoded, change):
    samples, (one, two) = place
    base, size, prompts = load_base("tiny"), 64, PROMPTS
    prepare_training_set(base, samples, size, prompts, one)
    if change == "pixels":
        save_png(samples[1].image, 255 - load_rgb(samples[1].image))
    elif change == "size":
        size = 32
    elif change == "vae":
        next(base.vae.parameters()).data[0] += 1
    elif change == "prompts":
        prompts = [PROMPTS[0], PROMPTS[0], "Something else."]
    else:
        next(base.text_encoder.parameters()).data[0] += 1
    prepare_training_set(base, samples, size, prompts, two)
    texts = change in ("prompts", "text encoder")
    assert encoded == ({"images": 3, "prompts": 6} if texts else {"images": 6, "prompts": 3})


@pytest.mark.parametrize("keep", [0, 7, 0.5, 0.99])
def test_a_truncated_file_is_made_anew(tmp_path, keep):
    ctx = Context(0, tmp_path)
    want = once(ctx, "numbers", ["origin"], lambda: {"x": torch.arange(1000)})["x"].clone()
    (path,) = tmp_path.glob("numbers-*.safetensors")
    data = path.read_bytes()
    path.write_bytes(data[: keep if isinstance(keep, int) else int(len(data) * keep)])
    assert torch.equal(once(ctx, "numbers", ["origin"], lambda: {"x": torch.arange(1000)})["x"], want)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_parts_of_an_origin_do_not_run_together(tmp_path):
    ctx = Context(0, tmp_path)
    for origin in (["ab", "c"], ["a", "bc"], ["abc"]):
        once(ctx, "x", origin, lambda: {"x": torch.zeros(1)})
    assert len(list(tmp_path.iterdir())) == 3


def test_a_networks_digest_sees_names_and_values():
    one, other = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
    other.load_state_dict(one.state_dict())
    assert digest_of(one) == digest_of(other)
    other.bias.data[0] += 1e-6
    assert digest_of(one) != digest_of(other)
    assert digest_of(torch.nn.Sequential(one)) != digest_of(one)
