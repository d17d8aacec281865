"""What plugins say their work takes."""

from dataclasses import replace

import pytest

from bench.errors import BenchError
from bench.plugins.overrides import resolve
from bench.plugins.profile import load_profile
from bench.plugins.registry import Registry
from segmenters.unet.plugin import Params, UNet

GENERATORS = (
    "siamese",
    *(pytest.param(name, marks=pytest.mark.slow) for name in ("controlnet", "controlnet-mi", "t2i-adapter", "adc")),
)


@pytest.fixture
def cost(narrow_base):
    """`cost(name, …)` of a generator on the narrow base, otherwise as the demo profile sets it."""

    def count(name, action="fit", images=10, devices=1, **changes):
        cls = Registry().load("generator", name)
        params = replace(resolve(cls, "generator", name, load_profile("demo")), **{"base": narrow_base} | changes)
        return cls(params).cost(action, images, devices)

    return count


@pytest.mark.parametrize("name", GENERATORS)
def test_training_grows_with_steps_and_memory_with_the_batch(cost, name):
    one, more = cost(name, steps=10), cost(name, steps=30, batch=32)
    assert more.calls > 2 * one.calls
    assert more.memory > one.memory
    assert more.flops > 6 * one.flops
    assert "1 device × 8 images × accumulation 1" in one.note


@pytest.mark.parametrize("name", GENERATORS)
def test_sampling_grows_with_images_and_sampler_steps(cost, name):
    few, many = (cost(name, "sample", n, sampler_steps=s) for n, s in ((32, 5), (64, 80)))
    assert many.flops > 4 * few.flops
    assert many.memory == few.memory


@pytest.mark.slow
def test_what_saves_memory_saves_it(cost):
    plain, cut = cost("siamese", batch=32), cost("siamese", batch=32, accumulation=4)
    assert cut.memory < 0.6 * plain.memory
    assert cut.flops == pytest.approx(plain.flops, rel=0.05)
    half = cost("siamese", batch=32, precision="bf16")
    assert half.memory < 0.7 * plain.memory
    assert half.precision == "bf16"


@pytest.mark.slow
def test_two_devices_share_the_batch(cost):
    one, two = cost("siamese", images=0, batch=32), cost("siamese", images=0, batch=32, devices=2)
    assert two.flops == pytest.approx(one.flops / 2, rel=0.1)
    assert two.memory < 0.7 * one.memory
    assert "2 devices × 16 images" in two.note


@pytest.mark.slow
def test_online_augmentation_costs_for_two_thirds_of_the_training(cost):
    """A fifth of the t are within its reach, from a third of the steps on."""
    never = cost("siamese", batch=20, online_augmentation=False, steps=90, images=0)
    always, late = (cost("siamese", batch=20, steps=90, images=0, augment_after=share) for share in (0.0, 1 / 3))
    assert never.flops < late.flops < always.flops
    assert (late.flops - never.flops) / (always.flops - never.flops) == pytest.approx(2 / 3, rel=0.01)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"accumulation": 3}, "accumulation=3 does not divide batch=8"),
        ({"devices": 3}, "3 devices × accumulation=1 does not divide batch=8"),
        ({"size": 104}, "size=104: base model tiny needs a multiple of 16"),
    ],
)
def test_parameters_that_cannot_run_are_refused(cost, changes, message):
    with pytest.raises(BenchError, match=message):
        cost("controlnet", base="tiny", **changes)


def test_the_segmenter():
    one, twice = (UNet(Params(size=64, epochs=n)).cost("train", 40, 1) for n in (1, 2))
    assert twice.flops == 2 * one.flops
    assert twice.memory == one.memory
    # Weights, gradients and Adam's two moments of 1,946,914 numbers, and activations.
    assert one.memory > 4 * 4 * 1_946_914
    predicted = UNet(Params(size=64)).cost("predict", 40, 1)
    assert 2.5 * predicted.flops < one.flops < 3.5 * predicted.flops
    assert predicted.memory < one.memory
