"""The U-Net at full width is the released network: its keys, its size and its logits, for weights made by a rule."""

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from segmenters.networks.unet import UNetNetwork
from segmenters.unet import Params, UNet
from tests.golden.rule_weights import rng, rule_state

DATA = Path(__file__).parent / "data"
FACTS = json.loads((DATA / "unet.json").read_text())


def test_the_published_width_has_the_published_number_of_parameters():
    """1,946,914, and it is the plugin's default, not only the network's."""
    network = UNet(Params())._network(0)
    assert sum(parameter.numel() for parameter in network.parameters()) == FACTS["parameters"] == 1_946_914


def test_the_released_checkpoints_keys_fit_without_a_map():
    """Every key with its shape, in their order."""
    ours = {name: list(value.shape) for name, value in UNetNetwork().state_dict().items()}
    assert list(ours.items()) == list(FACTS["state"].items())


@torch.no_grad()
def test_logits_are_those_of_the_released_network():
    """To 1e-4 of the output's standard deviation, with every pixel compared."""
    network = UNetNetwork().eval()
    network.load_state_dict(rule_state(FACTS["state"]))
    images = rng(FACTS["input"]["rule"]).standard_normal(FACTS["input"]["shape"]).astype(np.float32)
    logits = network(torch.from_numpy(images)).numpy()
    want = np.load(DATA / "unet.npz")["logits"]
    assert logits.shape == want.shape
    assert np.abs(logits - want).max() <= 1e-4 * want.std()
