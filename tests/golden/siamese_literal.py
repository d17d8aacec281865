"""Algorithm 1 as the authors run it: two deep copies a step, every branch whole, nothing shared."""

import copy

import torch

from generators.diffusion.control import run_controlnet


def run_unet(unet, x, t, context, controls):
    *down, middle = controls
    return unet(
        x, t, context, down_block_additional_residuals=list(down), mid_block_additional_residual=middle
    ).sample  # fmt: skip


def literal_loss(nets, batch, recipe, step, steps):
    """Loss with its graph, and its parts. `nets.decoder` shares its parameters with `nets.unet`."""
    unet, controlnet = nets.unet, nets.controlnet
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
        if recipe.online_augmentation and step > steps * recipe.augment_after:
            z0 = (x - (1 - a).sqrt() * predicted_mix) / a.sqrt()
            again = (a.sqrt() * z0 + (1 - a).sqrt() * batch.noise).detach()
            controls = run_controlnet(controlnet, again, batch.t, batch.context, batch.mask)
            loss_a = (run_unet(unet, again, batch.t, batch.context, controls) - batch.noise).square().mean((1, 2, 3))
            weight = (batch.t <= recipe.augment_t).to(loss_a.dtype)
            parts["augmented"] = (weight * loss_a).mean().item()
            parts["augmented_unweighted"] = loss_a.mean().item()
            per_sample = per_sample + weight * loss_a
    return per_sample.mean(), parts
