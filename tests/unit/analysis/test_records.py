"""A report reads, verifies and resamples each record once, however many rows and runs share it."""

from collections import Counter
from dataclasses import replace

import pytest

import bench.analysis.records
import bench.analysis.test_scores
from bench.analysis.records import RecordReader
from bench.contracts import Measure, Score
from bench.images import load_mask
from bench.report.report import make_report
from bench.segscores import image_scores
from bench.store.artefacts import Store
from bench.store.run_manifest import Comparison, Note, Row
from bench.store.score_file import Scored, save_scores
from bench.text import csv_text
from tests.conftest import make_pairs
from tests.score_examples import manifest


class CountingStore(Store):
    """Counts how often each artefact is verified."""

    def __init__(self, root):
        super().__init__(root)
        self.verified = Counter()

    def verify(self, action, key, only=""):
        self.verified[action, key] += 1
        super().verify(action, key, only)


@pytest.fixture
def store(tmp_path):
    """Scores of one set under one metric, and of two trainings on one test set; one training counts its updates."""
    store = CountingStore(tmp_path / "store")
    truths = [load_mask(sample.mask) for sample in make_pairs(tmp_path / "data", 6)]
    for key in ("one", "two"):
        rows = [{"id": f"i{at}", "group": "", **image_scores(truth * 200, truth)} for at, truth in enumerate(truths)]
        text = csv_text(list(rows[0]), [list(row.values()) for row in rows])
        with store.claim("segscore", key, print) as workspace:
            (workspace.out / "per_image.csv").write_text(text)
            store.commit("segscore", key, workspace, {})
    with store.claim("train", "m", print) as workspace:
        (workspace.out / "training.json").write_text('{"updates": 7}')
        store.commit("train", "m", workspace, {})
    with store.claim("score", "k", print) as workspace:
        save_scores(workspace.out, [Scored(Measure("M", headline=True), Score(value=0.1, n_real=9, n_fake=8))], {})
        store.commit("score", "k", workspace, {})
    return store


ROW = Row(
    trained_on="real",
    kind="real",
    generator="none",
    segmenter="s",
    synthetic=(),
    pairs=5,
    models=("m",),
    scores={"test/a": ("one",)},
)
RUN = manifest(
    # The same training under two names, and one more.
    rows=(ROW, replace(ROW, trained_on="twin"), replace(ROW, trained_on="other", scores={"test/a": ("two",)})),
    comparisons=(Comparison(generator="g", metric="m", space="", synthetic="set", repeat=0, key="k"),),
)


def counted(monkeypatch, module, *names):
    """Counts calls of a module's functions by their first argument."""
    calls = Counter()

    def count(name, function):
        def counting(first, *others):
            calls[name, str(first)] += 1
            return function(first, *others)

        monkeypatch.setattr(module, name, counting)

    for name in names:
        count(name, getattr(module, name))
    return calls


def test_each_record_is_read_and_verified_once(store, monkeypatch):
    """Two runs of three rows over two records of images, one of scores and one of a training."""
    read = counted(monkeypatch, bench.analysis.records, "read_rows", "load_scores")
    drawn = counted(monkeypatch, bench.analysis.test_scores, "draw_weights")
    report = make_report([RUN, replace(RUN, notes=(Note("again"),))], store)
    assert len(report.rows) == 6
    assert store.verified == Counter(
        {("segscore", "one"): 1, ("segscore", "two"): 1, ("train", "m"): 1, ("score", "k"): 1}
    )
    assert set(read.values()) == set(drawn.values()) == {1}
    assert (len(read), len(drawn)) == (3, 1)


def test_rows_of_one_training_share_its_scores(store):
    """And so their bootstrap, which is made once."""
    one, twin, other = RecordReader(store).run(RUN).rows
    assert one.tests["test/a"] is twin.tests["test/a"] is not other.tests["test/a"]
    assert (one.updates, one.lacking) == (7, ())


def test_a_report_begins_anew(store):
    """A record that has changed since the last one is noticed."""
    make_report([RUN], store)
    before = sum(store.verified.values())
    make_report([RUN], store)
    assert sum(store.verified.values()) == 2 * before
