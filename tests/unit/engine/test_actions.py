"""What a training is given: the real pairs as often as asked, and the test sets only to select on."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from bench.contracts import Context, Generator, NoParams, Quiet, Sample, Segmenter, unfinished
from bench.engine.actions import perform, try_device_and_files
from bench.engine.job import Job
from bench.errors import BenchError
from bench.images import load_mask, load_rgb, save_png
from bench.plan.actions import Origin, ScoreImages, Train
from bench.plan.actions import Sample as SampleSet
from bench.plan.stage import DATA, Ref, Stage
from bench.plugins.resolved import ResolvedPlugin
from bench.store.artefacts import Store, Workspace
from tests.conftest import Said


def split(*names):
    return tuple(Sample(id=name, image=Path(name), mask=Path(f"{name}-mask")) for name in names)


class Watch(Segmenter):
    """Remembers what it was given."""

    version = 1

    def fit(self, train, val, model_dir, ctx, select=()):
        self.given = train, val, select


def mine(kind, plugin):
    return ResolvedPlugin(kind=kind, name="mine", plugin=plugin, identity={})


def run(stage, splits, folder, progress=None):
    workspace = Workspace(folder / "out", folder / "work")
    for path in (workspace.out, workspace.work):
        path.mkdir(exist_ok=True)
    ctx = Context(seed=0, workdir=workspace.work, progress=progress or Quiet())
    perform(stage, Job(store=Store(folder / "store"), splits=splits, workspace=workspace, ctx=ctx))


def test_a_stage_of_no_known_action_is_refused(tmp_path):
    with pytest.raises(TypeError, match="nothing does Stage"):
        run(Stage(label="unknown"), {}, tmp_path)


class Tried(Segmenter):
    version = 1

    def __init__(self, name, tried):
        super().__init__(NoParams())
        self.name, self.tried = name, tried

    def try_files(self):
        self.tried.append(self.name)


def test_the_device_and_files_of_plugins_are_tried_where_there_is_work(tmp_path):
    """Not those whose every stage is in the store; and the extractor of a metric too."""
    store, tried, data = Store(tmp_path), [], Ref(DATA, "t")
    segmenter, metric, extractor = (
        ResolvedPlugin(kind="any", name=name, plugin=Tried(name, tried), identity={"name": name})
        for name in ("1", "2", "3")
    )
    origin = Origin(label="", backbone="", weights="", resize="", reference="train")
    stages = [Train(label="", seed=seed, segmenter=segmenter, real=data) for seed in (0, 1)]
    stages += [ScoreImages(label="", metric=metric, fake=data, real=data, origin=origin, extractor=extractor)]
    store.path("train", stages[0].key).mkdir(parents=True)
    try_device_and_files(stages, store, "cpu")
    assert tried == ["1", "2", "3"]
    tried.clear()
    with pytest.raises(BenchError, match="--device gpu"):
        try_device_and_files(stages, store, "gpu")
    for stage in stages:
        store.path(stage.action, stage.key).mkdir(parents=True, exist_ok=True)
    try_device_and_files(stages, store, "gpu")
    assert tried == []


def test_training_sees_the_real_pairs_repeated_and_test_sets_apart(tmp_path):
    """Equal stems of two test sets are two images."""
    watch = Watch(NoParams())
    splits = {"t": split("a", "b"), "x": split("1"), "y": split("1", "2")}
    select = {"X": Ref(DATA, "x"), "Y": Ref(DATA, "y")}
    stage = Train(label="", segmenter=mine("segmenter", watch), real=Ref(DATA, "t"), repeated_to=5, select=select)
    run(stage, splits, tmp_path)
    train, val, select = watch.given
    assert (len(train), val) == (5, ())
    assert [sample.id for sample in select] == ["X/1", "Y/1", "Y/2"]


@pytest.mark.parametrize(("real", "synthetic"), [("t", "s"), (None, "s")])
def test_synthetic_pairs_are_repeated_with_the_real_ones(tmp_path, real, synthetic):
    """All equally often, but for the remainder; each under an id of its own, though a sample is called a copy."""
    watch, ref = Watch(NoParams()), Ref(DATA, real) if real else None
    splits = {"t": split("a", "b"), "s": split("a", "a-copy2", "b")}
    stage = Train(
        label="", segmenter=mine("segmenter", watch), real=ref, synthetic=Ref(DATA, synthetic), repeated_to=12
    )
    run(stage, splits, tmp_path)
    train, *_ = watch.given
    assert len({sample.id for sample in train}) == len(train) == 12
    names = ("synthetic-a-copy2", "synthetic-a", "synthetic-b", "a", "b")
    often = Counter(next(name for name in names if sample.id.startswith(name)) for sample in train)
    assert set(often) == set(names if real else names[:3])
    assert max(often.values()) - min(often.values()) <= 1
    assert stage.images(lambda _: 3) == 12


def test_a_filtered_set_keeps_its_share_of_the_training(tmp_path):
    """Two of four pairs are left: each twice beside the four real ones."""
    watch = Watch(NoParams())
    splits = {"t": split(*"abcd"), "s": split("a", "b")}
    refs = {"real": Ref(DATA, "t"), "synthetic": Ref(DATA, "s")}
    stage = Train(label="", segmenter=mine("segmenter", watch), synthetic_to=4, **refs)
    run(stage, splits, tmp_path)
    train, *_ = watch.given
    assert Counter(sample.image.name for sample in train if sample.id.startswith("synthetic")) == {"a": 2, "b": 2}
    assert len({sample.id for sample in train}) == len(train) == 8
    assert stage.images(lambda ref: len(splits[ref.key])) == 8
    assert stage.key != replace(stage, synthetic_to=None).key
    assert "synthetic_to" not in replace(stage, synthetic_to=None).settings


class Copies(Generator):
    """Keeps what is there already, as a generator should: it looks for the image alone."""

    version = 1
    own_masks = True

    def sample(self, conditions, model_dir, out, ctx):
        self.made = []
        for sample in conditions:
            if not (out / "images" / f"{sample.id}.png").is_file():
                self.made.append(sample.id)
                save_png(out / "masks" / f"{sample.id}.png", load_mask(sample.mask) * 255)
                save_png(out / "images" / f"{sample.id}.png", load_rgb(sample.image))


def sample_stage(generator):
    data = Ref(DATA, "t")
    return SampleSet(label="", generator=mine("generator", generator), model=data, conditions=data)


@pytest.mark.parametrize("folder", ["images", "masks"])
def test_a_damaged_pair_of_a_killed_try_is_made_again(pairs, tmp_path, folder):
    """Wherever the bit turned; the others stay as they are, and a line says which."""
    samples, copies, told = pairs(3), Copies(NoParams()), Said()
    stage = sample_stage(copies)
    run(stage, {"t": samples}, tmp_path)
    path = tmp_path / "out" / folder / "s001.png"
    whole = path.read_bytes()
    for at in range(0, len(whole), 7):
        path.write_bytes(bytes([*whole[:at], whole[at] ^ 4, *whole[at + 1 :]]))
        run(stage, {"t": samples}, tmp_path, progress=told)
        assert copies.made == ["s001"], at
        assert path.read_bytes() == whole
        assert told.lines.pop() == f"{path}: damaged, and made again"


class Few(Generator):
    """Leaves one pair, whatever it is asked for."""

    version = 1
    own_masks = True

    def sample(self, conditions, model_dir, out, ctx):
        for folder in ("images", "masks"):
            save_png(out / folder / "one.png", load_rgb(conditions[0].image))


def test_a_generator_is_held_to_the_number_of_pairs_it_told(pairs, tmp_path):
    """Rows of equal updates are planned by it."""
    (tmp_path / "run").mkdir()
    few = Few(NoParams())
    with pytest.raises(BenchError, match=r"generator mine left 1 pairs where its pairs\(\) says 4; bring both"):
        run(sample_stage(few), {"t": pairs(4)}, tmp_path / "run")


class Cut(Generator):
    """Leaves each image without its last rows, as long as `cuts`."""

    version = 1
    cuts = True

    def sample(self, conditions, model_dir, out, ctx):
        for one in unfinished(conditions, out):
            save_png(out / "images" / f"{one.id}.png", load_rgb(one.image)[: -4 if self.cuts else None])


def test_an_image_of_another_size_than_its_mask_is_refused_and_made_again(pairs, tmp_path):
    """Its mask would be stretched over it."""
    (tmp_path / "run").mkdir()
    cut, samples = Cut(NoParams()), pairs(2)
    with pytest.raises(BenchError, match=r"left 2 images of another size, first s000.png of 24x20 px, not 24x24"):
        run(sample_stage(cut), {"t": samples}, tmp_path / "run")
    cut.cuts = False
    run(sample_stage(cut), {"t": samples}, tmp_path / "run")
