"""A generator that learns: the two mean colours of the training set, painted into each mask with noise."""

import json
import zlib
from dataclasses import dataclass

import numpy as np

from bench.contracts import Generator, param
from bench.images import load_mask, load_rgb, save_png

MODEL = "colours.json"


@dataclass(frozen=True)
class Params:
    noise: float = param(12.0, "standard deviation of the noise", unit="grey levels", low=0.0, high=128.0)


class ColourFill(Generator):
    """Each mask in the mean lesion colour on the mean background colour, with noise over both."""

    version = 1
    Params = Params

    def fit(self, train, model_dir, ctx):
        """Leave the mean colours (2, 3), background first, in `model_dir`."""
        pairs = [(load_rgb(sample.image), load_mask(sample.mask)) for sample in train]
        colours = [np.mean([image[mask == part].mean(0) for image, mask in pairs], axis=0) for part in (0, 1)]
        (model_dir / MODEL).write_text(json.dumps(np.stack(colours).tolist()), encoding="utf-8")

    def sample(self, conditions, model_dir, out, ctx):
        colours = np.array(json.loads((model_dir / MODEL).read_text(encoding="utf-8")))
        with ctx.progress.bar(len(conditions), "image") as bar:
            for sample in conditions:
                path = out / "images" / f"{sample.id}.png"
                if not path.is_file():  # An interrupted stage resumes: images already there are finished.
                    save_png(path, self._painted(colours[load_mask(sample.mask)], sample.id, ctx.seed))
                bar.update()

    def _painted(self, image, name, seed):
        """uint8 (h, w, 3). Seed and name decide the noise, so order and interruptions do not."""
        noise = np.random.default_rng([seed, zlib.crc32(name.encode())]).normal(0, self.params.noise, image.shape)
        return (image + noise).clip(0, 255).round().astype(np.uint8)
