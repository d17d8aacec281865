"""The stages that compare a synthetic set with real images under one metric. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bench.contracts import TRAIN
from bench.plan.actions import Features, Origin, Predict, RealMaps, ScoreImages, ScoreMaps, Train
from bench.plan.stage import Ref, Stage
from bench.plugins.extractors import about
from bench.plugins.resolved import ResolvedPlugin

GIVEN = "real"
"""The reference where two folders are compared: the real images given."""
HELD_OUT = "held-out"
_REAL_IMAGES = {TRAIN: "real training images", "test": "real test images", GIVEN: "real images"}


@dataclass(frozen=True, kw_only=True)
class Against:
    """A synthetic set and what it is compared with. `size`: what real images are resized to, (width, height).

    `train`: what a generator may have copied from, None where the reference is all that is known. `repeat`: which of
    several sets of the generator it is, from 0; `of`: the same for the reader.
    """

    name: str
    fake: Ref
    size: tuple[int, int] | None
    reference: str
    real: Ref
    train: Ref | None = None
    repeat: int = 0
    of: str = ""

    @property
    def title(self) -> str:
        """For the reader of a log."""
        return f"{self.name}{self.of}"


def comparison_stages(
    against: Against, metric: ResolvedPlugin, extractor: ResolvedPlugin | None, seed: int
) -> list[Stage]:
    """Stages that compare two sets under one metric; the last is the score. Inputs come before what needs them."""
    uses, seeks_copies = metric.plugin.uses, metric.plugin.views
    real, reference = against.real, against.reference
    if seeks_copies and against.train is not None:
        # A copy is one of a training image, whatever the reference is.
        real, reference = against.train, TRAIN
    of_real = of_fake = None
    if extractor is not None and uses == "features":
        what = _REAL_IMAGES[reference]
        of_real = features_stage(extractor, real, what, against.size)
        of_fake = features_stage(extractor, against.fake, against.title)
    score = ScoreImages(
        label=f"{metric.name} of {against.title}",
        seed=seed,
        metric=metric,
        fake=against.fake,
        origin=Origin(
            label=extractor.plugin.look(uses).label if extractor else "",
            reference=reference,
            **about(extractor, uses, against.size),
        ),
        real=real,
        real_features=of_real.ref if of_real else None,
        fake_features=of_fake.ref if of_fake else None,
        extractor=extractor if uses == "distances" or seeks_copies else None,
        size=against.size,
    )
    return [one for one in (of_real, of_fake, score) if one is not None]


def features_stage(extractor: ResolvedPlugin, images: Ref, what: str, size: tuple[int, int] | None = None) -> Features:
    """Features of images resized to `size`."""
    at = f" at {size[0]} × {size[1]}" if size else ""
    return Features(label=f"{extractor.name} features of {what}{at}", extractor=extractor, of=images, size=size)


def alignment_stages(
    against: Against, metric: ResolvedPlugin, train: Train, held_out: Mapping[str, Ref], seed: int
) -> list[Stage]:
    """Stages that score the maps which a network trained on real images alone makes of synthetic and held-out ones.

    `held_out`: real sets the network has not seen, by name. The last stage is the score.
    """
    name = train.segmenter.name
    maps = maps_stage(train, against.fake, against.title)
    of_real = {test: maps_stage(train, images, f"real on {test}{against.of}") for test, images in held_out.items()}
    score = ScoreMaps(
        label=f"{metric.name} of {against.title} by {name}",
        seed=seed,
        metric=metric,
        fake=against.fake,
        origin=Origin(label=name, backbone=name, weights="trained on real", resize="", reference=HELD_OUT),
        fake_maps=maps.ref,
        held_out=tuple(RealMaps(test, held_out[test], stage.ref) for test, stage in of_real.items()),
    )
    return [maps, *of_real.values(), score]


def maps_stage(train: Train, images: Ref, what: str) -> Predict:
    """The maps that the network of a training makes of images."""
    label = f"predict {train.segmenter.name} of {what}"
    return Predict(label=label, segmenter=train.segmenter, model=train.ref, of=images)
