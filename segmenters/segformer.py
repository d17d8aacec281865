"""SegFormer of mmsegmentation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from bench.contracts import Context, Cost, Segmenter, Split, param
from segmenters.training.published import Augmentation, Crop, Photometric

if TYPE_CHECKING:
    import torch

    from segmenters.training.loop import Recipe

# mmsegmentation's segformer_mit-b2_8xb2-160k_ade20k-512x512.py and what it is based on; NVlabs' release agrees.
PUBLISHED: Mapping[str, Any] = MappingProxyType(
    {
        "optimizer": "AdamW",
        "betas": (0.9, 0.999),
        "undecayed": ("norm", "pos_block"),  # parts of parameter names with weight decay 0
        "head_rate": 10.0,  # the head's learning rate is so many times `lr`
        "warmup": 1_500 / 160_000,  # share of the updates; linear, from 1e-6 of the rate
        "poly_power": 1.0,  # then down to 0 at the last update
    }
)
AUGMENTATION = Augmentation(crop=Crop((0.5, 2.0), 0.75), flip=0.5, photometric=Photometric())


@dataclass(frozen=True)
class Params:
    """Defaults are the published recipe, as far as it is a number."""

    variant: str = param("b2", "Mix Transformer", choices=("b0", "b1", "b2", "b3", "b4", "b5"))
    head_channels: int = param(0, "width of the head; 0: the configuration's 256 (paper: 768 from B2 on)", low=0)
    pretrained: bool = param(True, "start from the ImageNet weights of the configuration, not from scratch")
    backbone: str = param("", "file of those weights; empty: looked for in torch hub's folder", key=False)
    size: int = param(512, "images are squashed to this square", unit="px", low=64, high=2048)
    batch: int = param(16, "images an update", low=1)
    epochs: int = param(1758, "passes; 1,758 over 1,450 images are the published 160,000 updates", low=1)
    lr: float = param(6e-5, "learning rate of AdamW; the head's is ten times as high", low=0.0)
    weight_decay: float = param(0.01, "of AdamW; none where `norm` is in a name", low=0.0)
    warmup: float = param(
        PUBLISHED["warmup"], "share of the updates in which the rate rises (1,500 of 160,000)", low=0.0, high=1.0
    )
    augment: bool = param(
        True,
        "as published: parts of an image at 0.5 to 2 times its size, flipped, under changed light; false: as it is",
    )
    precision: str = param(
        "fp32", "of the arithmetic on an accelerator; weights and optimiser stay fp32", choices=("fp32", "bf16")
    )


class SegFormer(Segmenter):
    """Mix Transformer and all-MLP head, two logits at stride 4 enlarged bilinearly; cross-entropy.

    Network, losses and normalisation are read from mmsegmentation's own configuration of the variant, with two classes.
    Its head is 256 wide for every variant; the authors' own code has 768 from B2 on (`head_channels`). As
    published: rate rising, then falling evenly to 0; crops, flips and photometric distortion. Images are squashed to
    one size first, where the published recipe keeps their aspect.
    """

    version = 2
    requires = ("torch", "safetensors", "mmengine", "mmcv", "mmseg")
    cite = "Xie et al., SegFormer, NeurIPS 2021; mmsegmentation 1.2 (OpenMMLab)"
    Params = Params

    def _model(self) -> Any:
        from segmenters.training.mit import published_segformer

        model = published_segformer(self.params.variant)
        if self.params.head_channels:
            model.decode_head.channels = self.params.head_channels
        return model

    def _network(self, seed: int) -> torch.nn.Module:
        from segmenters.training.mmseg_network import build

        return build(self._model(), seed)

    def _recipe(self) -> Recipe:
        from segmenters.training.loop import Recipe
        from segmenters.training.mmseg_network import normaliser, own_loss
        from segmenters.training.schedule import warm_up_and_fall

        p = self.params
        return Recipe(
            size=p.size, batch=p.batch, epochs=p.epochs, normalise=normaliser(self._model()), loss=own_loss,
            make_optimizer=lambda model: adamw(model, p.lr, p.weight_decay), make_scheduler=lambda _: None,
            rate=warm_up_and_fall(p.warmup, PUBLISHED["poly_power"]),
            augmentation=AUGMENTATION if p.augment else Augmentation(), precision=p.precision,
        )  # fmt: skip

    def files(self) -> tuple[Path, ...]:
        # Weights that are not given are those of the published address.
        given = self.params.backbone if self.params.pretrained else ""
        return (Path(given).expanduser(),) if given else ()

    def missing(self) -> tuple[str, ...]:
        from segmenters.training.pretrained import MIT, lacking

        return lacking("segformer", self.params.backbone, MIT[self.params.variant]) if self.params.pretrained else ()

    def notes(self) -> tuple[str, ...]:
        return () if self.params.pretrained else ("segformer: its backbone starts from scratch, not from ImageNet",)

    def details(self) -> tuple[str, ...]:
        return (f"trained: all {sum(p.numel() for p in self._network(0).parameters()):,} parameters",)

    def cost(self, action: str, images: int, devices: int) -> Cost:
        from segmenters.training.cost import cost_of
        from segmenters.training.mmseg_network import lesion_probability

        return cost_of(self._network(0).to("meta"), self._recipe(), lesion_probability, action, images)

    def fit(self, train: Split, val: Split, model_dir: Path, ctx: Context, select: Split = ()) -> None:
        from segmenters.training.loop import fit
        from segmenters.training.mit import load_mit
        from segmenters.training.mmseg_network import lesion_probability
        from segmenters.training.pretrained import MIT, fetched, weight_file

        network = self._network(ctx.seed)
        if self.params.pretrained:
            address = MIT[self.params.variant]
            path = fetched(weight_file(self.params.backbone, address), address, ctx.download)
            load_mit(network.backbone, path)
        fit(network, self._recipe(), train, val, model_dir, ctx, select, lesion_probability)

    def predict(self, samples: Split, model_dir: Path, out: Path, ctx: Context) -> None:
        from segmenters.training.loop import predict
        from segmenters.training.mmseg_network import lesion_probability

        predict(self._network(ctx.seed), lesion_probability, self._recipe(), samples, model_dir, out, ctx)


def adamw(model: torch.nn.Module, lr: float, weight_decay: float) -> torch.optim.Optimizer:
    """AdamW with the published exceptions: no decay on normalisation layers, the head ten times as fast."""
    import torch

    groups: dict[tuple[float, float], list[torch.nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        rate = lr * (PUBLISHED["head_rate"] if "head" in name else 1)
        decay = 0.0 if any(part in name for part in PUBLISHED["undecayed"]) else weight_decay
        groups.setdefault((rate, decay), []).append(parameter)
    return torch.optim.AdamW(
        [{"params": members, "lr": rate, "weight_decay": decay} for (rate, decay), members in groups.items()],
        betas=PUBLISHED["betas"],
    )
