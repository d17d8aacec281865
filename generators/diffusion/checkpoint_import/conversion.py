"""A checkpoint of the latent-diffusion layout -> a folder in diffusers' format.

The file holds weights only. The base model's folder gives what shapes cannot tell (attention heads, groups of
normalisation, the latents' scale, the tokenizer), and the VAE and text encoder where the file has none of them.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import nn
from transformers import CLIPTextModel
from transformers.utils import logging

from bench.errors import BenchError, first_line
from bench.files.tensors import refuse_unfit
from generators.diffusion.base_model.location import WEIGHTS, WHOLE
from generators.diffusion.base_model.model import Base
from generators.diffusion.checkpoint_import.names import (
    CONTROL,
    TEXT,
    UNET,
    VAE,
    Names,
    control_names,
    text_names,
    unet_names,
    vae_names,
)
from generators.diffusion.checkpoint_import.schedule import check_schedule
from generators.diffusion.conditioning.dense_hint import DenseHintInput

TEXT_PART = "cond_stage_model."
POSITIONS = f"{TEXT}embeddings.position_ids"
AVERAGED = "model_ema."
PIPELINE = {
    "_class_name": "StableDiffusionControlNetPipeline",
    "vae": ["diffusers", "AutoencoderKL"],
    "unet": ["diffusers", "UNet2DConditionModel"],
    "controlnet": ["diffusers", "ControlNetModel"],
    "text_encoder": ["transformers", "CLIPTextModel"],
    "tokenizer": ["transformers", "CLIPTokenizer"],
    "scheduler": ["diffusers", "DDIMScheduler"],
}

State = Mapping[str, torch.Tensor]


@dataclass(frozen=True)
class Part:
    """One network: its folder, its place in the checkpoint, where each of its entries lies there, its own state."""

    folder: str
    prefix: str
    names: Names
    own: State


def absent_parts(state: State) -> tuple[str, ...]:
    """Those of the untrained networks of which the checkpoint holds nothing: the base model has them too."""
    return tuple(prefix for prefix in (VAE, TEXT_PART) if not any(key.startswith(prefix) for key in state))


def import_layout(
    file: Path, state: State, out: Path, base: Base, base_folder: Path, controlnet: nn.Module
) -> tuple[str, ...]:
    """Write the folder `out`; returns what was done. `base` and `controlnet` are shapes on the `meta` device.

    Raises BenchError that names every key which is missing, unexpected or of another shape.
    """
    everything = _parts(base, controlnet)
    absent = absent_parts(state)
    parts = [part for part in everything if part.prefix not in absent]
    borrowed = [part for part in everything if part.prefix in absent]
    schedule = check_schedule(file, state)
    averaged = [key for key in state if key.startswith(AVERAGED)]
    _check_keys(file, state, parts, [*schedule, *averaged, *_check_beside(file, state, base)], base_folder)
    for part in parts:
        _write_weights(out, part, {name: state[key] for key, name in part.names.items()})
    for part in borrowed:
        _write_weights(out, part, _of_base(part.folder, base_folder))
    _write_rest(out, base, base_folder, controlnet)
    lines = [f"{part.folder}: {len(part.names)} tensors of {part.prefix}*" for part in parts]
    lines += [f"{part.folder}: the file has no {part.prefix}*; taken from {base_folder}" for part in borrowed]
    lines += [f"tokenizer: no checkpoint holds one; taken from {base_folder}"]
    lines += [f"schedule: {len(schedule)} buffers agree with the sampler's"] if schedule else []
    lines += [f"left out: {len(averaged)} averaged weights {AVERAGED}*; the trained ones are taken"] if averaged else []
    return tuple(lines)


def _parts(base: Base, controlnet: nn.Module) -> list[Part]:
    found = [
        ("controlnet", CONTROL, control_names(controlnet), controlnet),
        ("unet", UNET, unet_names(base.unet), base.unet),
        ("vae", VAE, vae_names(base.vae), base.vae),
        ("text_encoder", TEXT_PART, text_names(base.text_encoder), base.text_encoder),
    ]
    return [Part(folder, prefix, names, module.state_dict()) for folder, prefix, names, module in found]


def _check_beside(file: Path, state: State, base: Base) -> list[str]:
    """Known entries that are no weights: they may only say what our networks say."""
    positions = torch.arange(base.text_encoder.config.max_position_embeddings)[None]
    expected = {POSITIONS: positions, "scale_factor": torch.tensor(base.vae.config.scaling_factor)}
    present = [key for key in expected if key in state]
    for key in present:
        value, want = state[key].double(), expected[key].double()
        if value.shape != want.shape or not torch.allclose(value, want, rtol=1e-3):
            raise BenchError(
                f"{file}: {key} is not the base model's; give the base it was made from with --set NAME.base=DIR"
            )
    return present


def _check_keys(file: Path, state: State, parts: Sequence[Part], beside: Sequence[str], base_folder: Path) -> None:
    expected = {key: part.own[name] for part in parts for key, name in part.names.items()}
    misshapen = [
        f"{key} {tuple(state[key].shape)} for {tuple(own.shape)}"
        for key, own in expected.items()
        if key in state and not _fits(state[key], own.shape)
    ]
    found = {
        "missing": [key for key in expected if key not in state],
        "unexpected": sorted(set(state) - set(expected) - set(beside)),
        "of another shape": misshapen,
    }
    lines = [f"  {what}: {key}" for what, keys in found.items() for key in keys]
    if lines:
        counts = ", ".join(f"{len(keys)} {what}" for what, keys in found.items() if keys)
        raise BenchError(
            "\n".join([f"{file}: {counts}", *lines])
            + f"\n  The base model {base_folder} and the generator's hint block decide what is expected: "
            "give the base it was made from with --set NAME.base=DIR, or the whole file"
        )
    refuse_unfit(file, ((key, state[key]) for key in expected), expected)


def _fits(value: torch.Tensor, shape: torch.Size) -> bool:
    """A 1×1 convolution is the linear layer of its two first dimensions."""
    ones = tuple(value.shape[len(shape) :])
    return value.shape[: len(shape)] == shape and ones in ((), (1, 1))


def _of_base(folder: str, base_folder: Path) -> dict[str, torch.Tensor]:
    """Through the library: it knows the older names in which a base model's files may lie."""
    # The only bars on the terminal are ours.
    logging.disable_progress_bar()
    cls: Any = {"vae": AutoencoderKL, "text_encoder": CLIPTextModel}[folder]
    try:
        return cls.from_pretrained(base_folder / folder, use_safetensors=True).state_dict()
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise BenchError(f"base model {base_folder}: {folder}: {first_line(error)}; {WHOLE}") from None


def _write_weights(out: Path, part: Part, tensors: dict[str, torch.Tensor]) -> None:
    """In the precision they have; nothing is copied in memory but what does not lie in one piece."""
    tensors = {name: value.reshape(part.own[name].shape).contiguous() for name, value in tensors.items()}
    if part.folder == "text_encoder":
        # As the hub has it, whatever the installed version of transformers calls it.
        tensors = {f"text_model.{name.removeprefix('text_model.')}": value for name, value in tensors.items()}
    path = out / part.folder / WEIGHTS[part.folder]
    path.parent.mkdir()
    try:
        save_file(tensors, path, metadata={"format": "pt"})
    except (SafetensorError, OSError, RuntimeError) as error:
        raise BenchError(f"{path}: could not be written ({first_line(error)}); free space on that disk") from None


def _write_rest(out: Path, base: Base, base_folder: Path, controlnet: Any) -> None:
    """Configurations, scheduler and tokenizer, beside the weights."""
    for folder in ("vae", "unet", "text_encoder"):
        shutil.copyfile(base_folder / folder / "config.json", out / folder / "config.json")
    controlnet.save_config(out / "controlnet")
    base.scheduler.save_pretrained(out / "scheduler")
    shutil.copytree(base_folder / "tokenizer", out / "tokenizer")
    # diffusers' own pipelines know no Dense Hint Input.
    if not isinstance(controlnet.controlnet_cond_embedding, DenseHintInput):
        (out / "model_index.json").write_text(json.dumps(PIPELINE, indent=1), encoding="utf-8")
