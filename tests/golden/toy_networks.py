"""Small networks of Stable Diffusion's shape, with no zero convolution left at zero, and a batch for them."""

import torch
from diffusers import DDIMScheduler, UNet2DConditionModel

from generators.diffusion.base_model.model import SCHEDULER
from generators.diffusion.conditioning.batch import Batch
from generators.diffusion.conditioning.control import Decoder, build_controlnet
from generators.diffusion.conditioning.networks import Networks


def make_networks(widths=(32, 64), dense_hint=False, dtype=torch.float64, seed=0):
    torch.manual_seed(seed)
    unet = UNet2DConditionModel(
        sample_size=8, in_channels=4, out_channels=4, block_out_channels=widths, layers_per_block=1,
        down_block_types=("CrossAttnDownBlock2D",) * (len(widths) - 1) + ("DownBlock2D",),
        up_block_types=("UpBlock2D",) + ("CrossAttnUpBlock2D",) * (len(widths) - 1),
        cross_attention_dim=16, attention_head_dim=4, norm_num_groups=16,
    )  # fmt: skip
    controlnet = build_controlnet(unet, dense_hint=dense_hint)
    for parameter in controlnet.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.05)
    unet.requires_grad_(False)
    decoder = Decoder(unet).requires_grad_(True)
    alphas = DDIMScheduler(**SCHEDULER).alphas_cumprod.to(dtype)
    return Networks(unet.to(dtype), controlnet.to(dtype), decoder.to(dtype), alphas)


def make_batch(count=4, side=2, times=(20, 200, 201, 900), dtype=torch.float64, seed=0):
    draw = torch.Generator().manual_seed(seed)
    shape = (count, 4, side, side)
    return Batch(
        latents=torch.randn(shape, generator=draw).to(dtype),
        noise=torch.randn(shape, generator=draw).to(dtype),
        t=torch.tensor((times * count)[:count]),
        context=torch.randn((count, 7, 16), generator=draw).to(dtype),
        mask=(torch.rand((count, 1, 8 * side, 8 * side), generator=draw) > 0.5).to(dtype).repeat(1, 3, 1, 1),
        image=torch.rand((count, 3, 8 * side, 8 * side), generator=draw).to(dtype),
    )


def gradients(nets):
    named = [("c", nets.controlnet), ("d", nets.decoder), ("u", nets.unet)]
    return {f"{k}.{n}": p.grad.clone() for k, m in named for n, p in m.named_parameters() if p.grad is not None}
