"""What every generator promises, on four pairs of two sizes."""

import dataclasses
import functools
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.contracts import Context, Generator
from bench.images import load_mask, load_rgb, save_png, size_of
from tests.conftest import Counter, make_pairs
from tests.contract.conftest import build, names

GENERATORS = names("generator")
SMALL = {
    "steps": 2, "size": 32, "batch": 2, "checkpoint_every": 1, "preview_every": 1, "sampler_steps": 2,
    "sample_batch": 2, "width": 32, "hidden": 8, "sampler": "ddim",
}  # fmt: skip


@dataclass(frozen=True)
class Made:
    """A generator, the model it learned and the set it sampled with seed 0, with what training counted."""

    generator: Generator
    model: Path
    out: Path
    updates: int


@pytest.fixture(scope="module")
def train(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pairs")
    return make_pairs(folder, 2, 40, prefix="small") + make_pairs(folder, 2, 48, seed=1, prefix="wide")


@pytest.fixture(scope="module")
def needs(train, narrow_base):
    """By parameter name, what a plugin cannot work without, and a base model that trains fast."""
    return {"path": str(train[0].image.parents[1]), "base": narrow_base}


@pytest.fixture(scope="module")
def made(train, needs, tmp_path_factory):
    """`made(name)`: trained and sampled once for all tests."""

    @functools.cache
    def make(name):
        generator, place, counter = build("generator", name, **needs, **SMALL), tmp_path_factory.mktemp(name), Counter()
        model = fit(generator, train, place, progress=counter)
        return Made(generator, model, sample(generator, train, model, place / "out"), counter.updates)

    return make


def fit(generator, train, place, **context):
    model, work = place / "model", place / "work"
    for path in (model, work):
        path.mkdir(parents=True, exist_ok=True)
    generator.fit(train, model, Context(seed=0, workdir=work, **context))
    return model


def sample(generator, conditions, model, out, seed=0):
    work = out.with_name(f"{out.name}-work")
    for path in (out, work):
        path.mkdir(parents=True, exist_ok=True)
    generator.sample(conditions, model, out, Context(seed=seed, workdir=work))
    return out


def tree(folder):
    """Bytes of every file below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def copies(out, train):
    """Whether every image is that of the training pair of its id, pixel by pixel."""
    images = [(load_rgb(out / "images" / f"{pair.id}.png"), load_rgb(pair.image)) for pair in train]
    return all(np.array_equal(ours, real) for ours, real in images)


@pytest.mark.parametrize("name", GENERATORS)
def test_one_rgb_image_for_every_id_at_the_promised_size(name, made, train):
    """8-bit RGB PNGs of the requested ids and nothing else; of `size()`, or as large as the real image. Whoever makes
    pairs of its own may show another real image under an id."""
    one, sizes = made(name), {size_of(pair.image) for pair in train}
    assert sorted(path.name for path in (one.out / "images").iterdir()) == sorted(f"{pair.id}.png" for pair in train)
    for pair in train:
        with Image.open(one.out / "images" / f"{pair.id}.png") as image:
            assert (image.format, image.mode) == ("PNG", "RGB")
            own = sizes if one.generator.own_masks else {size_of(pair.image)}
            assert image.size in ({one.generator.size()} if one.generator.size() else own)


@pytest.mark.parametrize("name", GENERATORS)
def test_own_masks_are_written_and_given_masks_are_not(name, made, train):
    """A mask of the image's size beside each image where the plugin makes its own pairs; otherwise images alone."""
    one = made(name)
    if not one.generator.own_masks:
        assert {path.name for path in one.out.iterdir()} == {"images"}
        return
    for pair in train:
        mask = load_mask(one.out / "masks" / f"{pair.id}.png")
        assert mask.shape[::-1] == size_of(one.out / "images" / f"{pair.id}.png")
        assert mask.any()


@pytest.mark.parametrize("name", GENERATORS)
def test_own_masks_do_not_follow_the_given_ones(name, made, train, tmp_path):
    """With transformed conditions a generator of whole pairs still writes masks that belong to its images."""
    one = made(name)
    if not one.generator.own_masks:
        pytest.skip("follows the masks it is given")
    for pair in train:
        save_png(tmp_path / f"{pair.id}.png", (1 - load_mask(pair.mask)) * 255)
    conditions = tuple(replace(pair, mask=tmp_path / f"{pair.id}.png") for pair in train)
    assert tree(sample(one.generator, conditions, one.model, tmp_path / "out")) == tree(one.out)


@pytest.mark.parametrize("name", GENERATORS)
def test_a_set_declared_as_the_real_pairs_is_that(name, made, train):
    """Image by image and mask by mask, as many as there are masks: the engine trains on the real pairs instead."""
    one = made(name)
    if not one.generator.repeats_real:
        pytest.skip("declares no such thing")
    assert one.generator.own_masks
    assert one.generator.pairs(len(train)) == len(train)
    assert copies(one.out, train)
    for pair in train:
        assert np.array_equal(load_mask(one.out / "masks" / f"{pair.id}.png"), load_mask(pair.mask))


@pytest.mark.parametrize("name", GENERATORS)
def test_same_seed_same_bytes(name, made, train, tmp_path):
    """Trained and sampled again: every byte of model and images is the same, and the real files are untouched. What
    counts updates is trained again in `test_killed_training_goes_on_to_the_same_model`."""
    one, before = made(name), [(pair.image.read_bytes(), pair.mask.read_bytes()) for pair in train]
    model = one.model if one.updates else fit(one.generator, train, tmp_path)
    assert tree(model) == tree(one.model)
    assert tree(sample(one.generator, train, model, tmp_path / "out")) == tree(one.out)
    assert [(pair.image.read_bytes(), pair.mask.read_bytes()) for pair in train] == before


@pytest.mark.parametrize("name", GENERATORS)
def test_another_seed_gives_other_bytes_unless_images_are_copies(name, made, train, tmp_path):
    """Every image changes with the sampling seed; only copies of real images cannot."""
    one = made(name)
    if one.generator.control:
        pytest.skip("may be made of the real images alone")
    other = sample(one.generator, train, one.model, tmp_path / "out", seed=1)
    same = [
        (other / "images" / f"{pair.id}.png").read_bytes() == (one.out / "images" / f"{pair.id}.png").read_bytes()
        for pair in train
    ]
    assert same == [copies(one.out, train)] * len(train)


@pytest.mark.parametrize("name", GENERATORS)
def test_finished_images_are_kept(name, made, train, tmp_path):
    """A second call over a complete set writes nothing: a marker in an image's place survives."""
    one = made(name)
    out = shutil.copytree(one.out, tmp_path / "out")
    save_png(out / "images" / f"{train[1].id}.png", np.full((5, 5, 3), 9, np.uint8))
    before = tree(out)
    sample(one.generator, train, one.model, out)
    assert tree(out) == before


@pytest.mark.parametrize("name", GENERATORS)
def test_interrupted_sampling_ends_in_the_same_bytes(name, made, train, tmp_path):
    """Half of the images are gone, one of each batch; the next call brings them back bit by bit."""
    one = made(name)
    out = shutil.copytree(one.out, tmp_path / "out")
    for pair in train[::2]:
        (out / "images" / f"{pair.id}.png").unlink()
    assert tree(sample(one.generator, train, one.model, out)) == tree(one.out)


@pytest.mark.parametrize("name", GENERATORS)
def test_the_batch_size_changes_no_pixel(name, made, train, needs, tmp_path):
    """Sampled one at a time and in twos: at most one grey level apart, which rounding may move."""
    one = made(name)
    if "sample_batch" not in {field.name for field in dataclasses.fields(one.generator.params)}:
        pytest.skip("has no batch size")
    single = build("generator", name, **needs, **(SMALL | {"sample_batch": 1}))
    out = sample(single, train, one.model, tmp_path / "out")
    for pair in train:
        ours, theirs = (load_rgb(folder / "images" / f"{pair.id}.png").astype(int) for folder in (out, one.out))
        assert np.abs(ours - theirs).max() <= 1


@pytest.mark.parametrize("name", GENERATORS)
def test_killed_training_goes_on_to_the_same_model(name, made, train, tmp_path):
    """Ctrl-C in the last step, then the same call: less work than from the start, and the same bytes."""
    one, before = made(name), [(pair.image.read_bytes(), pair.mask.read_bytes()) for pair in train]
    if not one.updates:
        pytest.skip("trains nothing")
    with pytest.raises(KeyboardInterrupt):
        fit(one.generator, train, tmp_path, progress=Counter(kill_at=one.updates))
    rest = Counter()
    assert tree(fit(one.generator, train, tmp_path, progress=rest)) == tree(one.model)
    assert rest.updates < one.updates
    assert [(pair.image.read_bytes(), pair.mask.read_bytes()) for pair in train] == before
