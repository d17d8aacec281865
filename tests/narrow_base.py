"""A base model narrower than the bundled one, for tests of what any base model must do: untrained, with every kind of
block that Stable Diffusion has."""

import shutil

import torch
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel

from generators.diffusion.base_model.location import TINY_FOLDER
from generators.diffusion.base_model.model import SCHEDULER

LATENT_CHANNELS, TEXT_WIDTH = 4, 16


def write_narrow_base(folder):
    """A diffusers folder of two U-Net levels, the first with attention; the tokenizer is the bundled one."""
    torch.manual_seed(0)
    narrow_unet().save_pretrained(folder / "unet")
    narrow_vae().save_pretrained(folder / "vae")
    narrow_text_encoder().save_pretrained(folder / "text_encoder")
    DDIMScheduler(**SCHEDULER).save_pretrained(folder / "scheduler")
    shutil.copytree(TINY_FOLDER / "tokenizer", folder / "tokenizer")
    return folder


def narrow_unet():
    return UNet2DConditionModel(
        sample_size=8, in_channels=LATENT_CHANNELS, out_channels=LATENT_CHANNELS, block_out_channels=(16, 32),
        layers_per_block=1, cross_attention_dim=TEXT_WIDTH, attention_head_dim=2, norm_num_groups=8,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"), up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
    )  # fmt: skip


def narrow_vae():
    return AutoencoderKL(
        block_out_channels=(8, 8, 8, 16), layers_per_block=1, latent_channels=LATENT_CHANNELS, sample_size=64,
        norm_num_groups=4, down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4,
    )  # fmt: skip


def narrow_text_encoder():
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=639, hidden_size=TEXT_WIDTH, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2,
            max_position_embeddings=16, bos_token_id=637, eos_token_id=638, pad_token_id=638,
        )
    )  # fmt: skip
