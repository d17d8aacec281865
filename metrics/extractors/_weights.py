"""Weight files: found on disk, known by their sha256, never trusted before."""

from __future__ import annotations

import functools
import hashlib
import os
from pathlib import Path


def hub_folder() -> Path:
    """Where torch.hub keeps downloaded weights: $TORCH_HOME/hub/checkpoints. The rule is torch's, without torch."""
    cache = os.getenv("XDG_CACHE_HOME", "~/.cache")
    home = os.getenv("TORCH_HOME", os.path.join(cache, "torch"))
    return Path(home).expanduser() / "hub" / "checkpoints"


def fault(path: Path, sha256: str) -> str:
    """What is wrong with a weight file, as the end of a sentence; empty when its bytes are the expected ones."""
    if not path.is_file():
        return "no such file"
    status = path.stat()
    found = _sha256(path, status.st_size, status.st_mtime_ns)
    if found == sha256:
        return ""
    return f"sha256 is {found[:8]}… ({status.st_size} bytes), expected {sha256[:8]}…: damaged or another file"


@functools.lru_cache(maxsize=16)
def _sha256(path: Path, size: int, changed_ns: int) -> str:  # noqa: ARG001
    # `size` and `changed_ns` serve the cache: a file that was replaced is read again.
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
