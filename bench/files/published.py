"""Weight files that others have published: where they lie here, whether they are whole, and how they are fetched.

Imports torch and huggingface_hub when something is fetched, not before.
"""

from __future__ import annotations

import functools
import os
import re
from dataclasses import dataclass
from pathlib import Path

from bench.files.atomic import sha256_file

HUB_FILE = "model.safetensors"


def torch_folder() -> Path:
    """Where torch.hub keeps downloaded weights: $TORCH_HOME/hub/checkpoints. The rule is torch's, without torch."""
    cache = os.getenv("XDG_CACHE_HOME", "~/.cache")
    home = os.getenv("TORCH_HOME", os.path.join(cache, "torch"))
    return Path(home).expanduser() / "hub" / "checkpoints"


def fault(path: Path, sha256: str, again: bool = False) -> str:
    """What is wrong with a weight file, as the end of a sentence; empty when its sha256 begins with these digits.

    A file whose size and time have not changed since is read only once in a session, unless `again`.
    """
    if not path.is_file():
        return "no such file"
    status = path.stat()
    found = sha256_file(path) if again else _sha256_of(path, status.st_size, status.st_mtime_ns)
    if found.startswith(sha256):
        return ""
    return f"sha256 is {found[:8]}… ({status.st_size} bytes), expected {sha256[:8]}…: damaged or another file"


@functools.lru_cache(maxsize=16)
def _sha256_of(path: Path, size: int, changed_ns: int) -> str:  # noqa: ARG001
    return sha256_file(path)


def fetch(address: str, path: Path, sha256: str) -> None:
    """Download to `path`, which appears only when its sha256 begins with these digits; with none it is not checked.

    OSError or RuntimeError where that fails.
    """
    from torch.hub import download_url_to_file

    path.parent.mkdir(parents=True, exist_ok=True)
    download_url_to_file(address, str(path), hash_prefix=sha256 or None)


def published_digits(path: Path) -> str:
    """First digits of a published file's sha256, or all: so its name ends, or Hugging Face's cache calls what it keeps.

    Empty where neither is so.
    """
    found = re.search(r"-([0-9a-f]{8,})\.", path.name) or re.fullmatch(r"([0-9a-f]{64})", path.resolve().name)
    return found[1] if found else ""


@dataclass(frozen=True)
class HubFile:
    """Weights in a repository of Hugging Face; they lie in its cache."""

    repository: str
    revision: str | None = None
    fetchable = True

    @property
    def absent(self) -> str:
        """What is not here and how it comes here; the sentence goes on with other remedies."""
        return f"{self.repository} is not in Hugging Face's cache; let --download fetch it, "

    def cached(self) -> Path | None:
        """The file on this machine; None where it is not."""
        from huggingface_hub import try_to_load_from_cache

        found = try_to_load_from_cache(self.repository, HUB_FILE, revision=self.revision)
        return Path(found) if isinstance(found, str) else None

    def fetch(self) -> Path:
        """Fetch it and say where it lies. OSError or ValueError where that fails."""
        from huggingface_hub import hf_hub_download

        return Path(hf_hub_download(self.repository, HUB_FILE, revision=self.revision))


@dataclass(frozen=True)
class WebFile:
    """Weights at an address; they lie in torch hub's folder. What is no web address only names them."""

    address: str

    @property
    def absent(self) -> str:
        """What is not here and how it comes here; the sentence goes on with other remedies."""
        where = f"{self.path}: no such file; "
        return f"{where}put {self.address} there, let --download fetch it, " if self.fetchable else where

    @property
    def fetchable(self) -> bool:
        """Whether `fetch` may succeed."""
        return self.address.startswith("http")

    @property
    def path(self) -> Path:
        """Where it lies, or will lie."""
        return torch_folder() / self.address.rpartition("/")[2]

    def cached(self) -> Path | None:
        """The file on this machine; None where it is not."""
        return self.path if self.path.is_file() else None

    def fetch(self) -> Path:
        """Fetch it and say where it lies. OSError, ValueError or RuntimeError where that fails."""
        if not self.fetchable:
            raise ValueError(f"{self.address} is no web address")
        fetch(self.address, self.path, published_digits(self.path))
        return self.path
