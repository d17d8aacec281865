"""What `show` says a generator on pixels trains."""

import pytest

from bench.plugins.profile import load_profile
from bench.plugins.registry import Registry
from bench.plugins.resolver import Resolver
from generators.pixel.counts import KNOWN


@pytest.mark.parametrize("profile", ["paper", "demo"])
@pytest.mark.parametrize("name", ["polyp-ddpm", "arsdm", "seg-guided"])
def test_the_counts_that_stand_written_are_the_networks(profile, name):
    generator = Resolver(Registry(), load_profile(profile), ()).plugin("generator", name)
    assert KNOWN[generator.known_as()] == generator.count()
    assert generator.details() == (f"parameters, all trained: {generator.count()}",)


def test_a_network_of_another_width_is_counted():
    cls = Registry().load("generator", "seg-guided")
    generator = cls(cls.Params(size=64, width=64))
    assert generator.known_as() not in KNOWN
    assert generator.details() == (f"parameters, all trained: {generator.count()}",)
