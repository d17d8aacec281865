"""Checkpoints of the latent-diffusion layout for tests: of the parity numbers' networks, or of a base folder's."""

import json
import shutil
from pathlib import Path

import torch
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel

from generators.diffusion.base_model.location import TINY_FOLDER
from generators.diffusion.base_model.model import SCHEDULER
from generators.diffusion.checkpoint_import.names import control_names, text_names, unet_names, vae_names
from generators.diffusion.checkpoint_import.schedule import schedule_buffers
from generators.diffusion.conditioning.control import build_controlnet
from tests.golden.rule_weights import rule_state

FACTS = json.loads((Path(__file__).parent / "golden" / "data" / "siamese.json").read_text())
ATTENTION = (".q.weight", ".k.weight", ".v.weight", ".proj_out.weight")


def parity_unet(**changes):
    options = {
        "sample_size": 16, "in_channels": 4, "out_channels": 4, "block_out_channels": (32, 64, 64),
        "layers_per_block": 2, "cross_attention_dim": 16, "attention_head_dim": 4, "norm_num_groups": 32,
        "down_block_types": ("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
        "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
    }  # fmt: skip
    return UNet2DConditionModel(**options | changes)


def parity_state():
    """Every key of the authors' networks, by the rule; neither VAE nor text encoder."""
    return rule_state(FACTS["state"])


def fill(module, names, state):
    """Strict: the state's entries below the names' prefix, no more and no less."""
    prefix = next(iter(names)).split(".")[0]
    module.load_state_dict({names[key]: value for key, value in state.items() if key.startswith(f"{prefix}.")})


def write_base(folder):
    """A diffusers folder that fits the parity networks: untrained, with the bundled tokenizer."""
    torch.manual_seed(0)
    parity_unet().save_pretrained(folder / "unet")
    AutoencoderKL(
        block_out_channels=(32, 32, 32, 64), layers_per_block=1, latent_channels=4, sample_size=64,
        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4,
    ).save_pretrained(folder / "vae")  # fmt: skip
    text = CLIPTextConfig(
        vocab_size=639, hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
        max_position_embeddings=16, bos_token_id=637, eos_token_id=638, pad_token_id=638,
    )  # fmt: skip
    CLIPTextModel(text).save_pretrained(folder / "text_encoder")
    DDIMScheduler(**SCHEDULER).save_pretrained(folder / "scheduler")
    shutil.copytree(TINY_FOLDER / "tokenizer", folder / "tokenizer")
    return folder


def whole_state(base):
    """The parity networks with the VAE and text encoder of a base folder, and all that lies beside them."""
    return parity_state() | state_beside(base)


def narrow_state(base):
    """U-Net of a base folder and a ControlNet with Dense Hint Input, untrained, in the layout."""
    unet = UNet2DConditionModel.from_pretrained(base / "unet")
    controlnet = build_controlnet(unet, dense_hint=True, published_hint=True)
    return in_layout(unet, unet_names(unet)) | in_layout(controlnet, control_names(controlnet))


def in_layout(module, names):
    values = module.state_dict()
    return {key: values[name].clone() for key, name in names.items()}


def state_beside(base):
    """VAE and text encoder of a base folder, and what is no weight."""
    vae = AutoencoderKL.from_pretrained(base / "vae")
    text = CLIPTextModel.from_pretrained(base / "text_encoder")
    state = in_layout(vae, vae_names(vae)) | in_layout(text, text_names(text))
    for key in state:
        if "mid.attn_1" in key and key.endswith(ATTENTION):
            state[key] = state[key][:, :, None, None]
    state |= {key: value.float() for key, value in schedule_buffers().items()}
    state["cond_stage_model.transformer.text_model.embeddings.position_ids"] = torch.arange(16)[None]
    state["scale_factor"] = torch.tensor(vae.config.scaling_factor)
    return state
