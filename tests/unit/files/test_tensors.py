"""Weights are finite numbers of the kind their network has, or one line names file and tensor."""

import pytest

pytest.importorskip("torch")

import torch
from safetensors.torch import load_file, save_file

from bench.files.tensors import refuse_unfit
from generators.denoising.weights import load_trained, save_trained
from tests.conftest import refused

OWN = {"weight": torch.zeros(2), "count": torch.zeros((), dtype=torch.int64), "mask": torch.ones(2, dtype=torch.bool)}


def check(**found):
    refuse_unfit("FILE", found.items(), OWN)


def test_floats_of_any_width_and_whole_numbers_fit():
    for dtype in (torch.float16, torch.bfloat16, torch.float64, torch.float8_e4m3fn):
        check(weight=torch.ones(2).to(dtype), count=torch.tensor(3, dtype=torch.int32), mask=torch.ones(2).bool())
    check(other=torch.zeros(1, dtype=torch.int8))


@pytest.mark.parametrize(
    ("name", "dtype"),
    [("weight", "int8"), ("weight", "bool"), ("weight", "complex64"), ("count", "float32"), ("mask", "uint8")],
)
def test_another_kind_of_number_is_named(name, dtype):
    found = {"spare": torch.zeros(1), name: torch.ones(2).to(getattr(torch, dtype))}
    refused(lambda: check(**found), "FILE: 1 of 2 tensors are of an unfit type", f"first {name}: {dtype} for")


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_a_number_that_is_not_finite_is_named(number):
    """Whether the network has a place for it or not."""
    found = {"weight": torch.tensor([1.0, number]), "other": torch.tensor([number]), "fine": torch.ones(1)}
    refused(lambda: check(**found), "FILE: 2 of 3 tensors hold numbers that are not finite, first weight; fetch it")


def test_what_training_left_is_looked_at_too(tmp_path):
    layer = torch.nn.Linear(2, 2)
    save_trained(tmp_path, {"layer": layer})
    load_trained(tmp_path, {"layer": layer})
    path = tmp_path / "layer.safetensors"
    save_file({**load_file(path), "bias": torch.tensor([0.0, float("nan")])}, path)
    refused(
        lambda: load_trained(tmp_path, {"layer": layer}), path, "1 of 2", "first bias", f"delete {tmp_path} to train"
    )
