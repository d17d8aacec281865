"""Table -> text, Markdown, LaTeX or CSV. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from textwrap import TextWrapper

from bench.report.table import Cell, Column, Shown, Table, show
from bench.text import csv_text, printable, sentence

_LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "–": r"\textendash{}", "↑": r"$\uparrow$",
    "↓": r"$\downarrow$", "≤": r"$\leq$", "≥": r"$\geq$", "×": r"$\times$", "<": r"$<$", ">": r"$>$",
}  # fmt: skip
_TYPOGRAPHIC = "—‘’“”…€"

NOTE_WIDTH = 118


def _grid(table: Table, bold: str, escape: Callable[[str], str]) -> list[list[str]]:
    """Texts of all rows below the headings; `bold` is a format for such a number, which leaves its interval alone."""

    def written(cell: Cell, column: Column) -> str:
        shown = show(cell, column)
        text = escape(shown.text)
        return str(Shown(bold.format(text) if cell.bold else text, escape(shown.interval)))

    body = [[written(cell, column) for cell, column in zip(row, table.columns, strict=True)] for row in table.rows]
    return [[escape(f"{column.title} {column.arrow}".strip()) for column in table.columns], *body]


def to_text(table: Table) -> str:
    """Aligned columns for a terminal, notes below; a star stands for bold, which files and pipes do not have."""
    grid = _grid(table, "{}*", printable)
    widths = [max(len(row[index]) for row in grid) for index in range(len(table.columns))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in grid]
    lines.insert(1, "  ".join("-" * width for width in widths))
    item = TextWrapper(NOTE_WIDTH, initial_indent="* ", subsequent_indent="  ")
    notes = [item.fill(sentence(note)) for note in table.notes]
    return "\n".join([printable(table.caption), "", *lines, "", *notes])


def escape_markdown(text: str) -> str:
    """No bar opens a column, no bracket a link or a picture, no angle a tag."""
    known = str.maketrans({"\\": "\\\\", "|": "\\|", "<": "&lt;", "&": "&amp;"})
    return printable(text).translate(known).replace("](", "]\\(")


def to_markdown(table: Table) -> str:
    """A pipe table under its caption, all notes below as a list."""
    grid = _grid(table, "**{}**", escape_markdown)
    head, *body = ["| " + " | ".join(row) + " |" for row in grid]
    rule = "|" + "|".join(" --- " if not column.better else " ---: " for column in table.columns) + "|"
    notes = [f"- {escape_markdown(sentence(note))}" for note in table.notes]
    return "\n".join([f"**{escape_markdown(table.caption)}**", "", head, rule, *body, "", *notes, ""])


def escape_latex(text: str) -> str:
    """What pdflatex has no letter for becomes a question mark: it would stop there."""
    known = (
        _LATEX.get(letter, letter if ord(letter) < 0x180 or letter in _TYPOGRAPHIC else "?")
        for letter in printable(text)
    )
    # Two hyphens in a row (an option's name) would be set as one dash.
    return "".join(known).replace("--", "-{}-")


def _without_constants(table: Table) -> Table:
    """Texts that are the same in every row move into the caption: a page is narrow."""
    texts = [{row[index].text for row in table.rows} for index in range(len(table.columns))]
    constant = [not column.better and len(seen) == 1 for column, seen in zip(table.columns, texts, strict=True)]
    if len(table.rows) < 2 or all(constant):
        return table
    said = [f"{c.title} {min(seen)}" for c, seen, same in zip(table.columns, texts, constant, strict=True)
            if same and min(seen)]  # fmt: skip
    keep = [index for index, same in enumerate(constant) if not same]
    rows = tuple(tuple(row[index] for index in keep) for row in table.rows)
    caption = table.caption + (f" ({', '.join(said)})" if said else "")
    return Table(caption, tuple(table.columns[index] for index in keep), rows, table.notes)


def _latex_heading(column: Column) -> str:
    """The convention stands below the test set, so that a column is no wider than its numbers."""
    upper, lower = column.two_lines
    last = escape_latex(f"{lower} {column.arrow}".strip())
    align = "r" if column.better else "l"
    # A shortstack would do, but its lines stand at uneven heights.
    return rf"\begin{{tabular}}[b]{{@{{}}{align}@{{}}}}{escape_latex(upper)}\\{last}\end{{tabular}}" if upper else last


def to_latex(table: Table) -> str:
    """A document that compiles as it is; a paper takes the part between the two marks, with booktabs and graphicx."""
    table = _without_constants(table)
    head = " & ".join(map(_latex_heading, table.columns)) + r" \\"
    body = [" & ".join(row) + r" \\" for row in _grid(table, r"\textbf{{{}}}", escape_latex)[1:]]
    align = "".join("r" if column.better else "l" for column in table.columns)
    # A note that begins with a bracket would be taken for the item's label.
    notes = [f"\\item {{}}{escape_latex(sentence(note))}" for note in table.notes]
    return "\n".join(
        [
            r"\documentclass{article}",
            r"\usepackage[a3paper,landscape,margin=10mm]{geometry}",
            r"\usepackage[T1]{fontenc}",
            r"\usepackage[utf8]{inputenc}",
            r"\usepackage{booktabs,graphicx}",
            r"\begin{document}",
            r"% ---- table: begin",
            r"\begin{table}[!h]\centering",
            rf"\caption{{{escape_latex(table.caption)}}}",
            r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
            rf"\begin{{tabular}}{{{align}}}",
            r"\toprule",
            head,
            r"\midrule",
            *body,
            r"\bottomrule",
            r"\end{tabular}}",
            *([r"\begin{itemize}\footnotesize", *notes, r"\end{itemize}"] if notes else []),
            r"\end{table}",
            r"% ---- table: end",
            r"\end{document}",
            "",
        ]
    )


def to_csv(table: Table) -> str:
    """Full precision; a number's interval and n follow it in columns of their own."""
    header = [name for column in table.columns for name in _csv_names(column)]
    rows = (
        [field for cell, column in zip(row, table.columns, strict=True) for field in _csv_fields(cell, column)]
        for row in table.rows
    )
    return csv_text(header, rows)


def _csv_names(column: Column) -> list[str]:
    if not column.better:
        return [column.title]
    return [column.title, *(f"{column.title} {part}" for part in ("low", "high", "n"))]


def _csv_fields(cell: Cell, column: Column) -> list[str | float | None]:
    if not column.better:
        return [cell.text]
    number = cell.number
    return [number.value, number.low, number.high, cell.n] if number else [None, None, None, cell.n]


FORMATS: Mapping[str, Callable[[Table], str]] = {"csv": to_csv, "latex": to_latex, "markdown": to_markdown}
SUFFIXES: Mapping[str, str] = {"csv": ".csv", "latex": ".tex", "markdown": ".md"}
