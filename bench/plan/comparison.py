"""The stages that compare a synthetic set with real images under one metric. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bench.contracts import TRAIN
from bench.plan.stage import Ref, Stage
from bench.plugins.extractors import about
from bench.plugins.resolved import ResolvedPlugin

GIVEN = "real"
"""The reference where two folders are compared: the real images given."""
HELD_OUT = "held-out"
_REAL_IMAGES = {TRAIN: "real training images", "test": "real test images", GIVEN: "real images"}


@dataclass(frozen=True)
class Against:
    """A synthetic set and what it is compared with. `size`: what real images are squashed to.

    `train`: what a generator may have copied from, None where the reference is all that is known.
    """

    name: str
    fake: Ref
    size: tuple[int, int] | None
    reference: str
    real: Ref
    train: Ref | None = None


def comparison_stages(
    against: Against, metric: ResolvedPlugin, extractor: ResolvedPlugin | None, seed: int
) -> list[Stage]:
    """Stages that compare two sets under one metric; the last is the score. Inputs come before what needs them."""
    # A copy is one of a training image, whatever the reference is.
    copied, train = metric.plugin.views, against.train
    real, reference = (train, TRAIN) if copied and train else (against.real, against.reference)
    inputs, stages = {"real": real, "fake": against.fake}, []
    if extractor is not None and metric.plugin.uses == "features":
        asked = [("real", real, against.size, False), ("fake", against.fake, None, False)]
        asked += [("real", real, against.size, True)] if copied else []
        for side, images, size, views in asked:
            what = against.name if side == "fake" else _REAL_IMAGES[reference]
            stage = features_stage(extractor, images, size, views, what)
            inputs[f"{side}_{'views' if views else 'features'}"] = stage.ref
            stages.append(stage)
    helper = extractor if metric.plugin.uses == "distances" else None
    extra = {
        "label": extractor.plugin.look(metric.plugin.uses).label if extractor else "",
        "about": about(extractor, metric.plugin.uses, against.size),
        "reference": reference,
        **({"size": list(against.size) if against.size else None} if helper or copied else {}),
    }
    label = f"{metric.name} of {against.name}"
    return [*stages, Stage("score", metric, seed, inputs, label, extra, helper)]


def features_stage(
    extractor: ResolvedPlugin, images: Ref, size: tuple[int, int] | None, views: bool, what: str
) -> Stage:
    """Features of images squashed to `size`; with `views`, of each flipped and turned in seven ways instead."""
    extra = {"size": list(size) if size else None, **({"views": True} if views else {})}
    at = f" at {size[0]} × {size[1]}" if size else ""
    turned = ", flipped and turned" if views else ""
    return Stage(
        "features", extractor, 0, {"images": images}, f"{extractor.name} features of {what}{at}{turned}", extra
    )


def alignment_stages(
    against: Against,
    metric: ResolvedPlugin,
    segmenter: ResolvedPlugin,
    model: Ref,
    held_out: Mapping[str, Ref],
    seed: int,
    of: str = "",
) -> list[Stage]:
    """Stages that score the maps which a network trained on real images alone makes of synthetic and held-out ones.

    `held_out`: real sets the network has not seen, by name; the last stage is the score.
    """
    maps = maps_stage(segmenter, model, against.fake, against.name)
    inputs, stages = {"fake": against.fake, "fake_maps": maps.ref}, [maps]
    for name, images in held_out.items():
        stages.append(maps_stage(segmenter, model, images, f"real on {name}{of}"))
        inputs |= {f"real/{name}": images, f"real_maps/{name}": stages[-1].ref}
    about_it = {"backbone": segmenter.name, "weights": "trained on real", "resize": ""}
    extra = {"label": segmenter.name, "about": about_it, "reference": HELD_OUT}
    label = f"{metric.name} of {against.name} by {segmenter.name}"
    return [*stages, Stage("score", metric, seed, inputs, label, extra)]


def train_stage(
    segmenter: ResolvedPlugin, sets: Mapping[str, Ref], seed: int, what: str, extra: Mapping[str, int] | None = None
) -> Stage:
    """`extra` may say to how many `pairs` the real ones are repeated."""
    return Stage("train", segmenter, seed, sets, f"train {segmenter.name} on {what}", extra or {})


def maps_stage(segmenter: ResolvedPlugin, model: Ref, images: Ref, what: str) -> Stage:
    """A trained network's probability map of each image."""
    inputs = {"model": model, "images": images}
    return Stage("predict", segmenter, 0, inputs, f"predict {segmenter.name} of {what}")
