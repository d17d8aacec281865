"""Algorithm 1 as the authors' code runs it: two deep copies a step, every branch whole, nothing shared.

Like theirs: the U-Net's encoder keeps no graph (it is frozen), the copy's decoder does get gradients, which nobody
reads, the augmented branch runs on the whole batch with weights 0 and 1 and not at all when every weight is 0, and
patches are merged by four strided slices. Their gradient checkpointing, which trades speed for memory and changes no
number, is off on both sides of every comparison.
"""

import copy

import torch
from torch import nn

from generators.diffusion.hint import DenseHintInput


class LiteralHint(nn.Module):
    """Dense Hint Input as the authors wrote it, on the parameters of ours."""

    def __init__(self, hint):
        super().__init__()
        self.hint = hint

    def forward(self, x):
        t = self.hint.trunk
        x = self._merge(t.patch_merge1, self._residual(t.layer2, t.conv_before_res2(self._first(x))))
        x = self._merge(t.patch_merge2, self._residual(t.layer3, t.conv_before_res3(x)))
        x = self._merge(t.patch_merge3, self._residual(t.layer4, t.conv_before_res4(x)))
        return self.hint.zero(self._residual(t.layer5, t.conv_before_res5(x)))

    def _first(self, x):
        return self._residual(self.hint.trunk.layer1, self.hint.trunk.initial_conv(x))

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
