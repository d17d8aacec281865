"""What is made once from the same bytes and read ever after: files of a shared folder, named by their origin."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file

from bench.contracts import Context
from bench.errors import BenchError
from bench.files.atomic import replacing
from bench.files.cache import tell_damaged

Tensors = Mapping[str, torch.Tensor]
SHA256 = "sha256"
"""Entry of a file's metadata: the hash of its tensors."""


def once(ctx: Context, name: str, origin: Iterable[str | bytes | memoryview], make: Callable[[], Tensors]) -> Tensors:
    """What `make` returns for this origin: read when it lies in the cache, else made, by the first process.

    Tensors stay on disk, mapped into memory. A file whose tensors are not those of its hash is told and made anew.
    """
    digest = hashlib.sha256()
    for part in origin:
        digest.update(hashlib.sha256(part.encode() if isinstance(part, str) else part).digest())
    path = (ctx.cache or ctx.workdir) / f"{name}-{digest.hexdigest()[:32]}.safetensors"
    found = _read(path) if ctx.processes.rank == 0 else None
    if ctx.processes.rank == 0 and found is None:
        tell_damaged([path] if path.exists() else [], ctx.progress)
        _write(path, make())
    ctx.processes.barrier()
    found = found or _read(path)
    if found is None:
        raise BenchError(f"{path}: reads otherwise than it was written; look after that disk, or choose --results")
    return found


def _read(path: Path) -> Tensors | None:
    """None where there is no file, or none that is whole."""
    try:
        with safe_open(path, "pt") as file:
            known = (file.metadata() or {}).get(SHA256)
        tensors = load_file(path)
    except (OSError, SafetensorError):
        return None
    return tensors if digest_of(tensors).hex() == known else None


def _write(path: Path, tensors: Tensors) -> None:
    whole = {name: value.contiguous() for name, value in tensors.items()}
    with replacing(path) as part:
        save_file(whole, part, {SHA256: digest_of(whole).hex()})


def digest_of(tensors: Tensors) -> bytes:
    """Hash of the tensors by name, type and shape; a network's are its `state_dict()`."""
    digest = hashlib.sha256()
    for name, value in sorted(tensors.items()):
        digest.update(repr((name, str(value.dtype), tuple(value.shape))).encode())
        digest.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
    return digest.digest()
