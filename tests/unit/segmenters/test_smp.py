"""Networks of segmentation-models-pytorch by name."""

import pytest

pytest.importorskip("torch")
pytest.importorskip("segmentation_models_pytorch")

import torch

from bench.errors import BenchError
from segmenters.smp import SMP, Params
from tests.conftest import refused


def network(text, **changes):
    return SMP(Params(network=text, pretrained=False, size=64, **changes))


@pytest.mark.parametrize("text", ["FPN+mobilenet_v2", "unet+resnet18", "Unet+tu-mobilenetv3_small_050"])
def test_architecture_and_encoder_are_those_named(text):
    """Built from nothing but the name, two logits at the image's size."""
    built = network(text).network().eval()
    assert type(built).__name__.lower() == text.partition("+")[0].lower()
    assert built(torch.randn(1, 3, 64, 64)).shape == (1, 2, 64, 64)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"no network is named; write smp:ARCHITECTURE\+ENCODER"),
        ("Unet", r"write ARCHITECTURE\+ENCODER"),
        ("Ynet+resnet18", "unknown architecture 'Ynet'; choose one of .*Unet"),
        ("Unet+resnet19", "unknown encoder 'resnet19'; choose one of .*resnet18"),
    ],
)
def test_an_unknown_name_is_answered_with_what_there_is(text, message):
    with pytest.raises(BenchError, match=message) as caught:
        network(text).check_params(1)
    assert "\n" not in str(caught.value)


def test_an_encoder_that_does_not_serve_the_architecture_is_one_line():
    refused(lambda: network("DeepLabV3+xception").network(), "smp:DeepLabV3+xception", "choose another encoder")


def test_an_encoder_whose_weights_were_published_nowhere_needs_a_file():
    (line,) = SMP(Params(network="Unet+tu-mobilenetv3_small_050")).missing()
    assert "smp.backbone=FILE" in line
    assert "--download" not in line
