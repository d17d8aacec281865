"""What is made once from the same bytes and read ever after: files of a shared folder, named by their origin."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from bench.contracts import Context

Tensors = dict[str, torch.Tensor]


def once(ctx: Context, name: str, origin: Iterable[str | bytes | memoryview], make: Callable[[], Tensors]) -> Tensors:
    """What `make` returns for this origin: read when it lies in the cache, else made, by a team's first process.

    A file that cannot be read is made anew.
    """
    digest = hashlib.sha256()
    for part in origin:
        digest.update(hashlib.sha256(part.encode() if isinstance(part, str) else part).digest())
    path = (ctx.cache or ctx.workdir) / f"{name}-{digest.hexdigest()[:32]}.safetensors"
    if ctx.team.rank == 0 and not _whole(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        part_path = path.with_suffix(f".{os.getpid()}.part")
        save_file({key: value.contiguous() for key, value in make().items()}, part_path)
        os.replace(part_path, path)
    ctx.team.wait()
    return load_file(path)


def _whole(path: Path) -> bool:
    try:
        load_file(path)
    except (OSError, SafetensorError):
        return False
    return True


def digest_of(module: nn.Module) -> bytes:
    """Hash of a network's weights by name."""
    digest = hashlib.sha256()
    for name, value in sorted(module.state_dict().items()):
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().view(torch.uint8).numpy())
    return digest.digest()
