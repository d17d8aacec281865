"""Any network of segmentation-models-pytorch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.contracts import Context, Cost, Segmenter, Split, param
from bench.errors import BenchError

if TYPE_CHECKING:
    import torch

    from segmenters.training.loop import Recipe

NONE = "segmenter smp: no network is named; write smp:ARCHITECTURE+ENCODER, for example smp:Unet+resnet34"


@dataclass(frozen=True)
class Params:
    """One recipe for all of them."""

    network: str = param("", "architecture and encoder of segmentation-models-pytorch, joined by +")
    pretrained: bool = param(True, "start from the encoder's ImageNet weights, not from scratch")
    encoder: str = param("", "file of those weights; empty: Hugging Face's cache", key=False)
    size: int = param(352, "images are squashed to this square, a multiple of 32", unit="px", low=64, high=2048)
    batch: int = param(16, "images an update", low=1)
    epochs: int = param(100, "passes over the training set", low=1)
    lr: float = param(1e-4, "learning rate of AdamW, constant", low=0.0)
    weight_decay: float = param(1e-4, "of AdamW", low=0.0)
    precision: str = param(
        "fp32", "of the arithmetic on an accelerator; weights and optimiser stay fp32", choices=("fp32", "bf16")
    )


class SMP(Segmenter):
    """Any network of segmentation-models-pytorch: `--segmenter smp:Unet+resnet34`.

    Two logits; half Dice (pooled over the batch), half cross-entropy. Images by ImageNet's mean and standard deviation,
    whatever the encoder. Encoders of timm are written `tu-NAME`; their weights come from a file only.
    """

    version = 2
    requires = ("torch", "safetensors", "segmentation_models_pytorch")
    cite = "Iakubovskii, Segmentation Models PyTorch, 2019"
    argument = "network"
    Params = Params

    def check_params(self, devices: int) -> None:
        if self.params.size % 32:
            raise BenchError(f"--set smp.size={self.params.size}: the networks need a multiple of 32; choose one")
        if not self.params.network:
            raise BenchError(NONE)
        _parts(self.params.network)
        given = self.params.encoder
        if given and not Path(given).expanduser().is_file():
            raise BenchError(f"--set smp.encoder={given}: no such file; give the path of the encoder's weights")

    def _network(self, seed: int) -> Any:
        import torch
        from segmentation_models_pytorch import create_model

        architecture, encoder = _parts(self.params.network)
        torch.manual_seed(seed)
        try:
            return create_model(architecture, encoder, encoder_weights=None, classes=2)
        # Not every encoder can serve every architecture.
        except (KeyError, ValueError, TypeError, NotImplementedError, RuntimeError) as error:
            reason = str(error.args[0] if error.args else error).splitlines()[0]
            raise BenchError(f"smp:{self.params.network}: {reason}; choose another encoder") from None

    def _recipe(self) -> Recipe:
        import torch

        from segmenters.training.loop import Recipe
        from segmenters.unet import dice_and_cross_entropy

        p = self.params
        return Recipe(
            size=p.size, batch=p.batch, epochs=p.epochs, normalise=normalise, loss=dice_and_cross_entropy,
            make_optimizer=lambda model: torch.optim.AdamW(model.parameters(), p.lr, weight_decay=p.weight_decay),
            make_scheduler=lambda _: None, precision=p.precision,
        )  # fmt: skip

    def _weights(self) -> Path | None:
        """The encoder's file; None where it is neither given nor in Hugging Face's cache."""
        from huggingface_hub import try_to_load_from_cache

        if self.params.encoder:
            return Path(self.params.encoder).expanduser()
        found = _published(self.params.network)
        path = try_to_load_from_cache(found["repo_id"], "model.safetensors", revision=found["revision"]) if found else 0
        return Path(path) if isinstance(path, str) else None

    def files(self) -> tuple[Path, ...]:
        # Weights that are not given are those the encoder's name stands for.
        given = self.params.encoder if self.params.pretrained else ""
        return (Path(given).expanduser(),) if given else ()

    def missing(self) -> tuple[str, ...]:
        if not self.params.network:
            return (NONE,)
        if not self.params.pretrained or self._weights():
            return ()
        found = _published(self.params.network)
        place = f" (huggingface.co/{found['repo_id']}); let --download fetch it," if found else ";"
        return (
            f"segmenter smp:{self.params.network}: no weights of its encoder{place} name a file with "
            "--set smp.encoder=FILE or train from scratch with --set smp.pretrained=false",
        )

    def notes(self) -> tuple[str, ...]:
        name = f"smp:{self.params.network}"
        return () if self.params.pretrained else (f"{name}: its encoder starts from scratch, not from ImageNet",)

    def details(self) -> tuple[str, ...]:
        if not self.params.network:
            return ()
        return (f"trained: all {sum(p.numel() for p in self._network(0).parameters()):,} parameters",)

    def cost(self, action: str, images: int, devices: int) -> Cost:
        from segmenters.training.cost import cost_of
        from segmenters.unet import lesion_probability

        return cost_of(self._network(0).to("meta"), self._recipe(), lesion_probability, action, images)

    def fit(self, train: Split, val: Split, model_dir: Path, ctx: Context, select: Split = ()) -> None:
        from segmenters.training.loop import fit
        from segmenters.unet import lesion_probability

        network = self._network(ctx.seed)
        if self.params.pretrained:
            self._load_encoder(network, ctx)
        fit(network, self._recipe(), train, val, model_dir, ctx, select, lesion_probability)

    def _load_encoder(self, network: Any, ctx: Context) -> None:
        from huggingface_hub import hf_hub_download

        from segmenters.training.pretrained import load_backbone, read_state

        found = _published(self.params.network)
        if ctx.download and not self._weights() and found:
            hf_hub_download(found["repo_id"], "model.safetensors", revision=found["revision"])
        path = self._weights()
        if path is None:
            raise BenchError(self.missing()[0])
        load_backbone(network.encoder, read_state(path), path)

    def predict(self, samples: Split, model_dir: Path, out: Path, ctx: Context) -> None:
        from segmenters.training.loop import predict
        from segmenters.unet import lesion_probability

        predict(self._network(ctx.seed), lesion_probability, self._recipe(), samples, model_dir, out, ctx)


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


def _published(network: str) -> dict[str, str] | None:
    """Where the encoder's ImageNet weights were published, if they were."""
    from segmentation_models_pytorch.encoders import encoders

    settings = encoders.get(_parts(network)[1], {}).get("pretrained_settings", {})
    found: dict[str, str] | None = settings.get("imagenet")
    return found


def normalise(images: torch.Tensor) -> torch.Tensor:
    """RGB images (n, 3, h, w) in 0–255, by ImageNet's mean and standard deviation."""
    import torch

    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    shift, scale = (torch.tensor(values, device=images.device)[:, None, None] for values in (mean, std))
    return (images / 255 - shift) / scale
