"""Extractors whose weights are one published file: found by one rule, known by its sha256, never trusted before."""

from __future__ import annotations

from pathlib import Path

from bench.contracts import Context, Extractor
from bench.errors import BenchError
from bench.files.published import fault, fetch, torch_folder


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
        """Where the file lies, or has to be put."""
        if not self.params.weights:
            return torch_folder() / self.file
        given = Path(self.params.weights).expanduser()
        return given / self.file if given.is_dir() else given

    def missing(self) -> tuple[str, ...]:
        wrong = fault(self.weights(), self.sha256)
        about = f"{self.weights_size / 1e6:.0f} MB, sha256 {self.sha256[:8]}…"
        remedy = f"put {self.address} there ({about}), name its folder with --weights DIR, or let --download fetch it"
        return (f"extractor {self.plugin_name}: {self.weights()}: {wrong}; {remedy}",) if wrong else ()

    def checked(self, ctx: Context) -> Path:
        """The file with the known sha256, fetched first where `ctx` allows it and it is not there; else BenchError."""
        if ctx.download and self.missing():
            self._download()
        for line in self.missing():
            raise BenchError(line)
        return self.weights()

    def _download(self) -> None:
        path = self.weights()
        try:
            fetch(self.address, path, self.sha256)
        except (OSError, RuntimeError) as error:
            raise BenchError(f"--download: {self.address}: {error}; fetch it elsewhere and put it at {path}") from None
