"""Torch gets as many threads as have a core of their own; a resumed command gets as many as the one that was killed."""

import os
import subprocess
import sys

import pytest

from bench.engine import threads
from bench.engine.threads import NUMBER, free_threads, note_of, settle_threads, shares
from tests.conftest import refused

OPTIONS = {"generator": ["siamese"], "device": "auto", "workers": 0}


@pytest.fixture(autouse=True)
def plain(monkeypatch):
    """Whatever a test sets is taken back; four cores, of which three are free."""
    for name in (NUMBER, *threads.WAITING):
        monkeypatch.setenv(name, "?")
        monkeypatch.delenv(name)
    monkeypatch.setattr(threads, "cores", lambda: 4)
    monkeypatch.setattr(threads, "shares", lambda count, _: [1.0] * 3 + [0.5] if count == 4 else [1.0] * count)


def test_the_number_is_halved_until_each_thread_has_a_core():
    assert free_threads(4) == 2
    assert free_threads(2) == 2
    assert free_threads(1) == 1


def test_a_resumed_command_takes_the_number_of_the_killed_one(tmp_path, monkeypatch):
    """Another number of threads would change the last digits of a sum. Device and workers may differ."""
    note = note_of(tmp_path, OPTIONS)
    settle_threads(note)
    assert os.environ[NUMBER] == "2"
    monkeypatch.delenv(NUMBER)
    monkeypatch.setattr(threads, "shares", lambda count, _: [1.0] * count)
    settle_threads(note_of(tmp_path, {**OPTIONS, "workers": 3, "device": "cpu"}))
    assert os.environ[NUMBER] == "2"
    monkeypatch.delenv(NUMBER)
    settle_threads(note_of(tmp_path, {**OPTIONS, "generator": ["adc"]}))
    assert NUMBER not in os.environ, "all cores are free now, and torch takes them by itself"


@pytest.mark.parametrize("name", [NUMBER, *threads.WAITING])
def test_what_the_user_has_set_stays(tmp_path, monkeypatch, name):
    monkeypatch.setenv(name, "7")
    settle_threads(note_of(tmp_path, OPTIONS))
    assert os.environ[name] == "7"
    if name in threads.WAITING:
        assert not (set(threads.WAITING) - {name}) & set(os.environ)
    else:
        assert not list(tmp_path.rglob("threads-*"))


def test_a_broken_note_is_named(tmp_path):
    note = note_of(tmp_path, OPTIONS)
    settle_threads(note)
    note.write_text("many")
    os.environ.pop(NUMBER)
    refused(lambda: settle_threads(note), note, "delete it")


def test_a_thread_beside_a_busy_program_has_no_core_of_its_own():
    """Two threads and a busy program on one core: each gets a third of its time."""
    core = min(os.sched_getaffinity(0))
    busy = subprocess.Popen([sys.executable, "-c", f"import os; os.sched_setaffinity(0, {{{core}}})\nwhile True: pass"])
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {core})
        assert max(shares(2, 0.3)) < threads.ENOUGH
    finally:
        os.sched_setaffinity(0, before)
        busy.kill()
