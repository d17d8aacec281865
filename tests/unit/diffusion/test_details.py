"""What `show` says a diffusion generator trains and freezes."""

import re
from dataclasses import fields, replace

import pytest

from bench.plugins.overrides import resolve
from bench.plugins.profile import load_profile
from bench.plugins.registry import Registry
from generators.diffusion.base_model.location import TINY
from generators.diffusion.counts import KNOWN, Counts

SD15 = {
    # Published sizes: U-Net 859.52 M, ControlNet 361.28 M (its hint block 1.09 M, Dense Hint Input 3.26 M).
    "siamese": ({"controlnet": 363.46, "decoder": 510.81}, 348.71),
    "controlnet": ({"controlnet": 361.28, "decoder": 510.81}, 348.71),
    "controlnet-mi": ({"controlnet": 361.28, "decoder": 510.81}, 348.71),
    "controlpolypnet": ({"controlnet": 361.28, "decoder": 510.81}, 348.71),
    "t2i-adapter": ({"adapter": 77.37}, 859.52),
    "adc": (
        {"controlnet": 363.46, "decoder": 510.81, "teacher controlnet": 363.46, "teacher decoder": 510.81},
        348.71,
    ),
}


ABSENT = "nobody/no-such-model"


def generator(name, **changes):
    cls = Registry().load("generator", name)
    params = resolve(cls, "generator", name, load_profile("paper"))
    return cls(replace(params, **changes))


def details(name, **changes):
    return "\n".join(generator(name, **changes).details())


def switched(name):
    """Other values of every switch and choice: each alone, as `--set` does it."""
    params = generator(name).params
    for field in fields(params):
        value = getattr(params, field.name)
        others = (not value,) if isinstance(value, bool) else field.metadata["choices"]
        yield from ({field.name: other} for other in others if other != value)


@pytest.mark.parametrize("name", SD15)
def test_parameters_at_stable_diffusion_1_5(name):
    """Counted without weights; frozen: VAE 83.65 M, text encoder 123.06 M and what is left of the U-Net."""
    text = details(name, base=ABSENT)
    trained, frozen = SD15[name]
    found = dict(re.findall(r"([a-z][a-z ]*) ([\d.]+) M", text.split("trained: ")[1].split("\n")[0]))
    assert {part: float(count) for part, count in found.items()} == trained
    assert "VAE 83.65 M, text encoder 123.06 M" in text
    assert f"of the U-Net {frozen:.2f} M" in text


def test_a_locked_decoder_is_not_trained():
    text = details("controlnet", base="tiny", lock_decoder=True)
    assert "decoder" not in text.split("trained: ")[1].split("\n")[0]


@pytest.mark.parametrize("base", [TINY, ABSENT])
@pytest.mark.parametrize("name", SD15)
def test_what_is_known_without_building_a_network_is_what_the_network_has(name, base):
    """Of whatever parameters: a switch that changes the networks must be named in `shaped_by`."""
    for changes in ({}, *switched(name)):
        if base == TINY or changes.keys() <= set(generator(name).shaped_by):
            one = generator(name, base=base, **changes)
            assert KNOWN[one.known_as()] == one.counts(), changes


def test_nothing_is_known_of_networks_that_are_no_more():
    found = {
        generator(name, base=base, **changes).known_as()
        for name in SD15
        for base in (TINY, ABSENT)
        for changes in ({}, *switched(name))
    }
    assert found == KNOWN.keys()


def test_a_plugin_of_the_users_own_is_counted_itself():
    """It may have other networks than the class it inherits from."""
    cls = type(generator("siamese"))
    mine = type("Mine", (cls,), {"__module__": "mine", "counts": lambda _: Counts("mine", "none")})
    assert "trained: mine" in "\n".join(mine(generator("siamese", base=TINY).params).details())


def test_the_bundled_base_is_counted_as_it_is():
    assert "base model tiny" in details("siamese", base="tiny")
