"""Networks, losses, gradients and steps of the generators on pixels are those of the authors' own code."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers.schedulers import scheduling_ddpm

from generators.arsdm import Arsdm
from generators.arsdm import Params as ArsdmParams
from generators.denoising.average import Average
from generators.pixel.adaptive import AdaptiveMethod, adaptive_loss
from generators.pixel.batch import PixelBatch
from generators.pixel.concatenated import ConcatenatedMethod
from generators.pixel.published_names import from_published, places
from generators.pixel.schedules import arsdm_scheduler, polyp_ddpm_scheduler, seg_guided_scheduler
from generators.pixel.spade import Sight, SpadeUnet, by_class
from generators.pixel.unet import UnetShape, build_default
from generators.polyp_ddpm import Params, PolypDdpm
from generators.seg_guided import HEAD, LEVELS, SegGuided
from generators.seg_guided import Params as SegGuidedParams
from tests.golden.rule_weights import rng, rule_state

DATA = Path(__file__).parent / "data"


def facts(name):
    return json.loads((DATA / f"{name}.json").read_text()), np.load(DATA / f"{name}.npz")


def drawn(known, name):
    shape = tuple(known["inputs"][name])
    if name.startswith("mask"):
        return torch.from_numpy((rng(name).random(shape) > 0.5).astype(np.float32))
    value = torch.from_numpy(rng(name).standard_normal(shape).astype(np.float32))
    return value.clamp(-1, 1) if name == "x0" else value


def fill(network, known, prefix, head):
    """The rule's weights under the authors' names, in our network; strict on both sides."""
    state = {key.removeprefix(prefix): value for key, value in rule_state(known["state"]).items()}
    where = places(network)
    assert {place.key for place in where.values()} == set(state)
    network.load_state_dict(from_published(state, where, head))


def close(got, want, tolerance=1e-4):
    got = got.detach().numpy() if isinstance(got, torch.Tensor) else np.asarray(got)
    assert np.abs(got - want).max() <= tolerance * np.std(want)


def gradient(network, key, prefix):
    """Ours of the authors' tensor `key`."""
    (name,) = [own for own, place in places(network).items() if prefix + place.key == key and place.third < 0]
    return network.get_parameter(name).grad


# Polyp-DDPM


@pytest.fixture(scope="module")
def polyp():
    known, want = facts("polyp-ddpm")
    method = PolypDdpm(Params(size=64, width=32)).method()
    fill(method.network, known, "denoise_fn.", 0)
    return method, known, want


def test_polyp_ddpm_has_the_authors_parameters(polyp):
    method, known, _ = polyp
    with torch.device("meta"):
        published = PolypDdpm(Params()).method().network
    assert sum(p.numel() for p in method.network.parameters()) == known["parameters"]
    assert sum(p.numel() for p in published.parameters()) == known["released"]["parameters"]
    assert {f"denoise_fn.{place.key}" for place in places(published).values()} == set(known["released"]["state"])


def test_polyp_ddpm_predicts_the_authors_noise(polyp):
    method, known, want = polyp
    prepared = method.prepare(drawn(known, "mask"))
    with torch.no_grad():
        close(method.predict(method.network, drawn(known, "x_t"), torch.tensor(known["t"]), prepared), want["eps"])


def test_polyp_ddpm_has_the_authors_loss_and_gradients(polyp):
    method, known, want = polyp
    masks = drawn(known, "mask")
    batch = PixelBatch(images=drawn(known, "x0"), masks=masks, noise=drawn(known, "noise"), t=torch.tensor(known["t"]))
    noisy = batch.noisy(method.alphas)
    close(noisy, want["q_sample"])
    loss = method.loss(method.predict(method.network, noisy, batch.t, method.prepare(masks)), batch.noise, masks)
    assert loss.item() == pytest.approx(known["loss"], rel=1e-4)
    method.network.zero_grad()
    loss.backward()
    for key in ("denoise_fn.out.2.weight", "denoise_fn.input_blocks.0.0.weight"):
        close(gradient(method.network, key, "denoise_fn."), want[f"grad.{key}"], 1e-3)


def test_polyp_ddpm_steps_as_the_authors(polyp, monkeypatch):
    method, known, want = polyp
    scheduler = polyp_ddpm_scheduler()
    scheduler.set_timesteps(250)
    close(scheduler.betas, want["betas"], 1e-6)
    x, masks, noise = (drawn(known, name) for name in ("x_step", "mask_step", "noise_step"))
    for i, t in enumerate(known["steps"]):
        at = slice(i, i + 1)
        monkeypatch.setattr(scheduling_ddpm, "randn_tensor", lambda *_, at=at, **__: noise[at])
        with torch.no_grad():
            predicted = method.predict(method.network, x[at], torch.tensor([t]), method.prepare(masks[at]))
        found = scheduler.step(predicted, t, x[at])
        near = 1e-3 if t >= 240 else 1e-4
        assert np.abs(found.pred_original_sample[0, :, ::2, ::2].numpy() - want["x0_clipped"][i]).max() < near
        assert np.abs(found.prev_sample[0, :, ::2, ::2].numpy() - want["p_sample"][i]).max() < near


@pytest.mark.parametrize(("name", "counter", "generator"), [
    ("polyp-ddpm", "ema_of_step_counter", PolypDdpm(Params())),
    ("arsdm", "ema_of_update_counter", Arsdm(ArsdmParams())),
])  # fmt: skip
def test_averages_follow_as_the_authors_do(name, counter, generator):
    """A weight that equals its step's number; Polyp-DDPM's authors count steps from 0, ArSDM's from 1."""
    first = 0 if name == "polyp-ddpm" else 1
    want = {int(step): value for step, value in facts(name)[0][counter].items()}
    weight = torch.nn.Linear(1, 1, bias=False).double()
    torch.nn.init.zeros_(weight.weight)
    average = Average(weight, generator.decay())
    for step in range(first, max(want) + 1):
        torch.nn.init.constant_(weight.weight, step)
        average.update(step + 1 - first)
        if step in want:
            assert average.model.weight.item() == pytest.approx(want[step], rel=1e-5)


# ArSDM


@pytest.fixture(scope="module")
def arsdm():
    known, want = facts("arsdm")
    network = SpadeUnet(UnetShape(in_channels=3, widths=(32, 64, 64), attention=(False, True, True), head=16), 128)
    fill(network.unet, known, "model.diffusion_model.", 16)
    return AdaptiveMethod(network, arsdm_scheduler().alphas_cumprod, 0), known, want


def test_arsdm_has_the_authors_parameters(arsdm):
    method, known, _ = arsdm
    with torch.device("meta"):
        published = Arsdm(ArsdmParams()).method().network
    assert sum(p.numel() for p in method.network.parameters()) == known["parameters"]
    assert sum(p.numel() for p in published.parameters()) == known["released"]["parameters"]
    names = {f"model.diffusion_model.{place.key}" for place in places(published.unet).values()}
    assert names == set(known["released"]["state"])


@pytest.mark.parametrize("room", [0, 1e6, 1e9])
def test_arsdm_predicts_the_authors_noise_whatever_the_norms_keep(arsdm, room):
    method, known, want = arsdm
    sight = Sight(by_class(drawn(known, "mask")), room)
    for _ in range(2):
        with torch.no_grad():
            predicted = method.predict(method.network, drawn(known, "x_t"), torch.tensor(known["t"]), sight)
        close(predicted, want["eps"])
    assert bool(sight.known) == bool(room)


def test_arsdm_has_the_authors_loss_and_gradients(arsdm):
    method, known, want = arsdm
    masks, t = drawn(known, "mask"), torch.tensor(known["t"])
    batch = PixelBatch(images=drawn(known, "x0"), masks=masks, noise=drawn(known, "noise"), t=t)
    predicted = method.predict(method.network, batch.noisy(method.alphas), t, method.prepare(masks))
    loss = method.loss(predicted, batch.noise, masks)
    assert loss.item() == pytest.approx(known["train_loss"], rel=1e-4)
    method.network.zero_grad()
    loss.backward()
    prefix, spade = "model.diffusion_model.", "middle_block.0.in_norm.mlp_gamma.weight"
    close(gradient(method.network.unet, f"{prefix}out.2.weight", prefix), want[f"grad.{prefix}out.2.weight"], 1e-3)
    close(gradient(method.network.unet, f"{prefix}{spade}", prefix)[:8], want[f"grad.{prefix}{spade}[:8]"], 1e-3)


def test_arsdm_weighs_lesion_and_background_as_the_authors(arsdm):
    _, known, _ = arsdm
    predicted, target = drawn(known, "pred"), drawn(known, "target")
    masks = torch.zeros(4, 1, 32, 32)
    for mask, (top, bottom, left, right) in zip(masks, known["loss_boxes"], strict=True):
        mask[:, top:bottom, left:right] = 1
    found = adaptive_loss(predicted, target, masks)
    np.testing.assert_allclose(found, known["loss_per_sample"], rtol=1e-5, atol=1e-7)
    soft = torch.from_numpy(rng("soft").random(known["inputs"]["soft"]).astype(np.float32))
    np.testing.assert_allclose(adaptive_loss(predicted[:1], target[:1], soft), known["loss_soft"], rtol=1e-5)
    greys = torch.tensor([0, 127, 254, 255]).reshape(1, 1, 1, 4) / 255
    assert by_class(greys)[0, 1, 0].tolist() == known["lesion_channel_of_mask_0_127_254_255"]


def test_arsdm_steps_as_the_authors(arsdm):
    method, known, want = arsdm
    scheduler = arsdm_scheduler()
    scheduler.set_timesteps(200)
    close(scheduler.betas[::50], want["betas[::50]"], 1e-5)
    assert sorted(scheduler.timesteps.tolist()) == want["ddim_timesteps"].tolist()
    x, masks, noise = (drawn(known, name) for name in ("x_step", "mask_step", "noise_step"))
    for i, t in enumerate(known["ddim_t"]):
        at = slice(i, i + 1)
        with torch.no_grad():
            predicted = method.predict(method.network, x[at], torch.tensor([t]), method.prepare(masks[at]))
        found = scheduler.step(predicted, t, x[at], eta=1.0, variance_noise=noise[at])
        close(found.pred_original_sample[0], want["ddim_x0"][i])
        close(found.prev_sample[0], want["ddim_step"][i])


# Segmentation-guided diffusion


@pytest.fixture(scope="module")
def guided():
    known, want = facts("seg-guided-diffusion")
    network = build_default(UnetShape(in_channels=4, widths=(32, 32, 64, 64, 64, 64), attention=LEVELS, head=HEAD))
    network.load_state_dict({key.removeprefix("unet."): value for key, value in rule_state(known["state"]).items()})
    classes = torch.from_numpy(np.floor(4 * rng("classes").random((2, 1, 64, 64))).astype(np.float32))
    return network, classes, known, want


def test_seg_guided_has_the_authors_parameters(guided):
    network, _, known, _ = guided
    with torch.device("meta"):
        published = SegGuided(SegGuidedParams()).method().network
    assert sum(p.numel() for p in network.parameters()) == known["parameters"]
    assert sum(p.numel() for p in published.parameters()) == known["released"]["parameters_in_channels_4"]


def test_seg_guided_has_the_authors_loss_and_gradients(guided):
    network, classes, known, want = guided
    alphas = seg_guided_scheduler(ancestral=True).alphas_cumprod
    method = ConcatenatedMethod(network, alphas, lambda values: values, torch.nn.functional.mse_loss)
    t = torch.tensor(known["t"])
    batch = PixelBatch(images=drawn(known, "x0"), masks=classes / 255, noise=drawn(known, "noise"), t=t)
    predicted = method.predict(network, batch.noisy(alphas), t, method.prepare(batch.masks))
    close(predicted[:, :, ::2, ::2], want["pred"])
    loss = method.loss(predicted, batch.noise, batch.masks)
    assert loss.item() == pytest.approx(known["loss"], rel=1e-4)
    network.zero_grad()
    loss.backward()
    close(network.conv_in.weight.grad, want["grad.unet.conv_in.weight"], 1e-3)
    for group, norm in known["gradient_norms"].items():
        parts = [p.grad.norm() for name, p in network.named_parameters() if name.startswith(f"{group}.")]
        assert torch.stack(parts).norm().item() == pytest.approx(norm, rel=1e-3)


def test_seg_guided_steps_as_the_authors(guided, monkeypatch):
    network, classes, known, want = guided
    x, noise = drawn(known, "x_step"), drawn(known, "noise_step")
    for kind, t in (("ddpm", known["ddpm_t"]), ("ddim", known["ddim_t"])):
        scheduler = seg_guided_scheduler(ancestral=kind == "ddpm")
        scheduler.set_timesteps(50 if kind == "ddim" else 1000)
        monkeypatch.setattr(scheduling_ddpm, "randn_tensor", lambda *_, **__: noise)
        with torch.no_grad():
            predicted = network(torch.cat([x, classes / 255], 1), torch.tensor([t, t])).sample
        close(scheduler.step(predicted, t, x).prev_sample[:, :, ::2, ::2], want[f"{kind}_step"])
        if kind == "ddim":
            assert scheduler.timesteps.tolist() == want["ddim_timesteps"].tolist()


def test_seg_guided_warms_up_and_cools_down_as_the_authors():
    known = facts("seg-guided-diffusion")[0]["lr_of_update"]
    schedule = SegGuided(SegGuidedParams(steps=known.pop("training_steps"))).schedule()
    for update, rate in known.items():
        assert schedule.lr * schedule.rate(int(update)) == pytest.approx(rate, rel=1e-4, abs=1e-15)
