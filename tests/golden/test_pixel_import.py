"""Checkpoints in the authors' layout become folders to sample from, with the same predictions."""

import json
from pathlib import Path

import pytest
import torch

from bench.errors import BenchError
from generators.arsdm import Arsdm
from generators.arsdm import Params as ArsdmParams
from generators.pixel.published_names import places
from generators.polyp_ddpm import Params, PolypDdpm
from tests.golden.rule_weights import rule_state

DATA = Path(__file__).parent / "data"
POLYP = {"size": 64, "width": 32}
ARSDM = {"size": 32, "width": 32, "hidden": 8, "head": 16}


def polyp_file(path, change=lambda state: state):
    known = json.loads((DATA / "polyp-ddpm.json").read_text())
    state = change({**rule_state(known["state"]), "betas": PolypDdpm(Params(**POLYP)).walk().scheduler.betas})
    torch.save({"step": 7, "model": {key: value * 2 for key, value in state.items()}, "ema": state}, path)
    return path


def test_polyp_ddpm_takes_the_averages_of_the_authors_trainer(tmp_path):
    generator, out = PolypDdpm(Params(**POLYP)), tmp_path / "model"
    out.mkdir()
    generator.import_checkpoint(polyp_file(tmp_path / "model-1.pt"), out)
    imported = PolypDdpm(Params(**POLYP, checkpoint=str(out)))
    network = imported.method().network
    imported.load_weights(network, tmp_path)
    want = rule_state({"denoise_fn.out.2.weight": [3, 32, 3, 3]})
    assert torch.equal(network.conv_out.weight, want["denoise_fn.out.2.weight"])


@pytest.mark.parametrize(("change", "said"), [
    (lambda state: dict(list(state.items())[2:]), "missing: time_embed.0"),
    (lambda state: {**state, "denoise_fn.more": torch.ones(1)}, "unexpected: more"),
    (lambda state: {**state, "denoise_fn.out.2.bias": torch.ones(4)}, "of another shape: out.2.bias"),
    (lambda state: {**state, "denoise_fn.out.2.bias": torch.full((3,), float("nan"))}, "not finite"),
    (lambda state: {**state, "betas": state["betas"] * 2}, "betas are not those"),
])  # fmt: skip
def test_a_file_that_does_not_fit_is_refused_by_name(tmp_path, change, said):
    with pytest.raises(BenchError, match=said):
        PolypDdpm(Params(**POLYP)).import_checkpoint(polyp_file(tmp_path / "m.pt", change), tmp_path)


@pytest.mark.parametrize("averaged", [True, False])
def test_arsdm_takes_averages_where_there_are_some(tmp_path, averaged):
    generator, out = Arsdm(ArsdmParams(**ARSDM)), tmp_path / "model"
    out.mkdir()
    torch.manual_seed(0)
    state = authors_state(generator)
    if averaged:
        state |= {"model_ema." + key.removeprefix("model.").replace(".", ""): value * 3 for key, value in state.items()}
    torch.save({"state_dict": state}, tmp_path / "last.ckpt")
    lines = generator.import_checkpoint(tmp_path / "last.ckpt", out)
    network = generator.method().network
    Arsdm(ArsdmParams(**ARSDM, checkpoint=str(out))).load_weights(network, tmp_path)
    want = state["model.diffusion_model.out.2.weight"] * (3 if averaged else 1)
    assert torch.equal(network.unet.conv_out.weight, want)
    assert f"taken: {'averaged' if averaged else 'trained (the file has no averages)'} weights" in lines


def authors_state(generator):
    """Random numbers under the authors' names, of the generator's shapes."""
    unet = generator.method().network.unet
    shapes = {}
    for name, place in places(unet).items():
        first, *others = unet.state_dict()[name].shape
        shapes[f"model.diffusion_model.{place.key}"] = (first * 3 if place.third >= 0 else first, *others)
    return {key: torch.randn(shape) for key, shape in shapes.items()}


def test_a_checkpoint_that_is_not_there_is_said(tmp_path):
    (line,) = PolypDdpm(Params(**POLYP, checkpoint=str(tmp_path / "none"))).missing()
    assert "no such folder" in line
