"""One training step of Siamese-Diffusion (Algorithm 1), without a copy of any network and with no work done twice.

L = L_m + L_i + w_c L_c + w_a L_m'. The image branch sees c_mix = w_m sg(c_m) + (k/N) c_i; its decoder parameters are
detached, so L_i trains only the ControlNet. L_c pulls the mask branch's noise to the image branch's, which is
detached. The augmented branch re-noises the image branch's estimate of z_0 with the same noise at the same t.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain

import torch

from generators.diffusion.conditioning.batch import Batch
from generators.diffusion.conditioning.control import Controls, Encoded, encode, hint_features, run_controlnet
from generators.diffusion.conditioning.method import ControlNetMethod
from generators.diffusion.conditioning.networks import Networks
from generators.diffusion.training.cut import cut, frozen, pass_on


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """The method's constants. The image branch runs when noise consistency or online augmentation needs it."""

    noise_consistency: bool = True
    online_augmentation: bool = True
    w_c: float = 1.0
    w_m: float = 1.0
    augment_after: float = 1 / 3
    augment_t: int = 200

    @property
    def image_branch(self) -> bool:
        """Whether the image branch runs at all."""
        return self.noise_consistency or self.online_augmentation


@dataclass(frozen=True, kw_only=True)
class Step:
    """What the branches of one step have in common: step k of N, and the share of its loss that is differentiated."""

    nets: Networks
    batch: Batch
    recipe: Recipe
    number: int
    steps: int
    share: float = 1.0

    @property
    def augments(self) -> bool:
        """Whether online augmentation has begun."""
        return self.recipe.online_augmentation and self.number > self.steps * self.recipe.augment_after


def backward_siamese(
    nets: Networks, batch: Batch, recipe: Recipe, step: int, steps: int, share: float = 1.0
) -> dict[str, float]:
    """Add the gradients of `share` × the step's loss to the parameters; returns the loss and its parts.

    The graph is cut twice, behind the hint block and behind the ControlNet. Each branch is differentiated down to the
    cut as soon as its loss is known, which frees its activations; the gradients gathered there then pass through the
    ControlNet and the hint block once. The sum is the gradient of the whole.
    """
    this = Step(nets=nets, batch=batch, recipe=recipe, number=step, steps=steps, share=share)
    noisy = batch.noisy(batch.latents, nets.alphas_cumprod)
    encoded = encode(nets.unet, noisy, batch.t, batch.context)
    hints = torch.cat([batch.mask, batch.image]) if recipe.image_branch else batch.mask
    features = hint_features(nets.controlnet, hints)
    (features_leaf,) = cut([features])
    outputs = _controls(nets, batch, noisy, features_leaf)
    leaves = [cut(branch) for branch in outputs]
    losses = {"mask": 0.0}
    predicted_mix = None
    if recipe.image_branch:
        predicted_mix, losses["image"] = image_branch(this, encoded, *leaves)
    losses |= _mask_branch(this, encoded, leaves[0], predicted_mix)
    pass_on(list(chain(*outputs)), list(chain(*leaves)))
    if this.augments and predicted_mix is not None:
        losses["augmented"] = _augmented_branch(this, noisy, features_leaf, predicted_mix)
    pass_on([features], [features_leaf])
    consistency, rest = recipe.w_c * losses.get("consistency", 0.0), ("mask", "image", "augmented")
    return {"loss": consistency + sum(losses.get(name, 0.0) for name in rest), **losses}


def _controls(nets: Networks, batch: Batch, noisy: torch.Tensor, features: torch.Tensor) -> list[Controls]:
    """Residuals for the masks and, where `features` hold them too, for the images: one pass for both."""
    branches = len(features) // len(noisy)
    latents, t, context = (torch.cat([part] * branches) for part in (noisy, batch.t, batch.context))
    controls = run_controlnet(nets.controlnet, latents, t, context, features)
    return list(zip(*(control.chunk(branches) for control in controls), strict=True))


def image_branch(
    step: Step, encoded: Encoded, mask_controls: Controls, image_controls: Controls
) -> tuple[torch.Tensor, float]:
    """The noise predicted from c_mix, detached, and L_i, whose gradients reach `image_controls` alone."""
    w_m, w_i, decoder = step.recipe.w_m, step.number / step.steps, step.nets.decoder
    mixed = [w_m * m.detach() + w_i * i for m, i in zip(mask_controls, image_controls, strict=True)]
    # Frozen until the backward pass is over: gradient checkpointing runs the decoder again in there.
    with frozen(decoder):
        predicted = decoder(encoded, mixed)
        loss = torch.nn.functional.mse_loss(predicted, step.batch.noise)
        (step.share * loss).backward()
    return predicted.detach(), loss.item()


def _mask_branch(
    step: Step, encoded: Encoded, controls: Controls, predicted_mix: torch.Tensor | None
) -> dict[str, float]:
    predicted = step.nets.decoder(encoded, controls)
    total = loss = torch.nn.functional.mse_loss(predicted, step.batch.noise)
    losses = {"mask": loss.item()}
    if step.recipe.noise_consistency and predicted_mix is not None:
        consistency = torch.nn.functional.mse_loss(predicted, predicted_mix)
        total = total + step.recipe.w_c * consistency
        losses["consistency"] = consistency.item()
    (step.share * total).backward()
    return losses


def _augmented_branch(step: Step, noisy: torch.Tensor, features: torch.Tensor, predicted_mix: torch.Tensor) -> float:
    """Only the samples of weight 1 (t <= T) are run; the mean is over the whole batch, as in the authors' code.

    `features` begin with those of the batch's masks.

    The paper writes t < T; the code that made its numbers has <=.
    """
    nets, batch = step.nets, step.batch
    rows = torch.nonzero(batch.t <= step.recipe.augment_t).flatten()
    if not len(rows):
        return 0.0
    a = nets.alphas_cumprod[batch.t].view(-1, 1, 1, 1)
    estimate = (noisy - (1 - a).sqrt() * predicted_mix) / a.sqrt()
    again = batch.noisy(estimate, nets.alphas_cumprod)[rows]
    t, context = batch.t[rows], batch.context[rows]
    controls = run_controlnet(nets.controlnet, again, t, context, features[rows])
    predicted = nets.decoder(encode(nets.unet, again, t, context), controls)
    per_sample = (predicted - batch.noise[rows]).square().mean((1, 2, 3))
    loss = per_sample.sum() / len(batch.t)
    (step.share * loss).backward()
    return loss.item()


@dataclass(frozen=True)
class SiameseMethod(ControlNetMethod):
    """Trained as above, `steps` in all; sampled as any ControlNet on masks."""

    recipe: Recipe = Recipe()
    steps: int = 1

    def backward(self, batch: Batch, step: int, share: float) -> dict[str, float]:
        return backward_siamese(self.nets, batch, self.recipe, step, self.steps, share)
