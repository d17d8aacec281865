"""What a diffusion generator adds to a frozen base model: what it trains, and how its hints steer the noise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from generators.diffusion.conditioning.batch import Batch
from generators.diffusion.conditioning.control import encode, hint_features, run_controlnet
from generators.diffusion.conditioning.networks import Networks


class Method:
    """Networks of one generator. `trained` are optimised and checkpointed, `kept` are what sampling needs."""

    alphas_cumprod: torch.Tensor
    """(1000,): the share of variance that is signal at each t."""
    uses_image = False
    """True when sampling needs the image of the pair beside its mask."""

    @property
    def trained(self) -> Mapping[str, nn.Module]:
        """Networks by name; of their parameters those that require a gradient are optimised."""
        raise NotImplementedError

    @property
    def kept(self) -> Mapping[str, nn.Module]:
        """Networks by name whose weights stay on disk for sampling. Default: all that are trained."""
        return self.trained

    def prepare(self, mask: torch.Tensor, image: torch.Tensor | None) -> Any:
        """What depends on the hints alone, hints (n, 3, fh, fw) in [0, 1]: computed once a mask."""
        raise NotImplementedError

    def predict(self, latents: torch.Tensor, t: torch.Tensor, context: torch.Tensor, prepared: Any) -> torch.Tensor:
        """Noise (n, c, h, w) in latents of that shape at t (n,)."""
        raise NotImplementedError

    def twice(self, prepared: Any) -> Any:
        """`prepared` for a batch that holds every image twice (without and with its text)."""
        return prepared.repeat(2, 1, 1, 1)

    def backward(self, batch: Batch, step: int, share: float) -> dict[str, float]:
        """Add the gradients of `share` × the loss of step `step` (from 0); returns the loss and its parts.

        Here: the mean squared error of the predicted noise.
        """
        noisy = batch.noisy(batch.latents, self.alphas_cumprod)
        predicted = self.predict(noisy, batch.t, batch.context, self.prepare(batch.mask, batch.image))
        loss = nn.functional.mse_loss(predicted, batch.noise)
        (share * loss).backward()
        return {"loss": loss.item()}


@dataclass(frozen=True)
class ControlNetMethod(Method):
    """A ControlNet on the masks beside a frozen encoder; the decoder is trained with it where it is not locked."""

    nets: Networks
    locked: bool = False

    @property
    def alphas_cumprod(self) -> torch.Tensor:
        return self.nets.alphas_cumprod

    @property
    def trained(self) -> Mapping[str, nn.Module]:
        trained = {"controlnet": self.nets.controlnet}
        return trained if self.locked else {**trained, "decoder": self.nets.decoder}

    def prepare(self, mask: torch.Tensor, image: torch.Tensor | None) -> torch.Tensor:
        return hint_features(self.nets.controlnet, mask)

    def predict(self, latents: torch.Tensor, t: torch.Tensor, context: torch.Tensor, prepared: Any) -> torch.Tensor:
        controls = run_controlnet(self.nets.controlnet, latents, t, context, prepared)
        return self.nets.decoder(encode(self.nets.unet, latents, t, context), controls)
