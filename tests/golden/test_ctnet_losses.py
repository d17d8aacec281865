"""CTNet's pixel contrast against a twin that walks over views, with its published quirks."""

import math

import pytest

pytest.importorskip("torch")

import torch

from segmenters.ctnet.pixel_contrast import VIEWS, _contrast, _draw, _views, pixel_contrast
from segmenters.ctnet.plugin import CTNet, Params
from segmenters.training.structure_loss import structure_loss


def literal_contrast(views, classes):
    """-0.1/0.07 · mean over views of the mean over partners of log(e^s / (e^s + sum over other classes of e^s))."""
    flat = [(view, int(kind)) for group, kind in zip(views, classes, strict=True) for view in group]
    means = []
    for row, (view, kind) in enumerate(flat):
        closeness = [float(view @ other) / 0.1 for other, _ in flat]
        others = sum(math.exp(s) for s, (_, of) in zip(closeness, flat, strict=True) if of != kind)
        logs = [s - math.log(math.exp(s) + others) for column, (s, (_, of)) in
                enumerate(zip(closeness, flat, strict=True)) if of == kind and column != row]  # fmt: skip
        means.append(sum(logs) / len(logs))
    return -0.1 / 0.07 * sum(means) / len(means)


def test_contrast_is_its_formula_view_by_view():
    """Two images with both classes, one with a single class."""
    views = torch.nn.functional.normalize(torch.randn(5, 4, 6, generator=torch.Generator().manual_seed(1)), dim=2)
    classes = torch.tensor([0, 1, 0, 1, 0])
    assert float(_contrast(views.double(), classes)) == pytest.approx(
        literal_contrast(views.double(), classes), rel=1e-6
    )


@pytest.mark.parametrize(
    ("hard", "easy", "expected"), [(300, 300, (50, 50)), (300, 20, (80, 20)), (7, 300, (7, 93)), (0, 300, (0, 100))]
)
def test_half_the_views_are_hard_as_far_as_there_are_any(hard, easy, expected):
    """Every view is a pixel of the class and none is drawn twice."""
    of_class = torch.arange(1000) < hard + easy
    wrong = torch.arange(1000) < hard
    rows = _draw(of_class, wrong, VIEWS)
    assert len(set(rows.tolist())) == len(rows)
    assert (int(wrong[rows].sum()), int((~wrong[rows] & of_class[rows]).sum())) == expected


def test_a_class_needs_more_pixels_than_views():
    """Grey edges of soft masks count as a class once they are large enough."""
    pixels, masks = torch.randn(1, 256, 4), torch.zeros(1, 256)
    for grey, classes in ((VIEWS, [0.0]), (VIEWS + 1, [0.0, 0.5])):
        masks[0, :grey] = 0.5
        views, found = _views(pixels, masks, masks)
        assert found.tolist() == classes
        assert views.shape == (len(classes), VIEWS, 4)


def test_without_a_large_class_the_contrast_is_nothing():
    """0, through which gradients pass: no pixel of a tiny batch is pulled anywhere."""
    embedding = torch.randn(1, 4, 10, 10, requires_grad=True)
    nothing = pixel_contrast(embedding, torch.zeros(1, 10, 10), torch.zeros(1, 10, 10))
    nothing.backward()
    assert nothing.item() == 0
    assert not embedding.grad.any()


def test_classes_too_many_for_two_views_each_are_left_alone():
    """600 grey levels in a batch, as of blurred masks: one view of each has no partner."""
    masks = torch.arange(600).repeat_interleave(VIEWS + 1).view(1, 600, VIEWS + 1).float()
    embedding = torch.nn.functional.normalize(torch.randn(1, 4, *masks.shape[1:]), dim=1)
    assert pixel_contrast(embedding, masks, torch.zeros_like(masks)).item() == 0


def test_the_contrast_is_computed_in_fp32():
    """Whatever the network computes in: its exponentials are of ten times a product."""
    masks = torch.ones(1, 16, 16)
    masks[:, :8] = 0
    embedding = torch.nn.functional.normalize(torch.randn(1, 4, 16, 16), dim=1)
    found = []
    for mixed in (False, True):
        torch.manual_seed(0)
        with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
            found.append(pixel_contrast(embedding, masks, torch.zeros_like(masks)))
    assert found[1].dtype == torch.float32
    assert torch.equal(*found)


class Fixed(torch.nn.Module):
    """Logits and embedding that were given."""

    def __init__(self, logits):
        super().__init__()
        self.logits = logits
        self.embedding = torch.nn.functional.normalize(torch.randn(2, 32, 8, 8), dim=1)

    def forward(self, images):
        return self.logits, self.embedding


def test_as_published_the_class_found_is_always_background():
    """argmax over the one logit is 0, so the contrast ignores what was found; `argmax=false` takes the sign."""
    torch.manual_seed(0)
    masks = (torch.rand(2, 32, 32) > 0.5).long()
    # Found: right in the upper half, wrong in the lower.
    sign = torch.where(torch.arange(32)[None, :, None] < 16, masks * 2 - 1, 1 - masks * 2)[:, None].float()
    model, found = Fixed(sign), {}
    for argmax in (True, False):
        for flip in (1, -1):
            model.logits = sign * flip
            torch.manual_seed(1)
            whole = CTNet(Params(argmax=argmax)).recipe().loss(model, None, masks)
            found[argmax, flip] = float(whole - structure_loss(model.logits, masks[:, None].float()))
    assert found[True, 1] == pytest.approx(found[True, -1], rel=1e-4)
    assert abs(found[False, 1] - found[False, -1]) > 1e-3 * abs(found[True, 1])
