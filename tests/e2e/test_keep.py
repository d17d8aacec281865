"""--keep: a filtered set beside the whole one, with as many updates, and what was kept said."""

import csv

import pytest

from tests.e2e.conftest import TOYS

RUN = [
    "run", "--generator", "toy-mirror", "--metric", "alignment", "--segmenter", "toy-threshold", *TOYS,
    "--dataset", "polyps", "--set", "phantom.size=32", "--set", "phantom.train=8", "--set", "phantom.test=4",
]  # fmt: skip
NAME = "toy-mirror (best 50 % in alignment)"


def rows(done, name):
    with (done.tables / name).open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def filtered(bench, tmp_path_factory):
    results = tmp_path_factory.mktemp("keep")
    rule = ("--keep", "top=50%:alignment", "--train-on", "real", "equal-updates", "added", "only")
    return bench(*RUN, *rule, "--repeats", "2", "--results", results)


def test_a_filtered_set_is_a_row_of_its_own_with_as_many_updates(filtered):
    assert filtered.code == 0, filtered.err
    pairs = {row["row"]: row["pairs"] for row in rows(filtered, "scores.csv") if row["row"]}
    assert pairs == {
        "real": "8",
        "real+copy-paste (equal updates)": "16",
        "real+toy-mirror": "16",
        f"real+{NAME}": "16",
        "copy-paste only": "8",
        "toy-mirror only": "8",
        f"{NAME} only": "8",
    }
    assert f"real+{NAME}" in {row["row"] for row in rows(filtered, "verdicts.csv")}


def test_what_was_kept_is_said_and_scored(filtered):
    assert f"{NAME}: kept 4, 4 of 8 pairs" in filtered.out.replace("\n  ", " ")
    means = {
        row["generator"]: float(row["value"])
        for row in rows(filtered, "scores.csv")
        if row["metric"] == "alignment-toy-threshold" and not row["stratum"]
    }
    assert means[NAME] >= means["toy-mirror"]


@pytest.mark.parametrize(("words", "parts"), [
    (["--keep", "kid>=1"], ["--keep", "metric kid takes no part"]),
    (["--keep", "kid>=1", "--metric", "kid"], ["kid is one of whole sets", "alignment"]),
    (["--keep", "alignment"], ["--keep alignment", "is no rule"]),
])  # fmt: skip
def test_a_rule_that_cannot_be_followed_is_refused_before_anything_runs(bench, tmp_path, words, parts):
    done = bench(*RUN, *words, "--results", tmp_path)
    assert done.code == 2
    assert all(part in done.error for part in parts), done.error
