"""Processor time of commands that have nothing to compute, with everything installed. Least of three processes.

CPU seconds, not the clock's: what other programs do on the machine counts little.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SMALL = ["--set", "phantom.train=6", "--set", "phantom.test=2", "--set", "phantom.size=32", "--set", "unet.epochs=1"]
PAPER = ["run", "--generator", "siamese", "--dataset", "polyps", "--profile", "paper", "--dry-run"]


def cpu_seconds(*words: object) -> float:
    """User and system time of one command that ends well."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    env = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    subprocess.run(
        [sys.executable, "-m", "bench", *map(str, words)], cwd=ROOT, env=env, check=True, capture_output=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def least(*words: object) -> float:
    found = min(cpu_seconds(*words) for _ in range(3))
    print(f"python -m bench {' '.join(map(str, words[:3]))}: {found:.2f} s of processor time")
    return found


@pytest.mark.benchmark
def test_a_run_with_everything_in_the_store(tmp_path):
    words = ["run", "--generator", "copy-paste", "--dataset", "phantom", *SMALL, "--results", tmp_path / "results"]
    cpu_seconds(*words)
    assert least(*words) < 1.5


@pytest.mark.benchmark
@pytest.mark.parametrize("profile", ["demo", "paper"])
def test_show_of_a_diffusion_generator(profile):
    assert least("show", "siamese", "--profile", profile) < 3


@pytest.mark.benchmark
@pytest.mark.skipif("BENCH_DATA" not in os.environ, reason="BENCH_DATA names no folder")
def test_a_dry_run_of_the_published_protocol(tmp_path):
    """More than half of it is the import of torch, diffusers and transformers."""
    data = Path(os.environ["BENCH_DATA"]) / "polyps"
    assert least(*PAPER, "--data", data, "--results", tmp_path) < 20
