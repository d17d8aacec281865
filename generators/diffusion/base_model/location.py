"""Where a base model lies on this machine: the bundled folder, a folder of the user's or the hub's cache."""

from __future__ import annotations

import json
from pathlib import Path

from bench.errors import BenchError, first_line

TINY = "tiny"
TINY_FOLDER = Path(__file__).parent / "tiny"
PARTS = ("vae", "unet", "text_encoder", "tokenizer", "scheduler")
DIFFUSERS_WEIGHTS = "diffusion_pytorch_model.safetensors"
WEIGHTS = {
    "vae": DIFFUSERS_WEIGHTS,
    "unet": DIFFUSERS_WEIGHTS,
    "text_encoder": "model.safetensors",
    "controlnet": DIFFUSERS_WEIGHTS,
}
"""The file in each part's folder, where it is not cut into several."""
WHOLE = "give a whole diffusers folder"
"""The remedy for a base model that lacks something."""


def base_folder(source: str) -> Path | None:
    """The local folder of a base model: the bundled one, a path, or the hub's cache; None when it is not here."""
    if source == TINY:
        return TINY_FOLDER
    path = Path(source)
    if path.is_dir():
        return path
    return _cached(source)


def _cached(source: str) -> Path | None:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        folder = Path(snapshot_download(source, local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError, FileNotFoundError):
        return None
    return folder if all((folder / part).is_dir() for part in PARTS) else None


def shape_in_words(source: str) -> str:
    """Which base model's shape is counted with: where it is not here, Stable Diffusion 1.5's."""
    return (
        f"base model {source}" if base_folder(source) else "Stable Diffusion 1.5's shape (the base model is not here)"
    )


def missing_base(source: str) -> tuple[str, ...]:
    """One line when the base model is not on this machine, or lacks a part."""
    folder = base_folder(source)
    if folder is None:
        return (
            f"base model {source!r} is not here (4.3 GB for Stable Diffusion 1.5): give a diffusers folder with "
            f"--set NAME.base=DIR, or let --download fetch it from the hub",
        )
    absent = [part for part in PARTS if not (folder / part).is_dir()]
    return (f"base model {folder} lacks {', '.join(absent)}; {WHOLE}",) if absent else ()


def grid(source: str) -> int:
    """Pixels of which a side must be a multiple: latents are halved once a level of the U-Net but the first.

    Stable Diffusion's where the model is not here.
    """
    folder = base_folder(source)
    if folder is None or missing_base(source):
        return 64
    vae, unet = (_levels(folder, part) for part in ("vae", "unet"))
    return 2 ** (vae - 1) * 2 ** (unet - 1)


def _levels(folder: Path, part: str) -> int:
    path = folder / part / "config.json"
    try:
        return len(json.loads(path.read_text(encoding="utf-8"))["block_out_channels"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BenchError(f"base model {folder}: {path}: {first_line(error)}; {WHOLE}") from None


def fetch_base(source: str) -> Path:
    """Download the parts of a base model into the hub's cache; returns the folder there.

    Raises BenchError where the hub does not give it.
    """
    from huggingface_hub import snapshot_download

    patterns = [
        "model_index.json",
        *(f"{part}/*{end}" for part in PARTS for end in (".json", ".txt", "model.safetensors")),
    ]
    try:
        return Path(snapshot_download(source, allow_patterns=patterns))
    except (OSError, ValueError) as error:
        raise BenchError(
            f"base model {source!r} could not be fetched ({first_line(error)}); give a local folder"
        ) from None
