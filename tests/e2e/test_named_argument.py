"""Two networks of one plugin in one run stay apart, from training to table."""

import csv

import pytest

from tests.e2e.conftest import TOYS

RUN = ["run", "--generator", "toy-mirror", "--metric", "toy-mean", *TOYS, "--dataset", "phantom",
       "--set", "phantom.size=32", "--set", "phantom.train=4", "--set", "phantom.test=2"]  # fmt: skip


@pytest.fixture(scope="module")
def done(bench, tmp_path_factory):
    results = tmp_path_factory.mktemp("named")
    both = ("--segmenter", "toy-level:100", "--segmenter", "toy-level:1.6e2")
    return bench(
        *RUN, *both, "--set", "toy-level.softness=4", "--results", results, "--out", results / "tables"
    ), results


def rows(results):
    with (results / "tables" / "scores.csv").open(newline="", encoding="utf-8") as stream:
        return [row for row in csv.DictReader(stream) if row["segmenter"]]


def test_each_has_lines_and_records_of_its_own(done):
    run, results = done
    assert run.code == 0, run.err
    records = {name: {row["record"] for row in rows(results) if row["segmenter"] == name} for name in
               ("toy-level:100", "toy-level:1.6e2")}  # fmt: skip
    assert {row["segmenter"] for row in rows(results)} == set(records)
    assert not set.intersection(*records.values())


def test_the_table_says_what_was_set_for_both(done):
    _, results = done
    text = (results / "tables" / "leaderboard.csv").read_text()
    assert text.count("toy-level.softness=4") >= 2


def test_show_explains_it_with_the_text_set(bench):
    shown = bench("show", "toy-level:100", *TOYS)
    assert shown.code == 0, shown.err
    assert "level = 100.0" in shown.out
    assert "--set toy-level.FIELD=VALUE" in shown.out
