"""A segmenter without a network: one normal distribution of colours for lesion, one for background."""

import json

import numpy as np

from bench.contracts import Segmenter
from bench.images import load_mask, load_rgb, save_png

MODEL = "colours.json"


class ColourModel(Segmenter):
    """Bayes' rule on the colour of each pixel."""

    version = 1

    def fit(self, train, val, model_dir, ctx, select=()):
        """Keep mean and standard deviation of every channel, and the share of pixels, of background and lesion."""
        colours = np.concatenate([load_rgb(sample.image).reshape(-1, 3) for sample in train]).astype(float)
        lesion = np.concatenate([load_mask(sample.mask).ravel() for sample in train])
        parts = [colours[lesion == part] for part in (0, 1)]
        model = {
            "mean": [part.mean(0).tolist() for part in parts],
            "sd": [(part.std(0) + 1).tolist() for part in parts],
            "share": [len(part) / len(colours) for part in parts],
        }
        (model_dir / MODEL).write_text(json.dumps(model), encoding="utf-8")

    def predict(self, samples, model_dir, out, ctx):
        model = {name: np.array(v) for name, v in json.loads((model_dir / MODEL).read_text(encoding="utf-8")).items()}
        for sample in samples:
            scaled = (load_rgb(sample.image)[..., None, :] - model["mean"]) / model["sd"]
            score = -(scaled**2).sum(-1) / 2 - np.log(model["sd"]).sum(-1) + np.log(model["share"])
            lesion = 1 / (1 + np.exp(np.clip(score[..., 0] - score[..., 1], -500, 500)))
            save_png(out / f"{sample.id}.png", (255 * lesion).round().astype(np.uint8))
