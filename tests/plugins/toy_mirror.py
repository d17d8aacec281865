"""A generator that mirrors the training image of each mask, and the mask with it: no torch, milliseconds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench.contracts import Context, Generator, Split, param
from bench.errors import BenchError
from bench.images import load_mask, load_rgb, save_png


@dataclass(frozen=True)
class Params:
    brightness: float = param(0.0, "added to every pixel", unit="grey levels", low=-255, high=255)
    style: str = param("plain", "how to mirror", choices=("plain", "broken", "buggy", "lazy"))


class ToyMirror(Generator):
    """Mirrored copies of the training images."""

    version = 1
    own_masks = True
    Params = Params

    def sample(self, conditions: Split, model_dir: Path, out: Path, ctx: Context) -> None:
        if self.params.style == "broken":
            raise BenchError("toy-mirror: style broken always fails; set another style")
        if self.params.style == "buggy":
            raise ZeroDivisionError("a bug of the plugin")
        for sample in conditions:
            image = load_rgb(sample.image)[:, ::-1].astype(float) + self.params.brightness
            save_png(out / "images" / f"{sample.id}.png", image.clip(0, 255).astype("uint8"))
            if self.params.style != "lazy":
                save_png(out / "masks" / f"{sample.id}.png", load_mask(sample.mask)[:, ::-1] * 255)
