"""`--controls`: which generators it adds, and on which base model they are."""

import pytest

from bench.errors import BenchError
from bench.workflows.controls import unlike_notes
from bench.workflows.request import RunRequest
from bench.workflows.setup import choose

pytest.importorskip("diffusers")


ON_PHANTOM = [
    "blurred", "dilated", "jpeg", "mode", "noised", "oracle", "oracle-shifted", "planted", "real-again",
    "reconstruction", "shuffled", "warped",
]  # fmt: skip


def chosen(*generators, settings=(), **options):
    """The run's generators by name, under the demo profile."""
    return {one.name: one for one in choice(*generators, settings=settings, **options).generators}


def choice(*generators, dataset="phantom", **options):
    return choose(RunRequest(generators=generators, dataset=dataset, metrics=("fid",), **options))


def place(generator):
    return generator.plugin.params.base, generator.plugin.params.size


def test_they_come_last_and_only_when_asked_for():
    assert list(chosen("siamese")) == ["copy-paste", "siamese"]
    added = list(chosen("siamese", controls=True))
    assert added[:2] == ["copy-paste", "siamese"]
    assert sorted(added[2:]) == ON_PHANTOM
    named = list(chosen("reconstruction", "siamese", controls=True))
    assert named[:3] == ["copy-paste", "reconstruction", "siamese"]
    assert sorted(named[3:]) == [name for name in ON_PHANTOM if name != "reconstruction"]
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


def left_out(**options):
    """Names in the notes, and a control that is left out is no part of the run."""
    found = choice("copy-paste", controls=True, **options)
    names = {note.text.split("without ")[1].split(":")[0] for note in found.left_out}
    assert not any(note.matters for note in found.left_out)
    assert not names & {one.name for one in found.generators}
    return names


def test_those_that_cannot_work_on_the_data_are_left_out_with_a_note(tmp_path):
    """Scenes on real images, and what needs unused pairs where all are used."""
    real = {"dataset": "polyps", "data": tmp_path}
    assert left_out() == {"held-out"}
    assert left_out(fraction=50) == set()
    assert left_out(**real) == {"held-out", "oracle", "oracle-shifted", "planted"}
    assert left_out(fraction=50, **real) == {"oracle", "oracle-shifted"}


def test_a_stand_in_is_what_the_run_is_on():
    assert "oracle" in chosen("copy-paste", controls=True, dataset="polyps")


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("oracle", {"dataset": "polyps", "data": "."}, "generator oracle: it works on dataset phantom alone"),
        ("oracle-shifted:2", {"dataset": "polyps", "data": "."}, "generator oracle-shifted:2: it works on dataset"),
        ("held-out", {}, "generator held-out: .*--fraction.* N of 5, 10, 25, 50, 75"),
        ("planted:5", {"dataset": "polyps", "data": "."}, "generator planted:5: .*--fraction"),
        ("planted", {"settings": ("planted.into=held-out",)}, "generator planted: .*--fraction"),
        (
            "planted",
            {"dataset": "polyps", "data": ".", "fraction": 50, "settings": ("planted.into=oracle",)},
            "generator planted: it works on dataset phantom alone",
        ),
        ("warped:-1", {}, "generator warped:-1.*out of range"),
        ("jpeg:half", {}, "generator jpeg:half.*expected int"),
        ("shuffled:2", {}, "generator shuffled:2: shuffled takes nothing after its name"),
        ("blurred:2", {"settings": ("blurred.sigma=1",)}, "blurred.sigma=1: generator blurred:2 says it already"),
    ],
)
def test_one_that_is_named_and_cannot_work_is_refused_in_one_line(name, options, message):
    with pytest.raises(BenchError, match=message) as caught:
        choice(name, **options)
    assert "\n" not in str(caught.value)


def test_planted_stands_among_what_there_is(tmp_path):
    """Scenes on the phantom, unused pairs elsewhere, whatever the dose; a --set wins."""

    def into(*names, settings=(), **options):
        found = chosen(*names, settings=settings, fraction=50, **options)
        return {found[name].plugin.params.into for name in names}

    both = ("planted:5", "planted:20")
    assert into(*both) == {"oracle"}
    assert into(*both, dataset="polyps", data=tmp_path) == {"held-out"}
    assert into(*both, settings=("planted.into=held-out",)) == {"held-out"}


def test_doses_are_things_of_their_own():
    """Names and identities differ; what --set sets holds for all of them."""
    names = ("blurred:1", "blurred:2", "blurred")
    found = chosen(*names, settings=("blurred.side=32",))
    assert len({str(found[name].identity) for name in names}) == 3
    assert {found[name].plugin.params.side for name in names} == {32}
    assert chosen("blurred", settings=("blurred.sigma=3",))["blurred"].plugin.params.sigma == 3
