"""CTNet: contrastive Transformer network for polyps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from bench.contracts import Context, Cost, Segmenter, Split, param
from bench.errors import BenchError
from segmenters.training.published import Scales

if TYPE_CHECKING:
    import torch

    from segmenters.training.loop import Recipe

# Training.py, utils/loss.py and Test.py of Fhujinwu/CTNet at a29b2be.
PUBLISHED: Mapping[str, Any] = MappingProxyType(
    {
        "optimizer": "AdamW",
        "epochs": 31,  # range(1, 32)
        "rate": "constant",  # its decay would begin at epoch 200
        "augmentation": (),
        "kept": "last epoch",
        "normalise": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    }
)

SCALES = Scales(rates=(0.75, 1.0, 1.25), corners=True, soft_masks=True)
"""At 352 px: 256, 352 and 448, each batch trained at all three, an optimiser step each."""


@dataclass(frozen=True)
class Params:
    """Defaults are the published recipe."""

    variant: str = param("b3", "Mix Transformer; published: b3", choices=("b0", "b1", "b2", "b3", "b4", "b5"))
    pretrained: bool = param(True, "start from the backbone's ImageNet weights, not from scratch")
    backbone: str = param("", "file of those weights; empty: looked for in torch hub's folder", key=False)
    weights: str = param("", "the authors' released checkpoint, used as it is: nothing is trained", key=False)
    size: int = param(352, "images are squashed to this square, a multiple of 32", unit="px", low=128, high=2048)
    batch: int = param(16, "images an update", low=1)
    epochs: int = param(31, "passes over the training set; the released code says 32 and stops before", low=1)
    lr: float = param(1e-4, "learning rate of AdamW", low=0.0)
    weight_decay: float = param(1e-4, "of AdamW", low=0.0)
    clip: float = param(0.5, "each element of a gradient is cut to this magnitude", low=0.0)
    three_steps: bool = param(
        True, "a batch is trained at 0.75, 1 and 1.25 of `size`, an optimiser step each, as published; false: at `size`"
    )
    contrast: float = param(0.1, "weight of the pixel contrast", low=0.0)
    argmax: bool = param(
        True, "as published: the class found is the argmax over the one logit, so background everywhere; false: sign"
    )
    weighted_bce: bool = param(False, "weigh the cross-entropy near borders, as the paper says and its code does not")
    stretch: bool = param(True, "stretch each map to [0, 1] by its own minimum and maximum, as published")
    precision: str = param(
        "fp32", "of the arithmetic on an accelerator; weights and optimiser stay fp32", choices=("fp32", "bf16")
    )


class CTNet(Segmenter):
    """Mix Transformer B3 with self-multiscale interaction and collection; structure loss and pixel contrast.

    The last epoch is kept, as published.
    """

    version = 2
    requires = ("torch", "safetensors", "mmengine", "mmcv", "mmseg")
    cite = "Xiao et al., CTNet: Contrastive Transformer Network for Polyp Segmentation, IEEE Trans. Cybernetics 2024"
    Params = Params

    def check_params(self, devices: int) -> None:
        p = self.params
        if p.size % 32:
            raise BenchError(f"--set ctnet.size={p.size}: the network needs a multiple of 32; choose one")
        if p.weights and not Path(p.weights).expanduser().is_file():
            raise BenchError(f"--set ctnet.weights={p.weights}: no such file; give the path of the checkpoint")

    def _network(self, seed: int) -> torch.nn.Module:
        from segmenters.training.ctnet_network import CTNetNetwork

        return CTNetNetwork(self.params.variant, seed)

    def _recipe(self) -> Recipe:
        from segmenters.training.loop import Recipe

        p = self.params
        return Recipe(
            size=p.size, batch=p.batch, epochs=p.epochs, normalise=normalise, loss=self._loss,
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
        from torch.nn.functional import interpolate

        from segmenters.training.pixel_contrast import pixel_contrast
        from segmenters.training.structure_loss import structure_loss

        p, (logits, embedding) = self.params, model(images)
        loss = structure_loss(logits, masks[:, None].float(), p.weighted_bce)
        if not p.contrast or masks.is_meta:
            # Which pixels are compared hangs on the masks' numbers: not counted where there are none.
            return loss
        found = logits.argmax(1) if p.argmax else (logits[:, 0] > 0).long()
        embedding = interpolate(embedding, masks.shape[1:], mode="bilinear", align_corners=True)
        return loss + p.contrast * pixel_contrast(embedding, masks, found)

    def _probability(self, model: torch.nn.Module, images: torch.Tensor) -> torch.Tensor:
        """(n, h, w) in [0, 1]."""
        maps = model(images)[0][:, 0].sigmoid()
        if not self.params.stretch:
            return maps
        low, high = maps.amin((1, 2), keepdim=True), maps.amax((1, 2), keepdim=True)
        return (maps - low) / (high - low + 1e-8)

    def files(self) -> tuple[Path, ...]:
        # Weights that are not given are those of the published address.
        given = self.params.weights or (self.params.backbone if self.params.pretrained else "")
        return (Path(given).expanduser(),) if given else ()

    def missing(self) -> tuple[str, ...]:
        from segmenters.training.pretrained import MIT, lacking

        p = self.params
        return lacking("ctnet", p.backbone, MIT[p.variant]) if p.pretrained and not p.weights else ()

    def notes(self) -> tuple[str, ...]:
        if self.params.weights:
            name = Path(self.params.weights).name
            return (f"ctnet predicts with the released weights {name}: nothing is trained, its rows are one network",)
        return () if self.params.pretrained else ("ctnet: its backbone starts from scratch, not from ImageNet",)

    def details(self) -> tuple[str, ...]:
        count = sum(parameter.numel() for parameter in self._network(0).parameters())
        return (f"trained: {'none' if self.params.weights else 'all'} of {count:,} parameters",)

    def cost(self, action: str, images: int, devices: int) -> Cost | None:
        if self.params.weights and action == "train":
            return None
        from segmenters.training.cost import cost_of

        return cost_of(self._network(0).to("meta"), self._recipe(), self._probability, action, images)

    def fit(self, train: Split, val: Split, model_dir: Path, ctx: Context, select: Split = ()) -> None:
        from segmenters.training.loop import fit, write

        network = self._network(ctx.seed)
        if self.params.weights:
            load_released(network, Path(self.params.weights).expanduser())
            write(network, model_dir, {"epochs": 0, "updates": 0, "history": []})
            return
        if self.params.pretrained:
            self._load_backbone(network, ctx)
        fit(network, self._recipe(), train, val, model_dir, ctx, select, self._probability)

    def _load_backbone(self, network: Any, ctx: Context) -> None:
        from segmenters.training.mit import load_mit
        from segmenters.training.pretrained import MIT, fetched, weight_file

        address = MIT[self.params.variant]
        load_mit(network.backbone, fetched(weight_file(self.params.backbone, address), address, ctx.download))

    def predict(self, samples: Split, model_dir: Path, out: Path, ctx: Context) -> None:
        from segmenters.training.loop import predict

        predict(self._network(ctx.seed), self._probability, self._recipe(), samples, model_dir, out, ctx)


def load_released(network: torch.nn.Module, path: Path) -> None:
    """The authors' checkpoint, every key of it. BenchError names the first that does not fit."""
    from segmenters.training.ctnet_network import from_released
    from segmenters.training.pretrained import load_strictly, read_state

    load_strictly(network, from_released(read_state(path)), path)


def normalise(images: torch.Tensor) -> torch.Tensor:
    """RGB images (n, 3, h, w) in 0–255, by ImageNet's mean and standard deviation."""
    import torch

    mean, std = (torch.tensor(values, device=images.device)[:, None, None] for values in PUBLISHED["normalise"])
    return (images / 255 - mean) / std
