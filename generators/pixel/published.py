"""Generators on pixels whose authors' own weights can be imported, and sampled without any training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.contracts import Context, Cost, Split, param
from bench.errors import BenchError
from generators.denoising.imported import HELP, NEXT, as_it_is, import_note, leave_untrained, missing_import
from generators.pixel.generator import NETWORK, PixelGenerator
from generators.pixel.params import PixelParams

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class PublishedPixelParams(PixelParams):
    """With the folder of an imported checkpoint."""

    checkpoint: str = param("", HELP, key=False)


class PublishedPixelGenerator(PixelGenerator):
    """With `checkpoint`, the imported folder takes the place of training."""

    Params = PublishedPixelParams

    def read_published(self, file: Path) -> tuple[dict[str, torch.Tensor], tuple[str, ...]]:
        """The weights that sample, under guided diffusion's names, and lines on what else was found."""
        raise NotImplementedError

    def heads(self) -> int:
        """Channels of an attention head; 0: one head."""
        return 0

    def files(self) -> tuple[Path, ...]:
        return (Path(self.params.checkpoint),) if self.params.checkpoint else ()

    def missing(self) -> tuple[str, ...]:
        weights = _weights(Path(self.params.checkpoint))
        if not self.params.checkpoint or weights.is_file():
            return ()
        return missing_import(weights.parent, [weights.name])

    def notes(self) -> tuple[str, ...]:
        if not self.params.checkpoint:
            return super().notes()
        return (import_note(Path(self.params.checkpoint)),)

    def details(self) -> tuple[str, ...]:
        if not self.params.checkpoint:
            return super().details()
        return (f"{as_it_is(self.params.checkpoint)}; parameters its authors trained: {self.parameters()}",)

    def cost(self, action: str, images: int, devices: int) -> Cost | None:
        return None if self.params.checkpoint and action == "fit" else super().cost(action, images, devices)

    def try_files(self) -> None:
        if self.params.checkpoint and not self.missing():
            self._load_imported(self.method().network)

    def fit(self, train: Split, model_dir: Path, ctx: Context) -> None:
        if not self.params.checkpoint:
            super().fit(train, model_dir, ctx)
        else:
            leave_untrained(self.params.checkpoint, model_dir)

    def load_weights(self, network: torch.nn.Module, model_dir: Path) -> None:
        if self.params.checkpoint:
            self._load_imported(network)
        else:
            super().load_weights(network, model_dir)

    def import_checkpoint(self, file: Path, out: Path) -> tuple[str, ...]:
        """From the authors' layout, averaged weights where they kept some.

        Raises BenchError that names every key which is missing, unexpected or of another shape.
        """
        import torch

        from generators.pixel.checkpoint_import import import_network

        state, lines = self.read_published(file)
        with torch.device("meta"):
            network = self.method().network
        written = import_network(file, state, network, self.heads(), out, NETWORK)
        return (written, *lines, NEXT)

    def _load_imported(self, network: torch.nn.Module) -> None:
        from bench.files.atomic import damaged_in
        from generators.denoising.weights import load_strictly

        folder, remedy = Path(self.params.checkpoint), "import the checkpoint anew, for this size and width"
        for line in self.missing():
            raise BenchError(line)
        wrong = damaged_in(folder)
        if wrong is not None:
            raise BenchError(f"{wrong}: not the bytes that were imported; {remedy}")
        load_strictly(network, _weights(folder), remedy)


def _weights(folder: Path) -> Path:
    return folder / f"{NETWORK}.safetensors"
