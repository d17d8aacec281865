"""The base model's interface: where it is looked for, what is said when it is not there, and the bundled one."""

import json
import re
import shutil
import socket

import pytest
import torch
from diffusers import DDIMScheduler, StableDiffusionPipeline
from safetensors.torch import load_file, save_file

from bench.errors import BenchError
from generators.diffusion.base_model import model as base_module
from generators.diffusion.base_model.coding import decode_latents, encode_images, encode_prompts
from generators.diffusion.base_model.location import PARTS, TINY_FOLDER, base_folder, missing_base
from generators.diffusion.base_model.model import SCHEDULER, load_base
from generators.siamese import Params, Siamese

HUB_NAME = "stable-diffusion-v1-5/stable-diffusion-v1-5"
MOST_BYTES = 15e6


@pytest.fixture(autouse=True)
def offline(monkeypatch, tmp_path):
    """An empty hub cache, and no socket: whatever reaches for the network fails loudly."""
    from huggingface_hub import constants

    def refuse(*_, **__):
        pytest.fail("touched the network")

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture
def folder(narrow_base, tmp_path):
    """A base model that a test may damage."""
    return shutil.copytree(narrow_base, tmp_path / "base model")


@pytest.fixture(scope="module")
def tiny():
    return load_base("tiny")


def one_line(error, *words):
    text = str(error.value)
    assert "\n" not in text
    for word in words:
        assert word in text


def test_a_local_folder_is_the_same_model_as_the_bundled_name(tmp_path, tiny):
    folder = shutil.copytree(TINY_FOLDER, tmp_path / "base model")
    assert base_folder(str(folder)) == folder
    assert missing_base(str(folder)) == ()
    loaded = load_base(str(folder))
    for part in ("vae", "unet", "text_encoder"):
        ours, theirs = getattr(loaded, part).state_dict(), getattr(tiny, part).state_dict()
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_every_part_is_frozen_in_single_precision_and_evaluation_mode(tiny):
    for module in (tiny.vae, tiny.unet, tiny.text_encoder):
        assert not module.training
        assert {(p.requires_grad, p.dtype) for p in module.parameters()} == {(False, torch.float32)}


@pytest.mark.parametrize("source", [HUB_NAME, "no/such/folder/at/all", "../nowhere", "stable diffusion"])
def test_a_missing_base_is_one_line_that_says_how_to_get_it(source):
    assert base_folder(source) is None
    (line,) = missing_base(source)
    with pytest.raises(BenchError) as caught:
        load_base(source)
    assert str(caught.value) == line
    one_line(caught, repr(source), "4.3 GB", "diffusers folder", "--set", ".base=DIR", "--download")


def test_the_generator_reports_the_missing_base_before_anything_starts():
    generator = Siamese(Params(base=HUB_NAME))
    assert generator.missing() == missing_base(HUB_NAME)
    assert generator.files() == ()
    assert Siamese(Params(base="tiny")).files() == (TINY_FOLDER,)
    assert Siamese(Params(base="tiny")).missing() == ()


@pytest.mark.parametrize("part", PARTS)
def test_a_folder_that_lacks_a_part_is_one_line_that_names_it(folder, part):
    shutil.rmtree(folder / part)
    (line,) = missing_base(str(folder))
    assert f"{folder} lacks {part}" in line
    for download in (False, True):
        if part == "scheduler" and download:
            continue
        with pytest.raises(BenchError) as caught:
            load_base(str(folder), download=download)
        one_line(caught, str(folder), "give a whole diffusers folder")


@pytest.mark.parametrize("part", ["vae", "unet", "text_encoder"])
@pytest.mark.parametrize("damage", ["absent", "truncated", "empty", "pickled"])
def test_weights_that_cannot_be_read_are_one_line(folder, part, damage):
    """Also weights that are there as a pickle only: those could execute code."""
    (weights,) = (folder / part).glob("*.safetensors")
    data = weights.read_bytes()
    weights.unlink()
    if damage == "pickled":
        torch.save({"a": torch.zeros(1)}, weights.with_suffix(".bin"))
    elif damage != "absent":
        weights.write_bytes(data[: len(data) // 2] if damage == "truncated" else b"")
    with pytest.raises(BenchError) as caught:
        load_base(str(folder))
    one_line(caught, str(folder), "give a whole diffusers folder")


@pytest.mark.parametrize("part", ["vae", "unet", "text_encoder"])
@pytest.mark.parametrize(
    ("damage", "words"),
    [
        ("missing", ["1 tensors missing or of another shape"]),
        ("shape", ["1 tensors missing or of another shape"]),
        ("nan", ["1 of", "not finite"]),
        ("int8", ["1 of", "unfit type", "int8 for float32"]),
    ],
)
def test_weights_that_do_not_fill_their_network_are_one_line(folder, part, damage, words):
    """The libraries would draw what is missing at random, convert what is of another type, and go on."""
    (path,) = (folder / part).glob("*.safetensors")
    state = load_file(path)
    name = next(name for name, value in state.items() if value.ndim >= 2)
    changed = {"shape": state[name][:1], "nan": state[name] * float("nan"), "int8": state[name].to(torch.int8)}
    state[name] = changed.get(damage, state[name]).contiguous()
    if damage == "missing":
        del state[name]
    save_file(state, path, metadata={"format": "pt"})
    for action in (lambda: load_base(str(folder)), Siamese(Params(base=str(folder))).try_files):
        with pytest.raises(BenchError) as caught:
            action()
        one_line(caught, str(folder), part, name, *words, "give a whole diffusers folder")


def test_only_a_base_model_that_is_here_is_tried(monkeypatch, folder):
    """Not one that --download would fetch, and not the bundled one."""
    tried = []
    monkeypatch.setattr(base_module, "load_base", lambda source: tried.append(source))
    monkeypatch.setattr(Siamese, "method", lambda *_, **__: None)
    for source in (HUB_NAME, "tiny", str(folder)):
        Siamese(Params(base=source)).try_files()
    assert tried == [str(folder)]


@pytest.mark.parametrize("file", ["unet/config.json", "tokenizer/tokenizer.json"])
@pytest.mark.parametrize("text", ["{", "{}"])
def test_a_broken_configuration_is_one_line(folder, file, text):
    (folder / file).write_text(text)
    with pytest.raises(BenchError) as caught:
        load_base(str(folder))
    one_line(caught, str(folder), "give a whole diffusers folder")


def test_with_download_only_safetensors_of_the_five_parts_are_asked_for(monkeypatch, folder):
    asked = {}

    def fetch(source, local_files_only=False, allow_patterns=None):
        if local_files_only:
            raise FileNotFoundError
        asked[source] = allow_patterns
        return str(folder)

    monkeypatch.setattr("huggingface_hub.snapshot_download", fetch)
    assert load_base(HUB_NAME, download=True).unet is not None
    (patterns,) = asked.values()
    assert {pattern.split("/")[0] for pattern in patterns} == {"model_index.json", *PARTS}
    assert not [pattern for pattern in patterns if re.search(r"bin|ckpt|pt|fp16", pattern)]


def test_a_download_that_fails_is_one_line(monkeypatch):
    def fetch(_, local_files_only=False, **__):
        raise FileNotFoundError if local_files_only else OSError("Could not reach the hub\nTraceback: long")

    monkeypatch.setattr("huggingface_hub.snapshot_download", fetch)
    with pytest.raises(BenchError) as caught:
        load_base(HUB_NAME, download=True)
    one_line(caught, HUB_NAME, "could not be fetched", "Could not reach the hub", "local folder")


def test_the_sampler_is_the_original_latent_diffusions(tiny):
    """50 steps are t = 981, 961 … 1; the last one ends at alphas_cumprod[0], not at 1; betas are linear in the root."""
    scheduler = DDIMScheduler(**SCHEDULER)
    scheduler.set_timesteps(50)
    assert scheduler.timesteps.tolist() == list(range(981, 0, -20))
    assert scheduler.final_alpha_cumprod == scheduler.alphas_cumprod[0]
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2
    torch.testing.assert_close(scheduler.alphas_cumprod, torch.cumprod(1 - betas, 0))
    assert not scheduler.config.clip_sample
    assert scheduler.config.prediction_type == "epsilon"
    assert dict(tiny.scheduler.config) == dict(scheduler.config)


def test_the_folders_own_scheduler_is_never_used(folder):
    """Stable Diffusion 1.5 ships PNDM; the protocol is DDIM."""
    (folder / "scheduler" / "scheduler_config.json").write_text('{"_class_name": "PNDMScheduler", "beta_start": 0.5}')
    assert dict(load_base(str(folder)).scheduler.config) == dict(DDIMScheduler(**SCHEDULER).config)


def test_shapes_and_ranges_at_the_interface(tiny):
    embedded = encode_prompts(tiny, ["A photo of a polyp.", "", "a " * 200])
    assert embedded.shape == (3, tiny.tokenizer.model_max_length, tiny.unet.config.cross_attention_dim)
    assert embedded.dtype == torch.float32
    assert not torch.equal(embedded[0], embedded[1])
    mean, std = encode_images(tiny, torch.zeros(2, 3, 64, 64))
    assert mean.shape == std.shape == (2, tiny.unet.config.in_channels, 16, 16)
    assert (std > 0).all()
    pixels = decode_latents(tiny, mean)
    assert pixels.shape == (2, 64, 64, 3)
    assert pixels.dtype == torch.uint8


# The bundled base model.


def test_the_bundled_folder_is_small_and_holds_nothing_that_executes():
    files = [path for path in TINY_FOLDER.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= MOST_BYTES
    weights = {path.suffix for path in files if path.stat().st_size > 1e5}
    assert weights == {".safetensors"}
    assert {path.suffix for path in files} <= {".safetensors", ".json", ".txt", ".md", ".csv", ".png"}


def test_the_bundled_folder_has_the_five_parts_of_its_index():
    index = json.loads((TINY_FOLDER / "model_index.json").read_text())
    assert {name for name in index if not name.startswith("_")} >= set(PARTS)
    assert index["_class_name"] == "StableDiffusionPipeline"
    assert missing_base("tiny") == ()


def test_diffusers_own_pipeline_loads_and_runs_the_bundled_folder():
    """Stable Diffusion's format. The optional parts (safety checker and its feature extractor) are absent; weights lie
    in half precision and the libraries disagree about what that means, so that the type must be given."""
    pipeline = StableDiffusionPipeline.from_pretrained(
        TINY_FOLDER, safety_checker=None, feature_extractor=None, requires_safety_checker=False,
        torch_dtype=torch.float32,
    )  # fmt: skip
    assert isinstance(pipeline.scheduler, DDIMScheduler)
    # The settings that decide the numbers are those of training; the rest may be diffusers' defaults.
    assert {name: pipeline.scheduler.config[name] for name in SCHEDULER} == SCHEDULER
    pipeline.set_progress_bar_config(disable=True)
    draw = torch.Generator().manual_seed(0)
    (image,) = pipeline("A photo of a polyp.", num_inference_steps=2, generator=draw, output_type="np").images
    assert image.shape == (64, 64, 3)


def test_loading_prints_nothing(capfd):
    """No bar and no advice of the libraries': the terminal belongs to the run."""
    base_module.load_base("tiny")
    assert capfd.readouterr() == ("", "")
