"""Any network of mmsegmentation, from a configuration file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.contracts import param
from bench.errors import BenchError
from bench.files.published import WebFile
from segmenters.mmseg.mmcv_lite import REQUIRES, opencv_fault
from segmenters.training.segmenter import TrainedSegmenter
from segmenters.weights.backbone import Backbone
from segmenters.weights.params import PretrainedParams

if TYPE_CHECKING:
    import torch

    from segmenters.training.loop import Recipe
    from segmenters.training.maps import MapHead

NONE = "segmenter mmseg: no network is named; write mmseg:CONFIG.py"


@dataclass(frozen=True, kw_only=True)
class Params(PretrainedParams):
    """One recipe for all of them; those of the configurations differ too much to be compared."""

    config: str = param("", "configuration file, or the name of one that comes with mmsegmentation", key=False)
    size: int = param(352, "images are resized to this square, aspect not kept", unit="px", low=64, high=2048)
    batch: int = param(16, "images an update", low=1)
    epochs: int = param(100, "passes over the training set", low=1)
    lr: float = param(1e-4, "learning rate of AdamW, constant", low=0.0)
    weight_decay: float = param(1e-4, "of AdamW", low=0.0)


class MMSeg(TrainedSegmenter):
    """Any network of mmsegmentation: `--segmenter mmseg:CONFIG.py`.

    Network, losses (auxiliary heads included) and normalisation are the configuration's, with two classes and without
    class weights; optimiser, schedule, size and augmentation are not: all networks are trained alike, on whole images.
    A configuration is Python: `run`, with --dry-run too, and `evaluate` execute it and all it is based on, which decide
    the result's identity; `show` does not. Heads that need mmcv's compiled operations cannot be trained on mmcv-lite.
    """

    version = 2
    requires = REQUIRES
    cite = "MMSegmentation Contributors, OpenMMLab semantic segmentation toolbox and benchmark, 2020"
    argument = "config"
    Params = Params
    plugin_name = "mmseg"

    def unusable(self) -> str:
        return opencv_fault()

    def _path(self) -> Path:
        """The configuration file. BenchError where none is named, or there is no such file."""
        from segmenters.mmseg.configuration import find_configuration

        if not self.params.config:
            raise BenchError(NONE)
        return find_configuration(self.params.config)

    def _model(self) -> Any:
        """The configuration's `model` with two classes; the file is executed."""
        from segmenters.mmseg.configuration import read_model

        return read_model(self._path())

    def network(self) -> torch.nn.Module:
        from segmenters.mmseg.configuration import build

        return build(self._model())

    def backbone(self) -> Backbone:
        return Backbone(self, self._source)

    def _source(self) -> WebFile | None:
        """Where the configuration takes its backbone's weights from."""
        from segmenters.mmseg.configuration import pretrained_address

        address = pretrained_address(self._model())
        return WebFile(address) if address else None

    def head(self) -> MapHead:
        from segmenters.mmseg.configuration import own_head

        return own_head()

    def recipe(self) -> Recipe:
        import torch

        from segmenters.mmseg.configuration import normaliser, own_loss
        from segmenters.training.loop import Recipe

        p = self.params
        return Recipe(
            size=p.size,
            batch=p.batch,
            epochs=p.epochs,
            normalise=normaliser(self._model()),
            loss=own_loss,
            make_optimizer=lambda model: torch.optim.AdamW(model.parameters(), p.lr, weight_decay=p.weight_decay),
            make_scheduler=lambda _: None,
            precision=p.precision,
        )

    def files(self) -> tuple[Path, ...]:
        from segmenters.mmseg.configuration import configuration_files

        return (*configuration_files(self._path()), *super().files())

    def missing(self) -> tuple[str, ...]:
        return super().missing() if self.params.config else (NONE,)

    def details(self) -> tuple[str, ...]:
        """Nothing is executed or built for a look."""
        if not self.params.config:
            return ()
        return (f"parameters not counted: {self._path()} is Python, which run and --dry-run execute and show does not",)
