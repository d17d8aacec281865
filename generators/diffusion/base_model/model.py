"""The pretrained base model behind one interface: all parts of a Stable Diffusion 1.5 in diffusers' format."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.errors import BenchError, first_line
from bench.files.tensors import refuse_unfit
from generators.diffusion.base_model.location import WEIGHTS, WHOLE, base_folder, fetch_base, missing_base

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


@dataclass(frozen=True, kw_only=True)
class Base:
    """All parts in evaluation mode, frozen: objects of diffusers and transformers.

    The VAE makes latents (n, c, h, w) of images (n, 3, fh, fw), f = 2^`halvings`: 8 with Stable Diffusion. The U-Net
    predicts noise in its scaled latents.
    """

    vae: Any
    unet: Any
    text_encoder: Any
    tokenizer: Any
    scheduler: Any

    @property
    def halvings(self) -> int:
        """How often the VAE halves height and width: once a level but the first."""
        return len(self.vae.config.block_out_channels) - 1


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
    folder = base_folder(source) or fetch_base(source)
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
    scheduler = DDIMScheduler(**SCHEDULER)
    return Base(vae=vae, unet=unet, text_encoder=text_encoder, tokenizer=tokenizer, scheduler=scheduler)


def _load_part(cls: Any, folder: Path, **options: Any) -> Any:
    """BenchError or ValueError for what the libraries fill with random numbers or convert without a word."""
    from safetensors import safe_open

    # Mismatched sizes are ignored only to be told below: the library's own error names no tensor.
    reported = {"output_loading_info": True, "ignore_mismatched_sizes": True}
    model, info = cls.from_pretrained(folder, use_safetensors=True, **reported, **options)
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
