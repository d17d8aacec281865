"""A table is data first: typed cells under named columns, rendered elsewhere."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, replace

from bench.analysis.estimate import Estimate

ARROWS = {"lower": "↓", "higher": "↑", "": ""}
"""The direction in which a score is better; a reference value ranks nothing."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A number with its 95 % interval, number of images and the records it comes from; or a text.

    `bold`: nothing in its column is better beyond the noise.
    """

    number: Estimate | None = None
    n: int | None = None
    text: str = ""
    sources: tuple[str, ...] = ()
    bold: bool = False


@dataclass(frozen=True)
class Column:
    """`unit` follows the name where columns of several units stand side by side. `better` is `higher`, `lower` or empty
    for a text; `brief` columns are those a terminal shows.
    """

    name: str
    _: KW_ONLY
    better: str = ""
    decimals: int = 3
    brief: bool = True
    interval: bool = False
    unit: str = ""
    plain: bool = False
    """True where the caption shows the arrow."""

    @property
    def title(self) -> str:
        """Name and unit, as a header shows them."""
        return f"{self.name} {self.unit}".strip()

    @property
    def arrow(self) -> str:
        """The direction that is better; empty where the caption shows it."""
        return "" if self.plain else ARROWS[self.better]

    @property
    def two_lines(self) -> tuple[str, str]:
        """The title where columns are narrow: a unit has a line of its own, else the last word of the name."""
        if self.unit:
            return self.name, self.unit
        first, _, last = self.name.rpartition(" ")
        return first, last


@dataclass(frozen=True)
class Table:
    """`rows[i][j]` is the cell of row i under `columns[j]`; notes are sentences printed below."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()

    def brief(self, notes: tuple[str, ...] = ()) -> Table:
        """Only what fits a terminal, with these notes: a unit that all its columns share stands in the caption once."""
        keep = [index for index, column in enumerate(self.columns) if column.brief]
        rows = tuple(tuple(row[index] for index in keep) for row in self.rows)
        columns = [self.columns[index] for index in keep]
        units = {(column.unit, column.arrow) for column in columns if column.unit}
        if len(units) != 1:
            return Table(self.caption, tuple(columns), rows, notes)
        ((unit, arrow),) = units
        columns = [replace(column, unit="", plain=bool(column.unit)) for column in columns]
        return Table(f"{self.caption}; test sets: {unit} {arrow}", tuple(columns), rows, notes)


@dataclass(frozen=True)
class Shown:
    """What stands in a cell: a text or a rounded number, and behind a number its interval where the column has one."""

    text: str
    interval: str = ""

    def __str__(self) -> str:
        return f"{self.text} {self.interval}" if self.interval else self.text


def show(cell: Cell, column: Column) -> Shown:
    """The rounded number, with its interval where the column asks for it; where there is none its text, or a dash."""
    if not column.better:
        return Shown(cell.text)
    number = cell.number
    if number is None:
        return Shown(cell.text or "–")
    bounds = number.bounds if column.interval else None
    interval = f"[{', '.join(rounded(bound, column.decimals) for bound in bounds)}]" if bounds else ""
    return Shown(rounded(number.value, column.decimals), interval)


def named(name: str, better: str) -> str:
    """A score with the arrow that says which way it is better."""
    return f"{name} {ARROWS[better]}".strip()


def rounded(value: float, decimals: int) -> str:
    """So many decimals, and never a negative zero."""
    # Adding zero turns -0.0 into 0.0.
    return f"{round(value, decimals) + 0.0:.{decimals}f}"
