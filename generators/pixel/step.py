"""One micro-batch of a training step."""

from __future__ import annotations

from dataclasses import dataclass

from generators.denoising.precision import arithmetic
from generators.pixel.batch import PixelPlan
from generators.pixel.method import PixelMethod


@dataclass(frozen=True)
class Step:
    """`backward` is what the training loop calls."""

    method: PixelMethod
    plan: PixelPlan
    precision: str

    def backward(self, number: int, part: int, parts: int) -> dict[str, float]:
        """Add the gradients of micro-batch `part` of `parts` of step `number`; returns its loss."""
        method, batch = self.method, self.plan.draw(number, part, parts)
        noisy = batch.noisy(method.alphas.to(batch.images.device))
        with arithmetic(self.precision, self.plan.device):
            predicted = method.predict(method.network, noisy, batch.t, method.prepare(batch.masks))
        loss = method.loss(predicted.float(), batch.noise, batch.masks)
        (loss / parts).backward()
        return {"loss": loss.item()}
