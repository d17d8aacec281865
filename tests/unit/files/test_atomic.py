"""Files appear whole or not at all; what a killed process leaves is known by its name."""

import errno
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from bench.files import atomic as files
from bench.files.atomic import (
    DAY,
    HOST,
    damaged_in,
    part_of,
    remove_parts,
    remove_parts_of,
    replacing,
    storage_error,
    write_atomic,
    write_digests,
)


@pytest.fixture
def dead():
    """The number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_the_old_file_stays_until_the_new_one_is_whole(tmp_path):
    path = tmp_path / "deep" / "table.csv"
    write_atomic(path, "old")
    with replacing(path) as part:
        part.write_text("new")
        assert path.read_text() == "old"
        assert part.parent == path.parent
    assert path.read_text() == "new"
    assert [one.name for one in path.parent.iterdir()] == ["table.csv"]


@pytest.mark.parametrize("problem", [OSError(errno.ENOSPC, "full"), KeyboardInterrupt()])
def test_what_fails_leaves_the_old_file_and_no_part(tmp_path, problem):
    path = tmp_path / "table.csv"
    path.write_text("old")

    def fail():
        with replacing(path) as part:
            part.write_text("half")
            raise problem

    with pytest.raises(type(problem)):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_appears_whole_too(tmp_path):
    def make(end):
        with replacing(tmp_path / "model") as part:
            part.mkdir()
            (part / "file").write_text(str(1 / end))

    with pytest.raises(ZeroDivisionError):
        make(0)
    assert list(tmp_path.iterdir()) == []
    make(1)
    assert (tmp_path / "model" / "file").read_text() == "1.0"


@pytest.mark.parametrize("name", ["a" * 251 + ".png", "ä" * 120])
def test_names_as_long_as_the_system_allows(tmp_path, name):
    write_atomic(tmp_path / name, "text")
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_processes_have_parts_of_their_own(tmp_path):
    with part_of(tmp_path / "x") as one:
        assert one.name == f".x.{HOST}-{os.getpid()}.part"


def test_parts_of_dead_processes_are_removed_and_no_others(tmp_path, dead):
    """A running process keeps its part, another host's one a day; what has no owner is not ours."""
    gone = [f".x.png.{HOST}-{dead}.part", f".folder.{HOST}-{dead}.part/inside", ".y.other-1.part"]
    kept = [f".x.png.{HOST}-{os.getppid()}.part", ".z.other-1.part", "x.part", ".x.part", ".x.12.part", "x.png",
            f"x.{HOST}-{dead}.part"]  # fmt: skip
    for name in (*gone, *kept):
        path = tmp_path / "deep" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    os.utime(tmp_path / "deep" / gone[2], (time.time() - DAY - 60,) * 2)
    remove_parts(tmp_path)
    assert sorted(path.name for path in (tmp_path / "deep").iterdir()) == sorted(kept)
    remove_parts(tmp_path, dead_only=False)
    assert sorted(path.name for path in (tmp_path / "deep").iterdir()) == sorted(kept[2:])


def test_parts_of_one_file(tmp_path, dead):
    for name in ("x", "y"):
        (tmp_path / f".{name}.{HOST}-{dead}.part").mkdir()
    remove_parts_of(tmp_path / "x")
    assert [path.name for path in tmp_path.iterdir()] == [f".y.{HOST}-{dead}.part"]


def test_a_host_of_any_name_is_told_from_others(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "HOST", "a-b_c")
    with part_of(tmp_path / "x.y-1.z") as part:
        assert files._owner(part.name) == ("a-b_c", os.getpid())


@pytest.mark.parametrize("damage", [lambda path: path.write_text("other"), lambda path: path.unlink()])
@pytest.mark.parametrize("name", ["a.txt", "deep/b.txt"])
def test_a_damaged_file_of_a_folder_is_found(tmp_path, name, damage):
    (tmp_path / "deep").mkdir()
    for one in ("a.txt", "deep/b.txt"):
        (tmp_path / one).write_text(one)
    assert damaged_in(tmp_path) is None
    for _ in range(2):
        write_digests(tmp_path)
        assert damaged_in(tmp_path) is None
    damage(tmp_path / name)
    assert damaged_in(tmp_path) == tmp_path / name


@pytest.mark.parametrize("text", ["{", "[]", "3", json.dumps({"a.txt": 3})])
def test_a_damaged_list_of_digests_is_found(tmp_path, text):
    (tmp_path / "a.txt").touch()
    (tmp_path / "sha256.json").write_text(text)
    assert damaged_in(tmp_path) is not None


@pytest.mark.parametrize(
    "error",
    [OSError(errno.ENOSPC, "No space left on device"), OSError(errno.EROFS, "Read-only file system", "/results/store"),
     RuntimeError("PytorchStreamWriter failed: No space left on device"),
     RuntimeError("Error while serializing: I/O error: Disk quota exceeded (os error 122)")],
)  # fmt: skip
def test_a_disk_that_cannot_be_written_is_one_line_with_a_remedy(error, tmp_path):
    line = storage_error(error, tmp_path)
    assert "--results" in line
    assert "\n" not in line


def test_other_errors_are_not_blamed_on_the_disk(tmp_path):
    assert storage_error(FileNotFoundError(errno.ENOENT, "No such file", "x"), tmp_path) is None
    assert storage_error(ValueError("x"), tmp_path) is None


def test_a_link_is_followed_and_a_pipe_is_written_to(tmp_path):
    """A file in its place would reach nobody."""
    target, link, pipe = (tmp_path / name for name in ("target", "link", "pipe"))
    target.write_text("old")
    link.symlink_to(target)
    write_atomic(link, "new")
    assert (target.read_text(), link.is_symlink()) == ("new", True)
    os.mkfifo(pipe)
    with ThreadPoolExecutor(1) as reader:
        read = reader.submit(pipe.read_text)
        write_atomic(pipe, "through")
        assert read.result(10) == "through"
    assert pipe.is_fifo()
