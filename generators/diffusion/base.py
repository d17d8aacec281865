"""The pretrained base model behind one interface: a diffusers folder or hub name of Stable Diffusion 1.5 class."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import BenchError
from bench.files.tensors import refuse_unfit

if TYPE_CHECKING:
    import torch

TINY = "tiny"
TINY_FOLDER = Path(__file__).parent / "tiny" / "model"
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

SCHEDULER = {
    "num_train_timesteps": 1000,
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "prediction_type": "epsilon",
    "timestep_spacing": "leading",
    "steps_offset": 1,
    "set_alpha_to_one": False,
    "clip_sample": False,
}
"""The original latent-diffusion sampler: 50 steps are t = 981, 961 … 1, and the last one ends at alpha of t = 0."""


@dataclass(frozen=True)
class Base:
    """All parts in evaluation mode, frozen."""

    vae: Any
    unet: Any
    text_encoder: Any
    tokenizer: Any
    scheduler: Any


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


def missing_base(source: str) -> tuple[str, ...]:
    """One line when the base model is not on this machine, or lacks a part."""
    folder = base_folder(source)
    if folder is None:
        return (
            f"base model {source!r} is not here (4.3 GB for Stable Diffusion 1.5): give a diffusers folder with "
            f"--set NAME.base=DIR, or let --download fetch it from the hub",
        )
    absent = [part for part in PARTS if not (folder / part).is_dir()]
    return (f"base model {folder} lacks {', '.join(absent)}; give a whole diffusers folder",) if absent else ()


def levels(source: str) -> int:
    """Of the U-Net, each at half the size of the one before; Stable Diffusion's four where the model is not here."""
    folder = base_folder(source)
    if folder is None or missing_base(source):
        return 4
    path = folder / "unet" / "config.json"
    try:
        return len(json.loads(path.read_text(encoding="utf-8"))["block_out_channels"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BenchError(f"base model {folder}: {path}: {first_line(error)}; give a whole diffusers folder") from None


def load_base(source: str, *, device: str = "cpu", download: bool = False) -> Base:
    """Load every part from safetensors. Raises BenchError when the model is not here and may not be fetched, and for a
    file that does not fill its network with finite numbers."""
    from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
    from safetensors import SafetensorError
    from transformers import CLIPTextModel, CLIPTokenizer
    from transformers.utils import logging

    lines = missing_base(source)
    if lines and not download:
        raise BenchError(lines[0])
    folder = base_folder(source) or _fetch(source)
    # Said outright, it is no warning; and the only bars on the terminal are ours.
    logging.disable_progress_bar()
    try:
        vae = _load_part(AutoencoderKL, folder / "vae", low_cpu_mem_usage=True)
        unet = _load_part(UNet2DConditionModel, folder / "unet", low_cpu_mem_usage=True)
        text_encoder = _load_part(CLIPTextModel, folder / "text_encoder")
        tokenizer = CLIPTokenizer.from_pretrained(folder / "tokenizer")
    # The libraries report a damaged file each in its own way: weights, configuration, vocabulary.
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise BenchError(f"base model {folder}: {first_line(error)}; {WHOLE}") from None
    vae, unet, text_encoder = (m.float().eval().requires_grad_(False).to(device) for m in (vae, unet, text_encoder))
    return Base(vae, unet, text_encoder, tokenizer, DDIMScheduler(**SCHEDULER))


def _load_part(cls: Any, folder: Path, **options: Any) -> Any:
    """BenchError or ValueError for what the libraries fill with random numbers or convert without a word."""
    from safetensors import safe_open

    # Mismatched sizes are ignored only to be told below: the library's own error names no tensor.
    told = {"output_loading_info": True, "ignore_mismatched_sizes": True}
    model, info = cls.from_pretrained(folder, use_safetensors=True, **told, **options)
    unfilled = sorted({*info["missing_keys"], *(name for name, *_ in info["mismatched_keys"])})
    if unfilled:
        raise ValueError(f"{folder.name}: {len(unfilled)} tensors missing or of another shape, first {unfilled[0]}")
    own = {_bare(name): value for name, value in model.state_dict().items()}
    for file in _weight_files(folder):
        with safe_open(file, "pt") as weights:
            names = weights.keys()
            refuse_unfit(file, ((_bare(name), weights.get_tensor(name)) for name in names), own, WHOLE)
    return model


def _bare(name: str) -> str:
    """Versions of transformers differ in whether a text encoder's names begin so."""
    return name.removeprefix("text_model.")


def _weight_files(folder: Path) -> list[Path]:
    """Those that the libraries load: one, or the pieces of it."""
    whole = folder / WEIGHTS[folder.name]
    return [whole] if whole.is_file() else sorted(folder.glob(f"{whole.stem}-*-of-*{whole.suffix}"))


def first_line(error: Exception) -> str:
    """What a library's error says, short enough to stand within a line of ours."""
    return str(error).strip().partition("\n")[0] or type(error).__name__


def _fetch(source: str) -> Path:
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


def tokenize(base: Base, prompts: Sequence[str]) -> torch.Tensor:
    """int64 (n, tokens), padded or cut to the model's length."""
    return base.tokenizer(
        list(prompts), padding="max_length", max_length=base.tokenizer.model_max_length, truncation=True,
        return_tensors="pt",
    ).input_ids  # fmt: skip


def encode_prompts(base: Base, prompts: Sequence[str]) -> torch.Tensor:
    """Text embeddings, float32 (n, tokens, width): the last hidden state."""
    import torch

    with torch.no_grad():
        return base.text_encoder(tokenize(base, prompts).to(base.text_encoder.device))[0]


def encode_images(base: Base, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and standard deviation of the scaled posterior of images (n, 3, h, w) in [-1, 1]; each (n, c, h/8, w/8)."""
    import torch

    with torch.no_grad():
        posterior = base.vae.encode(images).latent_dist
        scale = base.vae.config.scaling_factor
        return posterior.mean * scale, posterior.std * scale


def decode_latents(base: Base, latents: torch.Tensor) -> torch.Tensor:
    """Scaled latents -> uint8 (n, h, w, 3), rounded (the authors' script truncates)."""
    import torch

    with torch.inference_mode():
        pixels = base.vae.decode(latents / base.vae.config.scaling_factor).sample
        return ((pixels.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).permute(0, 2, 3, 1).cpu()
