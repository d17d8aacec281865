"""Import a checkpoint and sample from it, as a user does: two commands."""

import csv
import os
import re

import pytest
import torch

from tests.e2e.conftest import ROOT, TOYS
from tests.ldm_layout import whole_state, write_base

ALL_REUSED = r"(\d+) of \1 stages reused"
ENV = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("import")
    torch.save({"state_dict": whole_state(write_base(folder / "base"))}, folder / "published.ckpt")
    return folder


def test_a_published_checkpoint_is_imported_and_sampled(bench, place, discs):
    words = ["--generator", "siamese", "--set", f"siamese.base={place / 'base'}", "--out", place / "made"]
    done = bench("import-checkpoint", place / "published.ckpt", *words, env=ENV)
    assert (done.code, done.err) == (0, "")
    assert done.out.endswith(f"written: {place / 'made'}\n")
    (place / "base").rename(place / "gone")
    words = ["run", "--generator", "siamese", "--set", f"siamese.checkpoint={place / 'made'}"]
    words += ["--set", "siamese.sampler_steps=2", "--metric", "toy-mean", "--segmenter", "toy-threshold", *TOYS]
    words += ["--dataset", "folder", "--data", discs, "--results", place / "results"]
    done = bench(*words, env=ENV)
    assert done.code == 0, done.err
    (table,) = (place / "results" / "tables").glob("*/leaderboard.csv")
    (row,) = [row for row in csv.DictReader(table.open()) if row["generator"] == "siamese"]
    assert "siamese.checkpoint=made" in row["settings"]
    assert row["base"] == str(place / "made")
    assert "sampled from the imported checkpoint made" in done.out
    (model,) = (path for path in (place / "results" / "store" / "fit").iterdir() if (path / "README.txt").is_file())
    assert not list(model.glob("*.safetensors"))
    assert re.search(ALL_REUSED, bench(*words, env=ENV).err)
    # The folder's bytes decide, not its place.
    (place / "made").rename(place / "moved")
    again = bench(*(str(word).replace("made", "moved") for word in words), env=ENV)
    assert re.search(ALL_REUSED, again.err)
    with (place / "moved" / "scheduler" / "scheduler_config.json").open("a") as stream:
        stream.write("\n")
    done = bench(*(str(word).replace("made", "moved") for word in words), env=ENV)
    assert done.code == 2
    assert "scheduler_config.json: not the bytes that were imported; import the checkpoint anew" in done.error


def test_show_and_doctor_name_a_folder_that_is_absent(bench):
    words = ("--set", "siamese.checkpoint=no/where")
    assert "checkpoint = 'no/where'" in bench("show", "siamese", *words, env=ENV).out
    assert "no/where: no such folder; make it with" in bench("doctor", *words, env=ENV).out
