"""`--controls`: which generators it adds, and on which base model they are."""

import pytest

from bench.errors import BenchError
from bench.workflows.controls import unlike_notes
from bench.workflows.request import RunRequest
from bench.workflows.setup import choose

pytest.importorskip("diffusers")


def chosen(*generators, settings=(), **options):
    """The run's generators by name, under the demo profile."""
    request = RunRequest(generators=generators, dataset="phantom", settings=settings, metrics=("fid",), **options)
    return {one.name: one for one in choose(request).generators}


def place(generator):
    return generator.plugin.params.base, generator.plugin.params.size


def test_they_come_last_and_only_when_asked_for():
    assert list(chosen("siamese")) == ["copy-paste", "siamese"]
    assert list(chosen("siamese", controls=True)) == ["copy-paste", "siamese", "reconstruction"]
    assert list(chosen("reconstruction", "siamese", controls=True)) == ["copy-paste", "reconstruction", "siamese"]
    assert list(chosen("reconstruction")) == ["copy-paste", "reconstruction"]


def test_the_user_s_own_count_too(tmp_path):
    text = "from bench.contracts import Generator\nclass Mine(Generator):\n    version, control = 1, True\n"
    (tmp_path / "mine.py").write_text(text + "    def sample(self, conditions, model_dir, out, ctx): ...\n")
    assert "mine" in chosen("siamese", controls=True, plugins=(tmp_path / "mine.py",))


def test_without_another_on_a_base_model_the_profile_s_is_taken():
    for names in (("copy-paste",), ("reconstruction",)):
        assert place(chosen(*names, controls=True)["reconstruction"]) == ("tiny", 64)


@pytest.mark.parametrize("options", [{"generators": ("siamese", "adc"), "controls": True},
                                     {"generators": ("reconstruction", "siamese", "adc")}])  # fmt: skip
def test_base_model_and_size_are_those_of_the_first_that_has_one(narrow_base, options):
    """Named or added; a --set wins, field by field."""
    settings = (f"siamese.base={narrow_base}", "siamese.size=96")
    names = options.pop("generators")
    found = chosen(*names, settings=settings, **options)
    assert place(found["reconstruction"]) == (narrow_base, 96)
    own = chosen(*names, settings=(*settings, "reconstruction.size=32"), **options)
    assert place(own["reconstruction"]) == (narrow_base, 32)
    own = chosen(*names, settings=(*settings, "reconstruction.base=tiny"), **options)
    assert place(own["reconstruction"]) == ("tiny", 96)


def test_its_key_is_the_same_however_it_came_to_its_base_model(narrow_base):
    base = f"siamese.base={narrow_base}"
    followed = chosen("siamese", settings=(base,), controls=True)["reconstruction"]
    asked = chosen("reconstruction", settings=(f"reconstruction.base={narrow_base}",))["reconstruction"]
    assert followed.identity == asked.identity


def test_a_generator_on_another_base_model_or_of_another_size_is_named(narrow_base):
    def notes(*settings):
        return list(unlike_notes(tuple(chosen("siamese", "adc", settings=settings, controls=True).values())))

    assert notes() == notes(f"siamese.base={narrow_base}", f"adc.base={narrow_base}") == []
    for setting in (f"adc.base={narrow_base}", "adc.size=96"):
        (note,) = notes(setting)
        assert note.matters
        assert "reconstruction (control) is on base model tiny at 64 × 64 px: no bound of adc" in note.text
    (note,) = notes("reconstruction.size=96")
    assert "no bound of siamese, adc" in note.text


def test_what_cannot_be_taken_over_is_refused_by_name():
    with pytest.raises(BenchError, match="size=100"):
        chosen("siamese", settings=("siamese.size=100",), controls=True)
