"""Several processes train together: the losses and the weights of one process, resumed after a kill."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from safetensors.torch import load_file

from bench.engine.distributed import alone_by_mistake

ROOT = Path(__file__).parents[2]
PLUGINS = [part for name in ("mean", "threshold") for part in ("--plugin", f"tests/plugins/toy_{name}.py")]
SETTINGS = {"steps": 6, "sampler_steps": 1, "sample_batch": 16, "checkpoint_every": 2, "preview_every": 0}
RUN = [
    "-m", "bench", "run", "--device", "cpu", "--generator", "siamese", "--dataset", "phantom", "--metric", "toy-mean",
    "--segmenter", "toy-threshold", *PLUGINS, *(f"--set=siamese.{name}={value}" for name, value in SETTINGS.items()),
]  # fmt: skip
ALONE = [sys.executable, *RUN]
TWO = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", "29417", *RUN]
ENV = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}


def run(command, results, *more):
    return subprocess.run([*command, "--results", results, *more], cwd=ROOT, env=ENV, capture_output=True, text=True)


def trained(results):
    """Folder of the one model with a loss curve."""
    (curve,) = (results / "store" / "fit").glob("*/loss.csv")
    return curve.parent


def sampled(results):
    """Bytes of the synthetic images of all sets, by set and name."""
    paths = (results / "store" / "sample").glob("*/images/*.png")
    return {(path.parts[-3], path.name): path.read_bytes() for path in paths}


def losses(folder):
    with (folder / "loss.csv").open(newline="") as stream:
        return [{name: float(value or 0) for name, value in row.items()} for row in csv.DictReader(stream)]


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    results = tmp_path_factory.mktemp("two")
    done = run(TWO, results)
    assert done.returncode == 0, done.stderr
    return results, done


@pytest.mark.slow
def test_two_processes_give_the_losses_of_one_with_twice_their_batch(two, tmp_path):
    """Batch 8: four images in each of two processes, eight in one."""
    done = run(ALONE, tmp_path)
    assert done.returncode == 0, done.stderr
    got, want = losses(trained(two[0])), losses(trained(tmp_path))
    assert len(got) == 6
    for ours, theirs in zip(got, want, strict=True):
        assert ours == pytest.approx(theirs, rel=1e-4, abs=1e-7)
    assert trained(two[0]).name == trained(tmp_path).name  # the number of processes is no part of the key
    ours, theirs = sampled(two[0]), sampled(tmp_path)
    assert ours.keys() == theirs.keys()
    assert len(ours) == 2 * 120  # those of the control too


@pytest.mark.slow
def test_one_process_speaks_and_writes_the_table_once(two):
    results, done = two
    (log,) = (results / "logs").glob("*.log")
    assert len(re.findall(r"train siamese: [\d.]+ s, in", log.read_text(encoding="utf-8"))) == 1
    assert json.loads((trained(results) / "record.json").read_text())["processes"] == 2
    assert done.stdout.count("Synthetic sets and the segmenters trained with them") == 1
    assert len(list((results / "tables").glob("*/leaderboard.csv"))) == 1


@pytest.mark.slow
def test_killed_processes_resume_to_the_same_weights(two, tmp_path):
    """Killed, with the launcher, once a checkpoint lies there."""
    process = subprocess.Popen([*TWO, "--results", tmp_path], cwd=ROOT, env=ENV, start_new_session=True)
    while not list((tmp_path / "store" / "fit").glob(".*.partial/work/checkpoint-*.pt")):
        assert process.poll() is None
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    done = run(TWO, tmp_path)
    assert done.returncode == 0, done.stderr
    for name in ("controlnet.safetensors", "decoder.safetensors"):
        got, want = load_file(trained(tmp_path) / name), load_file(trained(two[0]) / name)
        assert all((got[key] == want[key]).all() for key in want)


@pytest.mark.slow
def test_a_users_mistake_is_told_once_and_ends_every_process(tmp_path):
    """A batch that two devices of three micro-batches cannot share: no process hangs, none but the first complains."""
    done = run(TWO, tmp_path, "--set", "siamese.accumulation=3")
    assert done.returncode != 0
    assert done.stderr.count("accumulation=3") == 1
    assert "[rank1]" not in done.stderr


@pytest.mark.slow
def test_a_failure_in_training_ends_every_process(tmp_path):
    """A learning rate that breaks the weights."""
    done = run(TWO, tmp_path, "--set", "siamese.lr=1e30")
    assert done.returncode != 0
    assert "is not finite" in done.stderr


def test_a_launcher_that_started_one_process_is_noticed(monkeypatch):
    for name in ("WORLD_SIZE", "PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE", "MASTER_ADDR"):
        monkeypatch.delenv(name, raising=False)
    assert not alone_by_mistake()
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")
    monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", "no")
    assert "torchrun --nproc-per-node N" in alone_by_mistake()
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert not alone_by_mistake()
