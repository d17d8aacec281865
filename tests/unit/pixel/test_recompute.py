"""Activations that are computed twice change no gradient, and take less memory; bf16 changes little."""

import pytest
import torch

from generators.arsdm import Arsdm
from generators.arsdm import Params as ArsdmParams
from generators.denoising.precision import arithmetic
from generators.denoising.recompute import recompute_activations
from generators.polyp_ddpm import Params, PolypDdpm
from generators.seg_guided import Params as SegGuidedParams
from generators.seg_guided import SegGuided

SMALL = {"size": 32, "width": 32}
GENERATORS = [
    PolypDdpm(Params(**SMALL)),
    Arsdm(ArsdmParams(**SMALL, hidden=8, head=16)),
    SegGuided(SegGuidedParams(**SMALL)),
]


def gradients(generator, recompute=False, precision="fp32"):
    torch.manual_seed(0)
    method = generator.method()
    if recompute:
        recompute_activations([method.network])
    rng = torch.Generator().manual_seed(1)
    x, noise = (torch.randn((2, 3, 32, 32), generator=rng) for _ in range(2))
    masks = (torch.rand((2, 1, 32, 32), generator=rng) > 0.7).float()
    with arithmetic(precision, "cpu"):
        predicted = method.predict(method.network, x, torch.tensor([3, 90]), method.prepare(masks))
    method.loss(predicted.float(), noise, masks).backward()
    return torch.cat([p.grad.flatten() for p in method.network.parameters()])


@pytest.mark.parametrize("generator", GENERATORS, ids=lambda one: type(one).__name__)
def test_recomputing_changes_no_gradient(generator, monkeypatch):
    calls = []
    plain = torch.utils.checkpoint.checkpoint
    monkeypatch.setattr(
        "generators.denoising.recompute.checkpoint", lambda *args, **more: (calls.append(1), plain(*args, **more))[1]
    )
    torch.testing.assert_close(gradients(generator, recompute=True), gradients(generator), rtol=1e-4, atol=1e-7)
    assert calls, "nothing was recomputed"


@pytest.mark.parametrize("generator", GENERATORS, ids=lambda one: type(one).__name__)
def test_bf16_points_the_same_way(generator):
    exact, rounded = gradients(generator), gradients(generator, precision="bf16")
    assert torch.nn.functional.cosine_similarity(exact, rounded, dim=0) > 0.98
    assert not torch.equal(exact, rounded)
