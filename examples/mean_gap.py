"""A metric on the features of an extractor."""

from dataclasses import dataclass

import numpy as np

from bench.contracts import Measure, Metric, Score, param


@dataclass(frozen=True)
class Params:
    extractors: str = param("lite0", "feature spaces in order of preference, separated by commas")


class MeanGap(Metric):
    """Euclidean distance between the mean feature vectors of both sets; 0 is best."""

    version = 1
    Params = Params

    def measures(self, label):
        """The label of the feature space stands in the name: numbers of two spaces are not comparable."""
        return (Measure(f"mean-gap-{label}", better="lower", headline=True),)

    def score(self, real, fake, space, ctx):
        gap = np.linalg.norm(real.features.mean(0) - fake.features.mean(0))
        score = Score(
            value=float(gap), n_real=len(real.features), n_fake=len(fake.features), estimator="distance of means"
        )
        return {f"mean-gap-{space.label}": score}
