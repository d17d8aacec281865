"""Hint blocks fit the base model: its latents' size, and its U-Net's width."""

import pytest
import torch
from diffusers import UNet2DConditionModel

from generators.diffusion.conditioning.control import build_controlnet, hint_features


def block_beside(width, **options):
    """On `meta`: its shapes without its numbers."""
    with torch.device("meta"):
        unet = UNet2DConditionModel(
            block_out_channels=(width, width), cross_attention_dim=16, norm_num_groups=4, attention_head_dim=4,
            down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
            up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        )  # fmt: skip
        return build_controlnet(unet, **options)


def channels(block):
    return [tuple(layer.weight.shape[:2]) for layer in block.modules() if isinstance(layer, torch.nn.Conv2d)]


@pytest.mark.parametrize("halvings", [2, 3])
@pytest.mark.parametrize("dense_hint", [True, False])
def test_features_have_the_size_of_the_latents(dense_hint, halvings):
    controlnet = block_beside(64, dense_hint=dense_hint, halvings=halvings)
    features = hint_features(controlnet, torch.empty(2, 3, 32, 48, device="meta"))
    assert features.shape == (2, 64, 32 // 2**halvings, 48 // 2**halvings)


@pytest.mark.parametrize("dense_hint", [True, False])
def test_a_block_is_narrower_in_proportion_to_its_u_net(dense_hint):
    """Beside a fifth of Stable Diffusion's width, where the published block would be most of the work."""
    published, narrow = (
        channels(block_beside(width, dense_hint=dense_hint).controlnet_cond_embedding) for width in (320, 64)
    )
    wide = [number for pair in published for number in pair]
    thin = [number for pair in narrow for number in pair]
    assert {16, 32, 256} <= set(wide)
    assert all(old / 6 <= new <= old / 4 for old, new in zip(wide, thin, strict=True) if old > 3)
