"""What a synthetic set is worth in real pairs, by a network whose score follows the number of different images alone:
a set of as many new images as there are real ones is worth their number."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from bench.workflows.known_worths import worth_again
from tests.e2e.conftest import TOYS, made, made_since

SMALL = ["--set", "phantom.size=32", "--set", "phantom.train=80", "--set", "phantom.test=12"]
WORTH = ["worth", "--generator", "toy-mirror", "--dataset", "phantom", "--segmenter", "toy-learner", *TOYS, *SMALL]
FILES = {"worth.csv", "worth.tex", "worth.md", "worth.png", "worth.svg", "worth_curve.csv", "per_image.csv"}


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """Twenty real pairs, and twenty images of the generator's; the curve goes to eighty."""
    return [*WORTH, "--fraction", "25", "--repeats", "3", "--results", str(tmp_path_factory.mktemp("worth"))]


@pytest.fixture(scope="module")
def done(asked, bench):
    return bench(*asked)


def tables(asked):
    (folder,) = (path_of(asked) / "tables").iterdir()
    return folder


def path_of(asked):
    return Path(asked[-1])


def rows(path):
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def bounds(row, name):
    return [float(row[f"{name}_{end}"]) for end in ("low", "high")]


def test_the_interval_covers_the_true_number(done, asked):
    assert done.code == 0, done.err
    added, only = rows(tables(asked) / "worth.csv")[:2]
    assert (added["kind"], added["real"], added["synthetic"], only["kind"], only["real"]) == (
        "added", "20", "20", "only", "0",
    )  # fmt: skip
    for row, true in ((added, 20), (only, 20)):
        low, high = bounds(row, "worth")
        assert low <= true <= high
        assert float(row["exchange_rate"]) == pytest.approx(float(row["worth"]) / 20)
    assert float(added["like"]) == pytest.approx(float(added["worth"]) + 20)


def test_it_says_so_in_a_sentence_a_table_and_pictures(done, asked):
    folder = tables(asked)
    assert {path.name for path in folder.iterdir()} == FILES
    number = r"(\d+) \[(< )?\d+, (> )?\d+\]"
    assert re.search(rf"20 synthetic images of toy-mirror \+ 20 real train like \d+ real \(worth {number}; ", done.out)
    assert "NOT which real pairs a share holds" in " ".join(done.out.split())
    assert (folder / "worth.png").read_bytes()[:4] == b"\x89PNG"
    assert "<svg" in (folder / "worth.svg").read_text()
    curve = [row for row in rows(folder / "worth_curve.csv") if row["metric"] == "mdice@256"]
    assert [row["real"] for row in curve] == ["4", "8", "20", "40", "60", "80"]
    fitted = [float(row["fitted"]) for row in curve]
    assert fitted == sorted(fitted)


@pytest.mark.usefixtures("done")
def test_all_networks_are_trained_for_as_many_updates(asked):
    texts = [path.read_text() for path in (path_of(asked) / "store" / "train").glob("[!.]*/training.json")]
    assert len(texts) == 3 * (6 + 2)
    assert len(set(texts)) == 1


def test_it_is_made_again_from_records_alone(done, asked, bench):
    """By the same command, byte for byte, and by its manifest."""
    folder, results = tables(asked), path_of(asked)
    before, files = made(results), {path.name: path.read_bytes() for path in folder.iterdir()}
    again = bench(*asked)
    assert not made_since(before, results)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == files
    assert again.out == done.out
    assert worth_again(results, folder.name).sentences == tuple(done.out.strip().splitlines()[:2])


def test_the_report_of_a_run_of_the_same_sets_has_their_worth(done, asked, bench, tmp_path):
    """Of the same sets on the same data: those of another share are told nothing, nor are other test images."""
    (worth,) = [line for line in done.out.splitlines() if "20 synthetic images of toy-mirror + 20 real" in line]
    run = ["run", *asked[1:], "--metric", "toy-mean", "--train-on", "real", "added", "--out", tmp_path]
    same = bench(*run)
    assert same.code == 0, same.err
    assert f"{worth} [worth {tables(asked).name}, 3 repeats]" in same.out
    assert worth in (tmp_path / "leaderboard.md").read_text()
    for words in (["--fraction", "50"], ["--set", "phantom.test=9"]):
        other = bench(*run, *words)
        assert other.code == 0, other.err
        assert "[worth" not in other.out


def test_it_reuses_what_a_run_has_trained(bench, tmp_path):
    """All real pairs are the curve's last point; and its plan says so."""
    shared = [*TOYS, *SMALL, "--dataset", "phantom", "--segmenter", "toy-learner", "--results", str(tmp_path)]
    run = bench("run", "--generator", "toy-mirror", "--metric", "toy-mean", "--train-on", "real", *shared)
    assert run.code == 0, run.err
    plan = bench("worth", "--generator", "toy-mirror", "--fraction", "25", *shared, "--dry-run")
    assert plan.code == 0, plan.err
    lines = {line.strip().partition(" ")[2]: line for line in plan.out.splitlines()}
    cached = [name for name, line in lines.items() if line.endswith("cached")]
    assert any(name.startswith("train toy-learner on real 100 %") for name in cached)
    assert not any(name.startswith("train toy-learner on real 50 %") for name in cached)
    assert not (tmp_path / "worth").exists()


def test_a_curve_that_does_not_rise_is_told(bench, tmp_path):
    """The threshold of a network that looks at brightness alone does not move with the number of images."""
    words = [word if word != "toy-learner" else "toy-threshold" for word in WORTH]
    done = bench(*words, "--results", tmp_path, "--fraction", "25", "--train-on", "added")
    assert done.code == 0, done.err
    assert "nothing can be read off a curve that does not rise" in done.out
    assert "toy-threshold: its curve does not rise" in " ".join(done.out.split())


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        ([], ["--fraction"]),
        (["--fraction", "100"], ["--fraction", "100"]),
        (["--fraction", "25", "--curve", "25"], ["--curve 25", "name another"]),
        (["--fraction", "75", "--curve", "10"], ["ends at --fraction 75", "name a larger share"]),
        (["--fraction", "5", "--set", "phantom.train=20"], ["--fraction 5", "take a larger share"]),
    ],
)
def test_what_gives_no_curve_is_refused_in_one_line(bench, tmp_path, words, parts):
    done = bench(*WORTH, "--results", tmp_path, *words)
    assert done.code == 2
    assert all(part in done.error for part in parts)
    assert not (tmp_path / "store" / "train").exists()


def test_a_share_that_is_too_small_is_left_out_with_a_note(bench, tmp_path):
    done = bench(*WORTH, "--results", tmp_path, "--fraction", "50", "--set", "phantom.train=20", "--dry-run")
    assert done.code == 0
    assert "curve without 5 %: 1 real pairs are too few to train on" in done.err + done.out
