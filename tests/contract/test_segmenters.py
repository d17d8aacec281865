"""What every segmenter promises, on two toy images of two sizes."""

import functools
import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.contracts import TRAINING, Context, Sample, Segmenter
from bench.errors import BenchError
from bench.images import load_grey, load_mask, load_rgb, save_png, size_of
from tests.conftest import Counter, make_pairs
from tests.contract.conftest import build, names

SEGMENTERS = names("segmenter")
SMALL = {
    "size": 64, "width": 8, "batch": 2, "epochs": 2, "lr": 1e-2, "augment": False, "three_steps": False,
    "network": "Linknet+tu-mobilenetv3_small_050", "config": str(Path(__file__).parent / "narrow_segformer.py"),
}  # fmt: skip
BRIEF = SMALL | {"augment": True, "three_steps": True}
COPIES = 16
"""Of each image in an epoch of `made`: a checkpoint, one an epoch, takes as long as several updates."""
PATIENCE = (1, 2, 3, 4, 6, 8, 12)
"""Epochs after which `made` looks whether the images are learned."""
HASTE = 5
"""Times the demo's learning rate: that suits each network, and trainings of many more updates."""


@dataclass(frozen=True)
class Made:
    """A trained segmenter and its maps of the training images."""

    segmenter: Segmenter
    model: Path
    maps: Path


@dataclass(frozen=True)
class Brief:
    """A segmenter trained for two epochs, and how many updates training counted."""

    segmenter: Segmenter
    model: Path
    updates: int


@pytest.fixture(scope="module")
def train(tmp_path_factory):
    """A square image and a wide one; the second is the middle of a larger scene."""
    folder = tmp_path_factory.mktemp("pairs")
    square, large = make_pairs(folder, 2, 48)
    wide = Sample(id="wide", image=folder / "wide.png", mask=folder / "wide-mask.png")
    save_png(wide.image, load_rgb(large.image)[6:42])
    save_png(wide.mask, load_mask(large.mask)[6:42] * 255)
    return (square, wide)


@pytest.fixture(scope="module")
def made(train, tmp_path_factory):
    """`made(name)`: trained once for all tests, going on until it has learned the images, or patience ends."""

    @functools.cache
    def make(name):
        place, rate = tmp_path_factory.mktemp(name), HASTE * build("segmenter", name).params.lr
        for epochs in PATIENCE:
            segmenter = build("segmenter", name, **(SMALL | {"epochs": epochs, "lr": rate, "batch": 4}))
            model = fit(segmenter, repeated(train), place)
            one = Made(segmenter, model, predict(segmenter, train, model, place))
            if learned(one, train):
                break
        return one

    return make


@pytest.fixture(scope="module")
def briefly(train, tmp_path_factory):
    """`briefly(name)`: trained for long enough to be killed between and too short to learn anything."""

    @functools.cache
    def make(name):
        segmenter, counter = build("segmenter", name, **BRIEF), Counter()
        return Brief(segmenter, fit(segmenter, train, tmp_path_factory.mktemp(name), progress=counter), counter.updates)

    return make


@pytest.fixture(scope="module")
def otherwise(briefly, train, tmp_path_factory):
    """`otherwise(name)`: the report of that training with another seed, its epoch selected on the training images."""

    @functools.cache
    def make(name):
        model = fit(briefly(name).segmenter, train, tmp_path_factory.mktemp(name), seed=1, select=train)
        return report_of(model)

    return make


@pytest.fixture(scope="module")
def killed(briefly, train, tmp_path_factory):
    """`killed(name, place)`: the segmenter, and in `place` what Ctrl-C in the last epoch leaves of that training."""

    @functools.cache
    def make(name):
        one, place = briefly(name), tmp_path_factory.mktemp(name)
        with pytest.raises(KeyboardInterrupt):
            fit(one.segmenter, train, place, progress=Counter(kill_at=one.updates // 2 + 1))
        return place

    def give(name, place):
        shutil.copytree(make(name), place, dirs_exist_ok=True)
        return briefly(name)

    return give


def repeated(pairs):
    """Each pair as often as `COPIES` says, under ids of their own."""
    return tuple(replace(pair, id=f"{pair.id}-{copy}") for copy in range(COPIES) for pair in pairs)


def report_of(model):
    return json.loads((model / TRAINING).read_text())


def fit(segmenter, train, place, seed=0, val=(), select=(), **context):
    model, work = place / "model", place / "work"
    for path in (model, work):
        path.mkdir(parents=True, exist_ok=True)
    segmenter.fit(train, val, model, Context(seed=seed, workdir=work, **context), select)
    return model


def predict(segmenter, samples, model, place, name="maps"):
    out, work = place / name, place / f"{name}-work"
    for path in (out, work):
        path.mkdir(parents=True, exist_ok=True)
    segmenter.predict(samples, model, out, Context(seed=0, workdir=work))
    return out


def tree(folder):
    """Bytes of every file below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def weights(model):
    """Bytes of every file of a model but the report of its training."""
    return {name: data for name, data in tree(model).items() if name != TRAINING}


def learned(one, pairs):
    """Dice above 0.9 on each."""
    found = {pair: load_grey(one.maps / f"{pair.id}.png") > 127 for pair in pairs}
    return all(dice(found[pair], load_mask(pair.mask) == 1) > 0.9 for pair in pairs)


def dice(found, truth):
    return 2 * (found & truth).sum() / (found.sum() + truth.sum())


@pytest.mark.parametrize("name", SEGMENTERS)
def test_two_images_can_be_learned_by_heart(name, made, train):
    """Network, loss, masks and the way back to the image's size fit together."""
    assert learned(made(name), train)


@pytest.mark.parametrize("name", SEGMENTERS)
def test_one_grey_map_for_every_id_at_the_images_size(name, made, train):
    """8-bit grey PNGs of the ids and nothing else, each as large as its own image."""
    one = made(name)
    assert sorted(path.name for path in one.maps.iterdir()) == sorted(f"{pair.id}.png" for pair in train)
    for pair in train:
        with Image.open(one.maps / f"{pair.id}.png") as image:
            assert (image.format, image.mode, image.size) == ("PNG", "L", size_of(pair.image))


@pytest.mark.parametrize("name", SEGMENTERS)
def test_a_reloaded_model_gives_the_same_maps(name, made, train, tmp_path):
    """A plugin object that never trained reads all it needs from the model's folder."""
    one = made(name)
    assert tree(predict(build("segmenter", name, **SMALL), train, one.model, tmp_path)) == tree(one.maps)


@pytest.mark.parametrize("name", SEGMENTERS)
def test_the_batch_size_changes_no_map(name, made, train, tmp_path):
    """An image's map does not depend on its neighbours: at most one grey level apart."""
    one = made(name)
    alone = predict(build("segmenter", name, **(SMALL | {"batch": 1})), train, one.model, tmp_path)
    for pair in train:
        ours, theirs = (load_grey(folder / f"{pair.id}.png").astype(int) for folder in (alone, one.maps))
        assert np.abs(ours - theirs).max() <= 1


@pytest.mark.parametrize("name", SEGMENTERS)
def test_another_seed_gives_another_network(name, briefly, otherwise):
    """The same seed gives the same bytes: `test_killed_training_goes_on_to_the_same_weights`."""
    losses = [
        [entry["train_loss"] for entry in report["history"]]
        for report in (report_of(briefly(name).model), otherwise(name))
    ]
    assert losses[0] != losses[1]


@pytest.mark.parametrize("name", SEGMENTERS)
def test_a_validation_split_is_only_watched(name, briefly, train, tmp_path):
    """Training with one ends well, and its pairs do not enter the network while the rate is constant."""
    without = briefly(name)
    with_val = fit(without.segmenter, train, tmp_path, val=tuple(reversed(train)))
    assert all(entry["val_loss"] > 0 for entry in report_of(with_val)["history"])
    assert weights(with_val) == weights(without.model)


@pytest.mark.parametrize("name", SEGMENTERS)
def test_selected_on_test_the_best_epoch_is_kept_and_the_report_says_so(name, briefly, otherwise):
    """As many updates as without; of the two epochs the one that is better on the images given."""
    selected, plain = otherwise(name), report_of(briefly(name).model)
    scores = [entry["selection_dice"] for entry in selected["history"]]
    assert f"epoch {1 + scores.index(max(scores))} of 2, selected on test" in selected["kept"]
    assert "test" not in plain["kept"]
    assert selected["updates"] == plain["updates"] > 0


@pytest.mark.parametrize("name", SEGMENTERS)
def test_killed_training_goes_on_to_the_same_weights(name, killed, train, tmp_path):
    """Ctrl-C in the last epoch, then the same call: less work than from the start, and the same bytes."""
    one, rest = killed(name, tmp_path), Counter()
    assert tree(fit(one.segmenter, train, tmp_path, progress=rest)) == tree(one.model)
    assert rest.updates < one.updates


@pytest.mark.parametrize("name", SEGMENTERS)
def test_a_damaged_checkpoint_is_told_and_passed_over(name, killed, train, tmp_path):
    """All that is kept is cut in half: a line says so, and the training begins anew."""
    one = killed(name, tmp_path)
    for path, data in tree(tmp_path / "work").items():
        (tmp_path / "work" / path).write_bytes(data[: len(data) // 2])
    again = Counter(kill_at=1)
    with pytest.raises(KeyboardInterrupt):
        fit(one.segmenter, train, tmp_path, progress=again)
    told = [line for line in again.lines if "checkpoint damaged" in line]
    assert told
    assert "begins anew" in told[0]


@pytest.mark.parametrize("name", SEGMENTERS)
def test_damaged_weights_are_named_with_their_remedy(name, briefly, train, tmp_path):
    """A model's files cut in half give one line, not a map."""
    for path, data in tree(briefly(name).model).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(data[: len(data) // 2])
    with pytest.raises(BenchError, match="delete .* to train anew") as caught:
        predict(briefly(name).segmenter, train, tmp_path, tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", SEGMENTERS)
def test_a_loss_that_is_no_number_is_a_clear_error(name, train, tmp_path):
    """Diverged training ends in one line, leaves no model, and the reader learns what to change."""
    segmenter = build("segmenter", name, **(SMALL | {"lr": 1e30}))
    with pytest.raises(BenchError, match="not finite.*lower the learning rate") as caught:
        fit(segmenter, repeated(train), tmp_path)
    assert "\n" not in str(caught.value)
    assert tree(tmp_path / "model") == {}


@pytest.mark.parametrize("name", SEGMENTERS)
def test_a_network_that_broke_in_its_last_update_is_not_kept(name, train, tmp_path):
    """The loss before the only update was fine; what the update left must not become maps of chance."""
    segmenter = build("segmenter", name, **(SMALL | {"lr": 1e30, "epochs": 1}))
    with pytest.raises(BenchError, match="not finite.*lower the learning rate"):
        predict(segmenter, train, fit(segmenter, train, tmp_path), tmp_path)
