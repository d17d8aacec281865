"""Whatever a plugin raises, and wherever: a line that names its file and line, and never exit code 0."""

import pytest

from tests.conftest import PLUGINS
from tests.e2e.conftest import TOY_RUN
from tests.e2e.test_plugin_package import install

PLUGIN = '''
import sys

from bench.contracts import Generator


class Mine(Generator):
    """Nothing."""

    version = 1

    def {method}:
        {body}

    sample = sample if "sample" in vars() else Generator.import_checkpoint
'''
METRIC = '''
from bench.contracts import Measure, Metric, Score


class Mine(Metric):
    """Nothing."""

    version = 1
    uses = ""

    def measures(self, label):
        return (Measure("gap", headline=True),)

    def score(self, real, fake, space, ctx):
        return {{"gap": Score({given}, n_real=len(real.samples), n_fake=len(fake.samples))}}
'''
METHODS = [
    "__init__(self, params)", "check_params(self, devices)", "missing(self)", "files(self)", "notes(self)",
    "pairs(self, conditions)", "base(self)",
]  # fmt: skip
BODIES = {
    "sys.exit(0)": "SystemExit: 0",
    "sys.exit()": "SystemExit",
    "raise BrokenPipeError(32, 'Broken pipe')": "BrokenPipeError: [Errno 32] Broken pipe",
    "unknown_name": "NameError: name 'unknown_name' is not defined",
}


def written(path, method, body):
    path.write_text(PLUGIN.format(method=method, body=body))
    return path


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("body", ["sys.exit(0)", "raise BrokenPipeError(32, 'Broken pipe')"])
def test_no_method_ends_a_run_as_if_it_were_done(toy_run, tmp_path, method, body):
    path = written(tmp_path / "mine.py", method, body)
    done = toy_run("--plugin", path, "--generator", "mine")
    assert done.code == 1, done.err
    assert done.error.startswith(f"bench: {path}: line 13: {BODIES[body]}")


@pytest.mark.parametrize("body", BODIES)
def test_a_stage_fails_and_the_others_go_on(toy_run, tmp_path, body):
    path = written(tmp_path / "mine.py", "sample(self, conditions, model_dir, out, ctx)", body)
    done = toy_run("--plugin", path, "--generator", "mine")
    assert done.code == 1, done.err
    assert f"sample mine: {path}: line 13: {BODIES[body]} (traceback in " in done.error
    assert "toy-mirror" in done.out


@pytest.mark.parametrize("words", [["list"], ["show", "mine"], ["doctor"], ["run", *TOY_RUN, "--dataset", "phantom"]])
def test_no_command_ends_well_where_a_plugin_cannot_be_imported(bench, tmp_path, words):
    path = tmp_path / "mine.py"
    path.write_text("import sys\n\nsys.exit(0)\n")
    done = bench(*words, "--plugin", path)
    assert done.code == 2
    assert done.error.startswith(f"bench: --plugin {path}: line 3: SystemExit: 0")


def test_a_package_is_named_with_its_own_line(process, tmp_path, without_torch):
    install(tmp_path, {"bench.metrics": {"broken": "a_broken_package:Broken"}})
    path = tmp_path / "a_broken_package.py"
    path.write_text("import json\n\njson.loads('{')\n")
    env = {**without_torch, "PYTHONPATH": f"{without_torch['PYTHONPATH']}:{tmp_path}"}
    done = process("list", env=env)
    assert done.code == 2
    assert f"metric broken of a_broken_package:Broken: {path}: line 3: JSONDecodeError: " in done.error
    path.write_text((PLUGINS / "toy_mirror.py").read_text())
    done = process("list", env=env)
    assert done.code == 2
    assert f"{path}: no metric class" in done.error


def test_a_metric_without_its_extractors_is_told_by_its_own_file(bench, discs, tmp_path):
    path = tmp_path / "mine.py"
    path.write_text((PLUGINS / "toy_mean.py").read_text().replace("    Params = Params\n", ""))
    words = [*TOY_RUN[:2], *TOY_RUN[4:], "--metric", "mine", "--dataset", "folder", "--data", discs]
    for command in (["run", *words, "--results", tmp_path / "r"], ["list"], ["show", "mine"]):
        done = bench(*command, "--plugin", path)
        assert done.code == 2
        assert f"{path}: metric ToyMean uses an extractor's features" in done.error
        assert "`extractors: str = param(…)`" in done.error


@pytest.mark.parametrize("given", ["value=True", "value=0.5, low=0.9, high=0.1", "value='0.5'"])
def test_a_wrong_score_costs_no_other_result(toy_run, bench, tmp_path, given):
    """Neither in the run nor in a later table of what is stored."""
    path = tmp_path / "mine.py"
    path.write_text(METRIC.format(given=given))
    done = toy_run("--plugin", path, "--metric", "mine")
    assert done.code == 2, done.err
    assert "metric mine: gap: " in done.error
    board = bench("leaderboard", "--results", tmp_path / "results", "--format", "csv")
    assert board.code == 0, board.err
    assert "distance-Colour" in board.out


def test_a_fault_of_the_suite_keeps_its_traceback(monkeypatch, capsys):
    """And is no success, whatever was raised."""
    from bench import cli

    for problem in (ZeroDivisionError("ours"), SystemExit(0), BrokenPipeError(32, "Broken pipe")):
        monkeypatch.setattr(cli, "_overview", lambda problem=problem: (_ for _ in ()).throw(problem))
        assert cli.run([]) == 1
        assert "Traceback" in capsys.readouterr().err
