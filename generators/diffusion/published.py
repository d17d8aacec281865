"""Generators whose authors' own weights can be imported, and sampled without any training."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bench.contracts import Context, Cost, Split, param
from bench.errors import BenchError, first_line
from generators.denoising.imported import HELP, NEXT, as_it_is, import_note, leave_untrained, missing_import
from generators.diffusion.base_model.location import PARTS, WHOLE, base_folder, missing_base
from generators.diffusion.generator import DiffusionGenerator
from generators.diffusion.params import DiffusionParams

if TYPE_CHECKING:
    from generators.diffusion.base_model.model import Base
    from generators.diffusion.conditioning.method import Method

IMPORTED = (*PARTS, "controlnet")


@dataclass(frozen=True, kw_only=True)
class PublishedParams(DiffusionParams):
    """With the folder of an imported checkpoint."""

    checkpoint: str = param("", HELP, key=False)


class PublishedGenerator(DiffusionGenerator):
    """With `checkpoint`, the imported folder takes the place of base model and training."""

    Params = PublishedParams

    @property
    def imported(self) -> bool:
        """Whether the weights are its authors'. Their hint block has the published width beside any base model."""
        return bool(self.params.checkpoint)

    def base(self) -> str:
        return self.params.checkpoint or self.params.base

    def missing(self) -> tuple[str, ...]:
        if not self.params.checkpoint:
            return super().missing()
        folder = Path(self.params.checkpoint)
        absent = [part for part in IMPORTED if not (folder / part).is_dir()]
        return missing_import(folder, absent)

    def notes(self) -> tuple[str, ...]:
        if not self.params.checkpoint:
            return super().notes()
        return (import_note(Path(self.params.checkpoint)),)

    def details(self) -> tuple[str, ...]:
        lines = super().details()
        checkpoint = self.params.checkpoint
        return (f"{as_it_is(checkpoint)}; parameters its authors trained:", *lines) if checkpoint else lines

    def cost(self, action: str, images: int, devices: int) -> Cost | None:
        return None if self.params.checkpoint and action == "fit" else super().cost(action, images, devices)

    def fit(self, train: Split, model_dir: Path, ctx: Context) -> None:
        if not self.params.checkpoint:
            super().fit(train, model_dir, ctx)
        else:
            leave_untrained(self.params.checkpoint, model_dir)

    def try_files(self) -> None:
        if self.params.checkpoint and not self.missing():
            self._check_imported()
        super().try_files()

    def try_weights(self, method: Method) -> None:
        if self.params.checkpoint:
            self._load_imported(method)

    def load_weights(self, method: Method, model_dir: Path) -> None:
        if self.params.checkpoint:
            self._load_imported(method)
        else:
            super().load_weights(method, model_dir)

    def sample(self, conditions: Split, model_dir: Path, out: Path, ctx: Context) -> None:
        if self.params.checkpoint:
            # With --download a run does not stop at what is missing, but no hub has this folder.
            for line in self.missing():
                raise BenchError(line)
            self._check_imported()
        super().sample(conditions, model_dir, out, ctx)

    def _check_imported(self) -> None:
        from generators.diffusion.checkpoint_import.folder import check_imported

        check_imported(Path(self.params.checkpoint))

    def _load_imported(self, method: Method) -> None:
        from generators.diffusion.checkpoint_import.folder import load_imported

        load_imported(Path(self.params.checkpoint), method.kept["controlnet"])

    def import_checkpoint(self, file: Path, out: Path) -> tuple[str, ...]:
        """From the latent-diffusion layout: `control_model.*` with this generator's hint block,
        `model.diffusion_model.*`, `first_stage_model.*` and `cond_stage_model.*`.

        The last two come from the base model where the file has none. Raises BenchError that names every key which is
        missing, unexpected or of another shape.
        """
        import torch

        from generators.denoising.checkpoint_file import read_checkpoint
        from generators.diffusion.checkpoint_import.conversion import absent_parts, import_layout

        state = read_checkpoint(file)
        base, folder = self._base_of_import(file, absent_parts(state))
        as_sampled = type(self)(replace(self.params, checkpoint=str(out)))
        with torch.device("meta"):
            controlnet = as_sampled.method(base, 0).kept["controlnet"]
        lines = import_layout(file, state, out, base, folder, controlnet)
        return (*lines, NEXT)

    def _base_of_import(self, file: Path, absent: tuple[str, ...]) -> tuple[Base, Path]:
        """Shapes of the base model, and its folder."""
        from generators.diffusion.base_model.shapes import meta_base

        source = self.params.base
        folder = base_folder(source)
        if folder is None or missing_base(source):
            what = ", ".join(["the tokenizer", "the number of attention heads", *(f"{prefix}*" for prefix in absent)])
            raise BenchError(
                f"base model {source!r} is not here, or not whole, and {file} does not hold what it gives ({what}): "
                f"{WHOLE} with --set NAME.base=DIR"
            )
        try:
            return meta_base(source), folder
        except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
            raise BenchError(f"base model {folder}: {first_line(error)}; {WHOLE}") from None
