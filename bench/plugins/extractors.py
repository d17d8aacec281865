"""Which extractors a metric can look through, and whether an extractor's weights are there."""

from __future__ import annotations

from typing import Any

from bench.contracts import Extractor, Metric
from bench.plugins.resolved import ResolvedPlugin

NONE_NEEDED, ABSENT, WRONG, PRESENT = "none needed", "absent", "wrong sha256", "present"
"""States of an extractor's weight file."""


def needs_extractor(metric: Metric | type[Metric]) -> bool:
    """Whether a metric looks through an extractor; its `Params` then have a field `extractors`."""
    return metric.uses in ("features", "distances")


def extractor_names(params: Any) -> list[str]:
    """The feature spaces in a metric's parameters, in its order of preference."""
    return [name.strip() for name in params.extractors.split(",")]


def weights_state(extractor: Extractor) -> str:
    """Whether the weight file is there and is the right one."""
    path = extractor.weights()
    if path is None:
        return NONE_NEEDED
    if not path.is_file():
        return ABSENT
    return WRONG if extractor.missing() else PRESENT


def about(extractor: ResolvedPlugin | None, uses: str, size: tuple[int, int] | None) -> dict[str, str]:
    """What a number says of the network behind it: backbone, first digits of its weights' sha256, resizing.

    `size`: what real images are resized to, None where all images keep theirs.
    """
    if extractor is None:
        return {"backbone": "", "weights": "", "resize": ""}
    plugin = extractor.plugin
    assert isinstance(plugin, Extractor)
    resized = f"real resized to {size[0]} × {size[1]}, then " if size else "own sizes, then "
    look = plugin.look(uses)
    return {"backbone": look.backbone, "weights": plugin.sha256[:8], "resize": resized + look.resize}
