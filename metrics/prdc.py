"""Fidelity and diversity apart: precision, recall, density and coverage of two feature clouds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bench.contracts import Context, ImageSet, Measure, Metric, Score, Space, param
from metrics._features import feature_pair
from metrics._floor import floors
from metrics._neighbours import blocks, distances, radii

Z95 = 1.959964
KINDS = ("precision", "recall", "density", "coverage")
BATCH = 1024
"""Rows of torch-fidelity's distance matrices: memory, no result."""

Span = tuple[float | None, float | None]
NONE: Span = (None, None)


@dataclass(frozen=True)
class Params:
    """In which feature space, and how far a neighbourhood reaches."""

    extractors: str = param("inception", "feature spaces in order of preference, separated by commas")
    k: int = param(3, "neighbours that span a ball, for precision and recall (torch-fidelity: 3)", low=1)
    k_density: int = param(5, "neighbours that span a ball, for density and coverage (Naeem et al.: 5)", low=1)


class Prdc(Metric):
    """How many synthetic images lie among the real ones, and how much of the real set they reach. Higher is better.

    A ball stands around each image of a set, as wide as the distance to its k-th neighbour in that set.
    `precision`: share of synthetic images inside some real ball (at most the radius away: <=). `recall`: share of real
    images inside some synthetic ball (<=). Both are torch-fidelity's. `density`: real balls a synthetic image lies in
    (<), over k; one odd real image with a wide ball does not decide it. `coverage`: share of real balls with a
    synthetic image inside (<); one odd synthetic image does not decide it.

    All depend on n and k. Two sets of one kind and equal size give density 1 and coverage 1 - 2^-k, not 1; density
    above 1 is not better than 1. None of them sees copies: the real set itself scores 1. Precision and density do not
    see that one image is repeated, and one odd synthetic image with a wide ball raises recall.

    Precision and density are means over synthetic images, so they have an interval: for synthetic images drawn anew
    from the same masks while the real set stays. Recall and coverage are means over real images that all hang on the
    same synthetic ones, and have none; the floor, with its spread over splits, says what their noise is.
    """

    version = 1
    requires = ("torch", "torch_fidelity", "scipy")
    cite = (
        "Kynkäänniemi et al., NeurIPS 2019 (precision, recall); Naeem et al., ICML 2020 (density, coverage); "
        "torch-fidelity (Obukhov et al., 2020)"
    )
    Params = Params
    stratified = True

    def measures(self, label: str) -> tuple[Measure, ...]:
        sees = (("wrong",), ("wrong", "collapse"), ("wrong",), ("wrong", "collapse"))
        return tuple(Measure(f"{kind}-{label}", "higher", sees=seen) for kind, seen in zip(KINDS, sees, strict=True))

    def score(self, real: ImageSet, fake: ImageSet, space: Space, ctx: Context) -> Mapping[str, Score]:
        k, wide = self.params.k, self.params.k_density
        least = max(k, wide) + 1
        r, s = feature_pair(real, fake, f"precision-{space.label}", least)
        found = self._values(r, s)

        def means(one: np.ndarray, other: np.ndarray) -> dict[str, float]:
            return {kind: values.mean() for kind, values in self._values(one, other).items()}

        floor = floors(means, real, fake, ctx.seed, least=least)
        spans = {"precision": _share_span(found["precision"], len(s)), "density": _mean_span(found["density"])}
        said = {
            "precision": f"torch-fidelity, k={k}, <=; exact binomial interval, real set fixed",
            "recall": f"torch-fidelity, k={k}, <=",
            "density": f"k={wide}, <; mean ± 1.96 SE, real set fixed",
            "coverage": f"k={wide}, <",
        }
        scores = {}
        for kind, values in found.items():
            low, high = spans.get(kind, NONE)
            score = Score(
                value=float(values.mean()),
                n_real=len(r),
                n_fake=len(s),
                low=low,
                high=high,
                estimator=said[kind],
                floor=floor.get(kind),
            )
            scores[f"{kind}-{space.label}"] = score
        return scores

    def _values(self, real: np.ndarray, fake: np.ndarray) -> dict[str, np.ndarray]:
        """What each measure is the mean of."""
        precision, recall = precision_recall(real, fake, self.params.k)
        density, covered = density_coverage(real, fake, self.params.k_density)
        return dict(zip(KINDS, (np.array(precision), np.array(recall), density, covered), strict=True))


def precision_recall(real: np.ndarray, fake: np.ndarray, k: int) -> tuple[float, float]:
    """torch-fidelity's, of float32 features (n, d), (m, d), a block of rows at a time."""
    import torch
    from torch_fidelity.metric_prc import KEY_METRIC_PRECISION, KEY_METRIC_RECALL, prc_features_to_metric

    found = prc_features_to_metric(
        torch.from_numpy(fake),
        torch.from_numpy(real),
        prc_neighborhood=k,
        prc_batch_size=BATCH,
        save_cpu_ram=True,
        verbose=False,
    )
    return found[KEY_METRIC_PRECISION], found[KEY_METRIC_RECALL]


def density_coverage(real: np.ndarray, fake: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Density of each synthetic image (m,), and whether each real ball holds one (n,)."""
    real, fake = real.astype(np.float64), fake.astype(np.float64)
    inside, covered = np.zeros(len(fake)), np.zeros(len(real), dtype=bool)
    radius = radii(real, k)
    for rows in blocks(len(real)):
        within = distances(real[rows], fake) < radius[rows, None]
        inside += within.sum(axis=0)
        covered[rows] = within.any(axis=1)
    return inside / k, covered


def _share_span(share: np.ndarray, count: int) -> Span:
    from bench.stats.binomial import binomial_interval

    return binomial_interval(round(float(share) * count), count)


def _mean_span(values: np.ndarray) -> Span:
    """Mean +- 1.96 SE, from 0 up; none where all values are equal, which tells nothing of their spread."""
    if np.ptp(values) == 0:
        return NONE
    half = Z95 * values.std(ddof=1) / np.sqrt(len(values))
    return max(0.0, float(values.mean() - half)), float(values.mean() + half)
