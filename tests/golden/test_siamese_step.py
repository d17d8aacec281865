"""The step that copies nothing has the loss and every gradient of Algorithm 1 as written."""

import itertools

import pytest
import torch

from generators.diffusion.control import encode, run_controlnet
from generators.diffusion.siamese_step import Recipe, _image_branch, backward_siamese
from tests.golden.siamese_literal import literal_loss
from tests.golden.toy_networks import gradients, make_batch, make_networks


def ours(nets, batch, recipe, step, steps=900):
    nets.controlnet.zero_grad()
    nets.decoder.zero_grad()
    return backward_siamese(nets, batch, recipe, step, steps), gradients(nets)


def literal(nets, batch, recipe, step, steps=900):
    nets.controlnet.zero_grad()
    nets.decoder.zero_grad()
    loss, parts = literal_loss(nets, batch, recipe, step, steps)
    loss.backward()
    return {"loss": loss.item(), **parts}, gradients(nets)


@pytest.mark.parametrize("step", [0, 300, 301, 899])
@pytest.mark.parametrize("dense_hint", [True, False])
def test_loss_and_every_gradient_are_the_literal_ones(step, dense_hint):
    nets, batch = make_networks(dense_hint=dense_hint), make_batch()
    (got, got_grads), (want, want_grads) = (f(nets, batch, Recipe(), step) for f in (ours, literal))
    assert got["loss"] == pytest.approx(want["loss"], rel=1e-9)
    assert set(got_grads) == set(want_grads)
    for name, gradient in want_grads.items():
        assert (got_grads[name] - gradient).norm() <= 1e-5 * gradient.norm() + 1e-12, name


@pytest.mark.parametrize(
    ("aug", "consistency", "w_c"), list(itertools.product([True, False], [True, False], [1.0, 0.3]))
)
def test_each_ablation_equals_its_literal_twin(aug, consistency, w_c):
    """Table 5's switches and Table 6's weight."""
    nets, batch = make_networks(), make_batch()
    recipe = Recipe(noise_consistency=consistency, online_augmentation=aug, w_c=w_c)
    (got, got_grads), (want, want_grads) = (f(nets, batch, recipe, 600) for f in (ours, literal))
    assert got["loss"] == pytest.approx(want["loss"], rel=1e-9)
    for name, gradient in want_grads.items():
        assert (got_grads[name] - gradient).norm() <= 1e-5 * gradient.norm() + 1e-12, name


def test_without_its_parts_the_step_is_controlnets():
    """Setting 1 of Table 5: one denoising loss, no image is looked at."""
    nets, batch = make_networks(), make_batch()
    losses, _ = ours(nets, batch, Recipe(noise_consistency=False, online_augmentation=False), 600)
    assert set(losses) == {"loss", "mask"}


def test_at_step_zero_both_branches_predict_alike():
    nets, batch = make_networks(), make_batch()
    losses, _ = ours(nets, batch, Recipe(), 0)
    assert losses["consistency"] == pytest.approx(0, abs=1e-20)
    assert losses["image"] == pytest.approx(losses["mask"], rel=1e-12)


def test_the_image_loss_trains_the_controlnet_and_never_the_decoder():
    """L_i reaches the image's residuals; the decoder's parameters and w_m c_m get nothing from it."""
    nets, batch = make_networks(), make_batch()
    noisy = batch.noisy(batch.latents, nets.alphas_cumprod)
    encoded = encode(nets.unet, noisy, batch.t, batch.context)
    c_m, c_i = (
        [c.detach().requires_grad_() for c in run_controlnet(nets.controlnet, noisy, batch.t, batch.context, hint)]
        for hint in (batch.mask, batch.image)
    )
    _image_branch(nets, batch, encoded, c_m, c_i, Recipe(), 0.5, 1.0)
    assert all(parameter.grad is None for parameter in nets.decoder.parameters())
    assert all(residual.grad is None for residual in c_m)
    assert all(residual.grad.any() for residual in c_i)


def test_encoder_and_middle_get_no_gradient():
    nets, batch = make_networks(), make_batch()
    _, grads = ours(nets, batch, Recipe(), 600)
    assert not [
        n for n in grads if n.startswith("u.") and not n.startswith(("u.up_blocks", "u.conv_norm_out", "u.conv_out"))
    ]
    assert [n for n in grads if n.startswith("u.up_blocks")]


def test_shares_of_a_batch_add_up_to_the_whole():
    """Gradient accumulation: two halves at share 1/2 have the gradient of the whole batch."""
    nets, batch = make_networks(), make_batch()
    _, whole = ours(nets, batch, Recipe(), 600)
    nets.controlnet.zero_grad()
    nets.decoder.zero_grad()
    for rows in (slice(0, 2), slice(2, 4)):
        part = type(batch)(*(getattr(batch, f)[rows] for f in ("latents", "noise", "t", "context", "mask", "image")))
        backward_siamese(nets, part, Recipe(), 600, 900, share=0.5)
    for name, gradient in gradients(nets).items():
        assert torch.allclose(gradient, whole[name], rtol=1e-8, atol=1e-12), name


def test_no_sample_in_range_means_no_augmented_branch():
    nets, batch = make_networks(), make_batch(times=(201, 500, 700, 900))
    losses, _ = ours(nets, batch, Recipe(), 600)
    assert losses["augmented"] == 0.0
