"""Import a checkpoint and sample from it, as a user does: two commands."""

import csv

import pytest
import torch

from tests.e2e.conftest import TOYS, made, made_since
from tests.ldm_layout import whole_state, write_base


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("import")
    torch.save({"state_dict": whole_state(write_base(folder / "base"))}, folder / "published.ckpt")
    return folder


def test_a_published_checkpoint_is_imported_and_sampled(bench, place, discs):
    words = ["--generator", "siamese", "--set", f"siamese.base={place / 'base'}", "--out", place / "made"]
    done = bench("import-checkpoint", place / "published.ckpt", *words)
    assert (done.code, done.err) == (0, "")
    assert str(place / "made") in done.out
    (place / "base").rename(place / "gone")
    words = ["run", "--generator", "siamese", "--set", f"siamese.checkpoint={place / 'made'}"]
    words += ["--set", "siamese.sampler_steps=2", "--metric", "toy-mean", "--segmenter", "toy-threshold", *TOYS]
    words += ["--dataset", "folder", "--data", discs, "--results", place / "results"]
    done = bench(*words)
    assert done.code == 0, done.err
    (table,) = (place / "results" / "tables").glob("*/leaderboard.csv")
    (row,) = [row for row in csv.DictReader(table.open()) if row["generator"] == "siamese"]
    assert "siamese.checkpoint=made" in row["settings"]
    assert row["base"] == str(place / "made")
    assert "checkpoint made" in table.with_suffix(".md").read_text()
    (model,) = (path for path in (place / "results" / "store" / "fit").iterdir() if (path / "README.txt").is_file())
    assert not list(model.glob("*.safetensors"))
    before = made(place / "results")
    # The folder's bytes decide, not its place.
    (place / "made").rename(place / "moved")
    assert bench(*(str(word).replace("made", "moved") for word in words)).code == 0
    assert not made_since(before, place / "results")
    with (place / "moved" / "scheduler" / "scheduler_config.json").open("a") as stream:
        stream.write("\n")
    done = bench(*(str(word).replace("made", "moved") for word in words))
    assert done.code == 2
    assert "scheduler_config.json" in done.error


def test_show_and_doctor_name_a_folder_that_is_absent(bench):
    words = ("--set", "siamese.checkpoint=no/where")
    assert "checkpoint = 'no/where'" in bench("show", "siamese", *words).out
    assert "no/where: no such folder" in bench("doctor", *words).out
