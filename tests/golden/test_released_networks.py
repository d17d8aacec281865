"""SANet and Polyp-PVT at full width are the released networks: their keys, their size and their logits."""

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("timm")

import torch

from segmenters.polyp_pvt import PolypPVT
from segmenters.sanet import SANet
from tests.golden.rule_weights import rng, rule_state

DATA = Path(__file__).parent / "data"
PLUGINS = {"sanet": SANet, "polyp-pvt": PolypPVT}
PARAMETERS = {"sanet": 23_899_497, "polyp-pvt": 25_107_604}


@pytest.fixture(scope="module", params=PLUGINS)
def released(request):
    """Plugin at its defaults, its network, and the facts of the released one."""
    plugin = PLUGINS[request.param](PLUGINS[request.param].Params())
    return request.param, plugin, plugin._network().eval(), json.loads((DATA / f"{request.param}.json").read_text())


def test_the_default_network_has_the_released_number_of_parameters(released):
    name, _, network, facts = released
    assert sum(parameter.numel() for parameter in network.parameters()) == facts["parameters"] == PARAMETERS[name]


def test_every_released_entry_has_its_place(released):
    """One to one, each with its shape: none missing, none left over, no two in one place."""
    _, plugin, network, facts = released
    ours = [(plugin._released_name(entry), list(value.shape)) for entry, value in network.state_dict().items()]
    assert len(dict(ours)) == len(ours)
    assert dict(ours) == facts["state"]


@torch.no_grad()
def test_logits_are_those_of_the_released_network(released):
    """To 1e-4 of each output's standard deviation, with every pixel compared."""
    name, plugin, network, facts = released
    state = rule_state(facts["state"])
    network.load_state_dict({entry: state[plugin._released_name(entry)] for entry in network.state_dict()})
    images = rng(facts["input"]["rule"]).standard_normal(facts["input"]["shape"]).astype(np.float32)
    outputs = network(torch.from_numpy(images))
    wanted = np.load(DATA / f"{name}.npz")
    for key, logits in zip(facts["outputs"], outputs if isinstance(outputs, tuple) else (outputs,), strict=True):
        assert logits.shape == wanted[key].shape
        assert np.abs(logits.numpy() - wanted[key]).max() <= 1e-4 * wanted[key].std()


@torch.no_grad()
def test_another_aspect_keeps_its_shape(released):
    """Not only squares: logits follow the image, at an eighth or as large."""
    _, _, network, _ = released
    outputs = network(torch.zeros(1, 3, 64, 96))
    shapes = {tuple(x.shape[2:]) for x in (outputs if isinstance(outputs, tuple) else (outputs,))}
    assert shapes in ({(8, 12)}, {(64, 96)})
