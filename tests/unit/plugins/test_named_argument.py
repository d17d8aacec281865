"""`NAME:TEXT` is one plugin for many: the text sets its `argument` and stays part of the name everywhere."""

from dataclasses import replace
from pathlib import Path

import pytest

from bench.errors import BenchError
from bench.plugins.overrides import parse_overrides
from bench.plugins.profile import load_profile
from bench.plugins.registry import Registry
from bench.plugins.resolver import Resolver

TOY = Path(__file__).parents[2] / "plugins" / "toy_level.py"
REGISTRY = Registry([TOY])


def resolver(*options, tables=None):
    profile = load_profile("demo")
    if tables:
        profile = replace(profile, tables={**profile.tables, "segmenter": tables})
    return Resolver(REGISTRY, profile, parse_overrides(options, REGISTRY))


def choose(name, *options, **others):
    return resolver(*options, **others).choose("segmenter", name)


def test_the_text_sets_the_argument_and_stays_in_the_name():
    """It is read as --set would read it, and the rest comes from profile and --set of the plugin."""
    one = choose("toy-level:100", "toy-level.softness=2", tables={"toy-level": {"level": 90.0}})
    assert one.name == "toy-level:100"
    assert (one.plugin.params.level, one.plugin.params.softness) == (100.0, 2.0)
    assert choose("toy-level", tables={"toy-level": {"level": 90.0}}).plugin.params.level == 90.0


def test_two_of_one_plugin_are_two_things():
    """Neither parameters nor the identity that enters the keys are shared."""
    one, other = choose("toy-level:100"), choose("toy-level:101")
    assert one.identity != other.identity
    assert one.source == other.source


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("toy-levl:100", (), "unknown segmenter 'toy-levl'; did you mean toy-level"),
        ("unet:100", (), "segmenter unet:100: unet takes nothing after its name"),
        ("toy-level:", (), "segmenter toy-level:: nothing follows the colon; write toy-level:LEVEL"),
        ("toy-level:dark", (), "segmenter toy-level:dark.*'dark'"),
        ("toy-level:300", (), "segmenter toy-level:300.*out of range"),
        ("toy-level:100", ("toy-level.level=3",), "toy-level.level=3: segmenter toy-level:100 says it already"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_line(name, options, message):
    given = parse_overrides(options, REGISTRY)
    with pytest.raises(BenchError, match=message) as caught:
        Resolver(REGISTRY, load_profile("demo"), given).choose("segmenter", name)
    assert "\n" not in str(caught.value)


def test_set_names_the_plugin_alone():
    """Texts may hold dots and equal signs, so --set could not tell where the name ends."""
    with pytest.raises(BenchError, match=r"write toy-level\.softness; it holds for every toy-level:"):
        parse_overrides(["toy-level:100.softness=2"], REGISTRY)


def test_a_set_of_the_plugin_is_used_by_any_that_bears_its_name():
    given = resolver("toy-level.softness=2")
    given.refuse_unused([("segmenter", "toy-level:100")])
    with pytest.raises(BenchError, match="toy-level is not part of this run"):
        given.refuse_unused([("segmenter", "unet")])
