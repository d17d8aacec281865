"""A table is data first: typed cells under named columns, rendered elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Cell:
    """A number with its 95 % interval, number of images and the records it comes from; or a text.

    `bold`: nothing in its column is better beyond the noise.
    """

    value: float | None = None
    low: float | None = None
    high: float | None = None
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
    better: str = ""
    decimals: int = 3
    brief: bool = True
    interval: bool = False
    unit: str = ""
    plain: bool = False
    """True where the caption shows the arrow."""

    @property
    def title(self) -> str:
        return f"{self.name} {self.unit}".strip()

    @property
    def arrow(self) -> str:
        return "" if self.plain else {"higher": "↑", "lower": "↓"}.get(self.better, "")


@dataclass(frozen=True)
class Table:
    """`rows[i][j]` is the cell of row i under `columns[j]`; notes are sentences printed below."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()

    def brief(self) -> Table:
        """Only what fits a terminal: a unit that all its columns share stands in the caption once."""
        keep = [index for index, column in enumerate(self.columns) if column.brief]
        rows = tuple(tuple(row[index] for index in keep) for row in self.rows)
        columns = [self.columns[index] for index in keep]
        units = {(column.unit, column.arrow) for column in columns if column.unit}
        if len(units) != 1:
            return Table(self.caption, tuple(columns), rows, self.notes)
        ((unit, arrow),) = units
        columns = [replace(column, unit="", plain=bool(column.unit)) for column in columns]
        return Table(f"{self.caption}; test sets: {unit} {arrow}", tuple(columns), rows, self.notes)


def show(cell: Cell, column: Column) -> str:
    """The rounded number, with its interval where the column asks for it; where there is none its text, or a dash."""
    if not column.better:
        return cell.text
    if cell.value is None:
        return cell.text or "–"
    text = rounded(cell.value, column.decimals)
    if column.interval and cell.low is not None and cell.high is not None:
        text += f" [{rounded(cell.low, column.decimals)}, {rounded(cell.high, column.decimals)}]"
    return text


def rounded(value: float, decimals: int) -> str:
    # Adding zero turns -0.0 into 0.0.
    return f"{round(value, decimals) + 0.0:.{decimals}f}"
