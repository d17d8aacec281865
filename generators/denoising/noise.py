"""Random numbers of an image that depend on (seed, id) alone, not on its batch or the order."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import torch


def generators_of(ids: Sequence[str], seed: int) -> list[torch.Generator]:
    """One a name, on the processor."""
    generators = []
    for name in ids:
        digest = hashlib.sha256(f"{seed}:{name}".encode()).digest()
        generators.append(torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1))
    return generators


def draw_each(generators: Sequence[torch.Generator], shape: tuple[int, ...]) -> torch.Tensor:
    """(n, *shape) of normal numbers, each row from its own generator."""
    return torch.stack([torch.randn(shape, generator=generator) for generator in generators])


def initial_noise(ids: Sequence[str], seed: int, shape: tuple[int, ...]) -> torch.Tensor:
    """(n, *shape), each row from (seed, id)."""
    return draw_each(generators_of(ids, seed), shape)
