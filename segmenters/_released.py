"""Segmenters on a backbone pretrained on ImageNet, whose authors released a checkpoint."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from bench.contracts import Context, Cost, Segmenter, Split, param
from bench.errors import BenchError

if TYPE_CHECKING:
    import torch

    from segmenters.training.loop import Recipe

HUB_FILE = "model.safetensors"
FULL = (64, "3,4,6,3")
"""Width and blocks of the backbones as published; no other has ImageNet weights."""


@dataclass(frozen=True)
class ReleasedParams:
    pretrained: bool = param(True, "start from ImageNet weights of the backbone, as published; false: from scratch")
    backbone: str = param("", "timm's file of those weights; empty: the hub's cache", key=False)
    weights: str = param("", "the authors' released checkpoint, used as it is: nothing is trained", key=False)
    width: int = param(FULL[0], "channels of the first stage; 64 as published", low=8, high=256)
    blocks: str = param(FULL[1], "blocks of the four stages", choices=(FULL[1], "1,1,1,1"))


class ReleasedSegmenter(Segmenter):
    """Network, recipe and probability come from the plugin; where its weights come from is decided here."""

    plugin_name: ClassVar[str]
    hub: ClassVar[str]
    """Hub name of the backbone's ImageNet weights."""
    trunk: ClassVar[str]
    """The network's attribute that is the backbone."""
    requires = ("torch", "timm", "safetensors")

    def _network(self) -> torch.nn.Module:
        """With random weights."""
        raise NotImplementedError

    def _recipe(self) -> Recipe:
        raise NotImplementedError

    def _probability(self, model: torch.nn.Module, images: torch.Tensor) -> torch.Tensor:
        """(n, 3, h, w) -> (n, h, w) in [0, 1]."""
        raise NotImplementedError

    def _released_name(self, entry: str) -> str:
        """What the released checkpoint calls an entry of the network."""
        return entry

    def files(self) -> tuple[Path, ...]:
        given = self.params.weights or (self.params.backbone if self.params.pretrained else "")
        return (Path(given),) if given else ()

    def missing(self) -> tuple[str, ...]:
        p, name = self.params, self.plugin_name
        absent = [path for path in self.files() if not path.is_file()]
        if absent:
            field = "weights" if p.weights else "backbone"
            return (f"segmenter {name}: {name}.{field}={absent[0]}: no such file; name the file of weights",)
        if p.weights or not p.pretrained or self._backbone_file():
            return ()
        return (
            f"segmenter {name}: the ImageNet weights {self.hub} of its backbone are not here (0.1 GB): give timm's "
            f"file with --set {name}.backbone=FILE, let --download fetch it from the hub, or train from scratch with "
            f"--set {name}.pretrained=false",
        )

    def check_params(self, devices: int) -> None:
        p = self.params
        if p.pretrained and not p.weights and (p.width, p.blocks) != FULL:
            raise BenchError(
                f"{self.plugin_name}.width={p.width}, blocks={p.blocks}: no ImageNet weights fit such a backbone; "
                f"leave them at {FULL[0]} and {FULL[1]}, or train from scratch with "
                f"--set {self.plugin_name}.pretrained=false"
            )

    def notes(self) -> tuple[str, ...]:
        p, name = self.params, self.plugin_name
        if p.weights:
            return (
                f"{name} predicts with the released weights {Path(p.weights).name}: nothing is trained, so its rows "
                "are one and the same network",
            )
        return () if p.pretrained else (f"{name} is trained from scratch: its backbone has seen no ImageNet",)

    def details(self) -> tuple[str, ...]:
        count = sum(parameter.numel() for parameter in self._shape().parameters())
        return (f"{count:,} parameters, {'none of them trained here' if self.params.weights else 'all trained'}",)

    def cost(self, action: str, images: int, devices: int) -> Cost | None:
        if self.params.weights and action == "train":
            return None
        from segmenters.training.cost import cost_of

        return cost_of(self._shape(), self._recipe(), self._probability, action, images)

    def fit(self, train: Split, val: Split, model_dir: Path, ctx: Context, select: Split = ()) -> None:
        from segmenters.networks.files import load_backbone, load_released
        from segmenters.training.loop import fit, write

        network = self._seeded(ctx.seed)
        if self.params.weights:
            load_released(network, Path(self.params.weights), self._released_name)
            write(network, model_dir, {"epochs": 0, "updates": 0, "history": []})
            return
        if self.params.pretrained:
            load_backbone(getattr(network, self.trunk), self._backbone_file() or self._fetched(ctx))
        fit(network, self._recipe(), train, val, model_dir, ctx, select, self._probability)

    def predict(self, samples: Split, model_dir: Path, out: Path, ctx: Context) -> None:
        from segmenters.training.loop import predict

        predict(self._seeded(ctx.seed), self._probability, self._recipe(), samples, model_dir, out, ctx)

    def _seeded(self, seed: int) -> torch.nn.Module:
        import torch

        torch.manual_seed(seed)
        return self._network()

    def _shape(self) -> torch.nn.Module:
        import torch

        with torch.device("meta"):
            return self._network()

    def _backbone_file(self) -> Path | None:
        """The file that was given, or the hub's cached one; None when it is not here."""
        if self.params.backbone:
            return Path(self.params.backbone)
        from huggingface_hub import try_to_load_from_cache

        found = try_to_load_from_cache(self.hub, HUB_FILE)
        return Path(found) if isinstance(found, str) else None

    def _fetched(self, ctx: Context) -> Path:
        if not ctx.download:
            raise BenchError(self.missing()[0])
        from huggingface_hub import hf_hub_download

        try:
            return Path(hf_hub_download(self.hub, HUB_FILE))
        except (OSError, ValueError) as error:
            reason = str(error).partition("\n")[0]
            raise BenchError(
                f"{self.hub} could not be fetched ({reason}); give its file with --set {self.plugin_name}.backbone=FILE"
            ) from None


def number_of_blocks(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


def finite_only(probability: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
    """NaN wherever the logit is no number, so that a broken network is told: the sigmoid of infinity is one."""
    return probability.masked_fill(~logits.isfinite(), float("nan"))
