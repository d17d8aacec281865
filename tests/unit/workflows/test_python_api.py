"""`bench.run` and `bench.score` give what the commands give. Nothing here needs torch."""

import re
import shutil

import pytest

import bench
from bench.cli import run as command
from bench.errors import BenchError
from tests.conftest import PLUGINS, make_pairs

TOYS = sorted(PLUGINS.glob("toy_*.py"))
FAILING = '''
from bench.contracts import Generator


class Mine(Generator):
    """Fails."""

    version = 1

    def sample(self, conditions, model_dir, out, ctx):
        raise ValueError("no images today")
'''


@pytest.fixture
def toys(tmp_path):
    """Runs of toys on ten pairs; more options may follow."""
    make_pairs(tmp_path / "data", 10)

    def go(*generators, plugins=(), **options):
        return bench.run(
            generators or ["toy-mirror"], "folder", tmp_path / "data", metrics=["toy-mean"],
            segmenters=["toy-threshold"], plugins=[*TOYS, *plugins], results=tmp_path / "results", **options,
        )  # fmt: skip

    return go


def test_a_run_returns_its_leaderboard_and_its_files(toys, tmp_path, capsys):
    result = toys(train_on=["real", "only"])
    assert (result.failures, capsys.readouterr().out) == ((), "")
    assert {path.parent for path in result.files} == {tmp_path / "results/tables" / result.name}
    assert all(path.is_file() for path in result.files)
    assert "toy-mirror only" in str(result)
    assert command(["leaderboard", "--results", str(tmp_path / "results")]) == 0
    assert capsys.readouterr().out == f"{result}\n"


def test_what_failed_is_in_the_result_and_the_rest_is_kept(toys, tmp_path):
    (tmp_path / "mine.py").write_text(FAILING)
    result = toys("toy-mirror", "mine", plugins=[tmp_path / "mine.py"])
    causes = [failure for failure in result.failures if not failure.blocked]
    assert [(failure.stage.label, failure.ours) for failure in causes] == [("sample mine", True)]
    assert "no images today" in causes[0].message
    assert "not finished: sample mine" in result.notes
    assert "toy-mirror" in str(result)


def test_a_request_that_cannot_be_met_is_refused(toys, tmp_path):
    with pytest.raises(BenchError, match="unknown generator 'toy-miror'; did you mean toy-mirror"):
        toys("toy-miror")
    (tmp_path / "file").write_text("x")
    with pytest.raises(BenchError, match="--out .*file: is a file; name a folder"):
        toys(out=tmp_path / "file")
    with pytest.raises(TypeError, match=r"generators='siamese' is one name; write generators=\['siamese'\]"):
        bench.run("siamese", "polyps")
    with pytest.raises(TypeError, match="there is no option segmenter; did you mean segmenters"):
        bench.run(["siamese"], "polyps", segmenter="unet")


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        ({"controls": ["reconstruction"]}, "controls: expected bool, got ['reconstruction']"),
        ({"strict": "no"}, "strict: expected bool, got 'no'"),
        ({"seed": 1.5}, "seed: expected int, got 1.5"),
        ({"seed": -3}, "seed: -3 is out of range"),
        ({"workers": -3}, "workers: -3 is out of range"),
        ({"max_pixels": 0}, "max_pixels: 0 is out of range"),
        ({"profile": 3}, "profile: expected str, got 3"),
        ({"data": ""}, "data: expected a path, got ''"),
        ({"settings": 5}, "settings: expected a list, got 5"),
        ({"dataset": None}, "dataset: is missing"),
        ({"generators": []}, "--generator: name one"),
    ],
)
def test_a_value_of_another_type_or_range_is_refused(options, parts):
    asked = {"generators": ["siamese"], "dataset": "polyps"} | options
    with pytest.raises(BenchError, match=re.escape(parts)):
        bench.run(asked.pop("generators"), asked.pop("dataset"), **asked)


def test_scores_of_maps_are_those_of_the_command(tmp_path, capsys):
    make_pairs(tmp_path / "real", 4)
    shutil.copytree(tmp_path / "real/masks", tmp_path / "pred")
    found = bench.score(tmp_path / "pred", tmp_path / "real", seed=3)
    words = ["score", "--pred", tmp_path / "pred", "--truth", tmp_path / "real", "--seed", 3]
    for form in ("table", "csv", "json"):
        assert command([*map(str, words), "--format", form]) == 0
        assert capsys.readouterr().out.rstrip("\n") == found.to(form).rstrip("\n")
    assert len(found.images) == 4
    with pytest.raises(BenchError, match="format 'xml': unknown"):
        found.to("xml")
    assert found.per_image().splitlines()[0].startswith("id,group,")
    with pytest.raises(BenchError, match="nowhere"):
        bench.score(tmp_path / "nowhere", tmp_path / "real")
