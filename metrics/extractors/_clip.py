"""CLIP's image tower from OpenAI's own files, through open_clip."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import torch
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image

from bench.contracts import Network
from bench.errors import BenchError
from metrics.extractors._network import TorchNetwork


def open_tower(path: Path, device: str) -> Network:
    """Features as `encode_image` gives them, not normalised; each image goes through open_clip's own transform."""
    tower = load_tower(path).to(device)
    transform = image_transform_v2(PreprocessCfg(size=tower.image_size), is_train=False)

    def prepare(pixels: np.ndarray) -> np.ndarray:
        """uint8 (h, w, 3) of any size -> float32 (side, side, 3), normalised."""
        return transform(Image.fromarray(pixels)).permute(1, 2, 0).numpy()

    return TorchNetwork(tower, device, prepare)


def load_tower(path: Path) -> Any:
    """The image tower of an OpenAI archive, float32, in evaluation mode. The file's sha256 has been checked before.

    open_clip reads the architecture from the tensors' shapes and loads them strictly, so no tensor is left out.
    """
    with warnings.catch_warnings():
        # The files were published as TorchScript and in no other form.
        warnings.filterwarnings("ignore", message=".*torch.jit.load.*", category=FutureWarning)
        clip = open_clip.load_openai_model(str(path), precision="fp32", device="cpu")
    refuse_gelu(clip.visual, path)
    return clip.visual.eval().requires_grad_(False)


def refuse_gelu(tower: torch.nn.Module, path: Path) -> None:
    """These weights were trained with x * sigmoid(1.702 x); with torch's own GELU they run without a word, wrongly."""
    found = {type(block.mlp.gelu).__name__ for block in tower.transformer.resblocks}
    if found != {"QuickGELU"}:
        raise BenchError(
            f"{path}: open_clip {open_clip.__version__} built it with {', '.join(sorted(found))} in place of "
            "QuickGELU, which gives wrong features; pip install 'open-clip-torch>=3.3,<4'"
        )
