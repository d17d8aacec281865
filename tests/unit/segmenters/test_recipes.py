"""SANet and Polyp-PVT as published: rates, schedules and sizes."""

import dataclasses

import pytest

pytest.importorskip("torch")
pytest.importorskip("timm")

import torch

from bench.plugins.overrides import resolve
from bench.plugins.profile import load_profile
from segmenters import polyp_pvt, sanet
from segmenters.training import three_sizes
from segmenters.training.normalise import imagenet
from segmenters.training.schedule import HalvedTwice

SMALL = {"width": 8, "blocks": "1,1,1,1", "pretrained": False}


def test_the_published_values_are_the_defaults():
    a, b = sanet.Params(), polyp_pvt.Params()
    assert (a.size, a.batch, a.epochs, a.lr, a.backbone_rate) == (352, 64, 128, 0.4, 0.1)
    assert (a.momentum, a.weight_decay, a.correction, a.pretrained) == (0.9, 5e-4, True, True)
    assert (b.size, b.batch, b.epochs, b.lr, b.weight_decay, b.clip) == (352, 16, 99, 1e-4, 1e-4, 0.5)
    assert (b.drop_path, b.weighted_bce, b.stretch, b.pretrained) == (0.1, False, True, True)


@pytest.mark.parametrize("plugin", [sanet.SANet, polyp_pvt.PolypPVT])
def test_the_paper_profile_changes_nothing_of_it(plugin):
    assert resolve(plugin, "segmenter", plugin.plugin_name, load_profile("paper")) == plugin.Params()


def test_segformer_counts_updates():
    """As published. The others count epochs, and train longer with more pairs."""
    pytest.importorskip("mmseg")
    from segmenters import ctnet, segformer

    resolved = resolve(segformer.SegFormer, "segmenter", "segformer", load_profile("paper"))
    recipe = segformer.SegFormer(resolved)._recipe()
    assert [recipe.passes(updates) for updates in (91, 182)] == [1759, 880]
    for plugin in (sanet.SANet, polyp_pvt.PolypPVT, ctnet.CTNet):
        recipe = plugin(plugin.Params())._recipe()
        assert recipe.passes(91) == recipe.passes(182) == recipe.epochs


def test_training_sizes_are_the_published_ones():
    assert sanet.SCALES.sizes(352) == (256, 288, 320, 352)
    assert sum(sanet.SCALES.chances) == pytest.approx(1)
    assert three_sizes.SCALES.sizes(352) == (256, 352, 448)
    assert not three_sizes.SCALES.chances


def test_sanets_rate_is_halved_in_epochs_64_and_96():
    """Counted from one, for backbone and head alike, whatever loss is watched."""
    plugin = sanet.SANet(sanet.Params(**SMALL))
    optimizer = plugin._optimizer(plugin._network())
    schedule = HalvedTwice(optimizer, 128)
    rates = []
    for _ in range(128):
        rates.append([group["lr"] for group in optimizer.param_groups])
        optimizer.step()
        schedule.step(123.4)
    backbone, head = ([rate[part] for rate in rates] for part in (0, 1))
    assert head == pytest.approx([0.4] * 63 + [0.2] * 32 + [0.1] * 33)
    assert backbone == pytest.approx([rate / 10 for rate in head])


def test_every_weight_of_sanet_is_trained_once():
    plugin = sanet.SANet(sanet.Params(**SMALL))
    network = plugin._network()
    groups = plugin._optimizer(network).param_groups
    assert [id(p) for group in groups for p in group["params"]] == [
        id(p) for part in (True, False) for n, p in network.named_parameters() if n.startswith("bkbone.") is part
    ]


def test_polyp_pvt_cuts_each_element_of_a_gradient():
    """Not their common norm: a small element beside a large one is left alone."""
    plugin = polyp_pvt.PolypPVT(polyp_pvt.Params(**SMALL))
    model = torch.nn.Linear(2, 1)
    optimizer = plugin._recipe().make_optimizer(model)
    model.weight.grad, model.bias.grad = torch.tensor([[9.0, -0.25]]), torch.tensor([-7.0])
    optimizer.step()
    assert model.weight.grad.tolist() == [[0.5, -0.25]]
    assert model.bias.grad.tolist() == [-0.5]


def test_pixels_are_normalised_as_imagenets():
    """White, red channel: (1 - 0.485) / 0.229."""
    out = imagenet(torch.full((1, 3, 2, 2), 255.0))
    want = [(1 - 0.485) / 0.229, (1 - 0.456) / 0.224, (1 - 0.406) / 0.225]
    assert out[0, :, 0, 0].tolist() == pytest.approx(want)


@pytest.mark.parametrize("plugin", [sanet.SANet, polyp_pvt.PolypPVT])
def test_work_is_counted_without_weights(plugin):
    """Twice the epochs are twice the work, and prediction is less than training."""
    params = plugin.Params(**SMALL, size=64, batch=4, epochs=2)
    one, two = (plugin(dataclasses.replace(params, epochs=epochs)).cost("train", 8, 1) for epochs in (1, 2))
    assert two.flops == pytest.approx(2 * one.flops)
    assert 0 < plugin(params).cost("predict", 8, 1).flops < one.flops
