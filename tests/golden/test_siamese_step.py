"""The step that copies nothing has the loss and every gradient of Algorithm 1 as written."""

import copy
import dataclasses
import itertools

import pytest
import torch

from generators.diffusion.conditioning.batch import Batch
from generators.diffusion.conditioning.control import encode, hint_features, run_controlnet
from generators.diffusion.training.siamese_step import Recipe, Step, backward_siamese, image_branch
from tests.golden.siamese_literal import LiteralHint, literal_loss
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


@pytest.mark.parametrize(("step", "side"), [(0, 2), (300, 2), (301, 2), (899, 4)])
@pytest.mark.parametrize("dense_hint", [True, False])
def test_loss_and_every_gradient_are_the_literal_ones(step, side, dense_hint):
    nets, batch = make_networks(dense_hint=dense_hint), make_batch(side=side)
    (got, got_grads), (want, want_grads) = (f(nets, batch, Recipe(), step) for f in (ours, literal))
    assert got["loss"] == pytest.approx(want["loss"], rel=1e-9)
    assert set(got_grads) == set(want_grads)
    for name, gradient in want_grads.items():
        assert (got_grads[name] - gradient).norm() <= 1e-5 * gradient.norm() + 1e-12, name


@pytest.mark.parametrize(
    ("aug", "consistency", "w_c"), list(itertools.product([True, False], [True, False], [1.0, 0.3, 0.0]))
)
def test_each_ablation_equals_its_literal_twin(aug, consistency, w_c):
    """Table 5's switches and Table 6's weight: loss, each part that the switches leave, every gradient."""
    nets, batch = make_networks(), make_batch()
    recipe = Recipe(noise_consistency=consistency, online_augmentation=aug, w_c=w_c)
    (got, got_grads), (want, want_grads) = (f(nets, batch, recipe, 600) for f in (ours, literal))
    want.pop("augmented_unweighted", None)
    assert got == pytest.approx(want, rel=1e-9)
    assert ("consistency" in got, "augmented" in got) == (consistency, aug)
    assert set(got_grads) == set(want_grads)
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


def test_at_step_zero_the_teacher_teaches_nothing():
    """w_i = 0: L_i reaches nothing and L_c is 0, so every gradient is the mask branch's alone."""
    nets, batch = make_networks(), make_batch()
    _, grads = ours(nets, batch, Recipe(), 0)
    _, alone = ours(nets, batch, Recipe(noise_consistency=False, online_augmentation=False), 0)
    for name, gradient in alone.items():
        assert torch.allclose(grads[name], gradient, rtol=1e-9, atol=1e-13), name


def test_the_mask_weight_scales_the_mask_part_of_the_mix():
    nets, batch = make_networks(), make_batch()
    recipe = Recipe(w_m=0.5)
    (got, got_grads), (want, want_grads) = (f(nets, batch, recipe, 600) for f in (ours, literal))
    assert got["image"] == pytest.approx(want["image"], rel=1e-9)
    assert got["image"] != pytest.approx(ours(nets, batch, Recipe(), 600)[0]["image"], rel=1e-3)
    for name, gradient in want_grads.items():
        assert (got_grads[name] - gradient).norm() <= 1e-5 * gradient.norm() + 1e-12, name


def test_the_image_loss_trains_the_controlnet_and_never_the_decoder():
    """L_i reaches the image's residuals; the decoder's parameters and w_m c_m get nothing from it."""
    nets, batch = make_networks(), make_batch()
    noisy = batch.noisy(batch.latents, nets.alphas_cumprod)
    encoded = encode(nets.unet, noisy, batch.t, batch.context)
    c_m, c_i = (
        [
            c.detach().requires_grad_()
            for c in run_controlnet(
                nets.controlnet, noisy, batch.t, batch.context, hint_features(nets.controlnet, hint)
            )
        ]
        for hint in (batch.mask, batch.image)
    )
    image_branch(Step(nets=nets, batch=batch, recipe=Recipe(), number=1, steps=2), encoded, c_m, c_i)
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


def chunks(batch, parts):
    fields = {field.name: getattr(batch, field.name).chunk(parts) for field in dataclasses.fields(batch)}
    return [Batch(**{name: pieces[part] for name, pieces in fields.items()}) for part in range(parts)]


@pytest.mark.parametrize("parts", [2, 4])
@pytest.mark.parametrize("times", [(20, 200, 201, 900), (20, 900, 700, 100), (300, 500, 700, 900)])
def test_micro_batches_add_up_to_the_whole_batch(parts, times):
    """Gradient accumulation, as training does it: losses and gradients are those of the literal whole batch.

    The authors skip the augmented branch by batch (no t in range at all) and weight it by sample; a micro-batch with
    no sample in range adds the same nothing.
    """
    nets, batch = make_networks(), make_batch(times=times)
    want, want_grads = literal(nets, batch, Recipe(), 600)
    nets.controlnet.zero_grad()
    nets.decoder.zero_grad()
    losses = [backward_siamese(nets, p, Recipe(), 600, 900, 1 / parts) for p in chunks(batch, parts)]
    assert all(part.keys() == losses[0].keys() for part in losses)
    for name in ("loss", "mask", "image", "consistency", "augmented"):
        assert sum(part[name] for part in losses) / parts == pytest.approx(want.get(name, 0.0), rel=1e-9)
    for name, gradient in gradients(nets).items():
        assert (gradient - want_grads[name]).norm() <= 1e-8 * want_grads[name].norm() + 1e-12, name


@pytest.mark.parametrize(("t", "in_range"), [(0, True), (199, True), (200, True), (201, False), (999, False)])
def test_augmentation_takes_t_up_to_200(t, in_range):
    """The code's rule; the paper writes t < 200."""
    losses, _ = ours(make_networks(), make_batch(count=1, times=(t,)), Recipe(), 600)
    assert (losses["augmented"] > 0) == in_range


@pytest.mark.parametrize(("step", "active"), [(0, False), (300, False), (301, True), (899, True)])
def test_augmentation_begins_after_a_third_of_the_training(step, active):
    losses, _ = ours(make_networks(), make_batch(count=1, times=(20,)), Recipe(), step)
    assert ("augmented" in losses) == active


def test_the_augmented_loss_is_a_mean_over_the_whole_batch():
    """Three samples out of range make the mean of the one in range a quarter of its own."""
    nets, batch = make_networks(), make_batch(times=(20, 201, 500, 900))
    first = chunks(batch, 4)[0]
    whole, alone = (ours(nets, b, Recipe(), 600)[0]["augmented"] for b in (batch, first))
    assert whole == pytest.approx(alone / 4, rel=1e-9)


def test_no_network_is_copied_and_nothing_frozen_moves(monkeypatch):
    nets, batch = make_networks(), make_batch()
    monkeypatch.setattr(copy, "deepcopy", lambda *_: pytest.fail("copied a network"))
    before = {name: value.clone() for name, value in nets.unet.state_dict().items()}
    ours(nets, batch, Recipe(), 600)
    assert all(torch.equal(value, nets.unet.state_dict()[name]) for name, value in before.items())


def test_no_sample_in_range_means_no_augmented_branch():
    nets, batch = make_networks(), make_batch(times=(201, 500, 700, 900))
    losses, _ = ours(nets, batch, Recipe(), 600)
    assert losses["augmented"] == 0.0


def test_hint_block_is_the_authors_to_the_last_digit():
    """Channels last and one copy for patch merging against strided slices: value and every gradient."""
    nets, batch = make_networks(dense_hint=True), make_batch(side=4)
    hint = nets.controlnet.controlnet_cond_embedding
    found = []
    for block in (hint, LiteralHint(hint)):
        hint.zero_grad()
        out = block(batch.image)
        out.square().sum().backward()
        found.append([out.detach(), *(p.grad.clone() for p in hint.parameters())])
    for got, want in zip(*found, strict=True):
        assert (got - want).norm() <= 1e-12 * want.norm()
