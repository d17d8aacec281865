"""The actions a run is made of: what each reads, what decides its result, what it needs. Pure.

How each is done stands in `bench.engine.actions`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from bench.data.random_masks import VERSION as MASKS_VERSION
from bench.plan.keep_rule import KeepRule
from bench.plan.stage import Count, Ref, Stage
from bench.plugins.resolved import ResolvedPlugin
from bench.plugins.sections import RandomMasks
from bench.segscores import VERSION as SCORES_VERSION
from bench.segscores.shape import PACKAGES


def _present(**refs: Ref | None) -> dict[str, Ref]:
    return {name: ref for name, ref in refs.items() if ref is not None}


@dataclass(frozen=True, kw_only=True)
class Masks(Stage):
    """Moves the masks of the training pairs at random."""

    action = "masks"
    train: Ref
    ranges: RandomMasks

    @property
    def inputs(self) -> Mapping[str, Ref]:
        return {"train": self.train}

    @property
    def settings(self) -> Mapping[str, Any]:
        return {"version": MASKS_VERSION, "params": asdict(self.ranges)}

    def images(self, count: Count) -> int:
        return count(self.train)


@dataclass(frozen=True, kw_only=True)
class Fit(Stage):
    """Trains a generator."""

    action, resumes = "fit", True
    generator: ResolvedPlugin
    train: Ref

    @property
    def inputs(self) -> Mapping[str, Ref]:
        return {"train": self.train}

    @property
    def plugins(self) -> tuple[ResolvedPlugin, ...]:
        return (self.generator,)

    @property
    def shared(self) -> bool:
        return self.action in self.generator.plugin.shared

    def images(self, count: Count) -> int:
        return count(self.train)


@dataclass(frozen=True, kw_only=True)
class Sample(Stage):
    """Makes a synthetic set: `multiple` images for each mask of `conditions`."""

    action, resumes = "sample", True
    generator: ResolvedPlugin
    model: Ref
    conditions: Ref
    multiple: int = 1

    @property
    def inputs(self) -> Mapping[str, Ref]:
        return {"model": self.model, "conditions": self.conditions}

    @property
    def plugins(self) -> tuple[ResolvedPlugin, ...]:
        return (self.generator,)

    @property
    def settings(self) -> Mapping[str, Any]:
        return {"multiple": self.multiple}

    @property
    def shared(self) -> bool:
        return self.action in self.generator.plugin.shared

    def images(self, count: Count) -> int:
        return self.multiple * count(self.conditions)

    def made(self, count: Count) -> int:
        """A set that was made elsewhere has its own number of pairs."""
        return self.generator.plugin.pairs(self.images(count))


@dataclass(frozen=True, kw_only=True)
class Keep(Stage):
    """Leaves of a synthetic set the pairs that a rule keeps; `scores`: of the metrics that the rule asks, in order."""

    action = "keep"
    of: Ref
    scores: tuple[Ref, ...]
    rule: KeepRule

    @property
    def inputs(self) -> Mapping[str, Ref]:
        return {"set": self.of, **{f"score {number}": ref for number, ref in enumerate(self.scores)}}

    @property
    def settings(self) -> Mapping[str, Any]:
        return {"version": 1, "rule": [asdict(one) for one in self.rule.conditions]}

    def images(self, count: Count) -> int:
        """At most."""
        return count(self.of)


@dataclass(frozen=True, kw_only=True)
class Features(Stage):
    """Features of images resized to `size` (width, height), where given."""

    action, uses_extractors = "features", True
    extractor: ResolvedPlugin
    of: Ref
    size: tuple[int, int] | None = None

    @property
    def inputs(self) -> Mapping[str, Ref]:
        return {"images": self.of}

    @property
    def plugins(self) -> tuple[ResolvedPlugin, ...]:
        return (self.extractor,)

    @property
    def settings(self) -> Mapping[str, Any]:
        return {"size": list(self.size) if self.size else None}

    def images(self, count: Count) -> int:
        return count(self.of)


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where a score comes from: the space it was measured in, the network behind that, and the real images.

    `label`: the space's name in columns. `weights`: first digits of their sha256. `resize`: what happens to an image's
    size before the network. `reference`: which real images.
    """

    label: str
    backbone: str
    weights: str
    resize: str
    reference: str


@dataclass(frozen=True, kw_only=True)
class Score(Stage):
    """Scores a synthetic set by a metric: `ScoreImages` or `ScoreMaps`."""

    action, uses_extractors = "score", True
    metric: ResolvedPlugin
    fake: Ref
    origin: Origin


@dataclass(frozen=True, kw_only=True)
class ScoreImages(Score):
    """Compares a synthetic set with real images, by their features where there are any.

    `extractor`: through which the metric itself looks, at pairs or at turned images. `size`: what real images are
    resized to (width, height) where the metric looks at pixels, pairs or turned images.
    """

    real: Ref
    real_features: Ref | None = None
    fake_features: Ref | None = None
    extractor: ResolvedPlugin | None = None
    size: tuple[int, int] | None = None

    @property
    def inputs(self) -> Mapping[str, Ref]:
        return _present(
            real=self.real,
            fake=self.fake,
            real_features=self.real_features,
            fake_features=self.fake_features,
        )

    @property
    def plugins(self) -> tuple[ResolvedPlugin, ...]:
        return (self.metric,) if self.extractor is None else (self.metric, self.extractor)

    @property
    def settings(self) -> Mapping[str, Any]:
        return {"origin": asdict(self.origin), "size": list(self.size) if self.size else None}

    def images(self, count: Count) -> int:
        return count(self.real) + count(self.fake)


@dataclass(frozen=True)
class RealMaps:
    """A real set under its name, and a segmenter's maps of its images."""

    name: str
    images: Ref
    maps: Ref


@dataclass(frozen=True, kw_only=True)
class ScoreMaps(Score):
    """Compares a segmenter's maps of synthetic images with those of real ones the segmenter has not seen."""

    fake_maps: Ref
    held_out: tuple[RealMaps, ...]

    @property
    def inputs(self) -> Mapping[str, Ref]:
        images = {f"{one.name}: images": one.images for one in self.held_out}
        maps = {f"{one.name}: maps": one.maps for one in self.held_out}
        return {"fake": self.fake, "fake_maps": self.fake_maps, **images, **maps}

    @property
    def plugins(self) -> tuple[ResolvedPlugin, ...]:
        return (self.metric,)

    @property
    def settings(self) -> Mapping[str, Any]:
        return {"origin": asdict(self.origin)}

    def images(self, count: Count) -> int:
        return count(self.fake) + sum(count(one.images) for one in self.held_out)


@dataclass(frozen=True, kw_only=True)
class Train(Stage):
    """Trains a segmenter on real pairs, synthetic pairs, or both.

    `synthetic_to`: how many pairs the synthetic ones are repeated to; `repeated_to`: all together. `val`: only watched.
    `select`: test sets by name; the epoch that is best on them is kept.
    """

    action, resumes = "train", True
    segmenter: ResolvedPlugin
    real: Ref | None = None
    synthetic: Ref | None = None
    synthetic_to: int | None = None
    repeated_to: int | None = None
    val: Ref | None = None
    select: Mapping[str, Ref] = field(default_factory=dict)

    @property
    def inputs(self) -> Mapping[str, Ref]:
        sets = _present(real=self.real, synthetic=self.synthetic, val=self.val)
        return sets | {f"{name}: select": ref for name, ref in self.select.items()}

    @property
    def plugins(self) -> tuple[ResolvedPlugin, ...]:
        return (self.segmenter,)

    @property
    def settings(self) -> Mapping[str, Any]:
        filtered = {} if self.synthetic_to is None else {"synthetic_to": self.synthetic_to}
        return {"repeated_to": self.repeated_to, **filtered}

    def images(self, count: Count) -> int:
        """Of one epoch."""
        real = count(self.real) if self.real else 0
        synthetic = self.synthetic_to or (count(self.synthetic) if self.synthetic else 0)
        return self.repeated_to or real + synthetic


@dataclass(frozen=True, kw_only=True)
class Predict(Stage):
    """A trained segmenter's probability map of each image."""

    action = "predict"
    segmenter: ResolvedPlugin
    model: Ref
    of: Ref

    @property
    def inputs(self) -> Mapping[str, Ref]:
        return {"model": self.model, "images": self.of}

    @property
    def plugins(self) -> tuple[ResolvedPlugin, ...]:
        return (self.segmenter,)

    def images(self, count: Count) -> int:
        return count(self.of)


@dataclass(frozen=True, kw_only=True)
class SegScore(Stage):
    """Scores probability maps by the masks of their images; with `shape`, also by where pixels lie."""

    action = "segscore"
    maps: Ref
    truth: Ref
    shape: bool = False

    @property
    def inputs(self) -> Mapping[str, Ref]:
        return {"maps": self.maps, "truth": self.truth}

    @property
    def settings(self) -> Mapping[str, Any]:
        return {"version": SCORES_VERSION, "shape": self.shape}

    @property
    def requires(self) -> tuple[str, ...]:
        return tuple(PACKAGES) if self.shape else ()

    def images(self, count: Count) -> int:
        return count(self.truth)
