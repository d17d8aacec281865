"""A run's description: complete, stable, and refused when it is not one."""

import json
import os
from pathlib import Path

import pytest

from bench.errors import BenchError
from bench.identity import key
from bench.plan.manifest import describe_run
from bench.plan.run_plan import plan
from bench.store.run_manifest import SCHEMA, Note, Setting, load_manifests, save_manifest
from tests.unit.plan.test_run_plan import spec


def describe(run=None, **changes):
    run = run or spec()
    return describe_run(run, plan(run), notes=(Note("a note"),), columns=("mdice@256",), **changes)


def test_it_holds_all_that_the_leaderboard_reads():
    manifest = describe(settings=[Setting("generator", "g1", "g1.x=1")], controls=("g1",))
    assert manifest.controls == ("g1",)
    assert manifest.dataset.pairs == {"train": 0, "test/a": 0, "test/b": 0}
    assert [row.trained_on for row in manifest.rows] == ["real", "real+g1", "real+g2"]
    assert all(list(row.scores) == ["test/a", "test/b"] for row in manifest.rows)
    assert [one.generator for one in manifest.comparisons] == ["g1", "g2"]
    assert manifest.rows[1].synthetic == (manifest.comparisons[0].synthetic,) != ("",)
    assert manifest.settings == (Setting("generator", "g1", "g1.x=1"),)
    assert manifest.bases == {"g1": "", "g2": ""}


def test_it_names_the_generators_that_compete_with_none():
    run = spec()
    assert describe(run).unranked == ()
    run.generators[1].plugin.control = True
    assert describe(run).unranked == ("g2",)


def test_it_is_the_same_after_a_trip_through_a_file(tmp_path):
    manifest = describe()
    path = save_manifest(tmp_path, manifest)
    (read,) = load_manifests(tmp_path)
    assert read == manifest
    assert (read.run, path.name) == (manifest.run, f"{manifest.run}.json")
    assert json.loads(path.read_text())["schema"] == SCHEMA


def test_equal_runs_have_one_name_and_others_another():
    assert describe().run == describe().run
    assert describe().run != describe(spec(repeats=2)).run


def test_the_newest_comes_last_and_a_repeated_run_stands_once(tmp_path):
    first, second = describe(), describe(spec(repeats=2))
    for age, manifest in ((2000, first), (1000, second)):
        os.utime(save_manifest(tmp_path, manifest), (age, age))
    assert [one.run for one in load_manifests(tmp_path)] == [second.run, first.run]
    save_manifest(tmp_path, second)
    assert [one.run for one in load_manifests(tmp_path)] == [first.run, second.run]


def test_no_folder_is_no_run(tmp_path):
    assert load_manifests(tmp_path / "no") == []


@pytest.mark.parametrize(("before", "after"), [('"seed": 0', '"seed": 1'), ("mdice@256", "mdice@255"), ("a note", "")])
def test_a_changed_file_is_named(tmp_path, before, after):
    """Its name says what stood in it."""
    path = save_manifest(tmp_path, describe())
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))
    with pytest.raises(BenchError, match=f"{path}: damaged, .*; delete it and run again"):
        load_manifests(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "not a run manifest"), ('{"schema": 2, "da', "not a run manifest"), ("[]", "another version"),
     ('{"schema": 5}', "another version"), ("\xff", "not a run manifest"),
     ('{"schema": 8, "x": NaN}', "NaN is no number")],
)  # fmt: skip
def test_a_broken_file_is_named(tmp_path, text, message):
    path = tmp_path / "abc.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(BenchError, match=message) as caught:
        load_manifests(tmp_path)
    assert str(path) in str(caught.value)
    assert "delete it and run again" in str(caught.value)


def test_a_folder_and_a_link_to_nowhere_are_named(tmp_path):
    for make in (Path.mkdir, lambda path: path.symlink_to(tmp_path / "nowhere")):
        path = tmp_path / "abc.json"
        make(path)
        with pytest.raises(BenchError, match=f"{path}: not a run manifest"):
            load_manifests(tmp_path)
        path.rmdir() if path.is_dir() else path.unlink()


def test_a_manifest_of_another_form_is_named(tmp_path):
    """Its name is right and its fields are not: a script's, or a hand's."""
    body = json.loads(save_manifest(tmp_path / "whole", describe()).read_text())
    body = {**body, "rows": [{**body["rows"][0], "pairs": "many"}]}
    body["run"] = key({name: value for name, value in body.items() if name != "run"})[:16]
    (tmp_path / "abc.json").write_text(json.dumps(body))
    with pytest.raises(BenchError, match=r"rows\[0\]\.pairs.*delete it and run again"):
        load_manifests(tmp_path)
