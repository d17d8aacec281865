"""Keys of the original latent-diffusion checkpoints -> diffusers modules, for the U-Net and the ControlNet."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from diffusers import ControlNetModel, UNet2DConditionModel

UNET = "model.diffusion_model."
CONTROL = "control_model."
HINT = f"{CONTROL}input_hint_block."


def load_unet(unet: UNet2DConditionModel, state: Mapping[str, torch.Tensor]) -> None:
    """Load the U-Net of an LDM state; raises RuntimeError for a missing or unexpected key."""
    from diffusers.loaders.single_file_utils import convert_ldm_unet_checkpoint

    part = {name: value for name, value in state.items() if name.startswith(UNET)}
    unet.load_state_dict(convert_ldm_unet_checkpoint(dict(part), config=dict(unet.config)))


def load_controlnet(controlnet: ControlNetModel, state: Mapping[str, torch.Tensor]) -> None:
    """Load a ControlNet with Dense Hint Input; raises RuntimeError for a missing or unexpected key."""
    from diffusers.loaders.single_file_utils import convert_controlnet_checkpoint

    part = {name: value for name, value in state.items() if name.startswith(CONTROL) and not name.startswith(HINT)}
    # diffusers' converter reads keys of ControlNet's own hint block; ours are put in by hand below.
    hint = {name.removeprefix(HINT): value for name, value in state.items() if name.startswith(HINT)}
    converted = convert_controlnet_checkpoint(dict(part), config=dict(controlnet.config))
    renamed = {_hint_name(name): value for name, value in hint.items()}
    controlnet.load_state_dict({**converted, **renamed})


def _hint_name(name: str) -> str:
    block, rest = name.split(".", 1)
    return f"controlnet_cond_embedding.{'trunk' if block == '0' else 'zero'}.{rest}"
