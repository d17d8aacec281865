"""Weight files through the command line: where they are looked for, what is refused, who stands in."""

from __future__ import annotations

import hashlib

import pytest

from bench.plugins.registry import Registry
from tests.conftest import PLUGINS
from tests.e2e.conftest import TOYS

WEIGHTS = b"three numbers"
KNOWN = f"""
from dataclasses import dataclass
from bench.contracts import param
from metrics.extractors._weights import Published
import bench_plugin_toy_mean as toy

@dataclass(frozen=True)
class Params:
    weights: str = param("", "path of known.bin or its folder", key=False)

class Known(Published):
    '''Mean colours, given weights.'''
    version = 1
    Params = Params
    label, backbone, resize, dim = "Known", "mean colour", "none", 3
    file, weights_size, address = "known.bin", {len(WEIGHTS)}, "https://example.org/known.bin"
    sha256 = "{hashlib.sha256(WEIGHTS).hexdigest()}"
    features = toy.ToyColour.features

    def open(self, ctx):
        self.checked(ctx)
        return self
"""


@pytest.fixture
def known(tmp_path):
    """--plugin options: the toys, and an extractor `known` whose weights are a file of a few bytes."""
    (tmp_path / "known.py").write_text(KNOWN)
    return [*TOYS, "--plugin", str(tmp_path / "known.py")]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "weights").mkdir()
    return tmp_path / "weights"


@pytest.fixture
def run(bench, known, discs, tmp_path):
    """A run of toys whose metric prefers `known`; torch hub's folder is an empty one."""
    words = ["run", *known, "--generator", "toy-mirror", "--segmenter", "toy-threshold", "--metric", "toy-mean"]
    words += ["--dataset", "folder", "--data", discs, "--results", tmp_path / "results"]
    env = {"TORCH_HOME": str(tmp_path / "torch")}
    both = ["--set", "metric.toy-mean.extractors=known,toy-mean"]
    return lambda *more, prefer=both: bench(*words, *prefer, *more, env=env)


def test_weights_in_the_folder_are_used(run, folder):
    (folder / "known.bin").write_bytes(WEIGHTS)
    done = run("--weights", folder)
    assert done.code == 0, done.err
    assert "distance-Known" in done.out
    assert "stands in" not in done.err


def test_another_stands_in_for_what_a_folder_lacks_and_one_line_says_so(run, folder):
    """The file, the first digits of its sha256 and the folder; the column bears the other's name."""
    for option in (["--weights", folder], ["--set", f"known.weights={folder}"]):
        done = run(*option)
        assert done.code == 0, done.err
        (line,) = [line for line in done.lines if "stands in" in line]
        sha = hashlib.sha256(WEIGHTS).hexdigest()[:8]
        assert all(part in line for part in ("toy-mean stands in for known", "known.bin", sha, str(folder)))
        assert "distance-Colour" in done.out
        assert "distance-Known" not in done.out


def test_who_said_nothing_of_weights_is_told_nothing(run):
    done = run("--dry-run")
    assert done.code == 0, done.err
    assert "stands in" not in done.err


def test_other_bytes_under_the_right_name_are_refused(run, folder):
    """In one line, although another extractor could step in."""
    (folder / "known.bin").write_bytes(b"four numbers")
    done = run("--weights", folder)
    assert done.code == 2
    assert f"{folder / 'known.bin'}: sha256 is" in done.error


def test_a_folder_that_does_not_exist_is_refused(run, bench, tmp_path):
    for done in (run("--weights", tmp_path / "no"), bench("doctor", "--weights", tmp_path / "no")):
        assert done.code == 2
        assert f"--weights {tmp_path / 'no'}: no such folder" in done.error


def test_set_wins_over_the_folder(run, folder, tmp_path):
    (folder / "known.bin").write_bytes(b"four numbers")
    (tmp_path / "mine").write_bytes(WEIGHTS)
    done = run("--weights", folder, "--set", f"known.weights={tmp_path / 'mine'}")
    assert done.code == 0, done.err
    assert "distance-Known" in done.out


def test_without_a_stand_in_one_line_says_what_to_put_where(run, folder):
    done = run("--weights", folder, prefer=["--set", "metric.toy-mean.extractors=known"])
    assert done.code == 2
    assert f"{folder / 'known.bin'}: " in done.error
    assert "https://example.org/known.bin" in done.error


def test_a_folder_for_extractors_that_have_no_weights_is_refused(run, folder):
    done = run("--weights", folder, prefer=[])
    assert done.code == 2
    assert f"--weights {folder}: " in done.error


def weights_table(out):
    """Cells of doctor's table by extractor."""
    lines = out.split("weight files of the extractors")[1].split("\n\n")[0].splitlines()[2:]
    return {line.split()[0]: line for line in lines}


def test_doctor_lists_every_weight_file(bench, known, folder, tmp_path):
    """Name, full sha256, size, where it is looked for and whether it is there; wrong bytes are no crash."""
    env = {"TORCH_HOME": str(tmp_path / "torch")}
    registry = Registry([*sorted(PLUGINS.glob("toy_*.py"))])
    rows = weights_table(bench("doctor", *known, env=env).out)
    assert {*registry.names("extractor"), "known"} == set(rows)
    for name in registry.names("extractor"):
        cls = registry.load("extractor", name)
        one = cls(cls.Params())
        where = str(tmp_path / "torch" / "hub" / "checkpoints") if one.address else ""
        assert all(part in rows[name] for part in (one.file, one.sha256, where)), rows[name]
        assert f"  {one.weights_size / 1e6:.1f}  " in rows[name] or not one.file
        assert ("absent" in rows[name]) == bool(one.address)
    for content, state in ((b"four numbers", "wrong sha256"), (WEIGHTS, "present")):
        (folder / "known.bin").write_bytes(content)
        done = bench("doctor", *known, "--weights", folder, env=env)
        assert done.code == 0
        row = weights_table(done.out)["known"]
        assert state in row
        assert str(folder) in row


@pytest.mark.parametrize(("profile", "harmless"), [("demo", True), ("paper", False)])
def test_doctor_calls_absent_weights_a_fault_only_where_nothing_stands_in(bench, tmp_path, profile, harmless):
    env = {"TORCH_HOME": str(tmp_path / "torch")}
    out = bench("doctor", "--profile", profile, env=env).out
    line = " ".join(out.partition("  extractor inception")[2].partition("\n  extractor")[0].split())
    assert ("lite0 stands in" in line) == harmless
    assert "no such file" in line
