"""Two folders through the engine: what is looked at, how often, what is kept, and what one failure costs."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import bench
from bench.data import pixel_cache as pixels_module
from bench.errors import BenchError
from bench.images import load_rgb
from bench.progress.display import Display
from bench.workflows.evaluate import evaluate
from bench.workflows.request import EvaluateRequest
from tests.conftest import PLUGINS, make_pairs, refused

COUNTING = '''
from dataclasses import dataclass

import numpy as np

from bench.contracts import Extractor, Network, param


@dataclass(frozen=True)
class Params:
    log: str = param("", "file that receives a line for each image looked at", key=False)
    batch: int = param(4, "images at once", key=False)


class Counting(Extractor):
    """Mean colours, counted."""

    version = 1
    Params = Params
    label = "Counted"
    backbone = "mean colour"
    resize = "none"
    sha256 = "c" * 64
    dim = 3

    def open(self, ctx):
        return self

    def features(self, images):
        with open(self.params.log, "a") as stream:
            stream.writelines(f"{image.shape[1]}x{image.shape[0]}\\n" for image in images)
        return np.stack([image.mean((0, 1)) for image in images]).astype(np.float32)
'''

METRIC = '''
from dataclasses import dataclass

from bench.contracts import Measure, Metric, Score, param
from bench.errors import BenchError


@dataclass(frozen=True)
class Params:
    extractors: str = param("counting", "feature spaces")


class NAME(Metric):
    """A toy."""

    version = 1
    Params = Params

    def measures(self, label):
        return (Measure("NAME", "lower"),)

    def score(self, real, fake, space, ctx):
        BODY
        value = float(abs(real.features.mean() - fake.features.mean()))
        sizes = {"n_real": len(real.samples), "n_fake": len(fake.samples)}
        return {"NAME": Score(value=value, **sizes, estimator="difference of means")}
'''

ALIGNED = '''
import numpy as np

from bench.contracts import Measure, Metric, Score
from bench.images import load_grey, load_mask


class Aligned(Metric):
    """Share of pixels in which map and mask agree."""

    version = 1
    uses = "maps"

    def measures(self, label):
        return (Measure(f"agreement-{label}", "higher"),)

    def score(self, real, fake, space, ctx):
        pairs = zip(fake.maps, fake.samples)
        values = [((load_grey(map) > 127) == load_mask(sample.mask)).mean() for map, sample in pairs]
        score = Score(value=float(np.mean(values)), n_real=len(real.maps), n_fake=len(values))
        return {f"agreement-{space.label}": score}
'''


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


class World:
    """Six real and five synthetic pairs, a counting extractor, and metrics that look through it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.log = folder, folder / "log"
        self.real, self.fake = folder / "real", folder / "fake"
        make_pairs(self.real, 6)
        make_pairs(self.fake, 5, seed=1, prefix="t")
        self.plugins = [self.write("counting", COUNTING)]
        self.log.touch()

    def write(self, name: str, text: str) -> Path:
        (self.folder / f"{name}.py").write_text(text)
        return self.folder / f"{name}.py"

    def metric(self, name: str, body: str = "pass") -> str:
        self.plugins.append(self.write(name, METRIC.replace("NAME", name.title()).replace("BODY", body)))
        return name

    def evaluate(self, *metrics: str, **options):
        """The evaluation, and the sizes of the images that the extractor looked at for it."""
        before = len(self.log.read_text().splitlines())
        plain = {"real": self.real, "fakes": (self.fake,), "results": self.folder / "results"}
        settings = (f"counting.log={self.log}", *options.pop("settings", ()))
        request = EvaluateRequest(
            **{**plain, **options}, metrics=metrics, plugins=tuple(self.plugins), settings=settings, device="cpu"
        )
        found = evaluate(request, Display(lines=False))
        return found, self.log.read_text().splitlines()[before:]


def values(found):
    return {row.measure.name: row.value for row in found.rows}


def test_each_image_is_decoded_once_and_looked_at_once(world, monkeypatch):
    """Two metrics on one extractor: as many forwards and decodings as there are images."""
    read = []
    monkeypatch.setattr(pixels_module, "load_rgb", lambda path, size: read.append(path) or load_rgb(path, size))
    _, looked = world.evaluate(world.metric("one"), world.metric("two"))
    assert len(looked) == len(read) == 6 + 5


def test_one_more_metric_costs_only_that_metric(world):
    """No image is looked at again, and the first metric is not computed again."""
    times = world.folder / "times"
    one, two = world.metric("one", f"open({str(times)!r}, 'a').write('scored ')"), world.metric("two")
    first, _ = world.evaluate(one)
    both, looked = world.evaluate(one, two)
    assert looked == []
    assert times.read_text() == "scored "
    assert values(both)["One"] == values(first)["One"]
    assert set(values(both)) == {"One", "Two"}


def test_only_new_images_are_looked_at(world):
    """One image more on either side, and the whole set under another name: one forward for each new image."""
    one = world.metric("one")
    world.evaluate(one)
    fuller = world.folder / "fuller"
    shutil.copytree(world.fake, fuller)
    make_pairs(fuller, 1, seed=7, prefix="new")
    found, looked = world.evaluate(one, fakes=(fuller,))
    assert len(looked) == 1
    assert found.rows[0].n == 6


def test_two_synthetic_sets_share_the_real_one(world):
    other = world.folder / "other"
    make_pairs(other, 4, seed=2)
    found, looked = world.evaluate(world.metric("one"), fakes=(world.fake, other))
    assert len(looked) == 6 + 5 + 4
    assert [(row.origin.generator, row.n_real, row.n) for row in found.rows] == [("fake", 6, 5), ("other", 6, 4)]


def test_real_images_are_squashed_to_the_synthetic_ones_size(world):
    """Otherwise resizing itself would be scored."""
    make_pairs(world.fake, 5, size=16, seed=1, prefix="t")
    found, looked = world.evaluate(world.metric("one"))
    assert set(looked) == {"16x16"}
    assert found.rows[0].basis.resize == "real resized to 16 × 16, then none"


def test_nothing_is_squashed_where_synthetic_sizes_differ(world):
    """Every image keeps its size; the row and a note say so."""
    Image.open(world.fake / "images/t000.png").resize((12, 16)).save(world.fake / "images/t000.png")
    found, looked = world.evaluate(world.metric("one"), fakes=(world.fake / "images",))
    assert sorted(set(looked)) == ["12x16", "24x24"]
    assert found.rows[0].basis.resize == "own sizes, then none"
    assert any("2 sizes" in note for note in found.notes)


def test_every_number_says_where_it_comes_from(world):
    row = world.evaluate(world.metric("one"))[0].rows[0]
    assert (row.origin.scope.dataset, row.origin.generator, row.basis.reference) == ("real", "fake", "real")
    assert (row.basis.backbone, row.basis.weights, row.estimator) == ("mean colour", "c" * 8, "difference of means")
    assert (row.n_real, row.n) == (6, 5)


@pytest.mark.parametrize(
    ("body", "ours", "message"),
    [("raise BenchError('bad: too few lesions; add some')", False, "too few lesions"), ("1 / 0", True, "ZeroDivision")],
)
def test_a_failing_metric_takes_no_other_with_it(world, body, ours, message):
    """The failure is told with what it concerns; a bug's traceback is kept."""
    found, _ = world.evaluate(world.metric("bad", body), world.metric("good"))
    assert set(values(found)) == {"Good"}
    (problem,) = found.problems
    assert (problem.what, problem.ours) == ("bad of fake", ours)
    assert message in problem.message


def test_a_metric_that_finds_nothing_to_measure_is_told(world):
    found, _ = world.evaluate(world.metric("mute", "return {}"))
    assert found.rows == found.problems == ()
    assert any(note.startswith("mute of fake: ") for note in found.notes)


def test_pictures_beside_a_score_are_pointed_at(world):
    """A metric's file for a person to look at would not be found among the keys."""
    one = world.metric("one")
    row = world.evaluate(one)[0].rows[0]
    picture = world.folder / "results/store" / row.record / "closest.png"
    picture.touch()
    assert any(str(picture) in note for note in world.evaluate(one)[0].notes)


def test_a_metric_without_its_package_is_missed_only_by_name(world):
    """Asked for, it is a failure beside the others' numbers; among all metrics, a note."""
    path = world.folder / "lacking.py"
    world.metric("lacking")
    path.write_text(path.read_text().replace("version = 1", "version = 1; requires = ('nix',)"))
    found, _ = world.evaluate("lacking", world.metric("good"))
    assert [(problem.what, problem.ours) for problem in found.problems] == [("lacking", False)]
    assert set(values(found)) == {"Good"}


def test_without_names_every_metric_that_trains_nothing_is_computed(world, monkeypatch):
    monkeypatch.setattr("bench.plugins.registry._room", lambda *_: {})
    world.metric("one"), world.metric("two")
    world.plugins.append(world.write("aligned", ALIGNED))
    path = world.folder / "lacking.py"
    world.metric("lacking")
    path.write_text(path.read_text().replace("version = 1", "version = 1; requires = ('nix',)"))
    profile = world.folder / "plain.toml"
    profile.write_text("")
    found, _ = world.evaluate(profile=str(profile))
    assert set(values(found)) == {"One", "Two"}
    assert found.problems == ()
    assert [note for note in found.notes if note.startswith("left out: lacking:") and "nix" in note]


def test_where_no_metric_can_be_computed_that_is_the_answer(world, monkeypatch):
    monkeypatch.setattr("bench.plugins.registry._room", lambda *_: {})
    profile = world.folder / "plain.toml"
    profile.write_text("")
    request = EvaluateRequest(
        real=world.real, fakes=(world.fake,), profile=str(profile), results=world.folder / "results"
    )
    refused(lambda: evaluate(request, Display()), "no metric can be computed here", "doctor")


def aligned(world, **options):
    world.plugins += [world.write("aligned", ALIGNED), PLUGINS / "toy_threshold.py"]
    return world.evaluate("aligned", segmenters=("toy-threshold",), **{"settings": (), **options})


@pytest.fixture
def trained(world):
    """Without the counting extractor, which a metric on maps does not use."""
    world.evaluate = lambda *metrics, **options: evaluate(
        EvaluateRequest(
            **{"real": world.real, "fakes": (world.fake,), "results": world.folder / "results", **options},
            metrics=metrics, plugins=tuple(world.plugins), device="cpu",
        ),
        Display(lines=False),
    )  # fmt: skip
    return world


def test_a_metric_on_maps_trains_on_two_thirds_of_the_real_pairs(trained):
    """The segmenter never sees the third it is held against; whole groups lie on one side."""
    groups = "\n".join(f"s{number:03d},{'ab'[number > 3]}" for number in range(6))
    (trained.real / "manifest.csv").write_text(f"id,group\n{groups}\n")
    found = aligned(trained)
    (row,) = found.rows
    assert (row.measure.name, row.basis.reference, row.n_real, row.n) == ("agreement-toy-threshold", "held-out", 2, 5)
    assert row.value > 0.9
    model = next((trained.folder / "results/store/train").glob("[!.]*/model.json")).read_text()
    assert '"pairs": 4' in model


def test_a_metric_on_maps_needs_masks_and_groups(trained):
    found = aligned(trained, fakes=(trained.fake / "images",))
    assert "has no masks" in found.problems[0].message
    (trained.real / "manifest.csv").write_text("id,group\n" + "\n".join(f"s{n:03d},a" for n in range(6)))
    assert "one group" in trained.evaluate("aligned", segmenters=("toy-threshold",)).problems[0].message


def test_intervals_without_groups_carry_a_warning(world):
    warning = "every image counts as independent"
    one = world.metric("one")
    assert any(warning in note for note in world.evaluate(one)[0].notes)
    (world.real / "manifest.csv").write_text("id,group\n" + "\n".join(f"s{n:03d},g{n // 2}" for n in range(6)))
    assert not any(warning in note for note in world.evaluate(one)[0].notes)


def test_mistakes_are_told_before_anything_is_read(world):
    one = world.metric("one")
    for options, parts in [
        ({"metrics": ("onne",)}, ["unknown metric 'onne'", "did you mean one?"]),
        ({"settings": ("one.extractor=x",)}, ["no field 'extractor'", "did you mean extractors?"]),
        ({"settings": ("toy-mean.x=1",)}, ["unknown plugin 'toy-mean'"]),
        ({"segmenters": ("unet",)}, ["--segmenter unet", "leave it out"]),
        ({"settings": ("folder.path=x",)}, ["more than one thing"]),
        ({"settings": ("dataset.folder.prompt=x",)}, ["dataset folder is not part of this run"]),
    ]:
        plain = {"metrics": (one,), "settings": ()}
        asked = {**plain, **options}
        settings = (f"counting.log={world.log}", *asked.pop("settings"))
        request = EvaluateRequest(
            real=Path("no"), fakes=(Path("no"),), plugins=tuple(world.plugins), settings=settings, **asked
        )
        refused(lambda request=request: evaluate(request, Display()), *parts)


def test_two_synthetic_sets_of_one_name_are_refused(world):
    twin = world.folder / "twin" / "fake"
    shutil.copytree(world.fake, twin)
    refused(lambda: world.evaluate(world.metric("one"), fakes=(world.fake, twin)), twin, world.fake, "rename")


def test_a_bad_file_is_named_before_anything_is_computed(world):
    path = world.fake / "images/t004.png"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    refused(lambda: world.evaluate(world.metric("one")), path, "not a readable image")
    assert world.log.read_text() == ""


def test_the_order_of_folders_and_workers_plays_no_part(world):
    one, other = world.metric("one"), world.folder / "other"
    make_pairs(other, 4, seed=2)
    forth = world.evaluate(one, fakes=(world.fake, other), results=world.folder / "a")[0]
    back = world.evaluate(one, fakes=(other, world.fake), results=world.folder / "b", workers=3)[0]
    assert [row.value for row in forth.rows] == [row.value for row in back.rows][::-1]


# From Python


def test_a_python_call_gives_the_same_numbers(world):
    """By column name, with the rows' fields; the text formats are the command's."""
    one = world.metric("one")
    expected = world.evaluate(one)[0].rows[0]
    scores = bench.evaluate(
        str(world.real), world.fake, [one], plugins=world.plugins, settings=[f"counting.log={world.log}"],
        results=world.folder / "results", device="cpu",
    )  # fmt: skip
    assert dict(scores) == {"One": expected}
    assert scores["One"].value == pytest.approx(
        abs(float(np.mean([means(p) for p in images(world.real)]) - np.mean([means(p) for p in images(world.fake)]))),
        rel=1e-5,
    )
    assert "One ↓" in str(scores)
    assert scores.to("csv").startswith("set,measure,better")


def images(folder):
    return sorted((folder / "images").iterdir())


def means(path):
    return load_rgb(path).mean()


def test_a_python_call_raises_what_the_command_would_tell(world):
    bad = world.metric("bad", "raise BenchError('no lesion; add some')")
    with pytest.raises(BenchError, match="bad of fake: no lesion; add some"):
        bench.evaluate(
            world.real, world.fake, [bad], plugins=world.plugins, settings=[f"counting.log={world.log}"],
            results=world.folder / "results", device="cpu",
        )  # fmt: skip
    with pytest.raises(TypeError, match="metric"):
        bench.evaluate(world.real, world.fake, metric="fid")


def test_a_name_is_no_list_of_names(world):
    """`metrics="fid"` would be read as f, i and d."""
    with pytest.raises(TypeError, match=r"metrics=\['fid'\]"):
        bench.evaluate(world.real, world.fake, "fid")


def test_importing_bench_is_light():
    code = "import bench, sys; print(*{'numpy', 'torch', 'PIL'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "\n"
