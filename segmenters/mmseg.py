"""Any network of mmsegmentation, from a configuration file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.contracts import Context, Cost, Segmenter, Split, param
from bench.errors import BenchError

if TYPE_CHECKING:
    import torch

    from segmenters.training.loop import Recipe

NONE = "segmenter mmseg: no network is named; write mmseg:CONFIG.py"


@dataclass(frozen=True)
class Params:
    """One recipe for all of them; those of the configurations differ too much to be compared."""

    config: str = param("", "configuration file, or the name of one that comes with mmsegmentation", key=False)
    pretrained: bool = param(True, "start from weights of the backbone, not from scratch")
    backbone: str = param("", "file of those weights; empty: looked for in torch hub's folder", key=False)
    size: int = param(352, "images are squashed to this square", unit="px", low=64, high=2048)
    batch: int = param(16, "images an update", low=1)
    epochs: int = param(100, "passes over the training set", low=1)
    lr: float = param(1e-4, "learning rate of AdamW, constant", low=0.0)
    weight_decay: float = param(1e-4, "of AdamW", low=0.0)
    precision: str = param(
        "fp32", "of the arithmetic on an accelerator; weights and optimiser stay fp32", choices=("fp32", "bf16")
    )


class MMSeg(Segmenter):
    """Any network of mmsegmentation: `--segmenter mmseg:CONFIG.py`.

    Network, losses (auxiliary heads included) and normalisation are the configuration's, with two classes and without
    class weights; optimiser, schedule, size and augmentation are not: all networks are trained alike, on whole images.
    The configuration is executed, as any Python file; it and all it is based on decide the result's identity. Heads
    that need mmcv's compiled operations cannot be trained on mmcv-lite.
    """

    version = 2
    requires = ("torch", "safetensors", "mmengine", "mmcv", "mmseg")
    cite = "MMSegmentation Contributors, OpenMMLab semantic segmentation toolbox and benchmark, 2020"
    argument = "config"
    Params = Params

    def _path(self) -> Path:
        from segmenters.training.mmseg_network import find_configuration

        if not self.params.config:
            raise BenchError(NONE)
        return find_configuration(self.params.config)

    def _model(self) -> Any:
        from segmenters.training.mmseg_network import read_model

        return read_model(self._path())

    def _address(self) -> str:
        from segmenters.training.mmseg_network import pretrained_address

        return pretrained_address(self._model())

    def _network(self, seed: int) -> torch.nn.Module:
        from segmenters.training.mmseg_network import build

        return build(self._model(), seed)

    def _recipe(self) -> Recipe:
        import torch

        from segmenters.training.loop import Recipe
        from segmenters.training.mmseg_network import normaliser, own_loss

        p = self.params
        return Recipe(
            size=p.size, batch=p.batch, epochs=p.epochs, normalise=normaliser(self._model()), loss=own_loss,
            make_optimizer=lambda model: torch.optim.AdamW(model.parameters(), p.lr, weight_decay=p.weight_decay),
            make_scheduler=lambda _: None, precision=p.precision,
        )  # fmt: skip

    def files(self) -> tuple[Path, ...]:
        from segmenters.training.mmseg_network import configuration_files

        # Weights that are not given are those of the address in the configuration.
        given = self.params.backbone if self.params.pretrained else ""
        return (*configuration_files(self._path()), *([Path(given).expanduser()] if given else []))

    def missing(self) -> tuple[str, ...]:
        from segmenters.training.pretrained import lacking

        if not self.params.config:
            return (NONE,)
        address = self._address() if self.params.pretrained else ""
        return lacking("mmseg", self.params.backbone, address) if address else ()

    def notes(self) -> tuple[str, ...]:
        from_scratch = not self.params.pretrained and self._address()
        name = Path(self.params.config).name
        return (f"mmseg:{name}: its backbone starts from scratch, not from weights",) if from_scratch else ()

    def details(self) -> tuple[str, ...]:
        if not self.params.config:
            return ()
        return (f"trained: all {sum(p.numel() for p in self._network(0).parameters()):,} parameters",)

    def cost(self, action: str, images: int, devices: int) -> Cost:
        from segmenters.training.cost import cost_of
        from segmenters.training.mmseg_network import lesion_probability

        return cost_of(self._network(0).to("meta"), self._recipe(), lesion_probability, action, images)

    def fit(self, train: Split, val: Split, model_dir: Path, ctx: Context, select: Split = ()) -> None:
        from segmenters.training.loop import fit
        from segmenters.training.mmseg_network import lesion_probability

        network = self._network(ctx.seed)
        if self.params.pretrained and self._address():
            self._load_backbone(network, ctx)
        fit(network, self._recipe(), train, val, model_dir, ctx, select, lesion_probability)

    def _load_backbone(self, network: Any, ctx: Context) -> None:
        from segmenters.training.pretrained import fetched, load_backbone, read_state, weight_file

        address = self._address()
        path = fetched(weight_file(self.params.backbone, address), address, ctx.download)
        load_backbone(network.backbone, read_state(path), path)

    def predict(self, samples: Split, model_dir: Path, out: Path, ctx: Context) -> None:
        from segmenters.training.loop import predict
        from segmenters.training.mmseg_network import lesion_probability

        predict(self._network(ctx.seed), lesion_probability, self._recipe(), samples, model_dir, out, ctx)
