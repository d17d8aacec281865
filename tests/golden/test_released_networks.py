"""Every network at its defaults is its authors': keys, number of parameters and outputs, for weights made by a rule."""

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("timm")
pytest.importorskip("mmseg")

import torch

from segmenters.ctnet.plugin import CTNet
from segmenters.polyp_pvt.plugin import PolypPVT
from segmenters.sanet.plugin import SANet
from segmenters.unet.plugin import UNet
from tests.golden.rule_weights import rng, rule_state

DATA = Path(__file__).parent / "data"
PLUGINS = {"sanet": SANet, "polyp-pvt": PolypPVT, "ctnet": CTNet, "unet": UNet}
PARAMETERS = {"sanet": 23_899_497, "polyp-pvt": 25_107_604, "ctnet": 44_290_657, "unet": 1_946_914}


@pytest.fixture(scope="module", params=PLUGINS)
def released(request):
    """Name, plugin at its defaults, its network in evaluation mode, facts of the released one, its weights by rule."""
    plugin = PLUGINS[request.param](PLUGINS[request.param].Params())
    facts = json.loads((DATA / f"{request.param}.json").read_text())
    return request.param, plugin, plugin.network().eval(), facts, rule_state(facts["state"])


def test_the_default_network_has_the_released_number_of_parameters(released):
    name, _, network, facts, _ = released
    assert sum(parameter.numel() for parameter in network.parameters()) == facts["parameters"] == PARAMETERS[name]


def test_every_released_entry_has_its_place(released):
    """Each with its shape: none missing, none left over, no two in one place."""
    name, plugin, network, _, theirs = released
    found = plugin.released_names(theirs)
    assert {entry: value.shape for entry, value in found.items()} == {
        entry: value.shape for entry, value in network.state_dict().items()
    }
    # CTNet's queries, keys and values become one tensor.
    joined = sum(".attn.kv." in entry for entry in theirs) if name == "ctnet" else 0
    assert len(theirs) - len(found) == joined


@torch.no_grad()
def test_outputs_are_those_of_the_released_network(released):
    """To 1e-4 of each output's standard deviation; every pixel of logits, every fourth of CTNet's embedding."""
    name, plugin, network, facts, theirs = released
    network.load_state_dict(plugin.released_names(theirs))
    images = rng(facts["input"]["rule"]).standard_normal(facts["input"]["shape"]).astype(np.float32)
    outputs = network(torch.from_numpy(images))
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    wanted = np.load(DATA / f"{name}.npz")
    for key, ours in zip(facts["outputs"], outputs, strict=True):
        ours = ours[:, :, ::4, ::4] if key == "embedding" else ours
        assert ours.shape == wanted[key].shape
        assert np.abs(ours.numpy() - wanted[key]).max() <= 1e-4 * wanted[key].std()


@torch.no_grad()
def test_another_aspect_keeps_its_shape(released):
    """Not only squares: the logits follow the image, at an eighth or as large."""
    _, plugin, network, _, _ = released
    assert plugin.head().logits(network, torch.zeros(1, 3, 64, 96)).shape[2:] in {(8, 12), (64, 96)}
