"""Gradient checkpointing runs blocks again and changes no gradient, of no generator."""

import pytest
import torch

from generators.adc import Adc
from generators.controlnet import ControlNet
from generators.controlnet_mi import ControlNetMi
from generators.denoising.recompute import recompute_activations
from generators.diffusion.base_model.model import load_base
from generators.diffusion.conditioning.batch import Batch
from generators.siamese import Siamese
from generators.t2i_adapter import T2iAdapter

STEPS = 9


def make_batch(base, count=2, side=4):
    draw = torch.Generator().manual_seed(0)
    pixels, latents = 2**base.halvings * side, (count, base.vae.config.latent_channels, side, side)
    mask = (torch.rand(count, 1, pixels, pixels, generator=draw) > 0.5).float().repeat(1, 3, 1, 1)
    width = base.unet.config.cross_attention_dim
    return Batch(
        latents=torch.randn(latents, generator=draw),
        noise=torch.randn(latents, generator=draw),
        t=torch.tensor([200, 900]),
        context=torch.randn(count, 8, width, generator=draw),
        mask=mask,
        image=torch.rand(count, 3, pixels, pixels, generator=draw),
    )


def run_step(cls, recompute):
    """Losses, gradients by name and how often a block of the decoder ran; online augmentation is on."""
    base = load_base("tiny")
    params = cls.Params(base="tiny", steps=STEPS)
    method = cls(params).method(base, 0)
    torch.manual_seed(1)
    for module in method.trained.values():
        for parameter in module.parameters():
            if not parameter.any():
                torch.nn.init.normal_(parameter, std=0.05)
    if recompute:
        recompute_activations([base.unet, *method.trained.values()])
    runs = []
    base.unet.up_blocks[0].resnets[0].register_forward_pre_hook(lambda *_: runs.append(1))
    losses = method.backward(make_batch(base), STEPS - 2, 1.0)
    named = method.trained.items()
    return losses, {f"{n}.{k}": p.grad for n, m in named for k, p in m.named_parameters()}, len(runs)


@pytest.mark.parametrize(
    "cls",
    [Siamese, T2iAdapter, *(pytest.param(cls, marks=pytest.mark.slow) for cls in (ControlNet, ControlNetMi, Adc))],
)
def test_gradients_are_those_of_kept_activations(cls):
    losses, want, runs = run_step(cls, False)
    again, got, runs_again = run_step(cls, True)
    assert runs_again > runs
    assert again == pytest.approx(losses, rel=1e-6)
    for name, gradient in want.items():
        assert torch.allclose(got[name], gradient, rtol=1e-4, atol=1e-7), name
