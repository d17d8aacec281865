"""Turns a plugin's `Cost` into seconds on this device, from a benchmark of about a second.

Three speeds are measured with torch, each as the best of a few tries: arithmetic (a 3 × 3 convolution forward and
backward, and a matrix product), moving bytes (norm, activation, addition) and starting operations (a chain of tiny
layers). The three times are added. It is right within a factor of two where the network is of a usual kind and the
device is not shared; reading and writing files is not counted.
"""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Callable
from dataclasses import dataclass

from bench.contracts import Cost
from bench.cost.meter import measure

TRIES = 4


@dataclass(frozen=True)
class Speed:
    """Each per second: floating-point operations, bytes read and written, operations started."""

    flops: float
    moved: float
    calls: float


def seconds(cost: Cost, speed: Speed) -> float:
    """How long work of that cost takes on a device of that speed: its three times one after the other."""
    return cost.flops / speed.flops + cost.moved / speed.moved + cost.calls / speed.calls


@functools.cache
def speed_of(device: str, precision: str) -> Speed:
    """Of a torch device (`cpu`, `cuda:0` …) at a precision (`fp32` or `bf16`). Takes about a second, once a process."""
    return Speed(_arithmetic(device, precision), _traffic(device, precision), _starts(device))


def _arithmetic(device: str, precision: str) -> float:
    import torch

    # Large enough to fill the device, small enough for a processor.
    images = 1 if device == "cpu" else 16
    options = {"device": device, "dtype": _dtype(precision)}
    x = torch.randn(images, 320, 48, 48, requires_grad=True, **options)
    weight = torch.randn(320, 320, 3, 3, requires_grad=True, **options)
    a = torch.randn(images * 512, 1280, **options)
    b = torch.randn(1280, 1280, **options)

    def convolve() -> None:
        torch.nn.functional.conv2d(x, weight, padding=1).sum().backward()

    # Half of the operations of each kind.
    convolution = 6 * images * 48 * 48 * 320 * 320 * 9 / _best(convolve, device)
    product = 2 * images * 512 * 1280 * 1280 / _best(lambda: a @ b, device)
    return 2 / (1 / convolution + 1 / product)


def _traffic(device: str, precision: str) -> float:
    import torch

    x = torch.randn(4, 64, 128, 128, device=device, dtype=_dtype(precision))

    def move() -> None:
        torch.nn.functional.silu(torch.nn.functional.group_norm(x, 32)) + x

    # Norm and activation read one tensor and write one; the addition reads two.
    return 7 * x.nbytes / _best(move, device)


def _starts(device: str) -> float:
    import torch

    def chain(place: str) -> Callable[[], None]:
        layers = [layer for _ in range(8) for layer in (torch.nn.Linear(8, 8), torch.nn.LayerNorm(8), torch.nn.SiLU())]
        model, x = torch.nn.Sequential(*layers).to(place), torch.zeros(8, 8, device=place)
        return lambda: model(x).sum().backward()

    return measure(chain("meta")).calls / _best(chain(device), device)


def _best(code: Callable[[], object], device: str) -> float:
    """Seconds of the fastest try: what else runs on the machine only slows it."""
    times = []
    for _ in range(TRIES + 1):
        _wait(device)
        started = time.perf_counter()
        code()
        _wait(device)
        times.append(time.perf_counter() - started)
    # The first try warms up.
    return min(times[1:])


def _wait(device: str) -> None:
    """Accelerators work on while Python goes ahead."""
    import torch

    if device != "cpu":
        getattr(torch, device.partition(":")[0]).synchronize()


def _dtype(precision: str) -> object:
    import torch

    return {"fp32": torch.float32, "bf16": torch.bfloat16}[precision]


def memory_of(device: str) -> int:
    """Bytes the device has; 0 where that is not known."""
    if device == "cpu":
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if device.startswith("cuda"):
        import torch

        return torch.cuda.get_device_properties(device).total_memory
    return 0
