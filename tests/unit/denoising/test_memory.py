"""Out of memory: the errors the libraries really raise become one line that says what to lower."""

import numpy as np
import pytest
import torch

from bench.contracts import Context
from bench.errors import BenchError
from generators.denoising.memory import (
    is_out_of_memory,
    memory_advice,
    preview_remedies,
    sampling_remedies,
    training_remedies,
)
from generators.diffusion.params import DiffusionParams
from generators.diffusion.sampling import sample_set
from generators.diffusion.training.preview import Preview
from generators.siamese import Params, Siamese
from tests.conftest import make_pairs, refused

ABSURD = 10**15
"""float32 numbers: no machine has them, so the allocator itself refuses."""


def raised(action):
    with memory_advice("training", "cpu", ["--set NAME.accumulation=2"]):
        action()


def cuda():
    raise torch.cuda.OutOfMemoryError(
        "CUDA out of memory. Tried to allocate 2.50 GiB. GPU 0 has a total capacity of 8.00 GiB."
    )


REAL = {
    "torch": (lambda: torch.empty(ABSURD), f"{4 * ABSURD} bytes"),
    "numpy": (lambda: np.empty(ABSURD, np.float32), "3.55 PiB"),
    "python": (lambda: bytearray(1 << 60), ""),
    "cuda": (cuda, "2.50 GiB"),
}


@pytest.mark.parametrize("name", REAL)
def test_a_refused_allocation_is_one_line_with_the_remedy(name):
    action, amount = REAL[name]
    refused(lambda: raised(action), "out of memory on cpu in training", "--set NAME.accumulation=2", "is kept", amount)


@pytest.mark.parametrize(
    "message",
    [
        "MPS backend out of memory (MPS allocated: 17.00 GB, max allowed: 18.13 GB). Tried to allocate 1.50 GB",
        "DefaultCPUAllocator: not enough memory: you tried to allocate 8 bytes.",
        "CUDA error: out of memory",
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
        "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
    ],
)
def test_messages_of_devices_that_are_not_here(message):
    assert is_out_of_memory(RuntimeError(message))


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("shape mismatch"),
        ValueError("out of memory"),
        BenchError("loss is not finite"),
        KeyboardInterrupt(),
    ],
    ids=repr,
)
def test_any_other_error_passes_through(error):
    def fail():
        raise error

    with pytest.raises(type(error)) as caught:
        raised(fail)
    assert caught.value is error


@pytest.mark.parametrize(
    ("batch", "now", "then"), [(48, 1, 2), (48, 2, 4), (48, 16, 48), (6, 2, 6), (9, 1, 3), (8, 8, None), (1, 1, None)]
)
def test_the_next_accumulation_is_at_least_twice_and_divides_the_batch(batch, now, then):
    first = training_remedies(DiffusionParams(batch=batch, accumulation=now))[0]
    if then is None:
        assert "accumulation" not in first
    else:
        assert first == f"--set NAME.accumulation={then} (now {now}, of a batch of {batch})"


def test_what_is_lowered_already_is_not_named_again():
    assert [line.split()[0:2] for line in training_remedies(DiffusionParams())[:3]] == [
        ["--set", "NAME.accumulation=2"], ["--set", "NAME.gradient_checkpointing=true"], ["--precision", "bf16"],
    ]  # fmt: skip
    lowest = DiffusionParams(batch=4, accumulation=4, gradient_checkpointing=True, precision="bf16", sample_batch=1)
    assert len(training_remedies(lowest)) == 1
    assert training_remedies(lowest) == sampling_remedies(lowest.sample_batch)
    assert sampling_remedies(5)[0] == "--set NAME.sample_batch=2 (now 5)"
    assert preview_remedies(DiffusionParams())[1:] == training_remedies(DiffusionParams())


# The call sites, where a step of the real work asks for the absurd.


@pytest.fixture(scope="module")
def siamese(narrow_base):
    """`siamese(…)` is a generator that trains within a second."""
    small = {"base": narrow_base, "size": 32, "steps": 1, "batch": 2, "preview_every": 0, "sampler_steps": 1}
    return lambda **changes: Siamese(Params(**small | changes))


@pytest.fixture(scope="module")
def trained(siamese, tmp_path_factory):
    place = tmp_path_factory.mktemp("trained")
    for name in ("model", "work", "out"):
        (place / name).mkdir()
    samples = make_pairs(place / "pairs", 4)
    siamese().fit(samples, place / "model", Context(seed=0, workdir=place / "work"))
    return samples, place


def test_in_training(siamese, trained, tmp_path, monkeypatch):
    monkeypatch.setattr("generators.diffusion.training.siamese_step.encode", lambda *_: torch.empty(ABSURD))
    refused(
        lambda: siamese().fit(trained[0], tmp_path, Context(seed=0, workdir=tmp_path)),
        "out of memory on cpu in training", "NAME.accumulation=2 (now 1", "NAME.gradient_checkpointing=true",
    )  # fmt: skip


def test_in_a_preview(siamese, trained, tmp_path, monkeypatch):
    monkeypatch.setattr(Preview, "draw", lambda _: np.empty(ABSURD))
    refused(
        lambda: siamese(preview_every=1).fit(trained[0], tmp_path, Context(seed=0, workdir=tmp_path)),
        "in a preview", "NAME.preview_every=0 (now 1", "NAME.accumulation=2",
    )  # fmt: skip


def test_in_sampling_and_what_is_finished_is_kept(siamese, trained, monkeypatch):
    """The second batch does not fit: the first stays, and half of the batch size finishes the set."""
    samples, place = trained
    decode, calls = sample_set.decode_latents, []

    def full(*args):
        calls.append(torch.empty(ABSURD if calls else 0))
        return decode(*args)

    out, ctx = place / "out", Context(seed=0, workdir=place / "work")
    with monkeypatch.context() as patch:
        patch.setattr(sample_set, "decode_latents", full)
        refused(
            lambda: siamese(sample_batch=2).sample(samples, place / "model", out, ctx),
            "in sampling", "NAME.sample_batch=1 (now 2)",
        )  # fmt: skip
    assert len(list((out / "images").iterdir())) == 2
    siamese(sample_batch=1).sample(samples, place / "model", out, ctx)
    assert len(list((out / "images").iterdir())) == 4
