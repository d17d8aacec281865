"""The plugins of `examples/`: each is listed, shown, small, and used for real, by the command line in process."""

from __future__ import annotations

import csv
import runpy
import shutil
from pathlib import Path

import numpy as np
import pytest

from bench.cli import run
from bench.contracts import Context
from bench.images import load_grey, load_mask, load_rgb
from tests.conftest import make_pairs, refused

EXAMPLES = Path(__file__).parents[2] / "examples"
FILES = sorted(EXAMPLES.glob("*.py"))
PLUGINS = [part for path in FILES for part in ("--plugin", str(path))]
LINES = {"metric": 40, "dataset": 60, "generator": 80, "extractor": 60, "segmenter": 60}
KIND = {
    "brightness": "metric",
    "case_folders": "dataset",
    "colour_fill": "generator",
    "colour_histogram": "extractor",
    "colour_model": "segmenter",
    "mean_gap": "metric",
    "my_generator": "generator",
}


def load(file: str, name: str, *more: object):
    """The plugin of an example, with its own defaults."""
    cls = runpy.run_path(str(EXAMPLES / f"{file}.py"))[name]
    return cls(cls.Params(), *more)


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    """Six case folders of two frames each."""
    folder = tmp_path_factory.mktemp("cases")
    for case in range(6):
        for pair in make_pairs(folder / "pairs", 2, seed=case, prefix=f"c{case}-"):
            place = folder / "data" / f"case{case}"
            place.mkdir(parents=True, exist_ok=True)
            shutil.copy(pair.image, place / f"{pair.id}.png")
            shutil.copy(pair.mask, place / f"{pair.id}_mask.png")
    return folder / "data"


@pytest.fixture(scope="module")
def tables(cases, tmp_path_factory):
    """Folder of the tables of one run in which every plugin is an example."""
    place = tmp_path_factory.mktemp("run")
    used = {"dataset": ["case-folders"], "generator": ["my-generator", "colour-fill"], "segmenter": ["colour-model"],
            "metric": ["brightness", "mean-gap"], "set": ["mean-gap.extractors=colour-histogram"]}  # fmt: skip
    options = [part for option, values in used.items() for value in values for part in (f"--{option}", value)]
    words = ["run", *options, *PLUGINS, "--data", cases, "--results", place / "results", "--out", place / "tables"]
    assert run([str(word) for word in words]) == 0
    return place / "tables"


def rows(path):
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def values(tables, metric):
    """By generator."""
    return {row["generator"]: float(row["value"]) for row in rows(tables / "scores.csv") if row["metric"] == metric}


def test_all_five_kinds_have_an_example():
    assert {path.stem for path in FILES} == set(KIND)
    assert set(KIND.values()) == set(LINES)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_it_is_listed_shown_and_small(path, capsys):
    kind, name = KIND[path.stem], path.stem.replace("_", "-")
    assert run(["list", kind, "--plugin", str(path)]) == 0
    assert f"  {name} " in capsys.readouterr().out
    assert run(["show", f"{kind}.{name}", "--plugin", str(path)]) == 0
    assert f"{kind} {name} (version 1)" in capsys.readouterr().out
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LINES[kind]


def test_the_metrics_are_0_for_copies_and_see_a_change(tables):
    for metric in ("brightness-gap", "mean-gap-Histogram"):
        found = values(tables, metric)
        assert found["copy-paste"] == pytest.approx(0, abs=1e-9)
        assert found["my-generator"] > found["copy-paste"]


def test_the_segmenter_finds_the_discs(tables):
    found = [float(row["dice@0.5"]) for row in rows(tables / "per_image.csv")]
    assert found
    assert max(found) > 0.9


def test_no_case_of_the_dataset_stands_in_two_splits(cases, tables):
    dataset = load("case_folders", "CaseFolders", cases)
    groups = {split: {sample.group for sample in dataset.samples(split)} for split in dataset.splits()}
    assert groups == {"train": {"case0", "case1", "case2", "case5"}, "val": {"case3"}, "test/test": {"case4"}}
    assert {row["group"] for row in rows(tables / "per_image.csv")} == {"case4"}


def test_too_few_cases_are_refused(cases, tmp_path):
    shutil.copytree(cases / "case0", tmp_path / "case0")
    dataset = load("case_folders", "CaseFolders", tmp_path)
    refused(lambda: dataset.samples("train"), tmp_path, "at least 5")


def test_the_seed_decides_every_pixel_of_the_generator(pairs, tmp_path):
    train = pairs(3)
    generator = load("colour_fill", "ColourFill")
    generator.fit(train, tmp_path, Context(seed=0, workdir=tmp_path))
    drawn = {name: sample(generator, train, tmp_path, name, seed) for name, seed in (("a", 0), ("b", 0), ("c", 1))}
    assert drawn["a"] == drawn["b"]
    assert drawn["a"] != drawn["c"]


def sample(generator, conditions, model, name, seed):
    """Bytes of every image by name."""
    generator.sample(conditions, model, model / name, Context(seed=seed, workdir=model))
    return {path.name: path.read_bytes() for path in (model / name / "images").iterdir()}


def test_the_generator_keeps_finished_images(pairs, tmp_path):
    train = pairs(2)
    generator = load("colour_fill", "ColourFill")
    generator.fit(train, tmp_path, Context(seed=0, workdir=tmp_path))
    sample(generator, train, tmp_path, "out", 0)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out" / "images").iterdir()}
    sample(generator, train, tmp_path, "out", 0)
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_features_of_the_extractor_do_not_depend_on_other_images(pairs, tmp_path):
    images = [load_rgb(one.image) for one in pairs(3)]
    extractor = load("colour_histogram", "ColourHistogram")
    network = extractor.open(Context(seed=0, workdir=tmp_path))
    together = network.features(images)
    assert together.shape == (3, extractor.dim)
    assert together.dtype == np.float32
    assert np.array_equal(together, np.concatenate([network.features([image]) for image in images]))
    assert np.allclose(together.sum(1), 3)


def test_the_segmenter_learns_two_images_by_heart(pairs, tmp_path):
    train = pairs(2)
    segmenter = load("colour_model", "ColourModel")
    segmenter.fit(train, (), tmp_path, Context(seed=0, workdir=tmp_path))
    segmenter.predict(train, tmp_path, tmp_path / "maps", Context(seed=0, workdir=tmp_path))
    for one in train:
        found, truth = load_grey(tmp_path / "maps" / f"{one.id}.png") > 127, load_mask(one.mask) == 1
        assert 2 * (found & truth).sum() / (found.sum() + truth.sum()) > 0.9
