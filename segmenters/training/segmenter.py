"""What all segmenters share: training, prediction and counting of a network whose parts the plugin names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from bench.contracts import Context, Cost, Segmenter, Split
from bench.errors import BenchError
from segmenters.weights.params import no_such_file

if TYPE_CHECKING:
    import torch

    from segmenters.training.loop import Recipe
    from segmenters.training.maps import MapHead
    from segmenters.weights.backbone import Backbone
    from segmenters.weights.state import State


class TrainedSegmenter(Segmenter):
    """A network, its recipe, the weights of its backbone and the way from its output to maps: a plugin names the four.

    The network starts from random weights but for its backbone, or comes whole from a checkpoint (`weights`). `Params`
    have the fields `size`, `batch` and those of `TrainedParams`.
    """

    plugin_name: ClassVar[str]
    """As messages and options name it."""
    stride: ClassVar[int] = 1
    """The network takes sides that are multiples of it."""
    requires: ClassVar[tuple[str, ...]] = ("torch", "safetensors")

    def network(self) -> torch.nn.Module:
        """Images (n, 3, h, w) -> its output, with random weights drawn from torch's own random numbers."""
        raise NotImplementedError

    def recipe(self) -> Recipe:
        """How it is trained."""
        raise NotImplementedError

    def backbone(self) -> Backbone | None:
        """The part that starts from published weights; None where all starts at random."""
        return None

    def head(self) -> MapHead:
        """The way from the network's output to maps; by default the output is the logits."""
        from segmenters.training.maps import MapHead

        return MapHead()

    def released_names(self, state: State) -> State:
        """A checkpoint of the network as its authors released it, under our names."""
        return state

    def unusable(self) -> str:
        """Why packages that are installed cannot be used on this machine, and what helps; empty where they can."""
        return ""

    @property
    def title(self) -> str:
        """The plugin's name and, where it stands for many, which it is."""
        text = Path(getattr(self.params, self.argument)).name if self.argument else ""
        return f"{self.plugin_name}:{text}" if text else self.plugin_name

    def seeded(self, seed: int) -> torch.nn.Module:
        """The network with the random weights of a seed."""
        import torch

        torch.manual_seed(seed)
        return self.network()

    def files(self) -> tuple[Path, ...]:
        if self.params.weights:
            return (Path(self.params.weights).expanduser(),)
        backbone = self.backbone()
        return backbone.files() if backbone else ()

    def check_params(self, devices: int) -> None:
        if backbone := self.backbone():
            backbone.check()
        if self.params.size % self.stride:
            raise BenchError(f"{self.plugin_name}.size={self.params.size}: must be a multiple of {self.stride}")
        if absent := self._beyond_reach():
            raise BenchError(absent)

    def try_files(self) -> None:
        if self.params.weights:
            self._load_weights(self.network())
            return
        backbone = self.backbone()
        path = backbone.at_hand() if backbone else None
        if backbone and path:
            backbone.load(self.network(), path)

    def missing(self) -> tuple[str, ...]:
        backbone = self.backbone()
        absent = self._beyond_reach() or (backbone.missing() if backbone else "")
        return (absent,) if absent else ()

    def _beyond_reach(self) -> str:
        """The line on what is not there and --download cannot fetch; empty where there is nothing."""
        if fault := self.unusable():
            return f"segmenter {self.title}: {fault}"
        backbone = self.backbone()
        return no_such_file(self, "weights") or (backbone.beyond_reach() if backbone else "")

    def notes(self) -> tuple[str, ...]:
        if self.params.weights:
            name = Path(self.params.weights).name
            return (f"{self.title} predicts with the weights {name}: nothing is trained, so its rows are one network",)
        backbone = self.backbone()
        return backbone.notes() if backbone else ()

    def details(self) -> tuple[str, ...]:
        count = sum(parameter.numel() for parameter in self._shape().parameters())
        return (f"{count:,} parameters, {'none of them trained here' if self.params.weights else 'all trained'}",)

    def _shape(self) -> torch.nn.Module:
        """The network without numbers: drawing them is most of the time that a large one takes."""
        import torch

        try:
            with torch.device("meta"):
                return self.network().to("meta")
        except (RuntimeError, NotImplementedError):
            # A network that looks at numbers while it is built needs them.
            return self.network().to("meta")

    def cost(self, action: str, images: int, devices: int) -> Cost | None:
        if self.params.weights and action == "train":
            return None
        from segmenters.training.cost import cost_of

        return cost_of(self._shape(), self.recipe(), self.head().probability, action, images)

    def fit(self, train: Split, val: Split, model_dir: Path, ctx: Context, select: Split = ()) -> None:
        from segmenters.training.loop import fit, write

        network, backbone = self.seeded(ctx.seed), self.backbone()
        if self.params.weights:
            self._load_weights(network)
            kept = f"weights {Path(self.params.weights).name}"
            write(network, model_dir, {"epochs": 0, "updates": 0, "kept": kept, "notes": [], "history": []})
            return
        path = backbone.file(ctx) if backbone else None
        if backbone and path:
            backbone.load(network, path)
        fit(network, self.recipe(), train, val, model_dir, ctx, select=select, probability=self.head().probability)

    def _load_weights(self, network: torch.nn.Module) -> None:
        from segmenters.weights.state import load_network

        load_network(network, Path(self.params.weights).expanduser(), self.released_names)

    def predict(self, samples: Split, model_dir: Path, out: Path, ctx: Context) -> None:
        from segmenters.training.loop import predict

        network = self.seeded(ctx.seed)
        predict(network, self.head(), self.recipe(), samples, model_dir=model_dir, out=out, ctx=ctx)
