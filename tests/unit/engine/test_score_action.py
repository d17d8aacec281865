"""What a metric is given: rows in one order, real images resized, training images where copies are sought, maps."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

import bench.data.lesion_size
from bench.contracts import Extractor, Generator, Measure, Metric, NoParams, Score, Segmenter, param
from bench.data.fingerprint import fingerprint
from bench.data.splits import Splits
from bench.engine.runner import Resources, Runner
from bench.images import load_rgb, rotate, save_png
from bench.plan.comparison import features_stage
from bench.plan.run_plan import RunSpec, plan
from bench.plan.stage import DATA, Ref
from bench.plugins.resolved import ResolvedPlugin
from bench.progress.display import Display
from bench.store.artefacts import Store
from bench.store.score_file import load_scores
from bench.workflows.setup import Setup
from tests.conftest import make_pairs

SIDE = 12


class Resized(Generator):
    """Real images at half their size."""

    version = 1

    def size(self):
        return SIDE, SIDE

    def sample(self, conditions, model_dir, out, ctx):
        for sample in conditions:
            save_png(out / "images" / f"{sample.id}.png", load_rgb(sample.image, self.size()))


def look(image):
    """Width, height and the top left pixel: three numbers that tell sizes, images and views apart."""
    return np.array([*image.shape[1::-1], *image[0, 0]], dtype=np.float32)


class Corner(Extractor):
    version, label, backbone, resize, sha256, dim = 1, "C", "corner", "none", "ab" * 32, 5
    gives = ("features", "distances")

    def open(self, ctx):
        return self

    def features(self, images):
        return np.stack([look(image) for image in images])

    activations = features

    def distances(self, pairs):
        return np.array([one[0] + other[0] / 100 for one, other in pairs], dtype=np.float32)


class Maps(Segmenter):
    """Maps are the red channel."""

    version = 1

    def fit(self, train, val, model_dir, ctx, select=()):
        (model_dir / "model").write_text("model")

    def predict(self, samples, model_dir, out, ctx):
        for sample in samples:
            save_png(out / f"{sample.id}.png", load_rgb(sample.image)[..., 0].copy())


@dataclass(frozen=True)
class Params:
    extractors: str = param("c", "extractor")


class Watch(Metric):
    """Remembers what it was given."""

    version, Params = 1, Params

    def __init__(self, uses="features", views=False, stratified=False, gives=None):
        super().__init__(Params())
        self.uses, self.views, self.stratified, self.calls = uses, views, stratified, []
        self.gives = gives or {}

    def measures(self, label):
        return Measure("second"), Measure(f"first {label}")

    def score(self, real, fake, space, ctx):
        self.calls.append((real, fake, space))
        n = len(real.samples), len(fake.samples)
        found = {
            f"first {space.label}": Score(value=1.0, n_real=n[0], n_fake=n[1]),
            "second": Score(value=np.float32(0.5), n_real=n[0], n_fake=n[1]),
        }
        if self.uses == "distances":
            pairs = list(zip(real.samples, fake.samples, strict=True))
            ids = tuple(sample.id for sample in fake.samples)
            found["second"] = Score(value=0.5, n_real=n[0], n_fake=n[1], per_image=space.distances(pairs), ids=ids)
        return found | self.gives


@pytest.fixture
def runner_of(tmp_path):
    """A runner of these splits."""
    resources, store = Resources(device="cpu", cache=tmp_path / "cache"), Store(tmp_path / "store")
    return lambda splits: Runner(store=store, splits=splits, resources=resources, display=Display())


@pytest.fixture
def compare(tmp_path, runner_of):
    """Runs one metric; returns what was kept, and the failures."""

    def run(metric, reference="train", count=4):
        splits = {"train": make_pairs(tmp_path / "train", count), "test/A": make_pairs(tmp_path / "A", 3, seed=1),
                  "test/B": make_pairs(tmp_path / "B", 2, seed=2)}  # fmt: skip
        data = Splits(
            asked="d",
            name="d",
            splits=splits,
            fingerprints={name: fingerprint(split) for name, split in splits.items()},
            absent=(),
            warnings=(),
        )
        extractor = None if metric.uses == "maps" else chosen("extractor", Corner(NoParams()))
        spec = RunSpec(
            data=data,
            profile="demo",
            seed=0,
            repeats=1,
            vary=("segmenter",),
            margin=0.01,
            masks="real",
            reference=reference,
            multiple=1,
            train_on=("real",),
            generators=(chosen("generator", Resized(NoParams())),),
            metrics=((chosen("metric", metric), extractor),),
            segmenters=(chosen("segmenter", Maps(NoParams())),),
        )
        setup = Setup(profile=None, spec=spec, plan=plan(spec), notes=(), settings=())
        runner = runner_of(setup.splits)
        failures = runner.run(setup.plan.stages)
        (comparison,) = setup.plan.comparisons
        path = runner.store.path("score", comparison.key)
        return (load_scores(path) if path.exists() else None), failures

    return run


def chosen(kind, plugin):
    return ResolvedPlugin(kind=kind, name=kind, plugin=plugin, identity={"name": kind, "version": 1})


def test_rows_belong_to_samples_and_real_images_are_squashed_as_the_synthetic_ones(compare):
    watch = Watch()
    compare(watch)
    ((real, fake, space),) = watch.calls
    assert space.label == "C"
    for images in (real, fake):
        expected = [look(load_rgb(sample.image, (SIDE, SIDE))).tolist() for sample in images.samples]
        assert images.features.tolist() == expected
        assert images.maps is None
    assert load_rgb(real.samples[0].image).shape == (24, 24, 3)


def test_what_is_kept_says_where_it_comes_from(compare):
    """Measures stand in the order in which the metric announces them."""
    (about, scored), _ = compare(Watch())
    assert (about.backbone, about.weights, about.reference) == ("corner", "abababab", "train")
    assert "12 × 12" in about.resize
    assert [(one.measure.name, one.stratum, one.score.value) for one in scored] == [("second", "", 0.5),
                                                                                   ("first C", "", 1.0)]  # fmt: skip


def test_the_test_images_can_be_the_reference(compare):
    watch = Watch()
    (about, _), _ = compare(watch, "test")
    ((real, _, _),) = watch.calls
    assert [sample.id for sample in real.samples] == ["A/s000", "A/s001", "A/s002", "B/s000", "B/s001"]
    assert real.features.tolist() == [look(load_rgb(one.image, (SIDE, SIDE))).tolist() for one in real.samples]
    assert about.reference == "test"


def test_an_image_that_has_the_size_already_is_looked_at_once(tmp_path, runner_of):
    """Features of real images, native and resized to the size they have: the second time all rows are known."""
    pairs, looked = make_pairs(tmp_path / "pairs", 3, size=SIDE), []

    class Counting(Corner):
        def features(self, images):
            looked.extend(images)
            return super().features(images)

    extractor = chosen("extractor", Counting(NoParams()))
    sizes = (None, (SIDE, SIDE), (6, 6))
    stages = [features_stage(extractor, Ref(DATA, "t"), "", size) for size in sizes]
    runner = runner_of({"t": pairs})
    assert runner.run(stages[:2]) == []
    assert len(looked) == 3
    assert runner.run(stages[2:]) == []
    assert len(looked) == 2 * 3
    plain, same, small = (np.load(runner.store.path("features", stage.key) / "features.npy") for stage in stages)
    assert (plain == same).all()
    assert small[0, 0] == 6


def test_copies_are_sought_among_training_images_whatever_the_reference(compare):
    watch = Watch(views=True)
    (about, _), _ = compare(watch, "test")
    ((real, _, _),) = watch.calls
    assert about.reference == "train"
    assert [sample.id for sample in real.samples] == ["s000", "s001", "s002", "s003"]


def test_who_seeks_copies_has_turned_images_looked_at_as_it_asks(compare):
    """In the order in which it names them, real images resized first."""
    watch = Watch(views=True)
    asked = watch.score

    def score(real, fake, space, ctx):
        pairs = [(sample, view) for view in (7, 0, 1) for sample in (*real.samples[:2], fake.samples[3])]
        found = space.turned([*pairs, pairs[0]])
        expected = [look(rotate(load_rgb(sample.image, (SIDE, SIDE)), view)).tolist() for sample, view in pairs]
        assert found.tolist() == [*expected, expected[0]]
        return asked(real, fake, space, ctx)

    watch.score = score
    assert not compare(watch)[1]
    assert watch.calls


def test_who_seeks_copies_sees_pixels_as_they_are_compared(compare):
    """Real images resized to the synthetic set's size; other metrics have no pixels."""
    for views in (True, False):
        watch = Watch(views=views)
        compare(watch)
        ((real, fake, space),) = watch.calls
        for sample in (*real.samples, *fake.samples) if views else ():
            assert (space.pixels(sample) == load_rgb(sample.image, (SIDE, SIDE))).all()
    assert space.pixels is space.turned is None


def test_distances_are_between_images_of_one_size(compare):
    """The toy's distance tells the width of both images; which images belong together is kept with it."""
    (_, scored), _ = compare(Watch("distances"))
    assert scored[0].score.per_image == pytest.approx([SIDE + SIDE / 100] * 4)
    assert scored[0].groups == ("g0", "g0", "g1", "g1")
    assert scored[1].groups == ()


def test_maps_are_those_of_the_image_beside_them(compare):
    """Held-out images of every test set, with ids and groups of their own, however the sets name them."""
    watch = Watch("maps")
    (about, _), _ = compare(watch)
    ((real, fake, space),) = watch.calls
    assert (about.reference, space.label, space.distances) == ("held-out", "segmenter", None)
    assert [sample.id for sample in real.samples] == ["A/s000", "A/s001", "A/s002", "B/s000", "B/s001"]
    assert real.samples[0].group == "A/g0"
    for images in (real, fake):
        for path, sample in zip(images.maps, images.samples, strict=True):
            assert (load_rgb(path)[..., 0] == load_rgb(sample.image)[..., 0]).all()


@pytest.mark.parametrize("uses", ["features", "distances"])
def test_thirds_are_scored_when_they_are_large_enough(compare, monkeypatch, uses):
    """Whole sets first, then each third with its own rows."""
    monkeypatch.setattr(bench.data.lesion_size, "LEAST", 2)
    watch = Watch(uses, stratified=True)
    (_, scored), _ = compare(watch, count=9)
    assert [one.stratum for one in scored] == [name for name in ("", *bench.data.lesion_size.NAMES) for _ in range(2)]
    (whole, _, _), *parts = watch.calls
    assert sorted(sample.id for real, _, _ in parts for sample in real.samples) == [one.id for one in whole.samples]
    if uses == "features":
        of = {sample.id: row.tolist() for sample, row in zip(whole.samples, whole.features, strict=True)}
        assert all(real.features.tolist() == [of[one.id] for one in real.samples] for real, _, _ in parts)


@pytest.mark.parametrize(("asks", "least"), [(False, 2), (True, 100)])
def test_otherwise_there_are_no_thirds(compare, monkeypatch, asks, least):
    """The metric does not ask, or the set is small."""
    monkeypatch.setattr(bench.data.lesion_size, "LEAST", least)
    (_, scored), _ = compare(Watch(stratified=asks), count=9)
    assert {one.stratum for one in scored} == {""}


GOOD = Score(value=1.0, n_real=4, n_fake=4)


@pytest.mark.parametrize(
    ("gives", "message"),
    [
        ({"third": GOOD}, "metric metric gave third, its measures are second, first C"),
        ({"second": replace(GOOD, value=float("nan"))}, "metric metric: second: value is not a finite number"),
        ({"second": 0.5}, "metric metric: second: what is given is of type float, not a Score"),
    ],
)
def test_a_score_that_breaks_the_contract_is_named(compare, gives, message):
    kept, (failure,) = compare(Watch(gives=gives))
    assert kept is None
    assert message in failure.message
    assert not failure.ours


@pytest.mark.parametrize("gives", [None, [GOOD]])
def test_a_metric_that_gives_no_scores_is_named(compare, monkeypatch, gives):
    monkeypatch.setattr(Watch, "score", lambda *_: gives)
    kept, (failure,) = compare(Watch())
    assert kept is None
    assert failure.message.startswith("metric metric gave ")
    assert not failure.ours


def test_a_third_is_checked_as_the_whole_is(compare, monkeypatch):
    """But a third may lack what every measure needs."""
    monkeypatch.setattr(bench.data.lesion_size, "LEAST", 2)
    plain = Watch.score
    for within, failures in (({"second": replace(GOOD, value=True)}, 1), ({}, 0)):

        def score(self, real, fake, space, ctx, within=within):
            return plain(self, real, fake, space, ctx) if len(real.samples) == 9 else within

        monkeypatch.setattr(Watch, "score", score)
        assert len(compare(Watch(stratified=True), count=9)[1]) == failures
