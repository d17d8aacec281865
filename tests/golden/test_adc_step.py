"""The ADC step is the literal sum of its three losses, differentiated in one piece."""

from copy import deepcopy

import pytest
import torch

from generators.diffusion.conditioning.control import encode, hint_features, run_controlnet
from generators.diffusion.training.adc_step import AdcMethod, Teacher, Weights, adaptive_map
from tests.golden.toy_networks import make_batch, make_networks


def make_method(teacher=1.0, distill=1.0):
    nets, other = make_networks(seed=0), make_networks(seed=1)
    return AdcMethod(
        nets=nets, teacher=Teacher(other.controlnet, deepcopy(nets.decoder)), weights=Weights(teacher, distill)
    )


def gradients(method):
    named = [(f"{m}.{n}", p) for m, module in method.trained.items() for n, p in module.named_parameters()]
    return {name: p.grad.clone() for name, p in named if p.grad is not None}


def literal(method, batch):
    """One graph, one backward; every quantity as the paper writes it."""
    nets, teacher = method.nets, method.teacher
    a = nets.alphas_cumprod[batch.t].view(-1, 1, 1, 1)
    x = a.sqrt() * batch.latents + (1 - a).sqrt() * batch.noise
    c_m = run_controlnet(nets.controlnet, x, batch.t, batch.context, hint_features(nets.controlnet, batch.mask))
    c_i = run_controlnet(teacher.controlnet, x, batch.t, batch.context, hint_features(teacher.controlnet, batch.image))
    student = nets.decoder(encode(nets.unet, x, batch.t, batch.context), c_m)
    guide = teacher.decoder(
        encode(nets.unet, x, batch.t, batch.context), [m + 0.25 * i for m, i in zip(c_m, c_i, strict=True)]
    )
    weight = torch.empty_like(student)
    for n, mask in enumerate(batch.mask[:, 0, ::8, ::8]):
        weight[n] = torch.where(mask > 0, 1 - mask.mean(), mask.mean())
    losses = [
        (student - batch.noise).square().mean(),
        (guide - batch.noise).square().mean(),
        (weight * (student - guide.detach()).square()).mean(),
    ]
    loss = losses[0] + method.weights.teacher * losses[1] + method.weights.distill * losses[2]
    loss.backward()
    return loss.item(), [part.item() for part in losses]


@pytest.mark.parametrize(("teacher", "distill"), [(1.0, 1.0), (0.5, 2.0), (0.0, 0.0)])
def test_loss_and_every_gradient_equal_the_literal_step(teacher, distill):
    batch = make_batch()
    method = make_method(teacher, distill)
    want, parts = literal(method, batch)
    want_grads = gradients(method)
    for module in method.trained.values():
        module.zero_grad()
    got = method.backward(batch, 0, 1.0)
    assert got["loss"] == pytest.approx(want, rel=1e-10)
    assert [got["mask"], got["teacher"], got["distill"]] == pytest.approx(parts, rel=1e-10)
    got_grads = gradients(method)
    assert got_grads.keys() == want_grads.keys()
    for name, gradient in want_grads.items():
        assert (got_grads[name] - gradient).norm() <= 1e-5 * gradient.norm() + 1e-12, name


def test_the_teacher_trains_the_students_controlnet_but_not_its_decoder():
    """c_m enters the teacher without stop-gradient; the teacher's decoder is a copy of its own."""
    batch = make_batch()
    alone, taught = make_method(0.0, 0.0), make_method(1.0, 0.0)
    for method in (alone, taught):
        method.backward(batch, 0, 1.0)
    one, other = gradients(alone), gradients(taught)
    assert not torch.allclose(one["controlnet.conv_in.weight"], other["controlnet.conv_in.weight"])
    assert torch.allclose(one["decoder.conv_out.weight"], other["decoder.conv_out.weight"])


def test_lesion_and_background_weigh_by_the_others_share():
    """A quarter of lesion: 0.75 on it, 0.25 off it."""
    mask = torch.zeros(1, 3, 32, 32)
    mask[..., :16, :16] = 1
    weight = adaptive_map(mask, (4, 4))
    assert weight.shape == (1, 1, 4, 4)
    assert weight[0, 0, 0, 0] == 0.75
    assert weight[0, 0, 3, 3] == 0.25


def test_only_the_student_is_kept_for_sampling():
    method = make_method()
    assert set(method.kept) == {"controlnet", "decoder"}
    assert set(method.trained) - set(method.kept) == {"teacher_controlnet", "teacher_decoder"}
