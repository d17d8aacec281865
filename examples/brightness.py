# brightness.py
from bench.contracts import Measure, Metric, Score
from bench.images import load_rgb


class Brightness(Metric):
    """Difference of the mean grey levels of both sets."""

    version = 1
    uses = ""  # It reads the images themselves, not an extractor's features.

    def measures(self, label):
        return (Measure("brightness-gap", better="lower"),)

    def score(self, real, fake, space, ctx):
        levels = [sum(load_rgb(one.image).mean() for one in side.samples) / len(side.samples) for side in (real, fake)]
        return {
            "brightness-gap": Score(
                value=abs(levels[1] - levels[0]), n_real=len(real.samples), n_fake=len(fake.samples)
            )
        }
