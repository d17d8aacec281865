"""Where pretrained weights of backbones were published, where they lie on this machine, and how they are fetched."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.errors import BenchError
from bench.files.atomic import sha256_file

HUB_FILE = "model.safetensors"


@dataclass(frozen=True)
class Hub:
    """Weights in a repository of Hugging Face; they lie in its cache."""

    repository: str
    revision: str | None = None
    fetchable = True

    @property
    def absent(self) -> str:
        return f"{self.repository} is not in Hugging Face's cache; let --download fetch it, "

    def cached(self) -> Path | None:
        from huggingface_hub import try_to_load_from_cache

        found = try_to_load_from_cache(self.repository, HUB_FILE, revision=self.revision)
        return Path(found) if isinstance(found, str) else None

    def fetch(self) -> Path:
        """OSError or ValueError where it cannot be."""
        from huggingface_hub import hf_hub_download

        return Path(hf_hub_download(self.repository, HUB_FILE, revision=self.revision))


@dataclass(frozen=True)
class Address:
    """Weights at an address; they lie in torch hub's folder. What is no web address only names them."""

    address: str

    @property
    def absent(self) -> str:
        where = f"{self._path}: no such file; "
        return f"{where}put {self.address} there, let --download fetch it, " if self.fetchable else where

    @property
    def fetchable(self) -> bool:
        return self.address.startswith("http")

    @property
    def _path(self) -> Path:
        cache = os.getenv("XDG_CACHE_HOME", "~/.cache")
        home = os.getenv("TORCH_HOME", os.path.join(cache, "torch"))
        return Path(home).expanduser() / "hub" / "checkpoints" / self.address.rpartition("/")[2]

    def cached(self) -> Path | None:
        return self._path if self._path.is_file() else None

    def fetch(self) -> Path:
        """OSError, ValueError or RuntimeError where it cannot be."""
        from torch.hub import download_url_to_file

        if not self.fetchable:
            raise ValueError(f"{self.address} is no web address")
        self._path.parent.mkdir(parents=True, exist_ok=True)
        download_url_to_file(self.address, str(self._path), hash_prefix=_digits(self._path) or None)
        return self._path


@dataclass(frozen=True)
class Nowhere:
    """Weights that were not published, or nobody knows where."""

    absent = ""
    fetchable = False

    def cached(self) -> Path | None:
        return None

    def fetch(self) -> Path:
        raise ValueError("it is not known where they were published")


Source = Hub | Address | Nowhere


def _digits(path: Path) -> str:
    """First digits of a published file's sha256, or all: so its name ends, or Hugging Face's cache calls what it keeps.

    Empty where neither is so.
    """
    found = re.search(r"-([0-9a-f]{8,})\.", path.name) or re.fullmatch(r"([0-9a-f]{64})", path.resolve().name)
    return found[1] if found else ""


def checked(path: Path) -> Path:
    """A published file, read again from where it was fetched to; BenchError where its bytes have changed there."""
    known = _digits(path)
    if not sha256_file(path).startswith(known):
        raise BenchError(f"{path}: damaged, its sha256 does not begin with {known[:8]}; delete it and fetch it again")
    return path


def fetched(source: Source, name: str) -> Path:
    """BenchError with the remedy where the weights cannot be fetched; `name` is the plugin's."""
    try:
        return source.fetch()
    except (OSError, ValueError, RuntimeError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise BenchError(
            f"--download: the backbone's weights could not be fetched ({reason}); give their file with "
            f"--set {name}.backbone=FILE"
        ) from None


_MIT = "https://download.openmmlab.com/mmsegmentation/v0.5/pretrain/segformer/mit_{}_20220624-{}.pth"
MIT: Mapping[str, Address] = {
    variant: Address(_MIT.format(variant, digits))
    for variant, digits in {
        "b0": "7e0fe6dd", "b1": "02e5a6a1", "b2": "66e8bf70", "b3": "13b1141c", "b4": "d588d980", "b5": "658746d9"
    }.items()
}  # fmt: skip
"""Mix Transformers, as mmsegmentation publishes them and its configurations name them."""
