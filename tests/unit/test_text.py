"""Texts from outside obey the place that shows them, and a guarded cell can be read back."""

import csv
import io
import json

import pytest

from bench.text import csv_text, guarded, json_text, printable, printable_lines, sentence, unguarded

HOSTILE = "a\x1b]0;t\x07\x7f\x9b31m\u202eb\u2066\udce9\r\n"
SHOWN = r"a\x1b]0;t\x07\x7f\x9b31m\u202eb\u2066\udce9\x0d\x0a"


def test_what_acts_on_a_terminal_is_written_out():
    assert printable(HOSTILE) == SHOWN
    assert printable("é ↑ 中 ‘–’") == "é ↑ 中 ‘–’"


def test_lines_and_tabs_of_a_message_stay():
    assert printable_lines("two\n\tlines\x1b\r") == "two\n\tlines\\x1b\\x0d"


def test_a_sentence_is_one_line():
    assert sentence("a\n  - b\x07") == r"a - b\x07"


@pytest.mark.parametrize("text", ["=1+1", "+1-2", "-x", "@SUM(A1)", "'quoted", "''", "＝1", "-", "-1e", "-inf"])
def test_a_formula_becomes_text_and_comes_back(text):
    """A spreadsheet shows what follows a leading apostrophe as it is."""
    assert guarded(text) == "'" + text
    assert unguarded(guarded(text)) == text


@pytest.mark.parametrize("text", ["-1", "+0.5", "-1e-05", ".5", "", "plain", "a=b", "2024-01-01"])
def test_numbers_and_plain_texts_stay(text):
    assert guarded(text) == text == unguarded(text)


def test_a_tab_or_carriage_return_in_front_is_written_out():
    assert [guarded("\t=1"), guarded("\r=1")] == [r"\x09=1", r"\x0d=1"]


def test_csv_guards_texts_and_leaves_numbers():
    text = csv_text(["=id", "value"], [["@a\x1b", -0.1], ['say "=1", please', None], ["\n=1", -3]])
    assert text == '\'=id,value\n\'@a\\x1b,-0.1\n"say ""=1"", please",\n\\x0a=1,-3\n'
    assert len(list(csv.reader(io.StringIO(text)))) == 4


def test_json_goes_through_every_encoding():
    """No letter is lost to a terminal without it, and none acts."""
    value = {"é ↑": [HOSTILE, -0.1]}
    text = json_text(value)
    assert json.loads(text) == value
    assert all(letter == "\n" or " " <= letter <= "~" for letter in text)
