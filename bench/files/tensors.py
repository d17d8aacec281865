"""Whether weights from a file can fill a network: numbers of its own kinds, and finite ones.

The tensors are torch's, but torch is not imported: who has tensors has it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from bench.errors import BenchError

FETCH_AGAIN = "fetch it again"


def refuse_unfit(
    file: Path, found: Iterable[tuple[str, Any]], own: Mapping[str, Any], remedy: str = FETCH_AGAIN
) -> None:
    """BenchError that names `file` and its first tensor that `own`, a network's state by name, cannot be filled with.

    Floats fill floats of any width, whole numbers whole ones; whatever else torch would convert without a word, and
    numbers that are not finite would spread through all that is computed. A name that `own` lacks may be of any type.
    """
    unfit, broken, count = [], [], 0
    for name, value in found:
        count += 1
        if name in own and _kind(value.dtype) != _kind(own[name].dtype):
            unfit.append(f"{name}: {_name(value.dtype)} for {_name(own[name].dtype)}")
        # Not every narrow float can be asked itself.
        elif value.is_floating_point() and not value.float().isfinite().all():
            broken.append(name)
    if unfit:
        raise BenchError(f"{file}: {len(unfit)} of {count} tensors are of an unfit type, first {unfit[0]}; {remedy}")
    if broken:
        raise BenchError(
            f"{file}: {len(broken)} of {count} tensors hold numbers that are not finite, first {broken[0]}; {remedy}"
        )


def _kind(dtype: Any) -> str:
    if dtype.is_complex:
        return "complex"
    if dtype.is_floating_point:
        return "float"
    return "bool" if _name(dtype) == "bool" else "integer"


def _name(dtype: Any) -> str:
    return str(dtype).removeprefix("torch.")
