"""A checkpoint of the latent-diffusion layout -> a folder in diffusers' format, and back into the networks.

The file holds weights only. The base model's folder gives what shapes cannot tell (attention heads, groups of
normalisation, the latents' scale, the tokenizer), and the VAE and text encoder where the file has none of them.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import nn

from bench.errors import BenchError
from generators.diffusion.base import Base, first_line
from generators.diffusion.checkpoint_file import read_checkpoint
from generators.diffusion.hint import DenseHintInput
from generators.diffusion.ldm import CONTROL, TEXT, UNET, VAE, Names, control_names, text_names, unet_names, vae_names
from generators.diffusion.schedule import check_schedule

DIFFUSERS_WEIGHTS = "diffusion_pytorch_model.safetensors"
WEIGHTS = {
    "vae": DIFFUSERS_WEIGHTS,
    "unet": DIFFUSERS_WEIGHTS,
    "text_encoder": "model.safetensors",
    "controlnet": DIFFUSERS_WEIGHTS,
}
POSITIONS = f"{TEXT}embeddings.position_ids"
AVERAGED = "model_ema."
MOST_NAMED = 20
PIPELINE = {
    "_class_name": "StableDiffusionControlNetPipeline",
    "vae": ["diffusers", "AutoencoderKL"],
    "unet": ["diffusers", "UNet2DConditionModel"],
    "controlnet": ["diffusers", "ControlNetModel"],
    "text_encoder": ["transformers", "CLIPTextModel"],
    "tokenizer": ["transformers", "CLIPTokenizer"],
    "scheduler": ["diffusers", "DDIMScheduler"],
}


@dataclass(frozen=True)
class Part:
    """One network: its folder, its place in the checkpoint, where each of its entries lies there, its shapes."""

    folder: str
    prefix: str
    names: Names
    shapes: Mapping[str, torch.Size]
    optional: bool = False


def import_layout(file: Path, out: Path, base: Base, base_folder: Path, controlnet: nn.Module) -> tuple[str, ...]:
    """Write the folder `out`; returns what was done. `base` and `controlnet` are shapes on the `meta` device.

    Raises BenchError that names every key which is missing, unexpected or of another shape.
    """
    state = read_checkpoint(file)
    whole = _parts(base, controlnet)
    parts = [part for part in whole if not part.optional or any(key.startswith(part.prefix) for key in state)]
    schedule = check_schedule(file, state)
    averaged = [key for key in state if key.startswith(AVERAGED)]
    beside = [*schedule, *averaged, *_check_beside(file, state, base)]
    _check_keys(file, state, parts, beside, base_folder)
    for part in parts:
        _write_part(out, part, state, base_folder, controlnet)
    absent = [part for part in whole if part not in parts]
    for part in absent:
        _copy(base_folder / part.folder, out / part.folder, ("config.json", WEIGHTS[part.folder]))
    _write_rest(out, base, base_folder, controlnet)
    lines = [f"{part.folder}: {len(part.names)} tensors of {part.prefix}*" for part in parts]
    lines += [f"{part.folder}: the file has no {part.prefix}*; taken from {base_folder}" for part in absent]
    lines += [f"tokenizer: no checkpoint holds one; taken from {base_folder}"]
    lines += [f"schedule: {len(schedule)} buffers agree with the sampler's"] if schedule else []
    lines += [f"left out: {len(averaged)} averaged weights {AVERAGED}*; the trained ones are taken"] if averaged else []
    return tuple(lines)


def load_imported(folder: Path, base: Base, controlnet: nn.Module) -> None:
    """Load the ControlNet; raises BenchError where it, or what `base` was loaded from, is not exactly its network."""
    _refuse_loose(folder, {"vae": base.vae, "unet": base.unet, "text_encoder": base.text_encoder})
    path = folder / "controlnet" / WEIGHTS["controlnet"]
    try:
        controlnet.load_state_dict(load_file(path))
        controlnet.eval()
    except (SafetensorError, OSError, RuntimeError) as error:
        # torch names the keys behind its first line.
        detail = " ".join(str(error).split())
        raise BenchError(f"{path}: {detail}; import it anew, for this generator and this hint block") from None


def _refuse_loose(folder: Path, modules: Mapping[str, Any]) -> None:
    """The libraries fill what a file lacks with random numbers."""
    for name, module in modules.items():
        path = folder / name / WEIGHTS[name]
        try:
            with safe_open(path, "pt") as weights:
                found = {key.removeprefix("text_model.") for key in weights.keys()}  # noqa: SIM118 (it is no dict)
        except (SafetensorError, OSError) as error:
            raise BenchError(f"{path}: {first_line(error)}; import the checkpoint anew") from None
        expected = {key.removeprefix("text_model.") for key in module.state_dict()}
        if found != expected:
            raise BenchError(
                f"{path}: missing or unexpected {_listed(sorted(found ^ expected))}; import the checkpoint anew"
            )


def _parts(base: Base, controlnet: nn.Module) -> list[Part]:
    found = [
        ("controlnet", CONTROL, control_names(controlnet), controlnet, False),
        ("unet", UNET, unet_names(base.unet), base.unet, False),
        ("vae", VAE, vae_names(base.vae), base.vae, True),
        ("text_encoder", "cond_stage_model.", text_names(base.text_encoder), base.text_encoder, True),
    ]
    return [
        Part(folder, prefix, names, {name: value.shape for name, value in module.state_dict().items()}, optional)
        for folder, prefix, names, module, optional in found
    ]


def _check_beside(file: Path, state: Mapping[str, torch.Tensor], base: Base) -> list[str]:
    """Known entries that are no weights: they may only say what our networks say."""
    positions = torch.arange(base.text_encoder.config.max_position_embeddings, device="cpu")
    expected = {POSITIONS: positions[None], "scale_factor": torch.tensor(base.vae.config.scaling_factor, device="cpu")}
    for key, want in expected.items():
        if key in state and not (
            state[key].shape == want.shape and torch.allclose(state[key].double(), want.double(), rtol=1e-3)
        ):
            raise BenchError(f"{file}: {key} is not the base model's; give the base model it was made from")
    return [key for key in expected if key in state]


def _check_keys(
    file: Path, state: Mapping[str, torch.Tensor], parts: Sequence[Part], beside: Sequence[str], base_folder: Path
) -> None:
    expected = {key: part.shapes[name] for part in parts for key, name in part.names.items()}
    missing = [key for key in expected if key not in state]
    unexpected = sorted(set(state) - set(expected) - set(beside))
    misshapen = [
        f"{key} {tuple(state[key].shape)} for {tuple(shape)}"
        for key, shape in expected.items()
        if key in state and not _fits(state[key], shape)
    ]
    found = {"missing": missing, "unexpected": unexpected, "of another shape": misshapen}
    if any(found.values()):
        told = "; ".join(f"{what}: {_listed(keys)}" for what, keys in found.items() if keys)
        raise BenchError(
            f"{file}: {told}. The base model {base_folder} and the generator's hint block decide what is expected: "
            "give the base it was made from with --set NAME.base=DIR, or the whole file"
        )


def _listed(keys: Sequence[str]) -> str:
    more = f" and {len(keys) - MOST_NAMED} more" if len(keys) > MOST_NAMED else ""
    return ", ".join(keys[:MOST_NAMED]) + more


def _fits(value: torch.Tensor, shape: torch.Size) -> bool:
    """A 1×1 convolution is the linear layer of its two first dimensions."""
    ones = value.shape[len(shape) :]
    return value.is_floating_point() and value.shape[: len(shape)] == shape and (not ones or tuple(ones) == (1, 1))


def _write_part(out: Path, part: Part, state: Mapping[str, torch.Tensor], base_folder: Path, controlnet: Any) -> None:
    """Weights in the file's own precision; nothing is copied in memory but what does not lie in one piece."""
    (out / part.folder).mkdir(parents=True)
    tensors = {name: state[key].reshape(part.shapes[name]).contiguous() for key, name in part.names.items()}
    if part.folder == "text_encoder":
        # As the hub has it, whatever the installed version of transformers calls it.
        tensors = {f"text_model.{name.removeprefix('text_model.')}": value for name, value in tensors.items()}
    path = out / part.folder / WEIGHTS[part.folder]
    try:
        save_file(tensors, path, metadata={"format": "pt"})
    except (SafetensorError, OSError, RuntimeError) as error:
        raise BenchError(f"{path}: could not be written ({first_line(error)}); free space on that disk") from None
    if part.folder == "controlnet":
        controlnet.save_config(out / part.folder)
    else:
        _copy(base_folder / part.folder, out / part.folder, ("config.json",))


def _write_rest(out: Path, base: Base, base_folder: Path, controlnet: Any) -> None:
    tokenizer = base_folder / "tokenizer"
    _copy(tokenizer, out / "tokenizer", [path.name for path in tokenizer.iterdir() if path.is_file()])
    base.scheduler.save_pretrained(out / "scheduler")
    # diffusers' own pipelines know no Dense Hint Input.
    if not isinstance(controlnet.controlnet_cond_embedding, DenseHintInput):
        (out / "model_index.json").write_text(json.dumps(PIPELINE, indent=1), encoding="utf-8")


def _copy(source: Path, target: Path, names: Iterable[str]) -> None:
    target.mkdir(exist_ok=True)
    for name in names:
        if not (source / name).is_file():
            raise BenchError(f"base model {source.parent} lacks {source.name}/{name}; give a whole diffusers folder")
        shutil.copyfile(source / name, target / name)
