"""Where the weights of SANet and Polyp-PVT come from: released checkpoints, ImageNet backbones, or nowhere."""

import dataclasses
import os

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("timm")

import torch
from safetensors.torch import save_file

from bench.contracts import Context
from bench.errors import BenchError
from segmenters.networks.files import read_state
from segmenters.polyp_pvt import PolypPVT
from segmenters.sanet import SANet
from tests.conftest import refused

SMALL = {"size": 64, "width": 8, "blocks": "1,1,1,1", "pretrained": False, "batch": 2, "epochs": 1}


@pytest.fixture(params=[SANet, PolypPVT], ids=["sanet", "polyp-pvt"])
def plugin(request):
    """`plugin(field=value)`: a small one."""
    return lambda **changes: request.param(request.param.Params(**(SMALL | changes)))


@pytest.fixture(autouse=True)
def empty_hub(monkeypatch, tmp_path):
    """A machine that has fetched nothing."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))


def released(made, path, seed=5):
    """A checkpoint of the small network in the released layout; returns the network."""
    network = made._seeded(seed)
    torch.save({made._released_name(name): value for name, value in network.state_dict().items()}, path)
    return network


def fit(made, samples, place, **context):
    for name in ("model", "work"):
        (place / name).mkdir(parents=True)
    made.fit(samples, (), place / "model", Context(0, place / "work", **context))
    return place / "model"


def test_released_weights_predict_without_training(plugin, pairs, tmp_path):
    """The maps are the checkpoint's own network's, whatever the seed; the footnote says that nothing was trained."""
    samples = pairs(2, size=64)
    network = released(plugin(), tmp_path / "model-128").eval()
    made = plugin(weights=str(tmp_path / "model-128"))
    model = fit(made, samples, tmp_path / "fit")
    loaded = made._seeded(1)
    state = read_state(model / "model.safetensors")
    loaded.load_state_dict(state)
    for name, value in network.state_dict().items():
        assert torch.equal(state[name], value), name
    images = torch.from_numpy(np.random.default_rng(0).normal(size=(2, 3, 64, 64))).float()
    with torch.no_grad():
        assert torch.equal(made._probability(network, images), made._probability(loaded.eval(), images))
    (note,) = made.notes()
    assert "model-128" in note
    assert "nothing is trained" in note
    assert made.cost("train", 2, 1) is None
    assert made.files() == (tmp_path / "model-128",)


def test_a_checkpoint_of_half_floats_is_taken(plugin, tmp_path):
    """Mixed precision may have stored it so; counters stay whole numbers."""
    network = plugin()._seeded(5)
    halves = {n: v.half() if v.is_floating_point() else v for n, v in network.state_dict().items()}
    torch.save({plugin()._released_name(name): value for name, value in halves.items()}, tmp_path / "half.pth")
    model = fit(plugin(weights=str(tmp_path / "half.pth")), (), tmp_path / "fit")
    assert {v.dtype for v in read_state(model / "model.safetensors").values()} == {torch.float32, torch.int64}


def test_missing_unexpected_and_misshapen_entries_are_named(plugin, tmp_path):
    """As the file calls them, on one line, and no model is left."""
    released(plugin(), tmp_path / "whole.pth")
    state = torch.load(tmp_path / "whole.pth", weights_only=True)
    first, second, *_ = (name for name, value in state.items() if value.ndim == 4)
    del state[first]
    state[second] = state[second][:1]
    state["module.extra"] = torch.zeros(1)
    torch.save(state, tmp_path / "odd.pth")
    parts = [tmp_path / "odd.pth", f"1 missing: {first}", "1 unexpected: module.extra", f"of another shape: {second}"]
    refused(lambda: fit(plugin(weights=str(tmp_path / "odd.pth")), (), tmp_path / "fit"), *parts)
    assert not list((tmp_path / "fit" / "model").iterdir())


class Harmful:
    def __reduce__(self):
        return os.mkdir, ("made by a checkpoint",)


@pytest.mark.parametrize(
    ("content", "part"),
    [
        ({"a": Harmful()}, "not safe to open"),
        ({"epoch": 3}, "no tensors by name"),
        ({"state_dict": {"a": torch.zeros(1)}}, "no tensors by name"),
        ([torch.zeros(1)], "no tensors by name"),
        ({}, "no tensors by name"),
    ],
)
def test_what_is_no_state_dict_is_refused_and_not_executed(content, part, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save(content, tmp_path / "odd.pth")
    refused(lambda: read_state(tmp_path / "odd.pth"), tmp_path / "odd.pth", part)
    assert not (tmp_path / "made by a checkpoint").exists()


@pytest.mark.parametrize("end", [".pth", ".safetensors", ""])
def test_damaged_files_are_named(end, tmp_path):
    path = tmp_path / f"cut{end}"
    save_file({"a": torch.zeros(999)}, path) if end == ".safetensors" else torch.save({"a": torch.zeros(999)}, path)
    whole = path.read_bytes()
    for data in (whole[: len(whole) // 2], b"", b"<html>not found</html>"):
        path.write_bytes(data)
        refused(lambda: read_state(path), path, "fetch it again")
    refused(lambda: read_state(tmp_path / "none"), "no such file")


def test_the_backbone_starts_from_timms_file(plugin, tmp_path, monkeypatch):
    """Its entries but the classifier; the head keeps its seed; a file of another backbone is refused by name."""
    made = plugin(pretrained=True, backbone=str(tmp_path / "timm.safetensors"))
    other, own = (getattr(made._seeded(seed), made.trunk).state_dict() for seed in (5, 0))
    save_file({**other, "fc.weight": torch.zeros(3), "head.bias": torch.zeros(3)}, tmp_path / "timm.safetensors")
    seen = {}
    monkeypatch.setattr("segmenters.training.loop.fit", lambda network, *_: seen.update(network.state_dict()))
    fit(made, (), tmp_path / "fit")
    assert any(not torch.equal(other[name], own[name]) for name in own)
    for name, value in made._seeded(0).state_dict().items():
        part, _, entry = name.partition(".")
        assert torch.equal(seen[name], other[entry] if part == made.trunk else value), name
    save_file({**other, "layer9.weight": torch.zeros(3)}, tmp_path / "timm.safetensors")
    refused(lambda: fit(made, (), tmp_path / "again"), "1 unexpected: layer9.weight", "timm's file")


def test_what_is_missing_is_one_line_with_its_remedies(plugin, tmp_path):
    made = plugin(pretrained=True)
    (line,) = made.missing()
    for part in (made.plugin_name, made.hub, "0.1 GB", ".backbone=FILE", "--download", ".pretrained=false"):
        assert part in line
    assert "\n" not in line
    refused(lambda: fit(made, (), tmp_path), line)
    assert plugin().missing() == ()


@pytest.mark.parametrize("field", ["weights", "backbone"])
def test_a_path_that_leads_nowhere_is_missing(plugin, field, tmp_path):
    (line,) = plugin(pretrained=True, **{field: str(tmp_path / "none.pth")}).missing()
    assert f".{field}={tmp_path / 'none.pth'}: no such file" in line


def test_a_backbone_the_hub_has_fetched_is_found(plugin, tmp_path):
    made = plugin(pretrained=True)
    folder = tmp_path / "hub" / f"models--{made.hub.replace('/', '--')}"
    for name in ("refs", "snapshots/abc"):
        (folder / name).mkdir(parents=True)
    (folder / "refs" / "main").write_text("abc")
    (folder / "snapshots" / "abc" / "model.safetensors").write_bytes(b"x")
    assert made.missing() == ()
    assert made._backbone_file() == folder / "snapshots" / "abc" / "model.safetensors"


def test_from_scratch_is_said_below_the_table(plugin):
    (note,) = plugin().notes()
    assert "from scratch" in note
    assert plugin(pretrained=True).notes() == ()


def test_only_the_full_backbone_has_imagenet_weights(plugin):
    """A narrower one is refused before anything starts."""
    refused(lambda: plugin(pretrained=True).check_params(1), "width=8", "pretrained=false")
    plugin().check_params(1)
    plugin(pretrained=True, width=64, blocks="3,4,6,3").check_params(1)


def test_polyp_pvt_takes_multiples_of_32():
    params = dataclasses.replace(PolypPVT.Params(), size=350)
    with pytest.raises(BenchError, match="size=350: must be a multiple of 32"):
        PolypPVT(params).check_params(1)
