"""An installed package adds plugins by its entry points alone; a file adds one by --plugin."""

from __future__ import annotations

import csv
import subprocess
import sys
import tomllib

import pytest

from tests.conftest import PLUGINS
from tests.e2e.conftest import ROOT, TOY_RUN, made, made_since

PACKAGE = ROOT / "tests" / "plugin_package"
PROJECT = tomllib.loads((PACKAGE / "pyproject.toml").read_text())["project"]
LIMITS = {"area_gap.py": 40, "noise.py": 80}


def install(site, points):
    """What an installer leaves behind, without one: no build tool and no network is needed."""
    info = site / "mask_bench_example-0.1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {PROJECT['name']}\nVersion: {PROJECT['version']}\n")
    lines = [f"[{group}]\n" + "".join(f"{k} = {v}\n" for k, v in named.items()) for group, named in points.items()]
    (info / "entry_points.txt").write_text("\n".join(lines))


@pytest.fixture
def installed(tmp_path, without_torch):
    """An environment with the package in it."""
    install(tmp_path / "site", PROJECT["entry-points"])
    path = f"{without_torch['PYTHONPATH']}:{tmp_path / 'site'}:{PACKAGE}"
    return {**without_torch, "PYTHONPATH": path}


def test_it_is_listed_only_where_it_is_installed(process, bench, installed):
    known = process("list", env=installed).out
    assert "noise          Each mask filled with the mean lesion colour" in known
    assert "area-gap       Difference of the mean share of lesion pixels" in known
    assert "area-gap" not in bench("list").out


def test_it_is_shown_with_its_parameters_and_where_it_comes_from(process, installed):
    shown = process("show", "noise", "--set", "noise.spread=3", env=installed).out
    assert "generator noise (version 1)" in shown
    (spread,) = [line for line in shown.splitlines() if "spread = 3.0 grey levels" in line]
    assert "12.0" in spread
    assert "from: mask_bench_example.noise" in shown
    assert "from: mask_bench_example.area_gap:AreaGap" in process("show", "area-gap", env=installed).out


def test_it_runs(process, installed, discs, tmp_path):
    """With nothing in `bench/` changed: fitted, sampled, scored, trained with, and reused."""
    words = ["run", *TOY_RUN, "--generator", "noise", "--metric", "area-gap", "--dataset", "folder", "--data", discs,
             "--results", tmp_path / "r", "--out", tmp_path / "tables"]  # fmt: skip
    done = process(*words, env=installed)
    assert done.code == 0, done.err
    with (tmp_path / "tables" / "scores.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    gap = {row["generator"]: float(row["value"]) for row in rows if row["metric"] == "area gap"}
    assert gap["noise"] == gap["copy-paste"] == 0.0
    assert "real+noise" in {row["row"] for row in rows}
    before = made(tmp_path / "r")
    assert process(*words, env=installed).code == 0
    assert not made_since(before, tmp_path / "r")


@pytest.mark.parametrize(("name", "limit"), LIMITS.items())
def test_it_is_small(name, limit):
    assert len((PACKAGE / "mask_bench_example" / name).read_text().splitlines()) <= limit


def test_a_broken_package_is_named(process, tmp_path, without_torch):
    install(tmp_path, {"bench.metrics": {"broken": "nowhere.at_all"}})
    env = {**without_torch, "PYTHONPATH": f"{without_torch['PYTHONPATH']}:{tmp_path}"}
    done = process("show", "broken", env=env)
    assert done.code == 2
    assert "metric broken of nowhere.at_all: ModuleNotFoundError: " in done.error


def test_a_name_that_is_taken_is_refused(process, tmp_path, without_torch):
    install(tmp_path, {"bench.metrics": {"fid": "mask_bench_example.area_gap"}})
    env = {**without_torch, "PYTHONPATH": f"{without_torch['PYTHONPATH']}:{tmp_path}:{PACKAGE}"}
    told = process("list", env=env).error
    assert "metric fid of mask_bench_example.area_gap" in told
    assert "entry point" in told


def test_a_file_is_a_plugin_too(bench, tmp_path):
    path = tmp_path / "my_mirror.py"
    path.write_text((PLUGINS / "toy_mirror.py").read_text())
    assert "my-mirror" in bench("list", "generator", "--plugin", path).out
    assert f"from: {path}" in bench("show", "my-mirror", "--plugin", path).out


@pytest.mark.slow
def test_it_installs_as_any_package_does(process, tmp_path, without_torch):
    """With the build tool at hand (it may not be: then the tests above stand alone)."""
    made = subprocess.run(
        [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation",
         "--target", tmp_path / "site", PACKAGE], capture_output=True, text=True)  # fmt: skip
    if made.returncode != 0:
        pytest.skip(made.stderr.strip().splitlines()[-1])
    env = {**without_torch, "PYTHONPATH": f"{without_torch['PYTHONPATH']}:{tmp_path / 'site'}"}
    assert "area-gap" in process("list", env=env).out
