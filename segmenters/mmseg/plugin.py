"""Any network of mmsegmentation, from a configuration file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.contracts import param
from bench.errors import BenchError
from segmenters._mmsegmentation import ConfiguredSegmenter
from segmenters._pretrained import PretrainedParams
from segmenters.networks.sources import Address

if TYPE_CHECKING:
    from segmenters.training.loop import Recipe

NONE = "segmenter mmseg: no network is named; write mmseg:CONFIG.py"


@dataclass(frozen=True)
class Params(PretrainedParams):
    """One recipe for all of them; those of the configurations differ too much to be compared."""

    config: str = param("", "configuration file, or the name of one that comes with mmsegmentation", key=False)
    size: int = param(352, "images are squashed to this square", unit="px", low=64, high=2048)
    batch: int = param(16, "images an update", low=1)
    epochs: int = param(100, "passes over the training set", low=1)
    lr: float = param(1e-4, "learning rate of AdamW, constant", low=0.0)
    weight_decay: float = param(1e-4, "of AdamW", low=0.0)


class MMSeg(ConfiguredSegmenter):
    """Any network of mmsegmentation: `--segmenter mmseg:CONFIG.py`.

    Network, losses (auxiliary heads included) and normalisation are the configuration's, with two classes and without
    class weights; optimiser, schedule, size and augmentation are not: all networks are trained alike, on whole images.
    A configuration is Python: `run`, with --dry-run too, and `evaluate` execute it and all it is based on, which decide
    the result's identity; `show` does not. Heads that need mmcv's compiled operations cannot be trained on mmcv-lite.
    """

    version = 2
    cite = "MMSegmentation Contributors, OpenMMLab semantic segmentation toolbox and benchmark, 2020"
    argument = "config"
    Params = Params
    plugin_name = "mmseg"

    def _path(self) -> Path:
        from segmenters.networks.mmsegmentation import find_configuration

        if not self.params.config:
            raise BenchError(NONE)
        return find_configuration(self.params.config)

    def _model(self) -> Any:
        from segmenters.networks.mmsegmentation import read_model

        return read_model(self._path())

    def _source(self) -> Address | None:
        from segmenters.networks.mmsegmentation import pretrained_address

        address = pretrained_address(self._model())
        return Address(address) if address else None

    def _recipe(self) -> Recipe:
        import torch

        from segmenters.networks.mmsegmentation import normaliser, own_loss
        from segmenters.training.loop import Recipe

        p = self.params
        return Recipe(
            size=p.size, batch=p.batch, epochs=p.epochs, normalise=normaliser(self._model()), loss=own_loss,
            make_optimizer=lambda model: torch.optim.AdamW(model.parameters(), p.lr, weight_decay=p.weight_decay),
            make_scheduler=lambda _: None, precision=p.precision,
        )  # fmt: skip

    def files(self) -> tuple[Path, ...]:
        from segmenters.networks.mmsegmentation import configuration_files

        return (*configuration_files(self._path()), *super().files())

    def missing(self) -> tuple[str, ...]:
        return super().missing() if self.params.config else (NONE,)

    def notes(self) -> tuple[str, ...]:
        # Without published weights from scratch is as published.
        p = self.params
        return super().notes() if p.weights or p.pretrained or self._source() else ()

    def details(self) -> tuple[str, ...]:
        """Nothing is executed or built for a look."""
        if not self.params.config:
            return ()
        return (f"parameters not counted: {self._path()} is Python, which run and --dry-run execute and show does not",)
