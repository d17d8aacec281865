"""Losses and maps of SANet, Polyp-PVT and CTNet against loops that spell the published formulas."""

import warnings

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from segmenters.ctnet.plugin import CTNet
from segmenters.polyp_pvt import plugin as polyp_pvt
from segmenters.polyp_pvt.plugin import PolypPVT
from segmenters.sanet import plugin as sanet
from segmenters.sanet.plugin import SANet
from segmenters.training.structure_loss import structure_loss

SIZE = 20


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def cross_entropy(logit, truth):
    p = sigmoid(logit)
    return -(truth * np.log(p) + (1 - truth) * np.log(1 - p))


@pytest.fixture
def drawn():
    """float64 logits and soft masks (3, h, w), one mask empty."""
    rng = np.random.default_rng(3)
    masks = rng.random((3, SIZE, SIZE + 4)).round(1)
    masks[1] = 0
    return rng.normal(0, 2, masks.shape), masks


def border_weight(mask, y, x):
    """1 + 5 |mean of the 31 × 31 pixels around, zero beyond the edge, - the pixel|."""
    total = 0.0
    for row in range(y - 15, y + 16):
        for column in range(x - 15, x + 16):
            if 0 <= row < mask.shape[0] and 0 <= column < mask.shape[1]:
                total += mask[row, column]
    return 1 + 5 * abs(total / 961 - mask[y, x])


def literal_structure_loss(logits, masks, weighted):
    entropies, losses, plain = [], [], []
    for logit, mask in zip(logits, masks, strict=True):
        entropy = weight = overlap = union = 0.0
        for y in range(mask.shape[0]):
            for x in range(mask.shape[1]):
                w, p, t = border_weight(mask, y, x), sigmoid(logit[y, x]), mask[y, x]
                plain.append(cross_entropy(logit[y, x], t))
                entropy += w * plain[-1]
                weight += w
                overlap += w * p * t
                union += w * (p + t)
        entropies.append(entropy / weight)
        losses.append(1 - (overlap + 1) / (union - overlap + 1))
    return np.mean(losses) + np.mean(entropies if weighted else plain)


@pytest.mark.parametrize("weighted", [False, True])
def test_structure_loss_is_the_published_formula(drawn, weighted):
    """Pixel by pixel, with the border's weight on one half of the loss or on both."""
    logits, masks = drawn
    ours = structure_loss(torch.from_numpy(logits)[:, None], torch.from_numpy(masks)[:, None], weighted)
    assert ours.item() == pytest.approx(literal_structure_loss(logits, masks, weighted), rel=1e-9)


def test_the_default_is_what_torch_makes_of_the_released_code(drawn):
    """`reduce='none'` is read as true, so the released loss takes a plain mean; ours differs from the weighted one."""
    logits, masks = (torch.from_numpy(array)[:, None] for array in drawn)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = torch.nn.functional.binary_cross_entropy_with_logits(logits, masks, reduce="none")
    assert theirs.ndim == 0
    halves = structure_loss(logits, masks), structure_loss(logits, masks, weighted_bce=True)
    entropy = torch.nn.functional.binary_cross_entropy_with_logits(logits, masks)
    assert theirs == entropy
    assert halves[0] != halves[1]


def test_polyp_pvt_adds_the_loss_of_both_outputs(drawn):
    """For the binary int64 masks that the loop hands over."""
    logits = torch.from_numpy(drawn[0])[:, None]
    masks = torch.from_numpy((drawn[1] > 0.5).astype(np.int64))
    plugin = polyp_pvt.PolypPVT(polyp_pvt.Params(weighted_bce=True))
    ours = plugin.recipe().loss(lambda images: (images, 2 * images), logits, masks)
    coarse, fine = (structure_loss(factor * logits, masks[:, None].double(), True) for factor in (1, 2))
    # Masks become single floats.
    assert ours.item() == pytest.approx((coarse + fine).item(), rel=1e-6)


def test_sanets_loss_is_the_published_formula(drawn):
    """Cross-entropy of all pixels, Dice of each image with 1 below the line only."""
    logits, masks = drawn[0], (drawn[1] > 0.5).astype(np.int64)
    entropies, dices = [], []
    for logit, mask in zip(logits, masks, strict=True):
        overlap = areas = 0.0
        for value, truth in zip(logit.ravel(), mask.ravel(), strict=True):
            entropies.append(cross_entropy(value, truth))
            overlap += sigmoid(value) * truth
            areas += sigmoid(value) + truth
        dices.append(1 - 2 * overlap / (areas + 1))
    ours = sanet.entropy_and_dice(lambda images: images, torch.from_numpy(logits)[:, None], torch.from_numpy(masks))
    # Masks become single floats.
    assert ours.item() == pytest.approx(np.mean(entropies) + np.mean(dices), rel=1e-6)


def test_sanets_logits_are_stretched_corner_to_corner():
    """Two pixels a side to five: the corners keep their values and the middle is the mean."""
    corners = torch.tensor([[[[0.0, 4.0], [8.0, 12.0]]]])
    assert sanet.to_size(corners, (5, 5))[0].tolist()[0] == [0, 1, 2, 3, 4]
    assert sanet.to_size(corners, (5, 5))[0, 2, 2] == 6


def test_probability_correction_is_the_published_formula(drawn):
    """Positive logits over the share of positive pixels, negative alike, an image at a time, zero stays."""
    logits = drawn[0]
    logits[0, 3, 3] = 0
    want = logits.copy()
    for one, source in zip(want, logits, strict=True):
        for y in range(one.shape[0]):
            for x in range(one.shape[1]):
                value = source[y, x]
                same = (source > 0) if value > 0 else (source < 0)
                one[y, x] = value / same.mean() if value else 0
    np.testing.assert_allclose(sanet.corrected(torch.from_numpy(logits)).numpy(), want, rtol=1e-12)


@pytest.mark.parametrize("value", [-2.0, 0.0, 3.0])
def test_a_map_of_one_sign_is_corrected_without_division_by_nothing(value):
    assert (sanet.corrected(torch.full((1, 4, 4), value)) == value).all()


def mapped(segmenter, logits, size=None, **params):
    plugin = segmenter(segmenter.Params(**params))
    return plugin.head().lesion_map(logits, size or tuple(logits.shape[2:]))


def test_correction_is_a_switch():
    """Without it the map is the sigmoid of the logits."""
    logits = torch.tensor([[[[2.0, -1.0], [-1.0, -1.0]]]])
    assert torch.equal(mapped(SANet, logits, correction=False), logits[:, 0].sigmoid())
    assert mapped(SANet, logits)[0, 0, 0] == torch.tensor(8.0).sigmoid()


@pytest.mark.parametrize("segmenter", [PolypPVT, CTNet])
def test_maps_run_from_zero_to_one_in_each_image(segmenter, drawn):
    """Each by its own extremes; a constant map becomes zero; and it is a switch."""
    logits = torch.from_numpy(drawn[0])[:, None]
    logits[1] = 0.3
    stretched, plain = (mapped(segmenter, logits, stretch=stretch).numpy() for stretch in (True, False))
    np.testing.assert_array_equal(plain, logits[:, 0].sigmoid().numpy())
    for ours, p in zip(stretched, plain, strict=True):
        np.testing.assert_allclose(ours, (p - p.min()) / (p.max() - p.min() + 1e-8), atol=1e-12)
    assert stretched[1].max() == 0
