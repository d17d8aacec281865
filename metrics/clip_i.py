"""Image-to-image similarity of CLIP embeddings, over all pairs and over pairs that share a mask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from bench.contracts import Context, ImageSet, LeftOut, Measure, Metric, Score, Space, param
from bench.stats.bootstrap import clusters, mean_interval
from bench.stats.jackknife import jackknife_interval
from metrics._features import column, feature_pair, to_unit
from metrics._floor import floors
from metrics._parts import groups_alone

HOME = "CLIP-B32"
ALL, PAIRED, LIFT, WITHIN = "all-pairs", "paired", "lift", "real-real"


@dataclass(frozen=True)
class Params:
    """In which feature space."""

    extractors: str = param("clip-b32", "feature spaces in order of preference, separated by commas")


class ClipI(Metric):
    """Mean cosine similarity of real and synthetic embeddings, -1 to 1: `CLIP-I` on CLIP-B32, else `cosine-<label>`.

    The field computes it in two ways under one name, so each is named here:

    - `all-pairs`, the headline: every synthetic image with every real one, as DreamBooth defined it, and the only one
      that sets without pairs have. For unit vectors it is mu_real · mu_synthetic, so it sees the means alone: a set
      collapsed onto the mean image scores higher than the real images do among themselves.
    - `paired`: each synthetic image with the real one its mask came from, as papers on editing compute it. Copies
      have 1, and even copies with their colours turned over beat a new image of the same kind.
    - `lift`, paired minus all-pairs of the same images: 0 when pairs are no nearer than any two images, largest for
      copies. It ranks nothing; it says what `paired` is worth.
    - `real-real`: all pairs of two different real images, which is what a perfect sampler has in `all-pairs`. Images
      of one organ are alike: compare with it, not with 0.
    """

    version = 2
    cite = "Ruiz et al. (DreamBooth), CVPR 2023; Gal et al. (Textual Inversion), ICLR 2023, for ViT-B/32"
    Params = Params
    stratified = True

    def measures(self, label: str) -> tuple[Measure, ...]:
        name = column("CLIP-I", "cosine", label, HOME)
        return (
            Measure(f"{name} {ALL}", "higher", headline=True, sees=("wrong",)),
            Measure(f"{name} {PAIRED}", "higher", sees=("wrong",)),
            Measure(f"{name} {LIFT}", "", sees=()),
            Measure(f"{name} {WITHIN}", "", sees=()),
        )

    def score(self, real: ImageSet, fake: ImageSet, space: Space, ctx: Context) -> Mapping[str, Score]:
        name = column("CLIP-I", "cosine", space.label, HOME)
        r, s = (to_unit(rows, name) for rows in feature_pair(real, fake, name, least=3))
        found = {ALL: all_pairs(replace(real, features=r), replace(fake, features=s), r, s, ctx.seed)}
        ours, theirs = matched(real, fake)
        if len(ours):
            # Several samples of one mask depend on each other through it.
            groups = [real.samples[row].group or f"alone: {real.samples[row].id}" for row in ours]
            ids = tuple(fake.samples[row].id for row in theirs)
            counts = len(r), len(s)
            found[PAIRED] = paired(r[ours], s[theirs], groups, ids, counts, ctx.seed)
            found[LIFT] = lift(r[ours], s[theirs], groups, counts)
        found[WITHIN] = within(real, r, len(s))
        return {f"{name} {kind}": score for kind, score in found.items()}


def matched(real: ImageSet, fake: ImageSet) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the real and of the synthetic image of each pair; several samples of one mask are several pairs."""
    row_of = {sample.id: row for row, sample in enumerate(real.samples)}
    theirs = [row for row, sample in enumerate(fake.samples) if sample.condition in row_of]
    ours = [row_of[fake.samples[row].condition] for row in theirs]
    return np.array(ours, dtype=int), np.array(theirs, dtype=int)


def all_pairs(real: ImageSet, fake: ImageSet, r: np.ndarray, s: np.ndarray, seed: int) -> Score:
    """Mean of r.s over all pairs of unit rows, which is the product of the two means.

    The two sets count as independent samples: that a mask joins their images is left out of the interval.
    """
    value = _product(r, s)
    left_out = _without(real, "real", r @ s.mean(0)), _without(fake, "fake", s @ r.mean(0))
    floor = floors(lambda ours, theirs: {ALL: _product(ours, theirs)}, real, fake, seed).get(ALL)
    low, high = jackknife_interval(value, left_out) or (None, None)
    how = f"mean of {len(r)} × {len(s)} pairs; jackknife over groups of both sets"
    return Score(
        value=value, n_real=len(r), n_fake=len(s), low=low, high=high, estimator=how, floor=floor, left_out=left_out
    )


def paired(
    r: np.ndarray, s: np.ndarray, groups: list[str], ids: tuple[str, ...], counts: tuple[int, int], seed: int
) -> Score:
    """Mean of r.s over pairs: row i of both belongs to pair i."""
    values = (r * s).sum(1)
    low, high = mean_interval(values, groups, seed) or (None, None)
    how = f"mean of {len(values)} pairs; bootstrap over groups of real images"
    return Score(
        value=float(values.mean()),
        n_real=counts[0],
        n_fake=counts[1],
        low=low,
        high=high,
        estimator=how,
        per_image=values,
        ids=ids,
    )


def lift(r: np.ndarray, s: np.ndarray, groups: list[str], counts: tuple[int, int]) -> Score:
    """The pairs' mean minus that of all pairs of the same images, which is the trace of their cross-covariance."""
    value = float((r * s).sum(1).mean()) - _product(r, s)
    of_group = clusters(groups)
    sizes = np.bincount(of_group)
    rest = (len(r) - sizes)[:, None].clip(1)
    means = [(rows.sum(0) - _sums(of_group, rows)) / rest for rows in (r, s, r * s)]
    left_out = (LeftOut("both", means[2].sum(1) - (means[0] * means[1]).sum(1), sizes),)
    low, high = jackknife_interval(value, left_out) or (None, None)
    how = f"{len(r)} pairs minus all pairs of the same images; jackknife over groups of real images"
    return Score(value=value, n_real=counts[0], n_fake=counts[1], low=low, high=high, estimator=how, left_out=left_out)


def within(real: ImageSet, r: np.ndarray, n_fake: int) -> Score:
    """Mean of r.r over all pairs of two different real images."""
    n, total = len(r), r.sum(0)
    of_group = groups_alone(real, n)
    sizes = np.bincount(of_group)
    rest, sums = n - sizes, total - _sums(of_group, r)
    value = float(total @ total - n) / (n * (n - 1))
    left_out = (LeftOut("real", ((sums**2).sum(1) - rest) / (rest * (rest - 1)).clip(1), sizes),)
    low, high = jackknife_interval(value, left_out) or (None, None)
    how = f"mean of {n * (n - 1) // 2} pairs of different real images; jackknife over groups"
    return Score(value=value, n_real=n, n_fake=n_fake, low=low, high=high, estimator=how, left_out=left_out)


def _product(r: np.ndarray, s: np.ndarray) -> float:
    return float(r.mean(0) @ s.mean(0))


def _without(images: ImageSet, side: str, projections: np.ndarray) -> LeftOut:
    """Means of `projections` (n,) without each group of the images."""
    of_group = groups_alone(images, len(projections))
    sizes = np.bincount(of_group)
    left = (len(projections) - sizes).clip(1)
    return LeftOut(side, (projections.sum() - np.bincount(of_group, projections)) / left, sizes)


def _sums(of_group: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Sum of the rows (n, d) of each group: (groups, d)."""
    sums = np.zeros((int(of_group.max()) + 1, rows.shape[1]))
    np.add.at(sums, of_group, rows)
    return sums
