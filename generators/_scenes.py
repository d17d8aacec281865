"""Fresh phantom scenes for given masks."""

from __future__ import annotations

import numpy as np

from bench.data.scene import Domain, draw_scene

PHANTOM = "phantom"
"""The dataset whose scenes they are."""


def scene_for(mask: np.ndarray, rng: np.random.Generator, domain: Domain) -> np.ndarray:
    """uint8 (size, size, 3): a scene whose one lesion fills the mask, (size, size) in {0, 1}."""
    return draw_scene(rng, len(mask), domain, mask)[0]
