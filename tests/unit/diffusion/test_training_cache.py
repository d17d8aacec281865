"""What never changes in training is computed once for all generators, and again when its origin changes."""

import dataclasses
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from bench.contracts import Context
from bench.images import load_mask, load_rgb, save_png
from generators.denoising import cache
from generators.denoising.cache import digest_of, once
from generators.diffusion.base_model.coding import as_target, encode_images, encode_prompts
from generators.diffusion.base_model.model import load_base
from generators.diffusion.training import training_set
from generators.diffusion.training.training_set import prepare_training_set
from tests.conftest import Said, make_pairs, refused

PROMPTS = ["A photo of a polyp.", "A photo of a lesion.", "A photo of a polyp."]


@pytest.fixture(scope="module")
def base():
    return load_base("tiny")


@pytest.fixture
def place(tmp_path):
    """Three pairs, and two contexts that share a cache as two generators do."""
    contexts = [Context(seed=0, workdir=tmp_path / name, cache=tmp_path / "cache") for name in ("one", "two")]
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

    monkeypatch.setattr(training_set, "encode_images", images)
    monkeypatch.setattr(training_set, "encode_prompts", prompts)
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


def flipped(data, at):
    """One bit of the header, the first tensor, the last byte."""
    return bytes([*data[:at], data[at] ^ 1, *data[at + 1 :]])


DAMAGES = {
    "emptied": lambda _: b"",
    "cut in the header": lambda data: data[:7],
    "cut in the middle": lambda data: data[: len(data) // 2],
    "cut at the end": lambda data: data[:-1],
    "a bit of the header": lambda data: flipped(data, 20),
    "a bit of the tensors": lambda data: flipped(data, len(data) // 2),
    "the last bit": lambda data: flipped(data, len(data) - 1),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_told_and_made_anew(tmp_path, damage):
    ctx = Context(seed=0, workdir=tmp_path, progress=Said())

    def read():
        return once(ctx, "numbers", ["origin"], lambda: {"x": torch.arange(1000), "y": torch.ones(())})

    want = read()["x"].clone()
    (path,) = tmp_path.glob("numbers-*.safetensors")
    data = path.read_bytes()
    path.write_bytes(DAMAGES[damage](data))
    assert torch.equal(read()["x"], want)
    assert path.read_bytes() == data
    (line,) = ctx.progress.lines
    assert line.startswith(f"{path}: damaged")
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_a_file_without_a_check_sum_is_made_anew(tmp_path):
    """As earlier versions wrote it."""
    ctx = Context(seed=0, workdir=tmp_path, progress=Said())
    once(ctx, "numbers", ["origin"], lambda: {"x": torch.arange(9)})
    (path,) = tmp_path.glob("numbers-*.safetensors")
    save_file({"x": torch.zeros(9)}, path)
    assert torch.equal(once(ctx, "numbers", ["origin"], lambda: {"x": torch.arange(9)})["x"], torch.arange(9))
    assert len(ctx.progress.lines) == 1


def test_a_disk_that_reads_otherwise_than_it_writes_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "save_file", lambda tensors, path, _: save_file(tensors, path))
    refused(
        lambda: once(Context(seed=0, workdir=tmp_path), "x", ["o"], lambda: {"x": torch.arange(9)}),
        tmp_path,
        "--results",
    )


@pytest.mark.parametrize("name", ["pixels", "posteriors", "texts"])
def test_a_bit_that_turns_in_the_cache_changes_nothing(base, place, name):
    """What the second generator learns from is what the first did, and a line says what was made anew."""
    samples, (one, two) = place
    first = prepare_training_set(base, samples, 64, PROMPTS, one)
    want = {part: getattr(first, part).clone() for part in ("mean", "std", "context", "empty_context")}
    images = first.images.copy()
    (path,) = one.cache.glob(f"{name}-*")
    path.write_bytes(flipped(path.read_bytes(), -200 + path.stat().st_size))
    two = dataclasses.replace(two, progress=Said())
    second = prepare_training_set(base, samples, 64, PROMPTS, two)
    assert all(torch.equal(getattr(second, part), value) for part, value in want.items())
    assert (second.images == images).all()
    (line,) = two.progress.lines
    assert line.startswith(f"{path}: damaged")


def test_parts_of_an_origin_do_not_run_together(tmp_path):
    ctx = Context(seed=0, workdir=tmp_path)
    for origin in (["ab", "c"], ["a", "bc"], ["abc"]):
        once(ctx, "x", origin, lambda: {"x": torch.zeros(1)})
    assert len(list(tmp_path.iterdir())) == 3


def test_a_digest_sees_names_values_types_and_shapes():
    values = {"a": torch.arange(4.0), "b": torch.zeros(2, 2)}
    others = [
        {"a": torch.arange(4.0), "c": torch.zeros(2, 2)},
        {"a": torch.arange(4.0), "b": torch.full((2, 2), 1e-40)},
        {"a": torch.arange(4.0), "b": torch.zeros(4)},
        {"a": torch.arange(4.0), "b": torch.zeros(2, 2, dtype=torch.int32)},
        {"a": torch.arange(4.0)},
    ]
    assert digest_of(dict(reversed(values.items()))) == digest_of(values)
    assert len({digest_of(one) for one in (values, *others)}) == 6
