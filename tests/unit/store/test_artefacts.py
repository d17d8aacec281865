"""Artefacts are whole or absent, and their bytes are those of their record."""

import json
import os
import subprocess
import sys
import threading

import pytest

from bench.errors import BenchError
from bench.files.atomic import HOST
from bench.store.artefacts import RECORD, Store
from tests.conftest import refused


def nobody(line):
    """What is said to one who need not hear anything."""
    pytest.fail(line)


def put(store, key, text):
    with store.claim("fit", key, nobody) as workspace:
        (workspace.out / "model.txt").write_text(text)
        store.commit("fit", key, workspace, {"made": "by a test"})


def test_an_artefact_is_there_only_after_commit(tmp_path):
    store = Store(tmp_path)
    with store.claim("fit", "k", nobody) as workspace:
        (workspace.out / "model.txt").write_text("half")
    assert not store.has("fit", "k")
    put(store, "k", "whole")
    assert store.has("fit", "k")
    assert (store.path("fit", "k") / "model.txt").read_text() == "whole"


def test_work_and_out_survive_until_the_stage_is_finished(tmp_path):
    """What a killed stage had written lies there for the next try, and is gone after it."""
    store = Store(tmp_path)
    with store.claim("fit", "k", nobody) as workspace:
        (workspace.work / "checkpoint").write_text("step 5")
    with store.claim("fit", "k", nobody) as workspace:
        assert (workspace.work / "checkpoint").read_text() == "step 5"
        store.commit("fit", "k", workspace, {})
    assert not workspace.work.exists()


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
        with store.claim("fit", "k", lambda _: waited.set()):
            seen.append(store.has("fit", "k"))

    with store.claim("fit", "k", nobody) as workspace:
        thread = threading.Thread(target=second)
        thread.start()
        assert waited.wait(5)
        store.commit("fit", "k", workspace, {})
    thread.join(5)
    assert seen == [True]
    assert [path.name for path in (tmp_path / "fit").iterdir()] == ["k"]


def test_a_killed_holder_leaves_no_lock(tmp_path):
    code = (
        "import os, sys; from pathlib import Path; from bench.store.artefacts import Store\n"
        "with Store(Path(sys.argv[1])).claim('fit', 'k', print): os._exit(9)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path)]).returncode == 9
    with Store(tmp_path).claim("fit", "k", nobody):
        pass


def test_other_code_finds_an_empty_desk(tmp_path):
    """Checkpoints and files of a plugin that was edited since are not taken up."""
    store = Store(tmp_path)
    with store.claim("fit", "k", nobody, "old") as workspace:
        (workspace.work / "checkpoint").write_text("step 5")
        (workspace.out / "stray.txt").write_text("half")
    said = []
    with store.claim("fit", "k", said.append, "new") as workspace:
        assert not list(workspace.work.iterdir())
        assert not list(workspace.out.iterdir())
    assert said == ["begins anew: what lies there unfinished was made by other code"]


def test_a_waiting_run_leaves_no_desk_behind(tmp_path):
    store = Store(tmp_path)
    put(store, "k", "whole")
    with store.claim("fit", "k", nobody):
        assert store.has("fit", "k")
    assert not list(tmp_path.rglob("*.partial"))


def test_a_lost_record_is_not_taken_for_a_lost_artefact(tmp_path):
    store = Store(tmp_path)
    put(store, "k", "whole")
    (store.path("fit", "k") / RECORD).unlink()
    assert store.has("fit", "k")
    with pytest.raises(BenchError, match="unreadable record"):
        store.verify("fit", "k")


FORMS = ["[]", "null", "3", "{}", '{"files": []}', '{"files": {"model.txt": 3}}', '{"files": {}, "identity": []}',
         '{"files": {}, "identity": {"inputs": 3}}', '{"files": {}, "sha256": 3}', "[" * 100_000]  # fmt: skip


@pytest.mark.parametrize("text", FORMS, ids=lambda text: text[:40])
def test_json_that_is_no_record_is_named(tmp_path, text):
    store = Store(tmp_path)
    put(store, "k", "whole")
    path = store.path("fit", "k") / RECORD
    path.write_text(text)
    for read in (store.record, store.verify):
        refused(lambda read=read: read("fit", "k"), f"{path}: unreadable record", f"delete {path.parent} and run again")


def test_a_bit_that_turns_in_a_record_is_noticed(tmp_path):
    """Wherever it is: the record is refused, or says what it said."""
    store = Store(tmp_path)
    put(store, "k", "whole")
    path = store.path("fit", "k") / RECORD
    data, record, accepted = path.read_bytes(), store.record("fit", "k"), 0
    for at in range(len(data)):
        path.write_bytes(bytes([*data[:at], data[at] ^ 1, *data[at + 1 :]]))
        try:
            found = store.record("fit", "k")
        except BenchError:
            continue
        accepted += 1
        assert (found["made"], found["files"]) == (record["made"], record["files"])
    assert accepted <= len("sha256")  # in the name of the check sum


def test_records_of_earlier_versions_have_no_check_sum(tmp_path):
    store = Store(tmp_path)
    put(store, "k", "whole")
    path = store.path("fit", "k") / RECORD
    record = json.loads(path.read_text())
    del record["sha256"]
    path.write_text(json.dumps(record))
    store.verify("fit", "k")


def test_one_file_of_an_artefact_may_be_verified_alone(tmp_path):
    """Even one that the record does not know."""
    store = Store(tmp_path)
    put(store, "k", "whole")
    store.verify("fit", "k", only="model.txt")
    (store.path("fit", "k") / "stray.txt").touch()
    refused(lambda: store.verify("fit", "k", only="stray.txt"), "stray.txt no longer matches its record")


def test_a_failed_try_leaves_only_what_the_next_goes_on_from(tmp_path):
    """No lock in any case; a workspace only with files in `work`, or in `out` where the stage resumes from it."""
    store = Store(tmp_path)

    def fail(where, resumes):
        with store.claim("fit", "k", nobody, resumes=resumes) as workspace:
            if where:
                (getattr(workspace, where) / "file").touch()
            raise ZeroDivisionError

    for where, resumes, left in (("", True, []), ("out", False, []), ("out", True, [".k.partial"])):
        with pytest.raises(ZeroDivisionError):
            fail(where, resumes)
        assert [path.name for path in (tmp_path / "fit").iterdir()] == left
    with pytest.raises(ZeroDivisionError):
        fail("work", False)
    assert (tmp_path / "fit" / ".k.partial" / "work" / "file").exists()


def test_half_files_of_a_killed_try_are_not_on_the_desk(tmp_path):
    """Whoever wrote them: they would end in the artefact."""
    store = Store(tmp_path)
    with store.claim("fit", "k", nobody) as workspace:
        (workspace.out / "whole.png").touch()
        (workspace.out / ".half.png.elsewhere-7.part").touch()
    with store.claim("fit", "k", nobody) as workspace:
        assert [path.name for path in workspace.out.iterdir()] == ["whole.png"]


@pytest.fixture
def littered(tmp_path):
    """A store with all that a killed run can leave."""
    store = Store(tmp_path)
    put(store, "done", "whole")
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    fit = tmp_path / "fit"
    for name in ("done", "begun", "gone"):
        (fit / f".{name}.lock").touch()
    (fit / ".done.partial" / "work").mkdir(parents=True)
    work = fit / ".begun.partial" / "work"
    work.mkdir(parents=True)
    (work / "checkpoint").write_text("step 5")
    (work / f".checkpoint.{HOST}-{process.pid}.part").touch()
    (work / f".checkpoint.{HOST}-{os.getpid()}.part").touch()
    return store


def names(store):
    return sorted(str(path.relative_to(store.root / "fit")) for path in (store.root / "fit").rglob(".*"))


def test_what_no_run_needs_is_cleaned(littered):
    littered.clean()
    assert names(littered) == [".begun.partial", f".begun.partial/work/.checkpoint.{HOST}-{os.getpid()}.part"]
    littered.verify("fit", "done")


def test_unfinished_work_is_listed(littered):
    """Whole, with its age; not while somebody works at it."""
    littered.clean()
    folder = littered.root / "fit" / ".begun.partial"
    for path in (folder, *folder.rglob("*")):
        os.utime(path, (1000, 1000))
    (found,) = littered.unfinished()
    assert (found.folder, found.changed) == (folder, 1000)
    assert found.size >= len("step 5")
    with littered.claim("fit", "begun", print):
        assert littered.unfinished() == []


def test_what_somebody_works_at_is_not_cleaned(tmp_path):
    """Even when the artefact is there: another process has yet to see it."""
    store = Store(tmp_path)
    put(store, "k", "whole")
    with store.claim("fit", "k", nobody) as workspace:
        store.clean()
        assert workspace.work.is_dir()
        assert (tmp_path / "fit" / ".k.lock").exists()
