"""Stable Diffusion 1.5's shape at full width, with random weights: one step is trained, two are sampled, at 128 px."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors import safe_open

from bench.images import load_rgb
from generators.diffusion.base_model.location import PARTS, TINY_FOLDER
from tests.conftest import make_pairs

ROOT = Path(__file__).parents[2]
MAKE = """
import sys, torch
from pathlib import Path
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel
from generators.diffusion.base_model.model import SCHEDULER
from generators.diffusion.base_model.shapes import SD15_TEXT, SD15_UNET, SD15_VAE
out = Path(sys.argv[1])
torch.manual_seed(0)
UNet2DConditionModel(**SD15_UNET).save_pretrained(out / "unet")
AutoencoderKL(**SD15_VAE).save_pretrained(out / "vae")
CLIPTextModel(CLIPTextConfig(**SD15_TEXT)).save_pretrained(out / "text_encoder")
DDIMScheduler(**SCHEDULER).save_pretrained(out / "scheduler")
"""
SETTINGS = {
    "size": 128, "steps": 1, "batch": 1, "sampler_steps": 2, "sample_batch": 1, "augment_after": 0.0,
    "preview_every": 0,
}  # fmt: skip
PLUGINS = [part for name in ("mean", "threshold") for part in ("--plugin", f"tests/plugins/toy_{name}.py")]


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A diffusers folder of 4.3 GB, made in a process of its own so that this one stays small.

    A training leaves 14 GB beside it.
    """
    folder = tmp_path_factory.mktemp("base")
    subprocess.run([sys.executable, "-c", MAKE, folder], cwd=ROOT, check=True)
    shutil.copytree(TINY_FOLDER / "tokenizer", folder / "tokenizer")
    config = folder / "tokenizer" / "tokenizer_config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "model_max_length": 77}))
    assert {path.name for path in folder.iterdir()} == set(PARTS)
    yield folder
    shutil.rmtree(folder)


def parameters(path):
    with safe_open(path, "pt") as file:
        return sum(file.get_tensor(name).numel() for name in file.keys())  # noqa: SIM118 (not a mapping)


@pytest.mark.slow
@pytest.mark.parametrize("option", ["", "gradient_checkpointing=true"])
def test_a_full_width_model_trains_and_samples(base, tmp_path, option, record_property):
    make_pairs(tmp_path / "data", 5, 128)
    settings = [f"base={base}", *(f"{name}={value}" for name, value in SETTINGS.items()), *([option] if option else [])]
    done = subprocess.run(
        [sys.executable, "-m", "bench", "run", "--profile", "paper", "--generator", "siamese", "--dataset", "folder",
         "--data", tmp_path / "data", "--metric", "toy-mean", "--segmenter", "toy-threshold", "--repeats", "1",
         *PLUGINS,
         *(f"--set=siamese.{setting}" for setting in settings), "--results", tmp_path / "results"],
        cwd=ROOT, env={**os.environ, "HF_HUB_OFFLINE": "1"}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    store = tmp_path / "results" / "store"
    (curve,) = (store / "fit").glob("*/loss.csv")
    assert len(curve.read_text().splitlines()) == 2
    assert parameters(curve.with_name("controlnet.safetensors")) == pytest.approx(363.46e6, rel=1e-4)
    assert parameters(curve.with_name("decoder.safetensors")) == pytest.approx(510.81e6, rel=1e-4)
    (made,) = [path for path in (store / "sample").iterdir() if path.is_dir() and is_siamese(path)]
    images = [load_rgb(path) for path in sorted((made / "images").iterdir())]
    assert [image.shape for image in images] == [(128, 128, 3)] * 3
    peak = json.loads((curve.parent / "record.json").read_text())["peak_memory_mib"]
    record_property("peak_memory_mib", peak)
    print(f"\npeak memory of the training {option}: {peak / 1024:.1f} GiB")


def is_siamese(folder):
    return json.loads((folder / "record.json").read_text())["identity"]["plugins"][0]["name"] == "siamese"
