"""What all segmenters share: training, prediction and counting of a network; what differs comes from the plugin."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from bench.contracts import Context, Cost, Segmenter, Split, param
from bench.errors import BenchError

if TYPE_CHECKING:
    import torch

    from segmenters.networks.weights import State
    from segmenters.training.loop import Recipe


@dataclass(frozen=True)
class TrainedParams:
    """What every segmenter can be told."""

    weights: str = param("", "checkpoint of the whole network, used as it is: nothing is trained", key=False)
    precision: str = param(
        "fp32", "of the arithmetic on an accelerator; weights and optimiser stay fp32", choices=("fp32", "bf16")
    )


class TrainedSegmenter(Segmenter):
    """A network under a recipe, from random weights on; or with weights that were trained elsewhere."""

    plugin_name: ClassVar[str]
    stride: ClassVar[int] = 1
    """The network takes sides that are multiples of it."""
    requires: ClassVar[tuple[str, ...]] = ("torch", "safetensors")

    def _network(self) -> torch.nn.Module:
        """With random weights, drawn from torch's own random numbers."""
        raise NotImplementedError

    def _recipe(self) -> Recipe:
        raise NotImplementedError

    def _logits(self, model: torch.nn.Module, images: torch.Tensor) -> torch.Tensor:
        """Normalised images (n, 3, h, w) -> logits (n, c, h', w'), of which maps are made."""
        return model(images)

    def _lesion_map(self, logits: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
        """(n, c, h', w') -> probabilities (n, *size), where `size` is (height, width) of the images themselves."""
        from segmenters.training.maps import lesion_map

        return lesion_map(logits, size)

    def _own_names(self, state: State) -> State:
        """A checkpoint of the network as its authors released it, under our names."""
        return state

    def _initialise(self, network: torch.nn.Module, ctx: Context) -> None:
        """Fill what does not start at random."""

    def _probability(self, model: torch.nn.Module, images: torch.Tensor) -> torch.Tensor:
        """(n, 3, h, w) -> (n, h, w)."""
        return self._lesion_map(self._logits(model, images), (images.shape[2], images.shape[3]))

    @property
    def _title(self) -> str:
        """The plugin's name and, where it stands for many, which it is."""
        text = Path(getattr(self.params, self.argument)).name if self.argument else ""
        return f"{self.plugin_name}:{text}" if text else self.plugin_name

    def files(self) -> tuple[Path, ...]:
        return (Path(self.params.weights).expanduser(),) if self.params.weights else ()

    def check_params(self, devices: int) -> None:
        if self.params.size % self.stride:
            raise BenchError(f"{self.plugin_name}.size={self.params.size}: must be a multiple of {self.stride}")
        if absent := self._beyond_reach():
            raise BenchError(absent)

    def try_files(self) -> None:
        if self.params.weights:
            self._load_weights(self._network())

    def missing(self) -> tuple[str, ...]:
        absent = self._beyond_reach()
        return (absent,) if absent else ()

    def _beyond_reach(self) -> str:
        """The line on weights that are not there and that --download cannot fetch; empty where there are none."""
        return self._no_such_file("weights")

    def _no_such_file(self, field: str, remedy: str = "") -> str:
        given = getattr(self.params, field)
        if not given or Path(given).expanduser().is_file():
            return ""
        return f"segmenter {self._title}: {self.plugin_name}.{field}={given}: no such file; {remedy or 'name another'}"

    def notes(self) -> tuple[str, ...]:
        if not self.params.weights:
            return ()
        name = Path(self.params.weights).name
        return (f"{self._title} predicts with the weights {name}: nothing is trained, so its rows are one network",)

    def details(self) -> tuple[str, ...]:
        count = sum(parameter.numel() for parameter in self._network().parameters())
        return (f"{count:,} parameters, {'none of them trained here' if self.params.weights else 'all trained'}",)

    def cost(self, action: str, images: int, devices: int) -> Cost | None:
        if self.params.weights and action == "train":
            return None
        from segmenters.training.cost import cost_of

        return cost_of(self._network().to("meta"), self._recipe(), self._probability, action, images)

    def fit(self, train: Split, val: Split, model_dir: Path, ctx: Context, select: Split = ()) -> None:
        from segmenters.training.loop import fit, write

        network = self._seeded(ctx.seed)
        if self.params.weights:
            self._load_weights(network)
            kept = f"weights {Path(self.params.weights).name}"
            write(network, model_dir, {"epochs": 0, "updates": 0, "kept": kept, "notes": [], "history": []})
            return
        self._initialise(network, ctx)
        fit(network, self._recipe(), train, val, model_dir, ctx, select, self._probability)

    def _load_weights(self, network: torch.nn.Module) -> None:
        from segmenters.networks.weights import load_network

        load_network(network, Path(self.params.weights).expanduser(), self._own_names)

    def predict(self, samples: Split, model_dir: Path, out: Path, ctx: Context) -> None:
        from segmenters.training.loop import predict

        network = self._seeded(ctx.seed)
        predict(network, self._logits, self._lesion_map, self._recipe(), samples, model_dir, out, ctx)

    def _seeded(self, seed: int) -> torch.nn.Module:
        import torch

        torch.manual_seed(seed)
        return self._network()
