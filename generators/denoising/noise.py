"""Random numbers of an image that depend on (seed, id) alone, not on its batch or the order."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import torch


def initial_noise(ids: Sequence[str], seed: int, shape: tuple[int, ...]) -> torch.Tensor:
    """(n, *shape): each image's noise depends on (seed, id) alone, not on batch or order."""
    noise = []
    for name in ids:
        digest = hashlib.sha256(f"{seed}:{name}".encode()).digest()
        generator = torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)
        noise.append(torch.randn(shape, generator=generator))
    return torch.stack(noise)
