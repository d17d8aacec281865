"""CTNet is the released network: its keys, its size, its logits and its embedding, for weights made by a rule."""

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("mmseg")

import torch

from bench.contracts import Context
from bench.errors import BenchError
from segmenters.ctnet import CTNet, Params
from segmenters.training.ctnet_network import CTNetNetwork, from_released
from segmenters.training.loop import load_weights
from tests.conftest import make_pairs, refused
from tests.golden.rule_weights import rng, rule_state

DATA = Path(__file__).parent / "data"
FACTS = json.loads((DATA / "ctnet.json").read_text())


@pytest.fixture(scope="module")
def released():
    """The authors' checkpoint, by their names."""
    return rule_state(FACTS["state"])


@pytest.fixture(scope="module")
def network(released):
    one = CTNetNetwork(Params().variant, 0).eval()
    one.load_state_dict(from_released(released))
    return one


def test_the_published_variant_has_the_published_number_of_parameters(network):
    """44,290,657, and it is the plugin's default, not only the network's."""
    assert sum(parameter.numel() for parameter in network.parameters()) == FACTS["parameters"] == 44_290_657


def test_the_released_checkpoints_keys_fit_through_one_map(network, released):
    """Nothing missing, nothing unexpected, every shape right; queries, keys and values become one tensor."""
    ours = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    assert {name: tuple(value.shape) for name, value in from_released(released).items()} == ours
    assert len(released) - len(ours) == sum(".attn.kv." in name for name in released)


@torch.no_grad()
def test_logits_and_embedding_are_those_of_the_released_network(network):
    """To 1e-4 of the output's standard deviation; every pixel of the logits, every fourth of the embedding."""
    images = rng(FACTS["input"]["rule"]).standard_normal(FACTS["input"]["shape"]).astype(np.float32)
    logits, embedding = network(torch.from_numpy(images))
    want = np.load(DATA / "ctnet.npz")
    for ours, name in ((logits, "logits"), (embedding[:, :, ::4, ::4], "embedding")):
        assert tuple(ours.shape) == want[name].shape
        assert np.abs(ours.numpy() - want[name]).max() <= 1e-4 * want[name].std()


def test_a_released_checkpoint_is_used_as_it_is(network, released, tmp_path):
    """`weights` names it: fitting trains nothing, whatever the pairs, and says that it made no update."""
    path, model = tmp_path / "released.pth", tmp_path / "model"
    torch.save({f"module.{name}": value for name, value in released.items()}, path)
    model.mkdir()
    CTNet(Params(weights=str(path))).fit(make_pairs(tmp_path, 1), (), model, Context(0, tmp_path))
    loaded = CTNetNetwork(Params().variant, 1)
    load_weights(loaded, model)
    assert all(torch.equal(value, network.state_dict()[name]) for name, value in loaded.state_dict().items())
    assert json.loads((model / "training.json").read_text())["updates"] == 0


def damaged(state):
    """(what is wrong, checkpoint, what the error must name)"""
    some = "Smim.h2l_0.weight"
    yield {name: value for name, value in state.items() if name != some}, "lacks interact.h2l_0.weight"
    yield {**state, "backbone.block9.x": torch.zeros(1)}, "layers.8.1.x"
    yield {**state, some: torch.zeros(1)}, "another shape of interact.h2l_0.weight"
    yield {"epoch": 3, **state}, "not a mapping of names to tensors"


def test_a_checkpoint_that_does_not_fit_is_refused_by_its_key(released, tmp_path):
    """A key too few, one too many, another shape, or not weights alone: one line each."""
    path = tmp_path / "other.pth"
    for state, message in damaged(released):
        torch.save(state, path)
        plugin = CTNet(Params(weights=str(path)))
        refused(lambda plugin=plugin: plugin.fit((), (), tmp_path, Context(0, tmp_path)), path, message)
    path.write_bytes(b"no checkpoint")
    refused(lambda: plugin.fit((), (), tmp_path, Context(0, tmp_path)), path, "read safely")


class Executed:
    """Pickles to a call."""

    def __reduce__(self):
        return (print, ("executed",))


def test_nothing_in_a_checkpoint_is_executed(tmp_path, capsys):
    path = tmp_path / "bad.pth"
    torch.save({"a": Executed()}, path)
    with pytest.raises(BenchError, match="read safely"):
        CTNet(Params(weights=str(path))).fit((), (), tmp_path, Context(0, tmp_path))
    assert "executed" not in capsys.readouterr().out
