"""Records -> numbers: the value of each set, the mean over all images, intervals, spread over seeds."""

import csv
import json

import numpy as np
import pytest

from bench.analysis.score_rows import score_rows
from bench.contracts import Floor, Measure, Score
from bench.errors import BenchError
from bench.segscores import COUNTS, GAPS, METRICS, PER_IMAGE, SHAPE
from bench.store.artefacts import Store
from bench.store.score_file import Scored, save_scores

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


def manifest(scores, **changes):
    line = {
        "row": "real+g",
        "generator": "g",
        "segmenter": "s",
        "synthetic": "set",
        "scores": scores,
        "pairs": 9,
        "models": ["m"],
    }
    return {
        "dataset": {"name": "d", "fingerprint": "f" * 64}, "profile": "demo", "seed": 0, "seeds": 1, "masks": "real",
        "bases": {"g": "tiny"}, "settings": [], "comparisons": [], "lines": [line], **changes,
    }  # fmt: skip


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path)


def of(rows, metric="mdice@256"):
    return {row.test_set: row for row in rows if row.metric == metric}


def test_overall_weighs_sets_by_their_images(store):
    put_images(store, "a", [1.0] * 30)
    put_images(store, "b", [0.0] * 10)
    rows = of(score_rows(manifest({"test/a": ["a"], "test/b": ["b"]}), store))
    assert list(rows) == ["a", "b", "overall", "overall-unweighted"]
    assert rows["overall"].value == pytest.approx(0.75)
    assert rows["overall-unweighted"].value == pytest.approx(0.5)
    assert (rows["a"].n, rows["overall"].n) == (30, 40)
    assert rows["overall"].base == "tiny"


def test_every_convention_has_its_rows(store):
    put_images(store, "a", [0.5, 0.7])
    rows = score_rows(manifest({"test/a": ["a"]}), store)
    assert list(dict.fromkeys(row.metric for row in rows)) == list(METRICS)


def test_directions_and_thirds_are_told(store):
    """Thirds of a set by its own masks; over all sets, each set's own third, weighed by its images."""
    put_images(store, "a", [0.5, 0.7])
    put_images(store, "b", [0.1])
    rows = score_rows(manifest({"test/a": ["a"], "test/b": ["b"]}), store)
    assert {row.metric for row in rows if row.better == "lower"} == {"mae", "hd95", "ece-pooled"}
    small = {row.test_set: row for row in rows if row.stratum == "small lesions"}
    assert {row.metric for row in small.values()} == {"recall@0.5"}
    assert (small["overall"].value, small["overall"].n) == (pytest.approx(1.3 / 3), 3)
    assert small["overall-unweighted"].value == pytest.approx(0.35)
    assert small["a"].note == "lesion up to 50.00% of the image: terciles of this set's masks"


def test_no_overall_where_a_set_has_no_such_image(store):
    """A set without any lesion has no recall; its Dice counts."""
    put_images(store, "a", [0.5, 0.7])
    put_images(store, "b", [float("nan")])
    rows = score_rows(manifest({"test/a": ["a"], "test/b": ["b"]}), store)
    assert list(of(rows, "recall@0.5")) == ["a"]
    assert "overall" in of(rows, "dice@0.5-pooled")


def test_no_overall_over_a_part_of_the_sets(store):
    """One set failed: a mean over the others would stand among means over all."""
    put_images(store, "a", [0.5, 0.7])
    rows = of(score_rows(manifest({"test/a": ["a"], "test/b": ["never made"]}), store))
    assert list(rows) == ["a"]


def test_seeds_are_averaged_and_their_spread_is_told(store):
    put_images(store, "one", [0.4, 0.6])
    put_images(store, "two", [0.6, 0.8])
    row = of(score_rows(manifest({"test/a": ["one", "two"]}, seeds=2), store))["a"]
    assert row.value == pytest.approx(0.6)
    assert row.sd == pytest.approx(np.std([0.5, 0.7], ddof=1))
    assert row.low <= row.value <= row.high


def test_one_group_has_no_interval(store):
    put_images(store, "a", [0.2, 0.8], {0: "video", 1: "video"})
    rows = of(score_rows(manifest({"test/a": ["a"]}), store))
    assert rows["a"].low is rows["overall"].low is None


def test_two_lines_are_compared_on_the_same_draws(store):
    put_images(store, "a", [0.1, 0.5, 0.9])
    put_images(store, "b", [0.2, 0.6, 1.0])
    one = of(score_rows(manifest({"test/x": ["a"]}), store))["x"]
    two = of(score_rows(manifest({"test/x": ["b"]}), store))["x"]
    assert two.low - one.low == pytest.approx(0.1)
    assert two.high - one.high == pytest.approx(0.1)


def test_scores_of_a_set(store):
    score = Score(0.1, 9, 8, note="few", estimator="mean", floor=Floor(0.05, 0.01, 4, 10, 0.2))
    about = {"backbone": "net", "weights": "01234567", "resize": "none", "reference": "train"}
    with store.claim("score", "k", lambda: None) as workspace:
        save_scores(workspace.out, [Scored(Measure("M"), score), Scored(Measure("M"), score, "small lesions")], about)
        store.commit("score", "k", workspace, {})
    comparison = {"generator": "g", "metric": "m", "space": "e", "synthetic": "set", "key": "k"}
    row, part = score_rows(manifest({}, lines=[], comparisons=[comparison]), store)
    assert (row.metric, row.value, row.n, row.better, row.note) == ("M", 0.1, 8, "lower", "few")
    assert (row.row, row.segmenter, row.test_set, row.record) == ("", "", "", "score/k")
    assert (row.backbone, row.weights, row.resize, row.reference) == ("net", "01234567", "none", "train")
    assert (row.n_real, row.floor, row.floor_sd, row.floor_n, row.at_floor_n) == (9, 0.05, 0.01, 4, 0.2)
    assert (row.stratum, part.stratum) == ("", "small lesions")


def put_training(store, key, updates):
    with store.claim("train", key, lambda: None) as workspace:
        (workspace.out / "training.json").write_text(json.dumps({"updates": updates}))
        store.commit("train", key, workspace, {})


def test_pairs_and_updates_of_the_training_stand_in_every_row(store):
    put_images(store, "a", [0.5, 0.7])
    put_training(store, "m", 120)
    assert {(row.pairs, row.updates) for row in score_rows(manifest({"test/a": ["a"]}), store)} == {(9, 120)}


def test_updates_nobody_counted_are_none(store):
    """A network without updates, or a folder deleted to save room: the scores stay."""
    put_images(store, "a", [0.5, 0.7])
    assert {row.updates for row in score_rows(manifest({"test/a": ["a"]}), store)} == {None}


def test_a_changed_count_of_updates_is_refused(store):
    put_images(store, "a", [0.5, 0.7])
    put_training(store, "m", 120)
    path = store.path("train", "m") / "training.json"
    path.write_text(path.read_text().replace("120", "60"))
    with pytest.raises(BenchError, match="training.json no longer matches its record"):
        score_rows(manifest({"test/a": ["a"]}), store)


def test_settings_stand_only_where_they_count(store):
    """Another generator's option says nothing about this line; a metric's and the seed's do."""
    put_images(store, "a", [0.5, 0.7])
    options = [("run", "seed", "seed=1"), ("generator", "g", "g.x=1"), ("generator", "h", "h.x=2"),
               ("segmenter", "s", "s.y=3"), ("segmenter", "t", "t.y=4")]  # fmt: skip
    settings = [dict(zip(("kind", "name", "text"), option, strict=True)) for option in options]
    row = score_rows(manifest({"test/a": ["a"]}, settings=settings), store)[0]
    assert row.settings == "seed=1 g.x=1 s.y=3"


def test_failed_records_are_left_out_and_changed_ones_refused(store):
    put_images(store, "a", [0.5, 0.7])
    path = store.path("segscore", "a") / "per_image.csv"
    path.write_text(path.read_text().replace("0.5", "0.9"))
    run = manifest({"test/a": ["a"]})
    assert score_rows(run, store, {"a"}) == []
    with pytest.raises(BenchError, match="per_image.csv no longer matches its record"):
        score_rows(run, store)
