"""Algorithm 1 as the authors' code runs it: two deep copies a step, every branch whole, nothing shared.

Like theirs: the U-Net's encoder keeps no graph (it is frozen), the copy's decoder does get gradients, which nobody
reads, the augmented branch runs on the whole batch with weights 0 and 1 and not at all when every weight is 0, and
patches are merged by four strided slices. `literal_draw` encodes the batch's images and prompts anew, as they do every
step. Their gradient checkpointing trades speed for memory and changes no number; `set_checkpointing` turns it on.
"""

import copy

import numpy as np
import torch
from torch import nn

from generators.denoising.rows import pick_rows
from generators.diffusion.base_model.coding import as_target, encode_prompts
from generators.diffusion.conditioning.batch import TIMESTEPS, Batch
from generators.diffusion.conditioning.dense_hint import DenseHintInput
from generators.diffusion.conditioning.hints import image_hint, mask_hint


class LiteralHint(nn.Module):
    """Dense Hint Input as the authors wrote it, on the parameters of ours; theirs has three halvings."""

    def __init__(self, hint):
        super().__init__()
        self.hint = hint

    def forward(self, x):
        t = self.hint.trunk
        x = self._residual(t.layer1, t.initial_conv(x))
        for number in range(1, t.halvings + 1):
            x = self._merge(t.get_submodule(f"patch_merge{number}"), self._wider(number + 1, x))
        return self.hint.zero(self._wider(t.halvings + 2, x))

    def _wider(self, number, x):
        t = self.hint.trunk
        return self._residual(t.get_submodule(f"layer{number}"), t.get_submodule(f"conv_before_res{number}")(x))

    def _residual(self, block, x):
        out = block.conv2(nn.functional.silu(block.conv1(x)))
        out += x
        return nn.functional.silu(out)

    def _merge(self, merge, x):
        x = x.permute(0, 2, 3, 1)
        corners = [x[:, 0::2, 0::2], x[:, 1::2, 0::2], x[:, 0::2, 1::2], x[:, 1::2, 1::2]]
        return merge.reduction(merge.norm(torch.cat(corners, -1))).permute(0, 3, 1, 2)


def literal_controlnet(controlnet):
    """The same parameters behind diffusers' own forward pass, with the hint block as the authors wrote it."""
    twin = copy.copy(controlnet)
    twin._modules = dict(controlnet._modules)
    if isinstance(controlnet.controlnet_cond_embedding, DenseHintInput):
        twin.controlnet_cond_embedding = LiteralHint(controlnet.controlnet_cond_embedding)
    return twin


def run_controlnet(controlnet, x, t, context, hint):
    down, middle = controlnet(x, t, context, hint, return_dict=False)
    return (*down, middle)


def run_unet(unet, x, t, context, controls):
    *down, middle = controls
    return unet(
        x, t, context, down_block_additional_residuals=list(down), mid_block_additional_residual=middle
    ).sample  # fmt: skip


def set_checkpointing(nets, active):
    """On every residual and transformer block of U-Net and ControlNet; there is nothing else that `train` changes."""
    for network in (nets.unet, nets.controlnet):
        network.train(active)
        (network.enable_gradient_checkpointing if active else network.disable_gradient_checkpointing)()


def literal_draw(base, data, prompts, count, step, seed, empty_prompt=0.05):
    """The batch of `draw_batch` with the same random numbers, from pixels and words."""
    rows = pick_rows(len(data), count, step, seed)
    rng = np.random.default_rng([seed, 2, step])
    draw = torch.Generator().manual_seed(int(rng.integers(2**62)))
    dtype, scale = base.vae.dtype, base.vae.config.scaling_factor
    with torch.no_grad():
        posterior = base.vae.encode(as_target(data.images[rows]).to(dtype)).latent_dist
        latents = scale * (posterior.mean + posterior.std * torch.randn(posterior.mean.shape, generator=draw))
    noise = torch.randn(latents.shape, generator=draw)
    t = torch.randint(0, TIMESTEPS, (count,), generator=draw)
    dropped = rng.random(count) < empty_prompt
    context = encode_prompts(base, ["" if gone else prompts[row] for gone, row in zip(dropped, rows, strict=True)])
    mask, image = mask_hint(data.masks[rows]), image_hint(data.images[rows])
    return Batch(latents=latents, noise=noise, t=t, context=context, mask=mask, image=image)


def literal_loss(nets, batch, recipe, step, steps):
    """Loss with its graph, and its parts. `nets.decoder` shares its parameters with `nets.unet`."""
    unet, controlnet = nets.unet, literal_controlnet(nets.controlnet)
    a = nets.alphas_cumprod[batch.t].view(-1, 1, 1, 1)
    x = a.sqrt() * batch.latents + (1 - a).sqrt() * batch.noise
    predicted = run_unet(
        unet, x, batch.t, batch.context, run_controlnet(controlnet, x, batch.t, batch.context, batch.mask)
    )
    per_sample = (predicted - batch.noise).square().mean((1, 2, 3))
    parts = {"mask": per_sample.mean().item()}
    if recipe.image_branch:
        control_copy = copy.deepcopy(controlnet).requires_grad_(False)
        unet_copy = copy.deepcopy(unet)
        c_i = run_controlnet(controlnet, x, batch.t, batch.context, batch.image)
        with torch.no_grad():
            c_m = run_controlnet(control_copy, x, batch.t, batch.context, batch.mask)
        mixed = [recipe.w_m * m.detach() + step / steps * i for m, i in zip(c_m, c_i, strict=True)]
        predicted_mix = run_unet(unet_copy, x, batch.t, batch.context, mixed)
        loss_image = (predicted_mix - batch.noise).square().mean((1, 2, 3))
        parts["image"] = loss_image.mean().item()
        per_sample = per_sample + loss_image
        if recipe.noise_consistency:
            loss_c = (predicted - predicted_mix.detach()).square().mean((1, 2, 3))
            parts["consistency"] = loss_c.mean().item()
            per_sample = per_sample + recipe.w_c * loss_c
        weight = (batch.t <= recipe.augment_t).to(x.dtype)
        if recipe.online_augmentation and step > steps * recipe.augment_after and weight.any():
            z0 = (x - (1 - a).sqrt() * predicted_mix) / a.sqrt()
            again = (a.sqrt() * z0 + (1 - a).sqrt() * batch.noise).detach()
            controls = run_controlnet(controlnet, again, batch.t, batch.context, batch.mask)
            loss_a = (run_unet(unet, again, batch.t, batch.context, controls) - batch.noise).square().mean((1, 2, 3))
            parts["augmented"] = (weight * loss_a).mean().item()
            parts["augmented_unweighted"] = loss_a.mean().item()
            per_sample = per_sample + weight * loss_a
    return per_sample.mean(), parts
