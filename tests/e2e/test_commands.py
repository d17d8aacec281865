"""`list`, `show`, `doctor`, `--help`, `--version`: what they say, and that they start at once."""

from __future__ import annotations

import statistics
import subprocess
import time

import pytest

from bench.cli import COMMANDS, run
from bench.plugins.registry import ROOMS, Registry
from bench.text import WIDTH
from bench.version import __version__
from tests.conftest import PLUGINS, make_pairs
from tests.e2e.conftest import HEAVY, ROOT, imported


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"]])
def test_the_overview_names_every_command(bench, words):
    done = bench(*words)
    assert (done.code, done.err) == (0, "")
    assert all(f"  {name} " in done.out for name in COMMANDS)
    assert "python -m bench COMMAND --help" in done.out


def test_version(bench):
    assert bench("--version").out == f"{__version__}\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_has_a_help_text(bench, name):
    done = bench(name, "--help")
    assert (done.code, done.err) == (0, "")
    assert f"usage: python -m bench {name}" in done.out
    body = done.out.split("options:")[1] if "options:" in done.out else ""
    lines = body.splitlines()
    for number, line in enumerate(lines):
        if line.startswith("  -"):
            words = line.split("  ")
            explained = len([word for word in words if word.strip()]) > 1 or lines[number + 1].startswith(" " * 20)
            assert explained, line


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["list"],
        ["run", "--help"],
        ["show", "fid"],
        ["show", "siamese"],
        ["show", "adc", "--profile", "paper"],
    ],
)
def test_nothing_heavy_is_imported(words):
    """Not even where it is installed. What generators train is known without building it."""
    assert not set(HEAVY) & imported(*words)


@pytest.mark.benchmark
def test_help_starts_at_once(command):
    """Median of five; the target is 0.3 s, the limit allows for a busy machine."""
    times = []
    for _ in range(5):
        started = time.monotonic()
        subprocess.run(command("--help"), cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        times.append(time.monotonic() - started)
    print(f"python -m bench --help: median {statistics.median(times):.3f} s of {len(times)}")
    assert statistics.median(times) < 1.0


@pytest.mark.parametrize(("words", "code"), [(["--version"], 0), (["rum"], 2), (["list", "--plugin", "no.py"], 2)])
def test_a_process_ends_with_the_exit_code(process, words, code):
    """One line on the error stream where it is not 0."""
    done = process(*words)
    assert (done.code, bool(done.out)) == (code, code == 0)
    assert len(done.lines) == (code != 0)


def test_list_shows_every_plugin_with_its_first_line(bench):
    out = bench("list").out
    registry = Registry()
    for kind in ROOMS:
        assert f"{kind}s\n" in out
        for name in registry.names(kind):
            plugin = registry.load(kind, name)
            first = (plugin.__doc__ or "").strip().split("\n")[0]
            mark = "  [control]" if getattr(plugin, "control", False) else ""
            assert f"  {name:14} {first}{mark}\n" in out.replace("  [not installed", "\n")
    assert out.count("[control]") == sum(
        getattr(registry.load("generator", one), "control", False) for one in registry.names("generator")
    )


@pytest.mark.parametrize("kind", ROOMS)
def test_list_of_one_kind(capsys, kind):
    """Under its own name and under the heading that `list` prints."""
    assert run(["list", kind]) == 0
    out = capsys.readouterr().out
    assert [line for line in out.splitlines() if not line.startswith(" ")] == [f"{kind}s"]
    assert run(["list", f"{kind}s"]) == 0
    assert capsys.readouterr().out == out


def test_list_into_a_reader_that_has_gone(command, without_torch):
    """`bench list | true`: no complaint about a broken pipe."""
    line = " ".join(command("list")) + " | true"
    done = subprocess.run(["bash", "-c", line], cwd=ROOT, env=without_torch, capture_output=True, text=True)
    assert done.stderr == ""


def test_show_tells_meaning_origin_needs_and_parameters(process):
    out = process("show", "siamese", "--set", "siamese.steps=7").out
    for part in ("generator siamese (version", "cite: Qiu et al.", "needs: torch", "from: generators.siamese"):
        assert part in out
    (steps,) = [line for line in out.splitlines() if "steps = 7" in line]
    assert "int" in steps
    assert "3000" in steps
    assert "checkpoint_every" in out
    assert "cannot change a result" in out
    assert "parameters, base model tiny:" in out


def test_show_says_why_it_cannot_count_parameters(process):
    assert "torch is blocked" in process("show", "unet").out


def test_show_tells_the_suite_s_own_parameters(bench):
    """With the profile's values; without naming a plugin."""
    out = bench("show", "masks", "--profile", "paper").out
    (rotation,) = [line for line in out.splitlines() if "rotation = 0.0 degrees" in line]
    assert "180.0" in rotation
    assert "--set masks.FIELD=VALUE" in out
    assert "rotation = 5.0" in bench("show", "masks", "--set", "masks.rotation=5").out


def test_show_of_a_name_that_two_kinds_share(bench):
    """Both are shown, each with the option that reaches it; KIND.NAME picks one."""
    both = bench("show", "folder").out
    assert "--set dataset.folder.FIELD=VALUE" in both
    assert "--set generator.folder.FIELD=VALUE" in both
    one = bench("show", "generator.folder").out
    assert "generator folder (version" in one
    assert "dataset folder (version" not in one


def test_show_of_a_plugin_file(bench):
    out = bench("show", "toy-mean", "--plugin", PLUGINS / "toy_mean.py").out
    assert "metric toy-mean" in out
    assert "extractor toy-mean" in out


def test_doctor_says_what_is_there_and_what_to_do(process, tmp_path, without_torch):
    """Weights that are absent come with their remedy; data that are found with their counts."""
    make_pairs(tmp_path / "data" / "TrainDataset", 4)
    make_pairs(tmp_path / "data" / "TestDataset" / "Kvasir", 2)
    env = {**without_torch, "TORCH_HOME": str(tmp_path / "torch")}
    done = process("doctor", "--data", tmp_path / "data", "--results", tmp_path / "r", env=env)
    assert (done.code, done.err) == (0, "")
    assert "device cpu" in done.out
    assert str(tmp_path / "r") in done.out
    assert "numpy" in done.out
    inception = done.out.partition("extractor inception")[2].partition("\n  extractor ")[0]
    assert str(tmp_path / "torch") in inception
    assert "--download" in inception
    assert len(inception.partition("\n")[0]) <= WIDTH
    assert "polyps         train 4, test/Kvasir 2; absent: test/CVC-300" in done.out
    assert "published protocol has 1450" in done.out
    assert "isic2018       --data" in done.out


def test_doctor_survives_a_wrong_path(bench, tmp_path):
    """One plugin's trouble is a line of the report, not its end."""
    done = bench("doctor", "--set", f"inception.weights={tmp_path / 'no.pth'}")
    assert done.code == 0
    assert next(line for line in done.out.splitlines() if str(tmp_path / "no.pth") in line)
    assert "segmenter unet" in done.out


def test_doctor_names_packages_that_are_not_installed(bench, tmp_path):
    path = tmp_path / "mine.py"
    path.write_text((PLUGINS / "toy_mirror.py").read_text().replace("version = 1", "version = 1; requires = ('nix',)"))
    out = bench("doctor", "--plugin", path).out
    line = next(line for line in out.splitlines() if line.startswith("not installed: "))
    assert "nix" in line
    assert "; pip install" in line
    assert "generator mine           needs nix" in out
