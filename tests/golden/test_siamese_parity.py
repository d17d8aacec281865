"""Noise predictions, losses and gradients are those of the authors' own code, for weights made by a rule."""

from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler

from generators.diffusion.base_model.model import SCHEDULER
from generators.diffusion.checkpoint_import.names import control_names, unet_names
from generators.diffusion.conditioning.batch import Batch
from generators.diffusion.conditioning.control import Decoder, build_controlnet, encode, hint_features, run_controlnet
from generators.diffusion.conditioning.networks import Networks
from generators.diffusion.training.siamese_step import Recipe, backward_siamese
from tests.golden.rule_weights import rng
from tests.ldm_layout import FACTS, fill, parity_state, parity_unet

DATA = Path(__file__).parent / "data"
WANT = np.load(DATA / "siamese.npz")
NAMES = {"mask": "mask", "image": "image", "mask_2_image": "consistency"}


@pytest.fixture(scope="module")
def nets():
    unet = parity_unet()
    controlnet = build_controlnet(unet, dense_hint=True, published_hint=True)
    state = parity_state()
    fill(unet, unet_names(unet), state)
    fill(controlnet, control_names(controlnet), state)
    unet.requires_grad_(False)
    decoder = Decoder(unet).requires_grad_(True)
    return Networks(unet, controlnet, decoder, DDIMScheduler(**SCHEDULER).alphas_cumprod)


@pytest.fixture(scope="module")
def batch():
    inputs = FACTS["inputs"]

    def drawn(name):
        return torch.from_numpy(rng(name).standard_normal(inputs[name]).astype(np.float32))

    mask = torch.from_numpy((rng("mask").random(inputs["mask"]) > 0.5).astype(np.float32)).repeat(1, 3, 1, 1)
    image = torch.from_numpy(rng("image").random(inputs["image"]).astype(np.float32))
    times, context = torch.tensor(inputs["t"]), drawn("context")
    return Batch(latents=drawn("z0"), noise=drawn("noise"), t=times, context=context, mask=mask, image=image)


def residuals(nets, batch, noisy, hint):
    return run_controlnet(nets.controlnet, noisy, batch.t, batch.context, hint_features(nets.controlnet, hint))


def close(got, want):
    assert np.linalg.norm(got.detach().numpy() - want) <= 1e-4 * np.linalg.norm(want)


def test_every_key_of_the_authors_checkpoint_has_its_place(nets):
    """Loading was strict on both sides; here the counts are compared."""
    ours = sum(p.numel() for m in (nets.unet, nets.controlnet) for p in m.parameters())
    assert ours == sum(int(np.prod(shape)) for shape in FACTS["state"].values())


def test_noising_hint_and_residuals(nets, batch):
    noisy = batch.noisy(batch.latents, nets.alphas_cumprod)
    close(noisy, WANT["z_t"])
    close(nets.controlnet.controlnet_cond_embedding.trunk(batch.mask)[:, :, ::4, ::4], WANT["dhi"])
    controls = residuals(nets, batch, noisy, batch.mask)
    close(controls[0], WANT["control_first"])
    close(controls[-1], WANT["control_last"])


def test_noise_predictions_of_both_branches(nets, batch):
    noisy = batch.noisy(batch.latents, nets.alphas_cumprod)
    encoded = encode(nets.unet, noisy, batch.t, batch.context)
    c_m, c_i = (residuals(nets, batch, noisy, hint) for hint in (batch.mask, batch.image))
    close(nets.decoder(encoded, c_m), WANT["eps_mask"])
    close(nets.decoder(encoded, [m + 0.5 * i for m, i in zip(c_m, c_i, strict=True)]), WANT["eps_mix"])


@pytest.mark.parametrize("case", FACTS["cases"], ids=lambda case: f"step-{case['global_step']}")
def test_losses_and_gradients(nets, batch, case):
    nets.controlnet.zero_grad()
    nets.decoder.zero_grad()
    losses = backward_siamese(nets, batch, Recipe(), case["global_step"], case["max_steps"])
    assert losses["loss"] == pytest.approx(case["loss"], rel=1e-4)
    for theirs, ours in NAMES.items():
        assert losses[ours] == pytest.approx(case["parts"][theirs], rel=1e-4, abs=1e-7)
    # They print the augmented part unweighted; weighted, over the whole batch, it is what the total has besides.
    rest = case["loss"] - sum(case["parts"][theirs] for theirs in NAMES)
    assert ("augmented" in losses) == ("mask_regularization" in case["parts"])
    assert losses.get("augmented", 0.0) == pytest.approx(rest, rel=1e-4, abs=1e-6)
    norms = case["grad_norm"]
    assert _norm(nets.controlnet) == pytest.approx(norms["control_model."], rel=1e-4)
    hint = nets.controlnet.controlnet_cond_embedding.trunk
    assert _norm(hint) == pytest.approx(norms["control_model.input_hint_block.0."], rel=1e-4)
    assert _norm(nets.controlnet.controlnet_down_blocks) == pytest.approx(norms["control_model.zero_convs."], rel=1e-4)
    assert _norm(nets.decoder.up_blocks) == pytest.approx(norms["model.diffusion_model.output_blocks."], rel=1e-4)
    out = torch.nn.ModuleList([nets.decoder.conv_norm_out, nets.decoder.conv_out])
    assert _norm(out) == pytest.approx(norms["model.diffusion_model.out."], rel=1e-4)
    frozen = (nets.unet.time_embedding, nets.unet.conv_in, nets.unet.down_blocks, nets.unet.mid_block)
    assert any(p.grad is not None for m in frozen for p in m.parameters()) == case["encoder_has_grad"]
    prefix = f"grad_{case['global_step']}."
    close(hint.initial_conv.weight.grad, WANT[f"{prefix}control_model.input_hint_block.0.initial_conv.weight"])
    close(nets.controlnet.controlnet_mid_block.weight.grad, WANT[f"{prefix}control_model.middle_block_out.0.weight"])
    close(nets.decoder.conv_out.weight.grad, WANT[f"{prefix}model.diffusion_model.out.2.weight"])


@pytest.mark.slow
def test_the_range_of_the_augmentation_is_the_authors(nets, batch):
    """t = 100, 200, 700: with <= 200 two samples count, with < 200 the total would be another."""
    case = FACTS["cases"][-1]
    losses = backward_siamese(nets, batch, Recipe(augment_t=199), case["global_step"], case["max_steps"])
    assert losses["loss"] != pytest.approx(case["loss"], rel=1e-2)


def _norm(module):
    return torch.stack([p.grad.norm() for p in module.parameters() if p.grad is not None]).norm().item()
