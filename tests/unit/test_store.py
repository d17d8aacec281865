"""Artefacts are whole or absent, and their bytes are those of their record."""

import subprocess
import sys
import threading

import pytest

from bench.errors import BenchError
from bench.store import RECORD, Store


def put(store, key, text):
    with store.claim("fit", key, lambda: None) as desk:
        (desk.out / "model.txt").write_text(text)
        store.commit("fit", key, desk, {"made": "by a test"})


def test_an_artefact_is_there_only_after_commit(tmp_path):
    store = Store(tmp_path)
    with store.claim("fit", "k", lambda: None) as desk:
        (desk.out / "model.txt").write_text("half")
    assert not store.has("fit", "k")
    put(store, "k", "whole")
    assert store.has("fit", "k")
    assert (store.path("fit", "k") / "model.txt").read_text() == "whole"


def test_work_and_out_survive_until_the_stage_is_finished(tmp_path):
    """What a killed stage had written lies there for the next try, and is gone after it."""
    store = Store(tmp_path)
    with store.claim("fit", "k", lambda: None) as desk:
        (desk.work / "checkpoint").write_text("step 5")
    with store.claim("fit", "k", lambda: None) as desk:
        assert (desk.work / "checkpoint").read_text() == "step 5"
        store.commit("fit", "k", desk, {})
    assert not desk.work.exists()


@pytest.mark.parametrize("damage", [lambda path: path.write_text("other"), lambda path: path.unlink()])
def test_changed_bytes_are_noticed(tmp_path, damage):
    store = Store(tmp_path)
    put(store, "k", "whole")
    store.verify("fit", "k")
    damage(store.path("fit", "k") / "model.txt")
    with pytest.raises(BenchError, match="model.txt no longer matches its record; delete"):
        store.verify("fit", "k")


def test_a_broken_record_is_named(tmp_path):
    store = Store(tmp_path)
    put(store, "k", "whole")
    (store.path("fit", "k") / RECORD).write_text("{")
    with pytest.raises(BenchError, match="unreadable record"):
        store.verify("fit", "k")


def test_two_runs_never_make_one_artefact_at_once(tmp_path):
    """The second waits, says so, and finds the first one's work."""
    store, waited, seen = Store(tmp_path), threading.Event(), []

    def second():
        with store.claim("fit", "k", waited.set):
            seen.append(store.has("fit", "k"))

    with store.claim("fit", "k", lambda: None) as desk:
        thread = threading.Thread(target=second)
        thread.start()
        assert waited.wait(5)
        store.commit("fit", "k", desk, {})
    thread.join(5)
    assert seen == [True]


def test_a_killed_holder_leaves_no_lock(tmp_path):
    code = (
        "import os, sys; from pathlib import Path; from bench.store import Store\n"
        "with Store(Path(sys.argv[1])).claim('fit', 'k', lambda: None): os._exit(9)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path)]).returncode == 9
    with Store(tmp_path).claim("fit", "k", lambda: pytest.fail("waits for a dead process")):
        pass


def test_other_code_finds_an_empty_desk(tmp_path):
    """Checkpoints and files of a plugin that was edited since are not taken up."""
    store = Store(tmp_path)
    with store.claim("fit", "k", lambda: None, "old") as desk:
        (desk.work / "checkpoint").write_text("step 5")
        (desk.out / "stray.txt").write_text("half")
    with store.claim("fit", "k", lambda: None, "new") as desk:
        assert not list(desk.work.iterdir())
        assert not list(desk.out.iterdir())


def test_a_waiting_run_leaves_no_desk_behind(tmp_path):
    store = Store(tmp_path)
    put(store, "k", "whole")
    with store.claim("fit", "k", lambda: None):
        assert store.has("fit", "k")
    assert not list(tmp_path.rglob("*.partial"))


def test_a_lost_record_is_not_taken_for_a_lost_artefact(tmp_path):
    store = Store(tmp_path)
    put(store, "k", "whole")
    (store.path("fit", "k") / RECORD).unlink()
    assert store.has("fit", "k")
    with pytest.raises(BenchError, match="unreadable record"):
        store.verify("fit", "k")
