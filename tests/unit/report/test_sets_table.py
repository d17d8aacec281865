"""Rows of synthetic sets -> the long table, CSV and records."""

import csv
import io
from dataclasses import replace

import pytest

from bench.contracts import Floor
from bench.report.document import records_csv
from bench.report.render import to_latex, to_markdown, to_text
from bench.report.sets_table import FIELDS, records, sets_table
from bench.store.score_file import Basis
from tests.score_examples import set_score

BASIS = Basis(backbone="Network, pool 1280", weights="57934424", resize="resize to 224 × 224", reference="real")


def row(metric="KD-Net", value=0.01234567, low=0.01, high=0.02, basis=None, **changes):
    plain = {"dataset": "polyps", "generator": "siamese", "n": 200, "n_real": 300, "estimator": "U-statistic"}
    changes = {**plain, "basis": replace(BASIS, **(basis or {})), **changes}
    return set_score(metric, value, low, high, **changes)


FLOOR = {"floor": Floor(value=0.001, sd=0.0005, n=150, splits=10, at_n=0.0131)}


def lines(table):
    return to_text(table.brief()).splitlines()


def test_a_line_holds_value_interval_floor_and_counts():
    """All of a line's numbers have the same number of decimals, so that the floor can be compared."""
    line = lines(sets_table([row(**FLOOR)]))[4]
    assert line.split("  ")[0] == "KD-Net ↓"
    for part in ("0.01235", "[0.01000, 0.02000]", "0.00100 ± 0.00050 (n 150)", "0.01310", "300", "200", "57934424"):
        assert part in line


@pytest.mark.parametrize(
    ("value", "shown"),
    [(203.4567, "203.5"), (56.1234, "56.12"), (0.91234, "0.9123"), (0.0312345, "0.03123"), (-0.0000312, "-0.00003"),
     (0.0, "0.000"), (12345.6, "12346"), (-0.000001, "0.00000")],
)  # fmt: skip
def test_numbers_are_rounded_to_four_digits_and_at_most_five_decimals(value, shown):
    assert sets_table([row(value=value, low=None, high=None)]).rows[0][1].text == shown


def test_what_cannot_be_estimated_is_a_dash():
    table = sets_table([row(low=None, high=None)])
    assert table.rows[0][2].text == table.rows[0][3].text == "–"
    assert "–: none can be estimated" in table.notes


def test_floors_stand_in_a_terminal_only_where_there_is_one():
    assert "floor" not in lines(sets_table([row()]))[2]
    assert "floor" in lines(sets_table([row(**FLOOR)]))[2]
    assert any(note.startswith("floor: ") for note in sets_table([row(**FLOOR)]).notes)


@pytest.mark.parametrize(("better", "arrow"), [("lower", " ↓"), ("higher", " ↑"), ("", "")])
def test_the_direction_stands_at_the_name(better, arrow):
    assert sets_table([row("M", better=better)]).rows[0][0].text == f"M{arrow}"


def test_several_sets_are_named_and_kept_together():
    """Whatever the order of the rows; one set alone stands in the caption only."""
    rows = [row("A", generator="x"), row("A", generator="y"), row("B", generator="x")]
    table = sets_table(rows)
    assert [(line[0].text, line[1].text) for line in table.rows] == [("x", "A ↓"), ("x", "B ↓"), ("y", "A ↓")]
    assert sets_table(rows[:1]).columns[0].name == "measure"
    assert {"x", "polyps"} <= set(sets_table(rows[:1]).caption.split())


def test_thirds_stay_out():
    """They are in CSV and records."""
    rows = [row(), row(stratum="small lesions")]
    assert len(sets_table(rows).rows) == 1
    assert [one["stratum"] for one in records(rows)] == ["", "small lesions"]


def test_csv_and_records_are_in_full_precision():
    (line,) = csv.DictReader(io.StringIO(records_csv(FIELDS, records([row(**FLOOR)]))))
    assert tuple(line) == FIELDS
    assert float(line["value"]) == 0.01234567
    assert (line["set"], line["measure"], line["n_synthetic"], line["at_floor_n"]) == (
        "siamese",
        "KD-Net",
        "200",
        "0.0131",
    )
    assert records([row()])[0]["floor"] is None


def test_every_line_says_what_it_rests_on():
    """Backbone, weights, resize, both n, reference and estimator stand in every format."""
    rows = [row(), row("FD-Net", basis={"weights": "0badcafe", "backbone": "Other"})]
    for text in (to_latex(sets_table(rows)), to_markdown(sets_table(rows)), records_csv(FIELDS, records(rows))):
        for part in (
            "Network, pool 1280",
            "57934424",
            "0badcafe",
            "resize to 224",
            "300",
            "200",
            "real",
            "U-statistic",
        ):
            assert part in text
    assert "weights 57934424: Network, pool 1280; resize to 224 × 224" in sets_table(rows).notes


def test_warnings_name_their_number():
    """Once, where several sets have the same."""
    rows = [row(note="few images"), row(note="few images", generator="other"), row(note="below 0", generator="other")]
    notes = sets_table(rows, ("one more",)).notes
    assert notes[-3:-1] == ("KD-Net of siamese, other: few images", "KD-Net of other: below 0")
    assert notes[-1] == "one more"


def test_a_terminal_of_140_columns_is_wide_enough():
    """Long names of sets and measures, with intervals and floors."""
    name = "perceptual-Lite0-paired-gap"
    many = [row(name, generator="siamese-copy", **FLOOR), row(name, generator="controlnet-mi", **FLOOR)]
    assert max(map(len, lines(sets_table(many)))) <= 140
