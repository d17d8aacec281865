"""Profile + --set become validated parameters, or one line that says what is wrong."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from bench.contracts import param
from bench.errors import BenchError
from bench.plugins.overrides import flag_overrides, parse_overrides, resolve, resolve_section
from bench.plugins.params import build, key_params
from bench.plugins.profile import RunOptions, load_profile, profile_names
from bench.plugins.registry import ROOMS, Registry

PLUGINS = Path(__file__).parents[2] / "plugins"


@dataclass(frozen=True)
class Toy:
    steps: int = param(10, "steps", low=1, high=100)
    rate: float = param(0.5, "rate", low=0.0)
    free: float = param(0.0, "without bounds", key=False)
    fast: bool = param(False, "fast", key=False)
    mode: str = param("a", "mode", choices=("a", "b"))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"stepz": 3}, "did you mean steps"),
        ({"steps": "3"}, "expected int"),
        ({"steps": True}, "expected int"),
        ({"steps": 101}, "1 <= value <= 100"),
        ({"rate": float("nan")}, "nan is out of range"),
        ({"rate": float("inf")}, "inf is out of range; allowed: finite numbers"),
        ({"rate": 10**400}, "inf is out of range"),
        ({"free": float("-inf")}, "toy.free: -inf is out of range"),
        ({"mode": "c"}, "not a choice.*Known: a, b"),
    ],
)
def test_bad_values_name_the_field(values, message):
    with pytest.raises(BenchError, match=message):
        build(Toy, values, "toy")


def test_an_integer_serves_where_a_float_is_asked():
    assert build(Toy, {"rate": 2}, "toy").rate == 2.0


def test_only_what_can_change_a_result_is_in_the_key():
    assert key_params(Toy()) == {"steps": 10, "rate": 0.5, "mode": "a"}


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("toy-mirror.brightnes=3", "did you mean brightness"),
        ("toy-mirror.brightness=warm", "expected float"),
        ("toy-mirror.brightness=300", "out of range"),
        ("toy-miror.brightness=3", "did you mean toy-mirror"),
        ("brightness=3", "NAME.field=value"),
        ("toy-mirror.brightness", "NAME.field=value"),
        ("folder.path=x", "more than one thing"),
        ("generato.folder.path=x", "did you mean generator"),
        ("maks.rotation=0", "did you mean masks"),
        ("masks.rotation=0", "has no effect without run --masks random"),
    ],
)
def test_bad_overrides_name_the_option(option, message):
    registry = Registry([PLUGINS / "toy_mirror.py"])
    mirror, profile = registry.load("generator", "toy-mirror"), load_profile("demo")
    with pytest.raises(BenchError, match=message) as caught:
        resolve(mirror, "generator", "toy-mirror", profile, parse_overrides([option], registry))
    assert option.split("=")[0].split(".")[-1] in str(caught.value)


def test_a_field_is_set_once():
    """The order of options is no other experiment; of a field that is named twice the last counts, and it alone."""
    registry = Registry([PLUGINS / "toy_mirror.py"])
    bright, style = "toy-mirror.brightness=3", "toy-mirror.style=lazy"
    one, other = (parse_overrides(options, registry) for options in ([bright, style], [style, bright, bright]))
    assert one == other
    assert [override.text for override in parse_overrides([bright, "toy-mirror.brightness=4"], registry)] == ["4"]


def test_set_wins_over_profile_and_profile_over_default(tmp_path):
    registry = Registry([PLUGINS / "toy_mirror.py"])
    path = tmp_path / "mine.toml"
    path.write_text("[generator.toy-mirror]\nbrightness = 4\n")
    plugin, profile = registry.load("generator", "toy-mirror"), load_profile(str(path))
    assert resolve(plugin, "generator", "toy-mirror", profile).brightness == 4.0
    overrides = parse_overrides(["toy-mirror.brightness=9"], registry)
    assert resolve(plugin, "generator", "toy-mirror", profile, overrides).brightness == 9.0


@pytest.mark.parametrize("text", ["[generator", "[generators.x]\ny = 1\n", "[run]\nsedes = 1\n",
                                  "[run]\nrows = ['reel']\n", "[run]\nfraction = 20\n"])  # fmt: skip
def test_a_broken_profile_is_named(tmp_path, text):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(BenchError, match="mine.toml"):
        load_profile(str(path))


def test_a_table_like_another(tmp_path):
    """The other's values, below its own; nothing is copied along a chain."""
    path = tmp_path / "mine.toml"
    path.write_text("[generator.a]\nx = 1\ny = 2\n[generator.b]\nlike = 'a'\ny = 3\n")
    assert load_profile(str(path)).tables["generator"]["b"] == {"x": 1, "y": 3}
    path.write_text("[generator.b]\nlike = 'a'\n")
    with pytest.raises(BenchError, match=r"mine.toml: generator.b.like: 'a'"):
        load_profile(str(path))


def test_the_old_name_of_the_training_sets_is_still_read(tmp_path):
    """`rows` is `train_on`; both at once cannot be meant."""
    path = tmp_path / "mine.toml"
    path.write_text("[run]\nrows = ['real', 'only']\n")
    assert load_profile(str(path)).run.train_on == ("real", "only")
    path.write_text("[run]\nrows = ['real']\ntrain_on = ['only']\n")
    with pytest.raises(BenchError, match="mine.toml: run: rows and train_on say the same; leave rows out"):
        load_profile(str(path))


def test_every_profile_fits_the_plugins():
    """Each table of each shipped profile names a plugin and only fields that it has, within their ranges."""
    registry = Registry()
    for name in profile_names():
        profile = load_profile(name)
        assert isinstance(profile.run, RunOptions)
        for kind in ROOMS:
            for plugin in profile.tables[kind]:
                assert resolve(registry.load(kind, plugin), kind, plugin, profile)


# Parameters of the suite itself.


def test_a_section_is_set_as_a_plugin_is(tmp_path):
    """Its own default, below the profile's table, below --set; what does not fit is named."""
    path = tmp_path / "mine.toml"
    path.write_text("[masks]\nrotation = 20\nshift = 0.3\n")
    profile, option = load_profile(str(path)), "masks.rotation=10"
    found = resolve_section("masks", profile, ["siamese.steps=3", option])
    assert (found.rotation, found.shift, found.flip) == (10.0, 0.3, 0.5)
    assert parse_overrides([option], Registry(), ["masks"]) == ()
    for wrong, message in (
        ("masks.rotatoin=0", "did you mean rotation"),
        ("masks.rotation=many", "expected float"),
        ("masks.flip=2", "out of range"),
        ("masks.flip", "write masks.flip=value"),
    ):
        with pytest.raises(BenchError, match=message):
            resolve_section("masks", profile, [wrong])
    path.write_text("[masks]\nrotation = 200\n")
    with pytest.raises(BenchError, match=r"mine.toml: masks.rotation: 200.0 is out of range"):
        load_profile(str(path))
    path.write_text("masks = 'random'\n")
    with pytest.raises(BenchError, match=r"mine.toml: masks: expected a table"):
        load_profile(str(path))


def test_a_plugin_of_a_section_s_name_is_told_apart(tmp_path):
    (tmp_path / "masks.py").write_text((PLUGINS / "toy_mirror.py").read_text())
    registry = Registry([tmp_path / "masks.py"])
    with pytest.raises(BenchError, match=r"masks is the suite's own and a plugin; write KIND.masks, or rename it"):
        parse_overrides(["masks.brightness=3"], registry, ["masks"])
    (one,) = parse_overrides(["generator.masks.brightness=3"], registry)
    assert (one.kind, one.name, one.field) == ("generator", "masks", "brightness")


# An option that concerns every generator having the field.


def test_a_flag_sets_the_field_of_every_generator_that_has_it():
    registry = Registry()
    made = flag_overrides("--batch-size", "batch", "6", ["copy-paste", "siamese", "adc"], (), registry)
    assert [(one.kind, one.name, one.field, one.text) for one in made] == [
        ("generator", "siamese", "batch", "6"),
        ("generator", "adc", "batch", "6"),
    ]
    profile = load_profile("demo")
    params = resolve(registry.load("generator", "siamese"), "generator", "siamese", profile, made)
    assert params.batch == 6


def test_set_wins_over_a_flag():
    registry = Registry()
    given = parse_overrides(["siamese.precision=fp32"], registry)
    made = flag_overrides("--precision", "precision", "bf16", ["siamese", "adc"], given, registry)
    assert [one.name for one in made] == ["adc"]


def test_a_flag_that_concerns_nothing_or_has_a_bad_value_is_refused():
    registry = Registry([PLUGINS / "toy_mirror.py"])
    with pytest.raises(BenchError, match="--precision bf16: none of copy-paste, toy-mirror has it; leave it out"):
        flag_overrides("--precision", "precision", "bf16", ["copy-paste", "toy-mirror"], (), registry)
    made = flag_overrides("--precision", "precision", "fp8", ["siamese"], (), registry)
    with pytest.raises(BenchError, match="--precision fp8: 'fp8' is not a choice.*Known: bf16, fp32"):
        resolve(registry.load("generator", "siamese"), "generator", "siamese", load_profile("demo"), made)


def test_precision_and_batch_are_in_the_key_and_how_they_are_computed_is_not():
    params = Registry().load("generator", "siamese").Params()
    keyed = key_params(params)
    assert {"precision", "batch", "steps"} <= keyed.keys()
    assert not {"accumulation", "gradient_checkpointing", "sample_batch", "preview_every"} & keyed.keys()


@pytest.mark.parametrize("data", [b'description = "\xff"', b'comparable = "no"', b"description = 5"])
def test_what_a_profile_says_of_itself_is_checked(tmp_path, data):
    """A text for `comparable` would count as true, and the note that scores are not comparable would vanish."""
    path = tmp_path / "mine.toml"
    path.write_bytes(data)
    with pytest.raises(BenchError, match="mine.toml"):
        load_profile(str(path))
