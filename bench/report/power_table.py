"""A plan of repeats and test images -> tables, for every format. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from bench.analysis.estimate import Estimate
from bench.analysis.power_plan import TIMES, Design
from bench.analysis.verdicts import Verdict
from bench.report.document import Document
from bench.report.table import Cell, Column, Table, rounded
from bench.stats.power import POWER
from bench.version import __version__

COLUMNS = ("repeats", "images", "groups", "least_difference", "shows_margin")
_DECIMALS = 3


def document(design: Design, found: Sequence[Verdict] = (), notes: Sequence[str] = ()) -> Document:
    """`found`: the comparisons that the spread is the mean of, which have a table of their own; `notes`: where it comes
    from.
    """
    table = _table(design, notes)
    cells = list(_records(design))
    about = {
        **asdict(design),
        "power": POWER,
        "level": design.level,
        "repeats_needed": design.repeats_needed,
        "images_needed": design.images_needed(design.repeats),
    }
    body = {
        "bench": __version__,
        "about": about,
        "smallest": cells,
        "comparisons": [_comparison(one) for one in found],
        "notes": list(table.notes),
    }
    tables = [table, _comparisons(found)] if found else [table]
    return Document(tables=tables, page=table, columns=COLUMNS, records=cells, body=body)


def sentence_of(design: Design) -> str:
    """What shows the wanted difference: more repeats, more test images, or both."""
    wanted, repeats = f"to see {design.margin:g}", design.repeats_needed
    images, both = design.images_needed(design.repeats), design.both_needed
    ways = [f"{repeats} repeats with these test images"] if repeats else []
    ways += [f"{_round(images)} test images with {_repeats(design.repeats)}"] if images else []
    if not ways and both:
        ways = [f"{both[0]} repeats and {_round(both[1])} test images; neither alone is enough"]
    if not ways:
        return f"{wanted}: no number of repeats and test images looked at is enough; a larger difference is"
    return f"{wanted}: about {', or '.join(ways)}"


def forecast(design: Design) -> str:
    """The smallest difference that a design shows, of which only assumptions are known."""
    over = "" if design.repeats == 1 else f", {design.spread.repeat:g} over repeats"
    return (
        f"smallest difference that {POWER * 100:g} % of such runs show: about {design.least(design.repeats):.3f} "
        f"({_repeats(design.repeats)}, {design.groups:,} independent groups of test images, {design.comparisons} "
        f"comparison(s); sd of a difference assumed: {design.spread.image:g} over images{over})"
    )


def _repeats(count: int) -> str:
    return "1 repeat (of what is trained that once)" if count == 1 else f"{count} repeats"


def _round(count: int) -> str:
    """Two digits of a large number: the rest would be pretence."""
    digits = 10 ** max(0, len(str(count)) - 2)
    return f"{-(-count // digits) * digits:,}"


def _records(design: Design) -> Iterator[dict[str, Any]]:
    for repeats, times, least in design.cells():
        yield {
            "repeats": repeats,
            "images": design.images * times,
            "groups": design.groups * times,
            "least_difference": least,
            # One repeat knows no noise of training: beside the others it would look like the best design.
            "shows_margin": least <= design.margin and repeats > 1,
        }


def _table(design: Design, notes: Sequence[str]) -> Table:
    titles = [f"{design.images * times:,} images" for times in TIMES]
    columns = (
        Column(name="repeats"),
        *(Column(name=title, better="lower", plain=True, decimals=_DECIMALS) for title in titles),
    )
    lines: dict[int, list[Cell]] = {}
    for one in _records(design):
        repeats, shows = one["repeats"], one["shows_margin"]
        cell = Cell(number=Estimate(one["least_difference"]), n=one["images"], bold=shows)
        lines.setdefault(repeats, [Cell(text=_rows_name(repeats))]).append(cell)
    grouped = f" (in {design.groups:,} independent groups)" if design.groups != design.images else ""
    below = (
        sentence_of(design),
        *notes,
        f"{design.images:,} test images{grouped}, and multiples of them; bold (in a terminal: *): shows "
        f"{design.margin:g}",
        f"intervals of {design.level * 100:.4g} %: {design.comparisons} comparison(s) by Holm's correction"
        if design.comparisons > 1
        else "intervals of 95 %: one comparison",
        "1 repeat has no noise of training in it: it speaks of what was trained that once, and of no other training, "
        "and is never bold",
    )
    caption = f"Smallest difference that {POWER * 100:g} % of such runs show"
    return Table(caption, columns, tuple(map(tuple, lines.values())), below)


def _rows_name(repeats: int) -> str:
    return "1 (this training alone)" if repeats == 1 else str(repeats)


def _comparison(one: Verdict) -> dict[str, Any]:
    spread = one.spread
    assert spread is not None
    return {
        "segmenter": one.training.segmenter,
        "row": one.training.trained_on,
        "baseline": one.baseline,
        "difference": one.number.value,
        "sd_repeats": spread.repeat if len(one.number.by_repeat) > 1 else None,
        "sd_images": spread.image,
        "sd_both": spread.both if len(one.number.by_repeat) > 1 else None,
        "least_difference": one.least,
    }


def _comparisons(found: Sequence[Verdict]) -> Table:
    """The spread of each row by itself."""
    titles = ("segmenter", "trained on", "sd repeats", "sd images", "sd both", "smallest shown")
    rows = []
    for one in found:
        record = _comparison(one)
        numbers = (record[name] for name in ("sd_repeats", "sd_images", "sd_both", "least_difference"))
        texts = ("–" if value is None else rounded(value, 4) for value in numbers)
        rows.append(tuple(Cell(text=text) for text in (record["segmenter"], record["row"], *texts)))
    notes = (
        "standard deviations of the difference against the baseline: over repeats, over groups of test images, and of "
        "both together; a row's own are guesses of few repeats, so the plan rests on the mean of their squares",
    )
    return Table("Spread of the run's own rows", tuple(map(Column, titles)), tuple(rows), notes)
