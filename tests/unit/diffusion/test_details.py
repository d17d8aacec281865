"""What `show` says a diffusion generator trains and freezes."""

import re

import pytest

from bench.plugins.overrides import resolve
from bench.plugins.profile import load_profile
from bench.plugins.registry import Registry

SD15 = {
    # Published sizes: U-Net 859.52 M, ControlNet 361.28 M (its hint block 1.09 M, Dense Hint Input 3.26 M).
    "siamese": ({"controlnet": 363.46, "decoder": 510.81}, 348.71),
    "controlnet": ({"controlnet": 361.28, "decoder": 510.81}, 348.71),
    "controlnet-mi": ({"controlnet": 361.28, "decoder": 510.81}, 348.71),
    "t2i-adapter": ({"adapter": 77.37}, 859.52),
    "adc": (
        {"controlnet": 363.46, "decoder": 510.81, "teacher controlnet": 363.46, "teacher decoder": 510.81},
        348.71,
    ),
}


def details(name, **changes):
    cls = Registry().load("generator", name)
    params = resolve(cls, "generator", name, load_profile("paper"))
    return "\n".join(cls(params.__class__(**{**vars(params), **changes})).details())


@pytest.mark.parametrize("name", SD15)
def test_parameters_at_stable_diffusion_1_5(name, monkeypatch):
    """Counted without weights; frozen: VAE 83.65 M, text encoder 123.06 M and what is left of the U-Net."""
    monkeypatch.setattr("generators.diffusion.hollow.base_folder", lambda _: None)
    text = details(name)
    trained, frozen = SD15[name]
    found = dict(re.findall(r"([a-z][a-z ]*) ([\d.]+) M", text.split("trained: ")[1].split("\n")[0]))
    assert {part: float(count) for part, count in found.items()} == trained
    assert "VAE 83.65 M, text encoder 123.06 M" in text
    assert f"of the U-Net {frozen:.2f} M" in text


def test_a_locked_decoder_is_not_trained():
    text = details("controlnet", base="tiny", lock_decoder=True)
    assert "decoder" not in text.split("trained: ")[1].split("\n")[0]


def test_the_bundled_base_is_counted_as_it_is():
    assert "base model tiny" in details("siamese", base="tiny")
