"""The scripts that train the bundled base: Muon on convolutions, and a training that goes on after a kill."""

import pytest
import torch

if not hasattr(torch.optim, "Muon"):
    pytest.skip("Muon needs torch >= 2.9", allow_module_level=True)

from tools.tiny_base.muon import Muon
from tools.tiny_base.trainee import Trainee, muon


def make_model():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.Flatten(), torch.nn.Linear(16, 2))


def learn(model, steps, checkpoint):
    trainee = Trainee(model, 0.05, muon)
    losses = []
    for step in trainee.steps(steps, checkpoint, every=5):
        images = torch.randn(8, 3, 4, 4, generator=torch.Generator().manual_seed(step))
        loss = (model(images) - images.mean((1, 2, 3))[:, None]).square().mean()
        trainee.learn(loss, step)
        losses.append(loss.item())
    return losses


def test_a_convolution_learns_as_the_matrix_of_its_weights():
    convolution = torch.nn.Conv2d(3, 4, 3)
    matrix = torch.nn.Parameter(convolution.weight.detach().flatten(1).clone())
    ours = Muon([convolution.weight], 0.1)
    torchs = torch.optim.Muon([matrix], 0.1, weight_decay=0.01, adjust_lr_fn="match_rms_adamw")
    for seed in range(3):
        matrix.grad = torch.randn(4, 27, generator=torch.Generator().manual_seed(seed))
        convolution.weight.grad = matrix.grad.view(4, 3, 3, 3).clone()
        ours.step()
        torchs.step()
    assert torch.equal(convolution.weight.flatten(1), matrix)


def test_training_lowers_the_loss_and_goes_on_after_a_kill(tmp_path):
    whole, killed = make_model(), make_model()
    losses = learn(whole, 40, tmp_path / "whole.ckpt")
    assert sum(losses[-5:]) < 0.5 * sum(losses[:5])

    calls = []

    def kill(*_):
        calls.append(1)
        if len(calls) > 23:
            raise KeyboardInterrupt

    killed.register_forward_pre_hook(kill)
    with pytest.raises(KeyboardInterrupt):
        learn(killed, 40, tmp_path / "killed.ckpt")
    again = make_model()
    assert learn(again, 40, tmp_path / "killed.ckpt") == losses[20:]
    assert all(torch.equal(a, b) for a, b in zip(again.parameters(), whole.parameters(), strict=True))
