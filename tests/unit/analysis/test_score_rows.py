"""Records -> numbers: the value of each set, the mean over all images, intervals, spread over seeds."""

import csv
import json

import numpy as np
import pytest

from bench.analysis.origin import source_of
from bench.analysis.records import RecordReader
from bench.analysis.score_rows import row_scores, set_scores
from bench.contracts import Floor, Measure, Score
from bench.errors import BenchError
from bench.segscores import COUNTS, GAPS, METRICS, PER_IMAGE, SHAPE
from bench.store.artefacts import Store
from bench.store.run_manifest import Comparison, Row, Setting
from bench.store.score_file import Basis, Scored, save_scores
from tests.score_examples import manifest

FIELDS = ("id", "group", *PER_IMAGE, *SHAPE, *COUNTS, *GAPS)


def image(name, dice, group=""):
    """A row of per_image.csv with one value in every per-image score."""
    scores = dict.fromkeys((*PER_IMAGE, *SHAPE), dice)
    return {"id": name, "group": group, **scores, **dict.fromkeys((*COUNTS, *GAPS), 5)}


def put_images(store, key, values, groups=None):
    rows = [image(f"i{n}", value, (groups or {}).get(n, "")) for n, value in enumerate(values)]
    with store.claim("segscore", key, lambda: None) as workspace:
        with (workspace.out / "per_image.csv").open("w", newline="") as stream:
            writer = csv.DictWriter(stream, FIELDS)
            writer.writeheader()
            writer.writerows(rows)
        store.commit("segscore", key, workspace, {})


def row(scores, **changes):
    told = {
        "trained_on": "real+g",
        "kind": "added",
        "generator": "g",
        "segmenter": "s",
        "synthetic": ("set",),
        "pairs": 9,
        **changes,
    }
    return Row(models=("m",), scores=scores, **told)


def scored(store, scores, failed=(), **changes):
    """The numbers of a run of one row, with the keys of its scores by test set."""
    run = manifest(rows=(row(scores),), bases={"g": "tiny"}, **changes)
    return row_scores(RecordReader(store, failed).run(run))


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path)


def of(scores, metric="mdice@256"):
    return {one.test_set: one for one in scores if one.metric == metric}


def value(score):
    return score.estimate.value


def test_overall_weighs_sets_by_their_images(store):
    put_images(store, "a", [1.0] * 30)
    put_images(store, "b", [0.0] * 10)
    rows = of(scored(store, {"test/a": ("a",), "test/b": ("b",)}))
    assert list(rows) == ["a", "b", "overall", "overall-unweighted"]
    assert value(rows["overall"]) == pytest.approx(0.75)
    assert value(rows["overall-unweighted"]) == pytest.approx(0.5)
    assert (rows["a"].counts.images, rows["overall"].counts.images) == (30, 40)
    assert rows["overall"].row.made.base == "tiny"


def test_every_convention_has_its_rows(store):
    put_images(store, "a", [0.5, 0.7])
    rows = scored(store, {"test/a": ("a",)})
    assert list(dict.fromkeys(row.metric for row in rows)) == list(METRICS)


def test_directions_and_thirds_are_told(store):
    """Thirds of a set by its own masks; over all sets, each set's own third, weighed by its images."""
    put_images(store, "a", [0.5, 0.7])
    put_images(store, "b", [0.1])
    rows = scored(store, {"test/a": ("a",), "test/b": ("b",)})
    assert {row.metric for row in rows if row.better == "lower"} == {"mae", "hd95", "ece-pooled"}
    small = {row.test_set: row for row in rows if row.stratum == "small lesions"}
    assert {row.metric for row in small.values()} == {"recall@0.5"}
    assert (value(small["overall"]), small["overall"].counts.images) == (pytest.approx(1.3 / 3), 3)
    assert value(small["overall-unweighted"]) == pytest.approx(0.35)
    assert small["a"].note == "lesion up to 50.00% of the image: terciles of this set's masks"


def test_no_overall_where_a_set_has_no_such_image(store):
    """A set without any lesion has no recall; its Dice counts."""
    put_images(store, "a", [0.5, 0.7])
    put_images(store, "b", [float("nan")])
    rows = scored(store, {"test/a": ("a",), "test/b": ("b",)})
    assert list(of(rows, "recall@0.5")) == ["a"]
    assert "overall" in of(rows, "dice@0.5-pooled")


def test_no_overall_over_a_part_of_the_sets(store):
    """One set failed: a mean over the others would stand among means over all."""
    put_images(store, "a", [0.5, 0.7])
    rows = of(scored(store, {"test/a": ("a",), "test/b": ("never made",)}))
    assert list(rows) == ["a"]


def test_repeats_are_averaged_and_their_spread_is_told(store):
    put_images(store, "one", [0.4, 0.6])
    put_images(store, "two", [0.6, 0.8])
    row = of(scored(store, {"test/a": ("one", "two")}, repeats=2))["a"]
    assert value(row) == pytest.approx(0.6)
    assert row.sd == pytest.approx(np.std([0.5, 0.7], ddof=1))
    assert row.estimate.low <= value(row) <= row.estimate.high


def test_one_group_has_no_interval(store):
    put_images(store, "a", [0.2, 0.8], {0: "video", 1: "video"})
    rows = of(scored(store, {"test/a": ("a",)}))
    assert rows["a"].estimate.bounds is rows["overall"].estimate.bounds is None


def test_two_lines_are_compared_on_the_same_draws(store):
    put_images(store, "a", [0.4, 0.45, 0.5])
    put_images(store, "b", [0.5, 0.55, 0.6])
    one = of(scored(store, {"test/x": ("a",)}))["x"]
    two = of(scored(store, {"test/x": ("b",)}))["x"]
    assert two.estimate.low - one.estimate.low == pytest.approx(0.1)
    assert two.estimate.high - one.estimate.high == pytest.approx(0.1)


def test_scores_of_a_set(store):
    score = Score(
        value=0.1,
        n_real=9,
        n_fake=8,
        note="few",
        estimator="mean",
        floor=Floor(value=0.05, sd=0.01, n=4, splits=10, at_n=0.2),
    )
    about = {"backbone": "net", "weights": "01234567", "resize": "none", "reference": "train"}
    with store.claim("score", "k", lambda: None) as workspace:
        save_scores(workspace.out, [Scored(Measure("M"), score), Scored(Measure("M"), score, "small lesions")], about)
        store.commit("score", "k", workspace, {})
    comparison = Comparison(generator="g", metric="m", space="e", synthetic="set", repeat=0, key="k")
    run = manifest(comparisons=(comparison,))
    one, part = set_scores(RecordReader(store).run(run).sets, source_of(run))
    assert (one.measure, one.value, one.n, one.n_real, one.note) == (Measure("M"), 0.1, 8, 9, "few")
    assert (one.origin.generator, one.origin.synthetic, one.record) == ("g", ("set",), "score/k")
    assert one.basis == Basis(backbone="net", weights="01234567", resize="none", reference="train")
    assert one.floor == Floor(value=0.05, sd=0.01, n=4, splits=10, at_n=0.2)
    assert (one.stratum, part.stratum) == ("", "small lesions")


def put_training(store, key, updates):
    with store.claim("train", key, lambda: None) as workspace:
        (workspace.out / "training.json").write_text(json.dumps({"updates": updates}))
        store.commit("train", key, workspace, {})


def test_pairs_and_updates_of_the_training_stand_in_every_row(store):
    put_images(store, "a", [0.5, 0.7])
    put_training(store, "m", 120)
    assert {(row.row.training.pairs, row.row.updates) for row in scored(store, {"test/a": ("a",)})} == {(9, 120)}


def test_updates_nobody_counted_are_none(store):
    """A network without updates, or a folder deleted to save room: the scores stay."""
    put_images(store, "a", [0.5, 0.7])
    assert {row.row.updates for row in scored(store, {"test/a": ("a",)})} == {None}


def test_a_changed_count_of_updates_is_refused(store):
    put_images(store, "a", [0.5, 0.7])
    put_training(store, "m", 120)
    path = store.path("train", "m") / "training.json"
    path.write_text(path.read_text().replace("120", "60"))
    with pytest.raises(BenchError, match="training.json no longer matches its record"):
        scored(store, {"test/a": ("a",)})


def test_settings_stand_only_where_they_count(store):
    """Another generator's option says nothing about this line; a metric's and the seed's do."""
    put_images(store, "a", [0.5, 0.7])
    options = [("run", "seed", "seed=1"), ("generator", "g", "g.x=1"), ("generator", "h", "h.x=2"),
               ("segmenter", "s", "s.y=3"), ("segmenter", "t", "t.y=4")]  # fmt: skip
    row = scored(store, {"test/a": ("a",)}, settings=tuple(Setting(*option) for option in options))[0].row
    assert row.training.settings == "seed=1 g.x=1 s.y=3"
    assert row.made.settings == "seed=1 g.x=1"


def test_failed_records_are_left_out_and_changed_ones_refused(store):
    put_images(store, "a", [0.5, 0.7])
    path = store.path("segscore", "a") / "per_image.csv"
    path.write_text(path.read_text().replace("0.5", "0.9"))
    assert scored(store, {"test/a": ("a",)}, failed={"a"}) == []
    with pytest.raises(BenchError, match="per_image.csv no longer matches its record"):
        scored(store, {"test/a": ("a",)})


def test_rows_selected_on_test_say_so(store):
    """In a field: what stands in the settings is for the reader, and may hold a user's own words."""
    put_images(store, "a", [0.5, 0.7])
    words = (Setting("segmenter", "s", "s.file=selected on test (as published)"),)
    honest = scored(store, {"test/a": ("a",)}, settings=words)[0].row.training
    chosen = scored(store, {"test/a": ("a",)}, select="test")[0].row.training
    assert (honest.selected_on_test, chosen.selected_on_test) == (False, True)
    assert honest.block != chosen.block
