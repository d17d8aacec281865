"""Weight files of the published formats with random numbers in them, and extractors that know their sha256."""

from __future__ import annotations

import pickle
import warnings
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

from bench.contracts import Extractor
from bench.files.atomic import sha256_file
from bench.images import save_png


def knowing(cls: type[Extractor], path: Path) -> type[Extractor]:
    """The extractor with the sha256 of `path` in place of the published file's."""
    return type("Random", (cls,), {"sha256": sha256_file(path)})


def random_inception_file(folder: Path) -> Path:
    """Inception's tensors at He's scale: torch's default lets the signal die in 40 layers."""
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    class Unloaded(FeatureExtractorInceptionV3):
        def load_state_dict(self, state_dict, *args, **kwargs):
            return None

    torch.save({}, folder / "nothing.pth")
    torch.manual_seed(0)
    network = Unloaded("random", ["2048"], feature_extractor_weights_path=str(folder / "nothing.pth"))
    for name, weight in network.named_parameters():
        if name.endswith("conv.weight"):
            nn.init.kaiming_normal_(weight, nonlinearity="relu")
    torch.save(network.state_dict(), folder / "random.pth")
    return folder / "random.pth"


def save_trap(path: Path, tensor: str, mark: Path) -> None:
    """A weight file in which code, run by whoever unpickles `tensor`, makes the file `mark`."""

    class Trap:
        def __reduce__(self):
            return Path.touch, (mark,)

    with path.open("wb") as stream:
        pickle.dump({tensor: Trap()}, stream, protocol=2)


def smooth_photos(folder: Path) -> list[Path]:
    """Five smooth colour images of three sizes."""
    rng = np.random.default_rng(0)
    paths = []
    for index, size in enumerate([(96, 64), (96, 64), (50, 70), (96, 64), (120, 120)]):
        small = Image.fromarray(rng.integers(0, 255, (6, 6, 3), dtype=np.uint8))
        paths.append(folder / f"{index}.png")
        save_png(paths[-1], np.asarray(small.resize(size, Image.Resampling.BICUBIC)))
    return paths


def save_archive(model: nn.Module, path: Path) -> None:
    """The model's tensors as OpenAI published CLIP: a TorchScript archive with three numbers of its own."""
    holder = _tensors_alone(model)
    for name in ("input_resolution", "context_length", "vocab_size"):
        holder.register_buffer(name, torch.tensor(1))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*torch.jit.*", category=FutureWarning)
        torch.jit.save(torch.jit.script(holder), path)


def _tensors_alone(module: nn.Module) -> nn.Module:
    """Modules of the same names with the same parameters, which do nothing: TorchScript takes any tree of them."""
    holder = nn.Module()
    for name, parameter in module.named_parameters(recurse=False):
        holder.register_parameter(name, nn.Parameter(parameter.detach(), requires_grad=False))
    for name, child in module.named_children():
        holder.add_module(name, _tensors_alone(child))
    return holder
