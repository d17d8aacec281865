"""Printing never fails: neither for a letter, nor for a reader that has gone, nor without a stream."""

import io
import os
import sys

from bench.progress import terminal


def test_a_letter_the_encoding_has_not_is_a_question_mark(monkeypatch):
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii", errors="strict"))
    terminal.replace_unknown_letters()
    terminal.show("FD ↑\x1b")
    assert raw.getvalue() == b"FD ?\\x1b\n"


def test_a_reader_that_has_gone_ends_nothing(monkeypatch):
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        for _ in range(2):
            terminal.show("to nobody")
        terminal.finish()


def test_no_stream_and_a_stream_of_another_make_are_fine(monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    terminal.replace_unknown_letters()
    terminal.say("to nobody")
    terminal.show("to a text")
    terminal.finish()
    assert sys.stdout.getvalue() == "to a text\n"


def test_inside_a_command_only_results_reach_standard_output(capsys):
    with terminal.results_alone():
        print("a plugin's")
        terminal.show("a result")
    print("after it")
    assert capsys.readouterr() == ("a result\nafter it\n", "a plugin's\n")


def test_a_command_without_streams_shows_nothing(monkeypatch):
    """Whichever of the two is missing: results never stray into the error stream."""
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with terminal.results_alone():
        terminal.show("to nobody")
    assert sys.stderr.getvalue() == ""
    monkeypatch.setattr(sys, "stderr", None)
    with terminal.results_alone():
        print("to nobody")
