"""Networks of segmentation-models-pytorch by name."""

import pytest

pytest.importorskip("torch")
pytest.importorskip("segmentation_models_pytorch")

import torch

from bench.contracts import Context
from bench.errors import BenchError
from segmenters.smp import SMP, Params
from tests.conftest import make_pairs, refused


def network(text, **changes):
    return SMP(Params(network=text, pretrained=False, size=64, **changes))


@pytest.mark.parametrize("text", ["FPN+mobilenet_v2", "unet+resnet18", "Unet+tu-mobilenetv3_small_050"])
def test_architecture_and_encoder_are_those_named(text):
    """Built from nothing but the name, two logits at the image's size."""
    built = network(text)._network(0).eval()
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
    refused(lambda: network("DeepLabV3+vgg11")._network(0), "smp:DeepLabV3+vgg11", "choose another encoder")


def test_sizes_the_networks_cannot_take_are_refused():
    refused(lambda: SMP(Params(size=100)).check_params(1), "smp.size=100", "multiple of 32")


def test_weights_of_the_encoder_come_from_a_file(tmp_path):
    """All of the encoder's and nothing of the decoder's; another encoder's file is refused by its key."""
    donor, path = network("FPN+resnet18")._network(7), tmp_path / "encoder.pth"
    torch.save({**donor.encoder.state_dict(), "fc.weight": torch.zeros(1000, 512)}, path)
    one = SMP(Params(network="Unet+resnet18", encoder=str(path), size=64))
    built = one._network(0)
    one._load_encoder(built, Context(0, tmp_path))
    assert all(
        torch.equal(value, donor.encoder.state_dict()[name]) for name, value in built.encoder.state_dict().items()
    )
    other = SMP(Params(network="Unet+resnet34", encoder=str(path), size=64))
    refused(lambda: other.fit(make_pairs(tmp_path, 1), (), tmp_path, Context(0, tmp_path)), path, "lacks layer1.2")


def test_missing_weights_are_one_line_with_the_ways_out(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    (line,) = SMP(Params(network="Unet+resnet18")).missing()
    assert "\n" not in line
    for part in ("smp:Unet+resnet18", "--download", "smp.encoder=FILE", "smp.pretrained=false"):
        assert part in line
    assert "from scratch" in network("Unet+resnet18").notes()[0]
