"""Training of the diffusion generators: resume, stop, what is trained, and what a batch depends on."""

import csv
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from bench.contracts import Context, Quiet
from bench.errors import BenchError
from bench.files.checkpoints import checkpoints
from bench.images import load_rgb
from generators.denoising.curve import CURVE, PICTURE
from generators.denoising.learner import Learner, Schedule
from generators.denoising.loop import train
from generators.denoising.rows import pick_rows
from generators.denoising.watch import PREVIEWS, Watch
from generators.denoising.weights import load_trained
from generators.diffusion.base_model import model as base_module
from generators.diffusion.base_model.model import load_base
from generators.diffusion.conditioning.control import Decoder
from generators.diffusion.training.batches import BatchPlan, draw_batch
from generators.diffusion.training.training_set import TrainingSet
from generators.siamese import Params, Siamese
from tests.conftest import Said, make_pairs

CONTROLNET, DECODER = "controlnet.safetensors", "decoder.safetensors"
STEPS = 4


class Killer(Quiet):
    """Ends the work as Ctrl-C does, at the given training step."""

    def __init__(self, at):
        self.at, self.unit, self.done, self.seen = at, "", 0, []

    def bar(self, total, unit, done=0):
        self.unit, self.done = unit, done
        return self

    def update(self, steps=1, **numbers):
        if self.unit == "step":
            self.seen.append(self.done + len(self.seen) + 1)
            if self.seen[-1] == self.at:
                raise KeyboardInterrupt


@pytest.fixture(scope="module")
def siamese(narrow_base):
    """`siamese(…)` is a generator that trains within a second."""
    small = {"base": narrow_base, "size": 32, "steps": STEPS, "batch": 2, "lr": 1e-3, "checkpoint_every": 2}
    small |= {"preview_every": 3, "sampler_steps": 2}
    return lambda **changes: Siamese(Params(**small | changes))


def fit(generator, samples, place, seed=0, **context):
    folders = place / "model", place / "work"
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
    generator.fit(samples, folders[0], Context(seed=seed, workdir=folders[1], **context))
    return folders[0]


@pytest.fixture(scope="module")
def whole(siamese, tmp_path_factory):
    """The training pairs, the model of one uninterrupted training and the base model as it was left."""
    place, bases = tmp_path_factory.mktemp("whole"), []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(base_module, "load_base", lambda *a, **k: bases.append(load_base(*a, **k)) or bases[-1])
        samples = make_pairs(place / "pairs", 6)
        return samples, fit(siamese(), samples, place), bases[0]


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("at", [*(pytest.param(at, marks=pytest.mark.slow) for at in (1, 3)), 4])
def test_killed_training_ends_with_the_weights_of_an_uninterrupted_one(siamese, whole, tmp_path, at):
    """Before the first checkpoint, right after it, and at a later checkpoint's own step (not saved yet); bit for
    bit."""
    samples, model, _ = whole
    with pytest.raises(KeyboardInterrupt):
        fit(siamese(), samples, tmp_path, progress=Killer(at))
    rest = Killer(None)
    resumed = fit(siamese(), samples, tmp_path, progress=rest)
    assert rest.seen == list(range({1: 1, 3: 3, 4: 3}[at], STEPS + 1))
    for name in (CONTROLNET, DECODER):
        assert same(load_file(resumed / name), load_file(model / name))
    for name in (CURVE, PICTURE, f"{PREVIEWS}/step-000003.png", f"{PREVIEWS}/step-000004.png"):
        assert (resumed / name).read_bytes() == (model / name).read_bytes()
    assert len(list((resumed / PREVIEWS).iterdir())) == 2


def test_previews_change_no_weight_and_draw_no_random_number(siamese, whole, tmp_path):
    """Bit for bit the weights of a training without pictures; the process's generators are where they were."""
    samples, model, _ = whole
    states = []
    for every in (0, 1):
        plain = fit(siamese(preview_every=every), samples, tmp_path / str(every))
        states.append((torch.get_rng_state(), np.random.get_state()[1]))
        for name in (CONTROLNET, DECODER):
            assert same(load_file(plain / name), load_file(model / name))
        assert len(list(plain.glob(f"{PREVIEWS}/*.png"))) == every * STEPS
    assert torch.equal(states[0][0], states[1][0])
    assert np.array_equal(states[0][1], states[1][1])


def test_only_controlnet_and_decoder_are_trained(siamese, whole):
    """Encoder and middle of the U-Net, VAE and text encoder are what they were."""
    _, model, left = whole
    fresh = load_base(siamese().base())
    for part in ("vae", "text_encoder"):
        assert same(getattr(left, part).state_dict(), getattr(fresh, part).state_dict())
    before, after = fresh.unet.state_dict(), left.unet.state_dict()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    trained = {name for name in before if name.startswith(("up_blocks.", "conv_norm_out.", "conv_out."))}
    assert changed == trained
    decoder = load_file(model / DECODER)
    assert decoder.keys() == Decoder(fresh.unet).state_dict().keys()
    assert same(decoder, {name: after[name] for name in decoder})


def test_every_part_of_the_controlnet_learns(siamese, whole):
    """The hint block too: its zero convolution opens at the first step, what lies behind it follows."""
    _, model, _ = whole
    start = siamese().method(load_base(siamese().base()), 0).nets.controlnet.state_dict()
    end = load_file(model / CONTROLNET)
    assert start.keys() == end.keys()
    assert {name for name in start if torch.equal(start[name], end[name])} == set()


def test_the_loss_curve_has_one_line_a_step(whole):
    """The augmented part begins after a third of the training and is empty before."""
    with (whole[1] / CURVE).open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [int(row["step"]) for row in rows] == list(range(1, STEPS + 1))
    assert set(rows[0]) == {"step", "loss", "mask", "image", "consistency", "augmented"}
    for row in rows:
        parts = [float(row[name] or 0) for name in ("mask", "image", "consistency", "augmented")]
        assert float(row["loss"]) == pytest.approx(sum(parts))
    assert [row["augmented"] != "" for row in rows] == [False] * 2 + [True] * 2


def test_accumulation_learns_the_same_weights_from_the_same_batches(siamese, whole, tmp_path):
    samples, _, _ = whole
    one, two = (fit(siamese(batch=4, accumulation=n, steps=2), samples, tmp_path / str(n)) for n in (1, 2))
    for name in (CONTROLNET, DECODER):
        ours, theirs = load_file(one / name), load_file(two / name)
        # AdamW's first steps are the gradient's sign: where it is rounding noise, so is the step of at most 2 lr.
        far = [(ours[key] - theirs[key]).abs() > 1e-5 for key in ours]
        assert sum(f.sum().item() for f in far) < 0.01 * sum(f.numel() for f in far)


@pytest.mark.parametrize(
    ("changes", "devices", "message"),
    [
        ({"accumulation": 3}, 1, "accumulation=3 does not divide batch=4; make accumulation one of 1, 2, 4"),
        ({"accumulation": 4}, 2, "2 devices × accumulation=4 does not divide batch=4; make accumulation one of 1, 2"),
        ({}, 3, "3 devices × accumulation=1 does not divide batch=4; make batch a multiple of 3"),
        ({"size": 40}, 1, "size=40: base model tiny needs a multiple of 16"),
    ],
)
def test_parameters_that_do_not_go_together_are_refused_before_anything_starts(siamese, changes, devices, message):
    with pytest.raises(BenchError, match=message):
        siamese(base="tiny", batch=4, **changes).check_params(devices)
    siamese(batch=4).check_params(2)


# The loop alone, on a layer of two weights.

LAYER_STEPS = 6


def layer():
    torch.manual_seed(0)
    return nn.Linear(2, 1)


def unseen():
    raise AssertionError("no picture was asked for")


def run_layer(place, broken_at=None, gradient_at=None, steps=LAYER_STEPS, every=2, look=abs, progress=None):
    model = layer()

    def step(number):
        look(number)
        loss = model(torch.ones(1, 2)).square().sum() * (float("nan") if number == broken_at else 1.0)
        loss.backward()
        if number == gradient_at:
            model.weight.grad.fill_(float("inf"))
        return {"loss": loss.item()}

    schedule = Schedule(steps=steps, lr=0.1, weight_decay=0.01, checkpoint_every=every)
    return model, train(
        Learner({"layer": model}, schedule),
        step,
        Watch(place, 0, unseen),
        Context(seed=0, workdir=place, progress=progress or Quiet()),
    )


@pytest.fixture(scope="module")
def layer_weights(tmp_path_factory):
    """Those of the layer after an uninterrupted training."""
    return run_layer(tmp_path_factory.mktemp("uninterrupted"))[0].weight


@pytest.fixture(scope="module")
def four_steps(tmp_path_factory):
    """What a training of the layer leaves that ends after four steps of six."""
    place = tmp_path_factory.mktemp("four steps")
    run_layer(place, steps=4)
    return place


def saved(place):
    """The newest checkpoint's state."""
    return torch.load(checkpoints(place)[0], weights_only=True)


def curve_of(place):
    """The steps in the CSV; the PNG must be a whole one beside it."""
    assert load_rgb(place / PICTURE).std() > 0
    with (place / CURVE).open(newline="") as stream:
        return [int(row["step"]) for row in csv.DictReader(stream)]


def test_a_loss_that_is_not_finite_stops_and_keeps_the_last_good_checkpoint(tmp_path):
    """Its step is named, and the curve goes on to the step before the break."""
    line = "loss is not finite .* at step 4; lower the learning rate; the last good checkpoint, of step 2, stays"
    with pytest.raises(BenchError, match=line):
        run_layer(tmp_path, broken_at=3)
    assert len(saved(tmp_path)["curve"]) == 2
    assert curve_of(tmp_path) == [1, 2, 3]
    good, curve = run_layer(tmp_path)
    assert len(curve) == LAYER_STEPS
    assert all(p.isfinite().all() for p in good.parameters())


def test_a_loss_that_is_never_finite_has_neither_checkpoint_nor_curve(tmp_path):
    with pytest.raises(BenchError, match="at step 1; .*; no checkpoint was due yet"):
        run_layer(tmp_path, broken_at=0)
    assert list(tmp_path.iterdir()) == []


def test_the_curve_is_up_to_date_at_every_checkpoint(tmp_path):
    """Looked at from outside in the step after each one; after a kill and a resume it is complete."""
    seen = {}

    def look(number):
        seen[number] = curve_of(tmp_path) if (tmp_path / CURVE).exists() else []
        if number == 5 and len(seen) == 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_layer(tmp_path, look=look)
    assert {number: len(steps) for number, steps in seen.items()} == {0: 0, 1: 0, 2: 2, 3: 2, 4: 4, 5: 4}
    run_layer(tmp_path)
    assert curve_of(tmp_path) == list(range(1, LAYER_STEPS + 1))


def test_weights_that_are_not_finite_never_become_a_checkpoint(tmp_path):
    """The gradient breaks in step 4 while its loss is fine: the checkpoint of step 2 must survive."""
    with pytest.raises(BenchError, match="a weight is not finite at step 4; .* of step 2, stays"):
        run_layer(tmp_path, gradient_at=3)
    assert len(saved(tmp_path)["curve"]) == 2
    with pytest.raises(BenchError, match="a weight is not finite at step 6"):
        run_layer(tmp_path, gradient_at=5)


@pytest.mark.parametrize("damage", [lambda b: b[:9], lambda b: b[:-9], lambda b: b[:700] + b"x" + b[701:]])
@pytest.mark.parametrize(("damaged", "goes_on"), [(1, 2), (2, 0)])
def test_a_damaged_checkpoint_changes_no_weight(layer_weights, four_steps, tmp_path, damage, damaged, goes_on):
    """The one before it is gone on from, or the training begins anew: to the weights of an uninterrupted one."""
    place, seen, progress = shutil.copytree(four_steps, tmp_path / "place"), [], Said()
    for path in checkpoints(place)[:damaged]:
        path.write_bytes(damage(path.read_bytes()))
    assert torch.equal(run_layer(place, look=seen.append, progress=progress)[0].weight, layer_weights)
    assert seen == list(range(goes_on, LAYER_STEPS))
    assert len(progress.lines) == damaged


def test_a_kill_while_saving_leaves_the_checkpoint_before(layer_weights, tmp_path, monkeypatch):
    def torn(_, path):
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    run_layer(tmp_path, steps=2)
    with monkeypatch.context() as patch:
        patch.setattr(torch, "save", torn)
        with pytest.raises(KeyboardInterrupt):
            run_layer(tmp_path)
    assert len(saved(tmp_path)["curve"]) == 2
    assert torch.equal(run_layer(tmp_path)[0].weight, layer_weights)


def test_a_full_disk_is_one_line_that_names_the_checkpoint(tmp_path, monkeypatch):
    def full(*_):
        raise RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 704 vs 598")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(BenchError, match=rf"{tmp_path}.*: checkpoint could not be written .* free space on that disk"):
        run_layer(tmp_path)


@pytest.mark.parametrize("damage", [lambda p: p.write_bytes(p.read_bytes()[:-50]), lambda p: p.unlink()])
def test_damaged_trained_weights_are_one_line_that_names_them(siamese, whole, tmp_path, damage):
    base = load_base(siamese().base())
    kept = siamese().method(base, 0).kept
    for name in (CONTROLNET, DECODER):
        (tmp_path / name).write_bytes((whole[1] / name).read_bytes())
    load_trained(tmp_path, kept)
    damage(tmp_path / DECODER)
    with pytest.raises(BenchError, match=rf"{DECODER}: .*; delete .* to train anew") as caught:
        load_trained(tmp_path, kept)
    assert "\n" not in str(caught.value)


# Batches.


def make_set(count=6, side=2):
    rng = np.random.default_rng(0)
    shape = (count, 4, side, side)
    return TrainingSet(
        mean=torch.randn(shape),
        std=torch.rand(shape) + 0.5,
        images=rng.integers(0, 256, (count, 16, 16, 3)).astype(np.uint8),
        masks=rng.integers(0, 2, (count, 16, 16)).astype(np.uint8),
        context=torch.ones(count, 3, 5),
        empty_context=torch.zeros(1, 3, 5),
    )


def draw(data, size, step, seed=0, empty_prompt=0.05, part=0, parts=1):
    return draw_batch(data, BatchPlan(size, seed, empty_prompt), step, part, parts)


def fields(batch):
    return {name: getattr(batch, name) for name in ("latents", "noise", "t", "context", "mask", "image")}


def test_a_batch_depends_on_seed_and_step_only():
    data = make_set()
    first = fields(draw(data, 4, 7, 0, 0.05))
    torch.manual_seed(99)
    np.random.seed(99)
    draw(data, 4, 6, 0, 0.05)
    assert same(first, fields(draw(data, 4, 7, 0, 0.05)))
    for other in (draw(data, 4, 8, 0, 0.05), draw(data, 4, 7, 1, 0.05)):
        assert not torch.equal(first["noise"], other.noise)
        assert not torch.equal(first["t"], other.t)


@pytest.mark.parametrize("batch", [1, 4, 6, 9])
def test_every_pair_once_an_epoch(batch):
    rows = np.concatenate([pick_rows(6, batch, step, 0) for step in range(36)])
    epochs = rows[: len(rows) // 6 * 6].reshape(-1, 6)
    assert (np.sort(epochs, 1) == np.arange(6)).all()
    assert len({tuple(epoch) for epoch in epochs}) > 1


def test_a_batch_holds_what_belongs_together():
    """Row by row: latent, mask and image hint come from the same pair; hints are in [0, 1], the mask threefold."""
    data = make_set()
    data = replace(data, std=torch.zeros_like(data.std))
    batch, rows = draw(data, 4, 3, 0, 0.0), pick_rows(6, 4, 3, 0)
    assert torch.equal(batch.latents, data.mean[rows])
    assert torch.equal(batch.mask, torch.from_numpy(data.masks[rows]).float()[:, None].expand(-1, 3, -1, -1))
    assert torch.equal(batch.image, torch.from_numpy(data.images[rows]).permute(0, 3, 1, 2).float() / 255)
    assert batch.t.dtype == torch.int64
    assert batch.t.min() >= 0
    assert batch.t.max() < 1000


def test_each_step_draws_a_fresh_sample_of_the_posterior():
    """mean + std × new noise: of one pair over many steps, the draws have that mean and that spread."""
    data = make_set(count=1, side=8)
    draws = torch.cat([draw(data, 8, step, 0, 0.0).latents for step in range(50)])
    assert not torch.equal(draws[0], draws[1])
    z = (draws - data.mean) / data.std
    assert z.mean().abs() < 0.02
    assert z.std() == pytest.approx(1, abs=0.02)
    noise = torch.cat([draw(data, 8, step, 0, 0.0).noise for step in range(50)])
    assert (z * noise).mean().abs() < 0.02  # the posterior's sample and the diffusion's noise are independent


def test_t_is_uniform():
    t = torch.cat([draw(make_set(), 64, step, 0, 0.0).t for step in range(100)])
    assert (t <= 200).float().mean() == pytest.approx(0.201, abs=0.02)
    assert t.float().mean() == pytest.approx(499.5, abs=12)


@pytest.mark.parametrize("rate", [0.0, 0.05, 1.0])
def test_prompts_are_dropped_at_the_stated_rate(rate):
    """A dropped prompt is the empty prompt's embedding, whole."""
    data = make_set()
    context = torch.cat([draw(data, 64, step, 0, rate).context for step in range(100)])
    dropped = (context == data.empty_context).all(2).all(1)
    assert ((context == 1).all(2).all(1) | dropped).all()
    assert dropped.float().mean() == pytest.approx(rate, abs=0.01 if 0 < rate < 1 else 0)


def test_micro_batches_are_the_batch_in_order():
    data = make_set()
    batch = draw(data, 6, 0, 0, 0.05)
    parts = [fields(draw(data, 6, 0, 0, 0.05, part, 3)) for part in range(3)]
    assert [len(part["t"]) for part in parts] == [2, 2, 2]
    assert same(fields(batch), {name: torch.cat([part[name] for part in parts]) for name in parts[0]})


# Arithmetic.


def test_bf16_computes_otherwise_and_keeps_fp32_weights(siamese, whole, tmp_path):
    """Losses differ in the third digit, not in the first; what is saved is fp32."""
    samples, model, _ = whole
    half = fit(siamese(precision="bf16"), samples, tmp_path)
    rows = [list(csv.DictReader((folder / "loss.csv").open(newline=""))) for folder in (model, half)]
    for one, other in zip(*rows, strict=True):
        assert float(other["mask"]) == pytest.approx(float(one["mask"]), rel=0.03)
    assert [row["loss"] for row in rows[0]] != [row["loss"] for row in rows[1]]
    for name in (CONTROLNET, DECODER):
        assert {value.dtype for value in load_file(half / name).values()} == {torch.float32}


def test_gradient_checkpointing_trains_the_same_weights(siamese, whole, tmp_path):
    samples, model, _ = whole
    again = fit(siamese(gradient_checkpointing=True), samples, tmp_path)
    for name in (CONTROLNET, DECODER):
        got, want = load_file(again / name), load_file(model / name)
        far = [(got[key] - want[key]).abs() > 1e-4 for key in want]
        assert sum(f.sum().item() for f in far) < 0.01 * sum(f.numel() for f in far)
