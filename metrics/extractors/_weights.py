"""Weight files: found by one rule, known by their sha256, never trusted before."""

from __future__ import annotations

import functools
import os
from pathlib import Path

from bench.contracts import Context, Extractor
from bench.errors import BenchError
from bench.files.atomic import sha256_file


class Published(Extractor):
    """An extractor whose weights are one published file.

    The one rule: `Params.weights` is the path of the file, under any name, or of a folder that holds it under its own
    name (`file`); where it is empty, the folder is torch hub's. Only the known sha256 is accepted, wherever the file
    lies, so path and bytes stay out of the key.
    """

    @property
    def plugin_name(self) -> str:
        """As messages name it."""
        return self.label.lower()

    def check_params(self, devices: int) -> None:
        """Raises BenchError when the path that was given does not exist or holds other bytes.

        A folder that merely lacks the file is no error: another extractor may step in.
        """
        given = self.params.weights
        lacking = Path(given).expanduser().is_dir() and not self.weights().exists()
        if given and not lacking and (wrong := fault(self.weights(), self.sha256)):
            raise BenchError(
                f"{self.plugin_name}.weights={given}: {self.weights()}: {wrong}; give the path of {self.file} or of a "
                "folder that holds it"
            )

    def weights(self) -> Path:
        if not self.params.weights:
            return hub_folder() / self.file
        given = Path(self.params.weights).expanduser()
        return given / self.file if given.is_dir() else given

    def missing(self) -> tuple[str, ...]:
        wrong = fault(self.weights(), self.sha256)
        about = f"{self.weights_size / 1e6:.0f} MB, sha256 {self.sha256[:8]}…"
        remedy = f"put {self.address} there ({about}), name its folder with --weights DIR, or let --download fetch it"
        return (f"extractor {self.plugin_name}: {self.weights()}: {wrong}; {remedy}",) if wrong else ()

    def checked(self, ctx: Context) -> Path:
        """The file with the known sha256, fetched first where `ctx` allows it and it is not there."""
        if ctx.download and self.missing():
            download(self.address, self.weights(), self.sha256)
        for line in self.missing():
            raise BenchError(line)
        return self.weights()


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
    return sha256_file(path)


def download(address: str, path: Path, sha256: str) -> None:
    """Fetch a weight file to `path`, which appears only when its sha256 is right."""
    from torch.hub import download_url_to_file

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        download_url_to_file(address, str(path), hash_prefix=sha256)
    except (OSError, RuntimeError) as error:
        raise BenchError(f"--download: {address}: {error}; fetch it elsewhere and put it at {path}") from None
