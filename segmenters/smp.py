"""Any network of segmentation-models-pytorch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.contracts import param
from bench.errors import BenchError, first_line
from bench.files.published import HubFile
from segmenters.training.segmenter import TrainedSegmenter
from segmenters.weights.backbone import Backbone
from segmenters.weights.params import PretrainedParams
from segmenters.weights.sources import Nowhere

if TYPE_CHECKING:
    import torch

    from segmenters.training.loop import Recipe

NONE = "segmenter smp: no network is named; write smp:ARCHITECTURE+ENCODER, for example smp:Unet+resnet34"


@dataclass(frozen=True, kw_only=True)
class Params(PretrainedParams):
    """One recipe for all of them."""

    network: str = param("", "architecture and encoder of segmentation-models-pytorch, joined by +")
    size: int = param(
        352, "images are resized to this square, aspect not kept, a multiple of 32", unit="px", low=64, high=2048
    )
    batch: int = param(16, "images an update", low=1)
    epochs: int = param(100, "passes over the training set", low=1)
    lr: float = param(1e-4, "learning rate of AdamW, constant", low=0.0)
    weight_decay: float = param(1e-4, "of AdamW", low=0.0)


class SMP(TrainedSegmenter):
    """Any network of segmentation-models-pytorch: `--segmenter smp:Unet+resnet34`.

    Two logits; half Dice (pooled over the batch), half cross-entropy. Images by ImageNet's mean and standard deviation,
    whatever the encoder. Encoders of timm are written `tu-NAME`; their weights come from a file only.
    """

    version = 2
    requires = ("torch", "safetensors", "segmentation_models_pytorch")
    cite = "Iakubovskii, Segmentation Models PyTorch, 2019"
    argument = "network"
    Params = Params
    plugin_name = "smp"
    stride = 32

    def check_params(self, devices: int) -> None:
        if not self.params.network:
            raise BenchError(NONE)
        _parts(self.params.network)
        super().check_params(devices)

    def network(self) -> torch.nn.Module:
        from segmentation_models_pytorch import create_model

        architecture, encoder = _parts(self.params.network)
        try:
            return create_model(architecture, encoder, encoder_weights=None, classes=2)
        # Not every encoder can serve every architecture.
        except (KeyError, ValueError, TypeError, NotImplementedError, RuntimeError) as error:
            raise BenchError(f"smp:{self.params.network}: {first_line(error)}; choose another encoder") from None

    def recipe(self) -> Recipe:
        import torch

        from segmenters.training.dice import dice_and_cross_entropy
        from segmenters.training.loop import Recipe
        from segmenters.training.normalise import imagenet

        p = self.params
        return Recipe(
            size=p.size,
            batch=p.batch,
            epochs=p.epochs,
            normalise=imagenet,
            loss=dice_and_cross_entropy,
            make_optimizer=lambda model: torch.optim.AdamW(model.parameters(), p.lr, weight_decay=p.weight_decay),
            make_scheduler=lambda _: None,
            precision=p.precision,
        )

    def backbone(self) -> Backbone:
        return Backbone(self, self._source, trunk="encoder")

    def _source(self) -> HubFile | Nowhere:
        """Where the encoder's ImageNet weights were published, as the library says."""
        from segmentation_models_pytorch.encoders import encoders

        if not self.params.network:
            return Nowhere()
        settings = encoders.get(_parts(self.params.network)[1], {}).get("pretrained_settings", {})
        found = settings.get("imagenet")
        return HubFile(found["repo_id"], found["revision"]) if found else Nowhere()

    def missing(self) -> tuple[str, ...]:
        return super().missing() if self.params.network else (NONE,)

    def details(self) -> tuple[str, ...]:
        return super().details() if self.params.network else ()


def _parts(network: str) -> tuple[str, str]:
    """Architecture and encoder. BenchError for what segmentation-models-pytorch does not have."""
    from segmentation_models_pytorch import MODEL_ARCHITECTURES_MAPPING
    from segmentation_models_pytorch.encoders import encoders

    architecture, plus, encoder = network.partition("+")
    if not plus:
        raise BenchError(f"smp:{network}: write ARCHITECTURE+ENCODER, for example smp:Unet+resnet34")
    if architecture.lower() not in MODEL_ARCHITECTURES_MAPPING:
        known = ", ".join(sorted(kind.__name__ for kind in MODEL_ARCHITECTURES_MAPPING.values()))
        raise BenchError(f"smp:{network}: unknown architecture {architecture!r}; choose one of {known}")
    if encoder not in encoders and not encoder.startswith("tu-"):
        raise BenchError(f"smp:{network}: unknown encoder {encoder!r}; choose one of {', '.join(sorted(encoders))}")
    return architecture, encoder
