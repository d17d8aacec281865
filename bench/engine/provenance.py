"""What a number was made with: packages, machine, time and memory."""

from __future__ import annotations

import functools
import platform
import sys
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from typing import Any

from bench.version import __version__


def package_versions(modules: Iterable[str]) -> dict[str, str]:
    """Installed version by distribution name, for importable names."""
    owners = _owners()
    names = {owner for module in modules for owner in owners.get(module.split(".")[0], ())}
    return {"bench": __version__, "python": platform.python_version(), **_versions(names)}


@functools.cache
def _owners() -> Mapping[str, list[str]]:
    """Importable name -> distributions. Reads the metadata of all that is installed, 0.2 s: once a process."""
    return packages_distributions()


def _versions(names: Iterable[str]) -> dict[str, str]:
    found = {}
    for name in sorted(names):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def device_name(device: str) -> str:
    """`cpu (x86_64, Linux …)` or the accelerator's own name."""
    if device.startswith("cuda"):
        import torch

        return torch.cuda.get_device_name(device)
    return f"{device} ({platform.machine()}, {platform.system()} {platform.release()})"


def peak_memory_mib() -> float:
    """Largest resident memory of this process so far, MiB."""
    if sys.platform == "win32":
        import psutil

        return psutil.Process().memory_info().peak_wset / 1024**2
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024**2 if sys.platform == "darwin" else 1024)


def describe(modules: Iterable[str], device: str, seconds: float) -> dict[str, Any]:
    """What a record says of its making: packages behind the importable names, device, threads, time, memory."""
    return {
        "packages": package_versions(modules),
        "device": device_name(device),
        # Of torch; None where nothing has asked for it.
        "threads": sys.modules["torch"].get_num_threads() if "torch" in sys.modules else None,
        "wall_seconds": round(seconds, 3),
        "peak_memory_mib": round(peak_memory_mib(), 1),
    }
