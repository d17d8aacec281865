"""One process at a time, and no file stays behind."""

import subprocess
import sys
import threading

import pytest

from bench.files.locks import is_held, locked, locked_if_free

CROWD = """
import sys, time
from pathlib import Path
from bench.locks import locked
folder = Path(sys.argv[1])
for _ in range(40):
    with locked(folder / "lock", lambda: None):
        (folder / "inside").mkdir()  # fails where two are inside
        time.sleep(0.0005)
        (folder / "inside").rmdir()
"""


def test_a_crowd_is_let_in_one_by_one(tmp_path):
    """Four processes, forty times each: each removes the file that others are waiting for."""
    crowd = [subprocess.Popen([sys.executable, "-c", CROWD, str(tmp_path)]) for _ in range(4)]
    assert [process.wait(60) for process in crowd] == [0] * 4
    assert list(tmp_path.iterdir()) == []


def test_whoever_waits_is_told_and_comes_next(tmp_path):
    path, waiting, done = tmp_path / "lock", threading.Event(), threading.Event()

    def second():
        with locked(path, waiting.set):
            assert path.exists()
            done.set()

    with locked(path, lambda: pytest.fail("nobody else is there")):
        assert is_held(path)
        with locked_if_free(path) as free:
            assert not free
        assert path.exists()
        thread = threading.Thread(target=second)
        thread.start()
        assert waiting.wait(5)
        assert not done.is_set()
    assert done.wait(5)
    thread.join(5)
    assert not path.exists()
    assert not is_held(path)


def test_an_error_inside_frees_it(tmp_path):
    with pytest.raises(ZeroDivisionError), locked(tmp_path / "lock", lambda: None):
        raise ZeroDivisionError
    with locked_if_free(tmp_path / "lock") as free:
        assert free
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_is_free(tmp_path):
    code = (
        "import os, sys; from pathlib import Path; from bench.files.locks import locked\n"
        "with locked(Path(sys.argv[1]), lambda: None): os._exit(9)"
    )
    path = tmp_path / "lock"
    assert subprocess.run([sys.executable, "-c", code, str(path)]).returncode == 9
    assert path.exists()
    assert not is_held(path)
    with locked(path, lambda: pytest.fail("waits for a dead process")):
        pass
    assert not path.exists()
