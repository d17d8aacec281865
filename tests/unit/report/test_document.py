"""One document, whichever format is asked for."""

import csv
import io
import json

import pytest

from bench.report.document import FORMATS, Document
from bench.report.table import Cell, Column, Table

TABLE = Table("scores", (Column(name="score"), Column(name="value")), ((Cell(text="one"), Cell(text="0.333")),))
DOCUMENT = Document(
    tables=[TABLE, TABLE],
    page=TABLE,
    columns=("score", "value", "low"),
    records=[{"score": "one", "value": 1 / 3, "left out": 1}],
    body={"scores": {"one": 1 / 3}},
)


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_shows_the_score(name):
    assert "one" in FORMATS[name](DOCUMENT)


def test_a_terminal_shows_all_tables_and_a_page_holds_one():
    assert FORMATS["table"](DOCUMENT).count("0.333") == 2
    assert FORMATS["latex"](DOCUMENT).count("0.333") == FORMATS["markdown"](DOCUMENT).count("0.333") == 1


def test_numbers_for_a_program_are_in_full_precision():
    """A column that a record lacks is an empty cell."""
    (record,) = csv.DictReader(io.StringIO(FORMATS["csv"](DOCUMENT)))
    assert record == {"score": "one", "value": repr(1 / 3), "low": ""}
    assert json.loads(FORMATS["json"](DOCUMENT)) == {"scores": {"one": 1 / 3}}
