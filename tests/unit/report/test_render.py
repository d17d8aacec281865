"""A table is data: CSV keeps every digit, LaTeX and Markdown round and escape."""

import csv
import io
import re
import shutil
import subprocess

import pytest

from bench.analysis.estimate import Estimate
from bench.report.render import FORMATS, to_csv, to_latex, to_markdown, to_text
from bench.report.table import Cell, Column, Table


def number(value, low=None, high=None, **others):
    return Cell(number=Estimate(value, low, high), **others)


TABLE = Table(
    "Polyps & 50% more_of {them} | 5 < 6",
    (Column(name="generator"), Column(name="FD", better="lower", decimals=2),
     Column(name="overall mdice@256", better="higher", interval=True),
     Column(name="wide", better="higher", brief=False)),
    (
        (Cell(text="a_b|c"), number(1 / 3), number(0.81234567, 0.8, 0.9, n=12), number(1.0)),
        (Cell(text="none"), Cell(), number(0.5), Cell()),
    ),
    ("a note with 100% & $",),
)  # fmt: skip


def test_csv_keeps_full_precision_and_the_interval():
    rows = list(csv.DictReader(io.StringIO(to_csv(TABLE))))
    assert float(rows[0]["FD"]) == 1 / 3
    assert [rows[0][f"overall mdice@256 {part}"] for part in ("low", "high", "n")] == ["0.8", "0.9", "12"]
    assert rows[1]["FD"] == ""


def test_text_rounds_and_shows_what_is_missing():
    text = to_text(TABLE.brief())
    assert "0.812 [0.800, 0.900]" in text
    assert "FD ↓" in text
    assert "–" in text
    assert "wide" not in text


def test_markdown_has_one_bar_a_column():
    """A bar inside a cell does not open a new column."""
    head = [line for line in to_markdown(TABLE).splitlines() if line.startswith("|")]
    assert {line.replace("\\|", "").count("|") for line in head} == {len(TABLE.columns) + 1}


def test_what_ties_with_the_best_is_bold_and_its_interval_is_not():
    """A terminal has a star; the CSV keeps the number as it is."""
    columns = (Column(name="row"), Column(name="x", better="higher", interval=True), Column(name="y", better="lower"))
    table = Table("t", columns, ((Cell(text="a b|"), number(0.5, 0.4, 0.6, bold=True), number(0.1)),))
    assert "0.500* [0.400, 0.600]  0.100" in to_text(table)
    assert "| a b\\| | **0.500** [0.400, 0.600] | 0.100 |" in to_markdown(table)
    assert r"\textbf{0.500} [0.400, 0.600] & 0.100 \\" in to_latex(table)
    assert to_csv(table).splitlines()[1].startswith("a b|,0.5,0.4,0.6,")


def test_latex_escapes_every_special_character():
    text = to_latex(TABLE)
    assert r"50\% more\_of \{them\}" in text
    assert r"FD $\downarrow$" in text
    assert "booktabs" in text


def test_latex_notes_and_options_are_set_as_they_are_written():
    """A bracket is no item label, two hyphens are no dash, a letter without a glyph does not stop pdflatex."""
    table = Table("no --data", (Column(name="a"),), ((Cell(text="–"),),), ("[low, high]: intervals", "θ → ∞"))
    text = to_latex(table)
    assert "no -{}-data" in text
    assert r"\textendash{}" in text
    assert r"\item {}[low, high]" in text
    assert "? ? ?" in text


def test_latex_moves_what_all_lines_share_into_the_caption():
    columns = (
        Column(name="dataset"),
        Column(name="base"),
        Column(name="generator"),
        Column(name="x", better="higher", unit="mdice@256"),
    )
    rows = tuple((Cell(text="d"), Cell(text=""), Cell(text=name), number(0.5)) for name in ("g", "h"))
    text = to_latex(Table("Scores", columns, rows))
    assert r"\caption{Scores (dataset d)}" in text
    assert r"\begin{tabular}{lr}" in text
    assert r"{x\\mdice@256 $\uparrow$}" in text.replace(r"\end{tabular}", "}").replace("[b]{@{}r@{}}", "{")


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_latex_compiles_as_it_is(tmp_path):
    (tmp_path / "t.tex").write_text(to_latex(TABLE), encoding="utf-8")
    done = subprocess.run(["pdflatex", "-interaction=nonstopmode", "t.tex"], cwd=tmp_path, capture_output=True)
    assert done.returncode == 0, done.stdout.decode()[-800:]


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_shows_every_line(name):
    assert "none" in FORMATS[name](TABLE)


HOSTILE = Table(
    "of [x](y)\x1b",
    (Column(name="id=1"), Column(name="FD\u202e", better="lower")),
    ((Cell(text="=1\x1b]|<img>\\|](z)\n2"), number(-0.5)), (Cell(text="-x"), Cell(text="@no"))),
    ("two\n  lines <b> ](z) \x07",),
)


@pytest.mark.parametrize("render", [to_text, *FORMATS.values()])
def test_no_text_acts_where_it_is_shown(render):
    """Control characters are written out, and a cell stays in its line."""
    text = render(HOSTILE)
    assert not re.search("[\x00-\x09\x0b-\x1f\u202e]", text)
    assert "x1b" in text
    assert render == to_csv or "two lines" in text


def test_markdown_of_a_hostile_text_is_text():
    """No link, picture or tag, and no bar but those of the table."""
    text = to_markdown(HOSTILE)
    assert r"| =1\\x1b]\|&lt;img>\\\|]\(z)\\x0a2 | -0.500 |" in text
    assert "](" not in text
    assert "<" not in text


def test_csv_guards_texts_and_no_number():
    rows = list(csv.reader(io.StringIO(to_csv(HOSTILE))))
    assert rows[1][:2] == [r"'=1\x1b]|<img>\|](z)\x0a2", "-0.5"]
    assert rows[2][0] == "'-x"


def test_latex_writes_control_characters_out():
    assert r"=1\textbackslash{}x1b]|$<$img$>$" in to_latex(HOSTILE)
