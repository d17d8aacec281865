"""Controls with known truth in a run: several doses side by side, unused pairs handed out, and what is refused."""

import csv

import pytest

import bench as bench_api
from bench.errors import BenchError
from bench.images import load_rgb
from tests.e2e.conftest import TOYS, made, made_since

TOY = ["--metric", "toy-mean", "--segmenter", "toy-threshold", *TOYS]
SMALL = ["--dataset", "phantom", "--set", "phantom.size=32", "--set", "phantom.train=12", "--set", "phantom.test=2"]
DOSES = ["oracle", "oracle-shifted:0", "oracle-shifted:2", "blurred:1", "blurred:3", "warped:1", "warped:3"]


def names(*generators):
    return [word for name in generators for word in ("--generator", name)]


@pytest.fixture(scope="module")
def doses(bench, tmp_path_factory):
    results = tmp_path_factory.mktemp("doses")
    words = ["run", *names(*DOSES), *TOY, *SMALL, "--set", "blurred.side=32", "--results", results]
    return words, bench(*words), results


def scores(done):
    with (done.tables / "scores.csv").open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_each_dose_has_rows_sets_and_records_of_its_own(doses):
    _, done, _ = doses
    assert done.code == 0, done.err
    rows = scores(done)
    for name in DOSES:
        assert f"real+{name} (control)" in {row["row"] for row in rows}
    records = {name: {row["record"] for row in rows if row["generator"] == name} for name in DOSES}
    assert all(records.values())
    assert sum(map(len, records.values())) == len(set.union(*records.values()))


def test_a_larger_dose_is_further_from_the_training_images(doses):
    """By mean colour, which hue shifts and blur and warped masks do not."""
    _, done, _ = doses
    found = {row["generator"]: float(row["value"]) for row in scores(done) if row["metric"] == "distance-Colour"}
    assert found["oracle-shifted:2"] > 3 * found["oracle-shifted:0"]
    assert found["warped:1"] == found["warped:3"] == 0


def test_the_same_command_makes_nothing_anew(doses, bench):
    words, first, results = doses
    before = made(results)
    assert bench(*words).out == first.out
    assert not made_since(before, results)


@pytest.fixture(scope="module")
def unused(bench, tmp_path_factory):
    results = tmp_path_factory.mktemp("unused")
    words = [*names("held-out"), "--fraction", 25, "--train-on", "real", "added", "only", "--multiple", 2]
    return bench("run", *words, *TOY, *SMALL, "--results", results), results


def test_exactly_the_unused_pairs_are_handed_out(unused):
    """Nine of twelve, pixel for pixel, disjoint from the three that are trained on; training sets count them so."""
    done, results = unused
    assert done.code == 0, done.err
    pairs = {row["row"]: int(row["pairs"]) for row in leaderboard(done)}
    assert pairs["real+held-out (control)"] == 3 + 9
    assert pairs["held-out only (control)"] == 9
    real = {load_rgb(path).tobytes(): path.stem for path in results.glob("store/build/*/train/images/*.png")}
    by_set = {}
    for folder in results.glob("store/sample/[!.]*"):
        images = [load_rgb(path).tobytes() for path in (folder / "images").glob("*.png")]
        by_set[len(images)] = {real[one] for one in images}
    assert {size: len(one) for size, one in by_set.items()} == {9: 9, 6: 3}, "held-out, and copy-paste twice"
    assert not by_set[9] & by_set[6]


def leaderboard(done):
    with (done.tables / "leaderboard.csv").open(newline="", encoding="utf-8") as stream:
        return [{"row": row["trained on"], "pairs": row["pairs"]} for row in csv.DictReader(stream)]


def test_all_controls_that_apply_are_added_and_the_others_noted(bench, tmp_path):
    """As a plan: nothing is computed. The note is in the log that --verbose shows."""
    pytest.importorskip("diffusers")
    words = ["run", *names("toy-mirror"), "--controls", *TOY, *SMALL, "--results", tmp_path, "--dry-run"]
    done = bench(*words)
    assert done.code == 0, done.err
    for name in ("oracle", "planted", "real-again", "reconstruction"):
        assert f"real+{name} (control)" in " ".join(done.out.split())
    assert "held-out" not in done.out


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["--generator", "held-out"], "--fraction"),
        (["--generator", "planted:101"], "out of range"),
        (["--generator", "mode:0"], "out of range"),
        (["--generator", "oracle:1"], "takes nothing after its name"),
    ],
)
def test_bad_input_is_one_line_before_anything_is_computed(bench, tmp_path, words, part):
    done = bench("run", *words, *TOY, *SMALL, "--results", tmp_path / "results")
    assert done.code == 2
    assert part in done.error
    assert not made(tmp_path / "results")


def test_the_oracle_of_real_images_is_refused(bench, discs, tmp_path):
    words = [*names("oracle"), *TOY, "--dataset", "folder", "--data", discs]
    done = bench("run", *words, "--results", tmp_path / "results")
    assert done.code == 2
    assert "generator oracle: it works on dataset phantom alone, and this run is on folder" in done.error
    assert not made(tmp_path / "results")


HONEST = """
from bench.contracts import Must, Truth
from generators.blurred import Blurred


class Honest(Blurred):
    doses = ("1", "3")
    truths = (Truth(metric="toy-mean", must=Must.{must}, within=50),)
"""


@pytest.fixture
def certify(bench, tmp_path):
    """`controls` with a control of one's own, which has to do what is given."""

    def run(must, *options):
        (tmp_path / "honest.py").write_text(HONEST.format(must=must))
        words = ["controls", *TOY, *SMALL, "--set", "phantom.train=24", "--plugin", tmp_path / "honest.py"]
        return bench(*words, "--null-repeats", 6, *options, "--results", tmp_path / "results")

    return run


@pytest.mark.slow
@pytest.mark.parametrize(("must", "held"), [("ZERO", "True"), ("TOLD", "False")])
def test_a_control_of_ones_own_is_certified(certify, tmp_path, must, held):
    """A blur moves no mean colour: that it does not is a promise kept, and that it is told from real one broken."""
    done = certify(must)
    with next(tmp_path.rglob("certificate.csv")).open(newline="", encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if row["control"] == "honest"]
    assert [(row["number"], row["doses"], row["held"]) for row in rows] == [("distance-Colour", "1 3", held)]
    assert "False claims" in done.out
    assert {path.suffix for path in tmp_path.rglob("false_claims.*")} == {".tex", ".md"}
    # Of one repeat nothing else is decided.
    assert done.code == (1 if held == "False" else 0)


def test_the_plan_of_a_certificate_has_every_dose(certify):
    done = certify("ZERO", "--dry-run")
    assert done.code == 0, done.err
    assert all(name in done.out for name in ("honest:1", "honest:3", "blurred:0.5", "real-again"))


def test_python_refuses_what_the_command_does():
    with pytest.raises(BenchError, match="null repeats -1: expected a whole number from 0 to 1000"):
        bench_api.controls("phantom", null_repeats=-1)


def test_a_dose_that_is_named_takes_part_beside_a_controls_own(certify):
    done = certify("ZERO", "--generator", "blurred:3", "--dry-run")
    assert done.code == 0, done.err
    assert all(name in done.out for name in ("blurred:3", "blurred:0.5", "honest:1"))


@pytest.mark.parametrize(
    ("must", "options", "part"),
    [
        ("HARM", (), "Must.HARM is no rule for measures of sets"),
        ("ZERO", ("--null-repeats", 2000), "null repeats 2000: expected a whole number from 0 to 1000"),
    ],
)
def test_what_cannot_be_certified_is_refused_before_anything_is_computed(certify, tmp_path, must, options, part):
    done = certify(must, *options)
    assert done.code == 2
    assert part in done.error
    assert not made(tmp_path / "results")
