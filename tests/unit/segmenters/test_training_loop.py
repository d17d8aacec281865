"""The training loop: what is kept, what is counted, and that a kill or threads change nothing."""

import dataclasses
import json

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from safetensors.torch import load_file

from bench.contracts import Context
from bench.files.checkpoints import checkpoints
from bench.images import load_mask
from segmenters.training import loop, precision
from segmenters.training.batches import open_source
from segmenters.training.data import decode_pairs
from segmenters.training.published import Augmentation, Crop, Photometric, Scales
from segmenters.training.schedule import HalvedTwice, warm_up_and_fall
from tests.conftest import Counter, Said, make_pairs, refused

EVERYTHING = Augmentation(
    colour_exchange=0.5, crop=Crop(), flip=0.5, vertical_flip=0.5, rotate=0.5, photometric=Photometric()
)  # fmt: skip


def network():
    """Normalisation, dropout and a stride: all that makes a resumed run differ."""
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3, padding=1), torch.nn.BatchNorm2d(4), torch.nn.ReLU(), torch.nn.Dropout(0.3),
        torch.nn.Conv2d(4, 1, 3, padding=1),
    )  # fmt: skip


def loss(model, images, masks):
    return torch.nn.functional.binary_cross_entropy_with_logits(model(images)[:, 0], (masks > 0.5).float())


def probability(model, images):
    return model(images)[:, 0].sigmoid()


RECIPE = loop.Recipe(
    size=32, batch=2, epochs=4, normalise=lambda images: images / 255, loss=loss,
    make_optimizer=lambda model: torch.optim.SGD(model.parameters(), 0.5, momentum=0.9),
    make_scheduler=lambda _: None,
)  # fmt: skip
CHANGES = {
    "three sizes": {"scales": Scales((0.5, 1.0, 2.0), corners=True, soft_masks=True)},
    "drawn sizes": {"scales": Scales((0.5, 1.0, 2.0), chances=(0.2, 0.3, 0.5))},
    "augmented": {"augmentation": EVERYTHING},
    "halved": {"make_scheduler": lambda optimizer: HalvedTwice(optimizer, 4)},
    "warmed up": {"rate": warm_up_and_fall(0.3, 1.0)},
}


@pytest.fixture
def samples(tmp_path):
    """Two sources, and an odd number: the last image joins a batch."""
    pairs = make_pairs(tmp_path, 5, 32)
    return tuple(dataclasses.replace(pair, group="v" if row < 2 else "") for row, pair in enumerate(pairs))


def fit(recipe, samples, folder, **options):
    work, model = folder / "work", folder / "model"
    for path in (work, model):
        path.mkdir(parents=True, exist_ok=True)
    select = options.pop("select", ())
    loop.fit(
        network(),
        recipe,
        samples,
        (),
        model,
        Context(seed=0, workdir=work, **options),
        select=select,
        probability=probability,
    )
    return load_file(model / "model.safetensors"), json.loads((model / "training.json").read_text())


def same(one, other):
    return all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("name", CHANGES)
def test_killed_anywhere_it_goes_on_to_the_same_weights(name, samples, tmp_path):
    """In the first epoch, at an epoch's last update and within the last epoch; the report is the same too."""
    recipe = dataclasses.replace(RECIPE, **CHANGES[name])
    whole, report = fit(recipe, samples, tmp_path / "whole")
    total = report["updates"]
    for kill_at in (1, total // 2, total - 1):
        place = tmp_path / str(kill_at)
        with pytest.raises(KeyboardInterrupt):
            fit(recipe, samples, place, progress=Counter(kill_at))
        resumed, resumed_report = fit(recipe, samples, place)
        assert same(whole, resumed)
        assert resumed_report == report


@pytest.mark.parametrize("name", CHANGES)
def test_threads_change_nothing(name, samples, tmp_path):
    recipe = dataclasses.replace(RECIPE, **CHANGES[name])
    alone, threads = (fit(recipe, samples, tmp_path / str(n), workers=n)[0] for n in (0, 3))
    assert same(alone, threads)


@pytest.mark.parametrize(("name", "steps"), [("augmented", 1), ("drawn sizes", 1), ("three sizes", 3)])
def test_updates_are_optimiser_steps(name, steps, samples, tmp_path):
    """Four epochs of two batches (2 and 3 images), a step at each size, as the optimiser itself counts them."""
    taken = []

    def make_optimizer(model):
        optimizer = RECIPE.make_optimizer(model)
        optimizer.register_step_post_hook(lambda *_: taken.append(1))
        return optimizer

    recipe = dataclasses.replace(RECIPE, make_optimizer=make_optimizer, **CHANGES[name])
    assert fit(recipe, samples, tmp_path)[1]["updates"] == len(taken) == 4 * 2 * steps


@pytest.mark.parametrize(("asked", "made"), [(1, 6), (6, 6), (7, 12)])
def test_a_recipe_may_count_updates(asked, made, samples, tmp_path):
    """In whole epochs, of two batches at three sizes here."""
    recipe = dataclasses.replace(RECIPE, updates=asked, **CHANGES["three sizes"])
    assert fit(recipe, samples, tmp_path)[1]["updates"] == made


def test_the_last_epoch_is_kept(samples, tmp_path):
    """And the report says so; a network whose rate is zero in the end tells which weights they are."""
    _, report = fit(RECIPE, samples, tmp_path)
    assert report["kept"] == "last epoch"
    assert [set(entry) for entry in report["history"]] == [{"train_loss", "val_loss"}] * 4


def literal_dice(weights, samples):
    """(2I + 1) / (P + G + 1) with probabilities as they are, an image at a time."""
    model = network().eval()
    model.load_state_dict(weights)
    scores = []
    for sample, image in zip(samples, images_of(samples), strict=True):
        with torch.no_grad():
            found = probability(model, image[None] / 255)[0].double().numpy()
        mask = load_mask(sample.mask)
        scores.append((2 * (found * mask).sum() + 1) / (found.sum() + mask.sum() + 1))
    return np.mean(scores)


def images_of(samples):
    from bench.images import load_rgb

    return [torch.from_numpy(load_rgb(sample.image).copy()).permute(2, 0, 1).float() for sample in samples]


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("damaged", [1, 2])
@pytest.mark.parametrize("select", [False, True])
def test_a_bit_that_turns_in_a_checkpoint_changes_nothing(damaged, select, samples, tmp_path):
    """The epoch before is gone on from, or the first; weights, the selected ones too, and report are the same."""
    options = {"select": samples[:2]} if select else {}
    whole, report = fit(RECIPE, samples, tmp_path / "whole", **options)
    with pytest.raises(KeyboardInterrupt):
        fit(RECIPE, samples, tmp_path / "killed", progress=Counter(7), **options)
    found = checkpoints(tmp_path / "killed" / "work")
    for path in found[:damaged]:
        flip(path)
    told = Said()
    resumed, resumed_report = fit(RECIPE, samples, tmp_path / "killed", progress=told, **options)
    assert same(whole, resumed)
    assert resumed_report == report
    assert [line.partition(":")[0] for line in told.lines] == [str(path) for path in found[:damaged]]


def test_a_full_disk_is_one_line(samples, tmp_path, monkeypatch):
    def full(*_):
        raise RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 704 vs 598")

    monkeypatch.setattr(torch, "save", full)
    refused(lambda: fit(RECIPE, samples, tmp_path), tmp_path, "could not be written", "free space", "--results")


@pytest.mark.parametrize("kill_at", [None, 5, 7])
def test_the_best_epoch_on_the_test_images_is_kept_on_demand(kill_at, samples, tmp_path):
    """The rate grows until it does harm: an epoch before the last is best. Marked in the report; so after a kill."""
    recipe = dataclasses.replace(RECIPE, rate=lambda done, _: 10.0 ** (done - 4))
    select = make_pairs(tmp_path / "test", 3, 32, seed=5)
    if kill_at:
        with pytest.raises(KeyboardInterrupt):
            fit(recipe, samples, tmp_path, select=select, progress=Counter(kill_at))
    weights, report = fit(recipe, samples, tmp_path, select=select)
    scores = [entry["selection_dice"] for entry in report["history"]]
    best = int(np.argmax(scores))
    assert best < 3
    assert report["kept"].startswith(f"epoch {best + 1} of 4, selected on test")
    assert literal_dice(weights, select) == pytest.approx(scores[best], abs=1e-6)


def test_watching_the_test_images_changes_no_epoch(samples, tmp_path):
    """Losses of all epochs are those of a training without them."""
    plain = fit(RECIPE, samples, tmp_path / "plain")[1]["history"]
    chosen = fit(RECIPE, samples, tmp_path / "chosen", select=samples[:2])[1]["history"]
    assert [entry["train_loss"] for entry in plain] == [entry["train_loss"] for entry in chosen]


def test_batches_hang_on_seed_epoch_and_number(samples, tmp_path):
    """Made in any order they are the same; another seed, epoch or number draws anew."""
    made = {}
    for seed in (0, 1):
        source = open_source(samples, 32, 2, Scales(), EVERYTHING, Context(seed=seed, workdir=tmp_path))
        rows = np.array([0, 3])
        for epoch in (1, 0):
            for number in (1, 0):
                made[seed, epoch, number] = source.make(rows, epoch, number).images
        np.testing.assert_array_equal(source.make(rows, 1, 1).images, made[seed, 1, 1])
    assert len({images.tobytes() for images in made.values()}) == len(made)


def test_a_processor_computes_in_single_precision(samples, tmp_path):
    """bf16 asked for on a processor: the same weights as without."""
    asked = dataclasses.replace(RECIPE, precision="bf16")
    assert same(fit(RECIPE, samples, tmp_path / "a")[0], fit(asked, samples, tmp_path / "b")[0])


def test_half_precision_keeps_weights_and_losses_in_single(samples, tmp_path, monkeypatch):
    """With the accelerator's rule applied to the processor: other weights, a close loss, fp32 all the same."""
    plain, report = fit(RECIPE, samples, tmp_path / "a")
    monkeypatch.setattr(loop, "arithmetic", lambda *_: torch.autocast("cpu", torch.bfloat16))
    kinds = []

    def watched(model, images, masks):
        kinds.append(model(images).dtype)
        return loss(model, images, masks)

    half, half_report = fit(dataclasses.replace(RECIPE, precision="bf16", loss=watched), samples, tmp_path / "b")
    assert not same(plain, half)
    assert {value.dtype for value in half.values() if value.is_floating_point()} == {torch.float32}
    assert set(kinds) == {torch.float32}
    first, half_first = (found["history"][0]["train_loss"] for found in (report, half_report))
    assert half_first == pytest.approx(first, rel=0.05)
    assert precision.in_fp32((torch.zeros(1).bfloat16(), [torch.zeros(1).half()]))[1][0].dtype == torch.float32


def test_the_validation_loss_is_that_of_all_its_images(samples, tmp_path):
    """Batched, with a smaller last batch: the mean over images taken one at a time."""
    pairs = decode_pairs(samples, 32, False, Context(seed=0, workdir=tmp_path))
    source = open_source(samples, 32, 2, Scales(), Augmentation(), Context(seed=0, workdir=tmp_path))
    (tmp_path / "work").mkdir()
    training = loop._Training(
        model=network(), recipe=RECIPE, source=source, ctx=Context(seed=0, workdir=tmp_path / "work")
    )
    found = training.loss_of(pairs)
    alone = [
        training.loss_of(dataclasses.replace(pairs, paths=pairs.paths[row : row + 1])) for row in range(len(pairs))
    ]
    assert found == pytest.approx(np.mean(alone), rel=1e-5)
