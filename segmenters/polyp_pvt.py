"""Polyp-PVT, polyp segmentation with a pyramid vision transformer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bench.contracts import param
from bench.errors import BenchError
from segmenters._released import ReleasedParams, ReleasedSegmenter, finite_only, number_of_blocks
from segmenters.training.published import Scales

if TYPE_CHECKING:
    import torch

    from segmenters.training.loop import Recipe

SCALES = Scales(rates=(0.75, 1.0, 1.25), corners=True, soft_masks=True)
"""At 352 px: 256, 352 and 448, each batch trained at all three, an optimiser step each."""
STRIDE = 32


@dataclass(frozen=True)
class Params(ReleasedParams):
    """Defaults are the published recipe."""

    size: int = param(352, "images are squashed to this square, a multiple of 32", unit="px", low=64, high=2048)
    batch: int = param(16, "images a batch", low=1)
    epochs: int = param(99, "passes over the training set; the released code says 100 and stops before", low=1)
    lr: float = param(1e-4, "learning rate of AdamW, constant", low=0.0)
    weight_decay: float = param(1e-4, "of all weights", low=0.0)
    clip: float = param(0.5, "each element of a gradient is cut to this magnitude", low=0.0)
    three_steps: bool = param(
        True, "a batch is trained at 0.75, 1 and 1.25 of `size`, an optimiser step each, as published; false: at `size`"
    )
    drop_path: float = param(
        0.1, "chance of the last block of the backbone to be skipped in training", low=0.0, high=1.0
    )
    weighted_bce: bool = param(False, "weight the cross-entropy half of the loss too, as the paper's formula does")
    stretch: bool = param(True, "stretch each map to [0, 1] by its own minimum and maximum, as published")
    precision: str = param(
        "fp32", "of the arithmetic on an accelerator; weights and optimiser stay fp32", choices=("fp32", "bf16")
    )


class PolypPVT(ReleasedSegmenter):
    """PVTv2-B2 with cascaded fusion, camouflage identification and similarity aggregation; the sum of two logits.

    As published: AdamW at a constant rate, three sizes a batch, grey masks as they are stored, structure loss on both
    outputs with the cross-entropy half unweighted, each map stretched by its own extremes. Theirs keeps the epoch that
    is best on the test images; ours the last.
    """

    version = 2
    cite = "Dong et al., Polyp-PVT, CAAI Artificial Intelligence Research 2023 (arXiv:2108.06932)"
    Params = Params
    plugin_name = "polyp-pvt"
    hub = "timm/pvt_v2_b2.in1k"
    trunk = "backbone"

    def check_params(self, devices: int) -> None:
        super().check_params(devices)
        if self.params.size % STRIDE:
            raise BenchError(f"polyp-pvt.size={self.params.size}: must be a multiple of {STRIDE}")

    def _network(self) -> torch.nn.Module:
        from segmenters.networks.polyp_pvt import PolypPVTNetwork

        p = self.params
        return PolypPVTNetwork(p.width, number_of_blocks(p.blocks), p.drop_path)

    def _released_name(self, entry: str) -> str:
        from segmenters.networks.polyp_pvt import released_name

        return released_name(entry)

    def _recipe(self) -> Recipe:
        from segmenters.training.loop import Recipe
        from segmenters.training.normalise import imagenet

        p = self.params
        return Recipe(
            size=p.size, batch=p.batch, epochs=p.epochs, normalise=imagenet, loss=self._loss,
            make_optimizer=self._optimizer, make_scheduler=lambda _: None,
            scales=SCALES if p.three_steps else replace(SCALES, rates=(1.0,)), precision=p.precision,
        )  # fmt: skip

    def _optimizer(self, model: torch.nn.Module) -> torch.optim.Optimizer:
        import torch

        p, parameters = self.params, list(model.parameters())
        optimizer = torch.optim.AdamW(parameters, p.lr, weight_decay=p.weight_decay)
        optimizer.register_step_pre_hook(lambda *_: torch.nn.utils.clip_grad_value_(parameters, p.clip))
        return optimizer

    def _loss(self, model: torch.nn.Module, images: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
        """Structure loss of both outputs."""
        from segmenters._structure_loss import structure_loss

        truth = masks.float()[:, None]
        coarse, fine = (structure_loss(logits, truth, self.params.weighted_bce) for logits in model(images))
        return coarse + fine

    def _probability(self, model: torch.nn.Module, images: torch.Tensor) -> torch.Tensor:
        coarse, fine = model(images)
        return lesion_map(coarse + fine, images.shape[2:], self.params.stretch)


def lesion_map(logits: torch.Tensor, size: tuple[int, int], stretch: bool = True) -> torch.Tensor:
    """Summed logits (n, 1, h, w) -> probabilities (n, *size); as published, `size` is the image's own."""
    from torch.nn.functional import interpolate

    logits = interpolate(logits, size, mode="bilinear", align_corners=False)[:, 0]
    probability = logits.sigmoid()
    if stretch:
        low, high = probability.amin((1, 2), keepdim=True), probability.amax((1, 2), keepdim=True)
        probability = (probability - low) / (high - low + 1e-8)
    return finite_only(probability, logits)
