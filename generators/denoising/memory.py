"""Turns a device's refusal to give memory into the settings to lower."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from bench.errors import BenchError
from generators.denoising.params import TrainingParams

_TELLING = ("out of memory", "can't allocate memory", "not enough memory", "ALLOC_FAILED")
"""In a RuntimeError: of CUDA and MPS, of torch's allocator on Linux and on Windows, of cuBLAS and cuDNN."""
OTHER_DEVICE = "another --device, or this one with nothing else running on it"
_AMOUNT = re.compile(r"allocate ([\d.]+ (?:bytes|[KMGTPE]?i?B))")


@contextmanager
def memory_advice(task: str, device: str, remedies: Sequence[str]) -> Iterator[None]:
    """Raise BenchError with the remedies, in order, when memory runs out inside; any other error passes through."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        amount = _AMOUNT.search(str(error))
        asked = f" ({amount[1]} more were asked for)" if amount else ""
        raise BenchError(
            f"out of memory on {device} in {task}{asked}: try, in this order, {'; '.join(remedies)}. "
            f"What is finished is kept: the same command with the setting goes on from there"
        ) from None


def is_out_of_memory(error: Exception) -> bool:
    """Torch has an error of its own for CUDA only; all else are RuntimeErrors that say so."""
    return isinstance(error, MemoryError) or any(sign in str(error) for sign in _TELLING)


def training_remedies(p: TrainingParams, devices: int = 1) -> list[str]:
    """What to lower in training: first what changes no result."""
    share = p.batch // devices
    more = next((n for n in range(2 * p.accumulation, share + 1) if share % n == 0), None)
    remedies = []
    if more is not None:
        remedies.append(f"--set NAME.accumulation={more} (now {p.accumulation}, of a batch of {p.batch})")
    if not p.gradient_checkpointing:
        remedies.append("--set NAME.gradient_checkpointing=true (now false)")
    if p.precision != "bf16":
        remedies.append(f"--precision bf16 (now {p.precision}; another result, trained from the start)")
    return [*remedies, OTHER_DEVICE]


def sampling_remedies(batch: int) -> list[str]:
    """What to lower in sampling, where `batch` images are made at once; it changes no result."""
    fewer = [f"--set NAME.sample_batch={batch // 2} (now {batch})"] if batch > 1 else []
    return [*fewer, OTHER_DEVICE]


def preview_remedies(p: TrainingParams, devices: int = 1) -> list[str]:
    """What to lower where training had room and a picture has not."""
    return [f"--set NAME.preview_every=0 (now {p.preview_every}; pictures only)", *training_remedies(p, devices)]
