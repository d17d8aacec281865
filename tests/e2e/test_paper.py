"""The published protocol: what it resolves to, and that what it lacks is listed at once."""

from __future__ import annotations

import re

import pytest

from tests.conftest import make_pairs
from tests.e2e.conftest import TOY_RUN, TOYS

SHARED = {
    "base": "'stable-diffusion-v1-5/stable-diffusion-v1-5'",
    "size": "384 px",
    "steps": "3000",
    "batch": "48",
    "accumulation": "1",
    "precision": "'fp32'",
    "lr": "1e-05",
    "weight_decay": "0.01",
    "prompt": "'A photo of a polyp.'",
    "empty_prompt": "0.05",
    "sampler_steps": "50",
    "guidance": "9.0",
}
OWN = {
    "siamese": {
        "dhi": "True", "online_augmentation": "True", "noise_consistency": "True", "w_c": "1.0", "w_m": "1.0",
        "augment_after": "0.3333333333333333", "augment_t": "200",
    },
    "controlnet": {"lock_decoder": "False"},
    "controlnet-mi": {},
    "t2i-adapter": {},
    "adc": {"w_teacher": "1.0", "w_distill": "1.0"},
}  # fmt: skip
THREE_SIZES = {
    "size": "352", "batch": "16", "lr": "0.0001", "weight_decay": "0.0001", "clip": "0.5", "three_steps": "True",
    "weighted_bce": "False", "stretch": "True",
}  # fmt: skip
SEGMENTERS = {
    "unet": {"size": "224", "width": "32", "batch": "16", "epochs": "100", "lr": "0.0001", "patience": "10"},
    "sanet": {
        "size": "352", "width": "64", "blocks": "'3,4,6,3'", "batch": "64", "epochs": "128", "lr": "0.4",
        "backbone_rate": "0.1", "momentum": "0.9", "weight_decay": "0.0005", "augment": "True", "wrap": "True",
        "precision": "'bf16'", "correction": "True",
    },
    "polyp-pvt": {**THREE_SIZES, "width": "64", "blocks": "'3,4,6,3'", "epochs": "99", "drop_path": "0.1"},
    "ctnet": {**THREE_SIZES, "variant": "'b3'", "epochs": "31", "contrast": "0.1", "argmax": "True"},
    "segformer": {
        "size": "512", "variant": "'b2'", "head_channels": "768", "batch": "16", "updates": "160000", "epochs": "1",
        "lr": "6e-05", "weight_decay": "0.01", "warmup": "0.009375", "augment": "True",
    },
}  # fmt: skip
ADDRESSES = {
    "sanet": "timm/res2net50d.in1k",
    "polyp-pvt": "timm/pvt_v2_b2.in1k",
    "ctnet": "https://download.openmmlab.com/mmsegmentation/v0.5/pretrain/segformer/mit_b3_20220624-13b1141c.pth",
    "segformer": "https://download.openmmlab.com/mmsegmentation/v0.5/pretrain/segformer/mit_b2_20220624-66e8bf70.pth",
}
"""Segmenters with a pretrained backbone, and where its weights were published."""
PAPER = ["run", "--generator", "siamese", "--generator", "adc", "--dataset", "polyps", "--profile", "paper"]


@pytest.fixture
def bare(without_torch, tmp_path):
    """A machine that has neither base model nor weights."""
    return {**without_torch, "HF_HOME": str(tmp_path / "hub"), "TORCH_HOME": str(tmp_path / "torch")}


@pytest.fixture
def no_base_model(tmp_path, monkeypatch):
    """This process as a machine that has fetched no base model."""
    constants = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))


@pytest.fixture
def lacking(bench, no_base_model, tmp_path):  # noqa: ARG001
    """A command in this process, on such a machine, without weights either."""
    return lambda *words: bench(*words, env={"TORCH_HOME": str(tmp_path / "torch")})


@pytest.fixture
def polyps(tmp_path):
    make_pairs(tmp_path / "data" / "TrainDataset", 6)
    make_pairs(tmp_path / "data" / "TestDataset" / "Kvasir", 2)
    return tmp_path / "data"


@pytest.mark.parametrize("name", OWN)
def test_every_generator_follows_the_published_protocol(bench, name):
    shown = dict(re.findall(r"^  (\w+) = (.+?)  \(", bench("show", name, "--profile", "paper").out, re.MULTILINE))
    # How often to save, how to look on and how much at once cannot change a result.
    free = {"checkpoint_every", "preview_every", "sample_batch", "gradient_checkpointing", "checkpoint"}
    assert {field: value for field, value in shown.items() if field not in free} == {**SHARED, **OWN[name]}


def shown(bench, name):
    found = bench("show", name, "--profile", "paper").out
    return dict(re.findall(r"^  (\w+) = (\S+)", found, re.MULTILINE))


@pytest.mark.parametrize("name", SEGMENTERS)
def test_every_segmenter_follows_its_published_recipe(bench, name):
    own = {"weights": "''", "precision": "'fp32'", "backbone": "''", "pretrained": "True"}
    no_backbone = {"unet": {"backbone", "pretrained"}}.get(name, set())
    wanted = {field: value for field, value in (own | SEGMENTERS[name]).items() if field not in no_backbone}
    assert shown(bench, name) == wanted


def test_each_segmenter_without_its_weights_is_one_line(lacking, discs, tmp_path):
    """What it is, where to put the file and what fetches it; nothing starts."""
    words = [word for name in ADDRESSES for word in ("--segmenter", name)]
    done = lacking(
        "run", "--generator", "toy-mirror", "--metric", "toy-mean", *TOYS, *words, "--profile", "paper",
        "--dataset", "folder", "--data", discs, "--results", tmp_path / "r",
    )  # fmt: skip
    assert done.code == 2
    assert done.error == "bench: 4 things are missing:"
    for line, (name, address) in zip(listed(done.err), ADDRESSES.items(), strict=True):
        assert line.startswith(f"segmenter {name}: ")
        for part in (address, "--download", f"--set {name}.backbone=FILE", f"--set {name}.pretrained=false"):
            assert part in line
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize("field", ["weights", "backbone"])
def test_a_file_that_is_not_there_is_refused_even_where_others_may_be_fetched(lacking, discs, tmp_path, field):
    """Before anything starts: --download fetches what was published, not what was misspelt."""
    done = lacking(
        "run", "--generator", "toy-mirror", "--metric", "toy-mean", *TOYS, "--segmenter", "sanet", "--profile", "paper",
        "--download", "--set", f"sanet.{field}={tmp_path / 'none.pth'}", "--dataset", "folder", "--data", discs,
        "--results", tmp_path / "r",
    )  # fmt: skip
    assert done.code == 2
    assert f"segmenter sanet: sanet.{field}={tmp_path / 'none.pth'}: no such file" in done.error


def listed(text):
    return [line[4:] for line in text.splitlines() if line.startswith("  - ")]


def test_all_that_is_missing_is_listed_at_once(process, bare, tmp_path):
    """Base model, weights and data, each once and on its own line, with its size and how to get it; torch is absent."""
    done = process(*PAPER, "--results", tmp_path / "r", env=bare)
    assert done.code == 2
    assert done.error == "bench: 6 things are missing:"
    base, *weights, data = listed(done.err)
    assert [line.split()[1] for line in weights] == ["inception:", "clip-b32:", "lpips:", "clip-l14-336:"]
    assert all(re.search(r"\d+ MB", line) and "--download" in line for line in weights)
    for line, parts in (
        (base, ["stable-diffusion-v1-5", "4.3 GB", "--set NAME.base=DIR", "--download"]),
        (weights[0], ["96 MB"]),
        (data, ["dataset polyps", "0.4 GB", "0.3 GB", "https://github.com/DengPingFan/PraNet", "--data DIR"]),
    ):
        assert all(part in line for part in parts), line
    assert not (tmp_path / "r").exists()


def test_data_cannot_be_fetched(lacking, tmp_path):
    done = lacking(*PAPER, "--download", "--results", tmp_path / "r")
    assert done.code == 2
    assert "dataset polyps: PraNet's" in done.error
    assert "base model" not in done.err


@pytest.mark.parametrize(("dataset", "size"), [("isic2016", "0.8 GB"), ("isic2018", "13 GB")])
def test_the_challenges_say_where_their_data_are(bench, tmp_path, dataset, size):
    done = bench("run", *TOY_RUN, "--dataset", dataset, "--profile", "paper", "--results", tmp_path / "r")
    assert done.code == 2
    assert size in done.error
    assert f"https://challenge.isic-archive.com/data/#{dataset[-4:]}" in done.error


def test_no_scene_stands_in_for_published_data(bench, tmp_path):
    """Where the profile does not say that one may."""
    profile = tmp_path / "mine.toml"
    words = ["run", *TOY_RUN, "--dataset", "polyps", "--profile", profile, "--results", tmp_path / "r"]
    profile.write_text("")
    assert "dataset polyps: " in bench(*words).error
    profile.write_text("[run]\nstand_in = true\n")
    done = bench(*words, "--set", "phantom.size=32", "--set", "phantom.train=4", "--set", "phantom.test=2")
    assert done.code == 0, done.err
    assert "phantom stands in for polyps" in done.err


def test_broken_data_are_listed_with_the_rest(lacking, polyps, tmp_path):
    (polyps / "TrainDataset" / "masks" / "s003.png").unlink()
    done = lacking(*PAPER, "--data", polyps, "--results", tmp_path / "r")
    assert done.code == 2
    assert listed(done.err)[-1].startswith(f"{polyps / 'TrainDataset' / 'images' / 's003.png'}: ")


def test_a_dry_run_without_data_lists_what_is_missing(lacking, tmp_path):
    done = lacking(*PAPER, "--dry-run", "--results", tmp_path / "r")
    assert done.code == 2
    assert len(listed(done.out)) == 6
    assert "no plan" in done.out.splitlines()[-1]
    assert not (tmp_path / "r").exists()


@pytest.mark.usefixtures("no_base_model")
def test_a_dry_run_without_base_model_counts_its_shape(bench, polyps, tmp_path):
    """Of the generator that is counted soonest; all have the same base model."""
    pytest.importorskip("torch")
    words = ["run", "--generator", "controlnet", "--dataset", "polyps", "--profile", "paper", "--data", polyps]
    words += ["--dry-run", "--set", "controlnet.accumulation=8", "--device", "cpu", "--results", tmp_path / "r"]
    done = bench(*words, env={"TORCH_HOME": str(tmp_path / "torch")})
    assert done.code == 0, done.err
    assert len(listed(done.out)) == 5
    assert "6 training pairs, 2 test images" in done.out
    assert "1 device × 6 images × accumulation 8, 3000 steps" in done.out
    stage = next(line for line in done.out.splitlines() if " train controlnet " in line)
    # Weights 1.43 G and moments 0.87 G × 2 of numbers alone are 12.7 GB.
    assert 13 < float(re.search(r"~(\d+) GB", stage)[1]) < 60
    assert not (tmp_path / "r").exists()


def tree(folder):
    return {path: path.stat().st_mtime_ns for path in sorted(folder.rglob("*"))}


def test_a_dry_run_changes_nothing(toy_run, tmp_path):
    before = toy_run("--dry-run")
    assert before.code == 0, before.err
    assert not (tmp_path / "results").exists()
    assert toy_run().code == 0
    kept = tree(tmp_path / "results")
    after = toy_run("--dry-run")
    assert tree(tmp_path / "results") == kept
    stages = [line for line in before.out.splitlines() if re.match(r" *\d+ ", line)]
    assert all(line.endswith("to do") for line in stages)
    assert [line.replace("to do", "cached") for line in stages] == [
        line for line in after.out.splitlines() if re.match(r" *\d+ ", line)
    ]
    assert f"total: 0 of {len(stages)} stages to do" in after.out
