"""The network that was looked through last stays open: loading one can take as long as dozens of images."""

from __future__ import annotations

from dataclasses import dataclass

from bench.contracts import Context, Extractor, Network


@dataclass
class Networks:
    """Holds one network only, so that memory is that of the largest."""

    _extractor: Extractor | None = None
    _network: Network | None = None

    def open(self, extractor: Extractor, ctx: Context) -> Network:
        """The extractor's network; opened anew where another came between."""
        if self._network is None or self._extractor is not extractor:
            self.close()
            self._network = extractor.open(ctx)
            self._extractor = extractor
        return self._network

    def close(self) -> None:
        """Let go of the network, for work that needs the memory."""
        self._extractor = self._network = None
