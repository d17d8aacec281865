"""Verdicts on a segmenter's rows -> a table: every row against the control, over all test images. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from bench.analysis.estimate import LEAST_CLUSTERS
from bench.analysis.sources import of_row
from bench.analysis.verdicts import UNDECIDED, WITHIN, Verdict, in_first_convention
from bench.report.table import Cell, Column, Table, rounded
from bench.stats.power import POWER

_TEXTS: Mapping[str, Callable[[Verdict], str]] = {
    "dataset": lambda one: one.training.scope.dataset,
    "data": lambda one: one.training.scope.data,
    "profile": lambda one: one.training.scope.profile,
    "settings": lambda one: one.training.settings,
    "repeats": lambda one: str(one.training.repeats),
    "segmenter": lambda one: one.training.segmenter,
    "trained on": lambda one: one.training.trained_on,
    "baseline": lambda one: one.baseline,
    "baseline_pairs": lambda one: str(one.baseline_pairs),
    "margin": lambda one: f"{one.margin:g}",
}
_ALWAYS = ("segmenter", "trained on")
"""The other texts stand only where rows differ in them."""
_DECIMALS = 3
_LEAST_P = 0.001
_IN_FILES = ("smallest shown", "sd over repeats", "p", "p (Holm)", "level", "repeats", "groups", "images")


def verdicts_table(found: Sequence[Verdict], notes: Sequence[str] = ()) -> Table | None:
    """Over all test images, in the convention whose p is corrected, else in the first; None without any difference."""
    shown = in_first_convention(found)
    if not shown:
        return None
    texts = [name for name, text in _TEXTS.items() if name in _ALWAYS or len({text(one) for one in shown}) > 1]
    columns = (
        *map(Column, texts),
        Column(name="difference", better=shown[0].better, decimals=_DECIMALS, interval=True),
        *map(Column, ("verdict", "P(false)", f"to see {_margin(shown)}")),
        *(Column(name=name, brief=False) for name in _IN_FILES),
    )
    rows = tuple(_line(one, texts) for one in shown)
    baselines = ", ".join(dict.fromkeys(one.baseline for one in shown))
    caption = f"Verdicts: differences against {baselines} ({shown[0].metric}, overall; {_levels(shown)})"
    return Table(caption, columns, rows, (*_notes(shown), *notes))


def _levels(shown: Sequence[Verdict]) -> str:
    """Of the intervals, which Holm's correction widens."""
    levels = sorted({one.level for one in shown if one.comparisons} or {one.level for one in shown})
    span = " to ".join(f"{100 * level:.4g}" for level in dict.fromkeys((levels[0], levels[-1])))
    count = max((one.comparisons or 0 for one in shown), default=0)
    return f"intervals of {span} %" + (f" for {count} comparisons" if count > 1 else "")


def smallest_shown(found: Sequence[Verdict]) -> list[str]:
    """The differences that a run of this design would show, over its own spread; a sentence, or none."""
    shown = [one for one in found if one.comparisons and one.least]
    if not shown:
        return []
    least = sorted(rounded(one.least or 0, _DECIMALS) for one in shown)
    span = least[0] if least[0] == least[-1] else f"{least[0]} to {least[-1]}"
    return [f"smallest difference that {POWER:.0%} of such runs show: {span}, by the spread of this run's own rows"]


def _line(one: Verdict, texts: Sequence[str]) -> tuple[Cell, ...]:
    counts = one.number.counts
    after = (
        said(one),
        _p(one.p_false),
        needed(one),
        _number(one.least),
        _number(one.number.sd),
        _p(one.p_value),
        _p(one.p_holm),
        f"{one.level:.4f}".rstrip("0"),
        *(str(count) for count in (one.training.repeats, counts.clusters, counts.images)),
    )
    return (
        *(Cell(text=_TEXTS[name](one)) for name in texts),
        Cell(number=one.estimate, n=counts.images, sources=(one.training.key,)),
        *(Cell(text=text) for text in after),
    )


def said(one: Verdict) -> str:
    """The verdict as a table shows it."""
    return f"no more than {one.margin:g}" if one.word == WITHIN else one.word or "–"


def needed(one: Verdict) -> str:
    """What would show the margin, where nothing is decided yet."""
    if one.word != UNDECIDED:
        return "–"
    if one.least is not None and one.least <= one.margin:
        return "this design does"
    repeats, images = one.needed
    ways = [f"{_about(repeats)} repeats"] if repeats else []
    ways += [f"{_about(images)} test images"] if images else []
    return f"about {' or '.join(ways)}" if ways else "neither repeats nor images alone"


def _about(count: int) -> str:
    """Two digits: no more is known of what has not been done yet."""
    return f"{round(count, 2 - len(str(count))):,}" if count > 99 else str(count)


def _number(value: float | None) -> str:
    return "–" if value is None else rounded(value, _DECIMALS)


def _p(value: float | None) -> str:
    if value is None:
        return "–"
    return f"< {_LEAST_P}" if value < _LEAST_P else rounded(value, 3)


def _margin(shown: Sequence[Verdict]) -> str:
    """In words where rows of several runs have not the same."""
    margins = {f"{one.margin:g}" for one in shown}
    return margins.pop() if len(margins) == 1 else "the margin"


def _contained(shown: Sequence[Verdict]) -> list[str]:
    """Which rows' intervals, where not all contain the same; and why some have none."""
    rows: dict[str, list[str]] = {}
    known = [one for one in shown if one.estimate.bounds]
    for one in known:
        rows.setdefault(of_row(one.sources), []).append(one.training.trained_on)
    notes = [f"intervals of {', '.join(dict.fromkeys(names))} contain {text}" for text, names in rows.items()]
    if len(rows) == 1:
        notes = [f"intervals contain {text}" for text in rows]
    if len(known) < len(shown):
        notes.append("–: no interval where a test set is one image or one group only: that has no spread")
    return notes


def _other_updates(shown: Sequence[Verdict]) -> list[str]:
    """Rows that differ from their baseline in the length of the training too."""
    rows: dict[str, list[str]] = {"fewer": [], "more": []}
    for one in shown:
        own, other = one.training.pairs, one.baseline_pairs
        if own and other and own != other:
            rows["fewer" if own < other else "more"].append(one.training.trained_on)
    return [
        f"{word} pairs an epoch than the baseline, so {word} updates too: {', '.join(dict.fromkeys(names))}"
        for word, names in rows.items()
        if names
    ]


def _notes(shown: Sequence[Verdict]) -> tuple[str, ...]:
    count = max((one.comparisons or 0 for one in shown), default=0)
    controls = ", nor is a control" if any(one.unranked for one in shown) else ""
    margin = _margin(shown)
    notes = [
        "[low, high]: interval of the difference itself, on the same test images; its level is 95 %, more where Holm's "
        f"correction for the {count} comparison(s) of this table asks for it (a row that differs in no image is none"
        f"{controls})",
        f"helps, harms: the interval lies beyond 0; no more than {margin}: it lies within ±{margin} (--margin); "
        "undecided: neither, and what would show that margin in 80 % of such runs stands beside it (test images: as "
        "independent as these groups)",
        "P(false): probability that the difference has the other sign than the one seen",
        "groups of test images are drawn anew, the same for both rows and all repeats; over repeats Student's t widens "
        "the interval, over few groups too",
        *_contained(shown),
        *_other_updates(shown),
    ]
    few = sorted({one.number.counts.clusters for one in shown if one.number.counts.clusters < LEAST_CLUSTERS})
    if few:
        notes.append(f"{', '.join(map(str, few))} groups of test images: such an interval is uncertain itself")
    return tuple(notes)
