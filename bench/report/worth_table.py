"""What synthetic sets are worth -> a sentence each, a table and its notes. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bench.analysis.collapsed import collapsed, folded
from bench.analysis.estimate import LEAST_CLUSTERS
from bench.analysis.negatives import FAIR, PUBLISHED, empty_masks
from bench.analysis.score_rows import ScoredRow
from bench.analysis.sources import of_worth
from bench.analysis.worth import ABOVE, BELOW, UNKNOWN, Amount, LearningCurve, Span, Worth
from bench.report.leaderboard import MOST
from bench.report.table import Cell, Column, Table
from bench.segscores import better
from bench.store.run_manifest import CONTROL
from bench.store.worth_manifest import ADDED, WorthManifest
from bench.text import listed

_WORDS = {"": "", BELOW: "fewer than ", ABOVE: "more than "}
_WORTH = "worth (real)"
"""What a terminal has room for; the sentences above it say the rest."""
_TEXTS: Mapping[str, Callable[[Worth], str]] = {
    "segmenter": lambda one: one.training.segmenter,
    "synthetic set": lambda one: named(one),
    "synthetic": lambda one: f"{one.about.synthetic:,}",
    "real": lambda one: f"{one.about.real:,}",
}
_AFTER: Mapping[str, Callable[[Worth], str]] = {
    "trains like (real)": lambda one: with_span(one.like, one.span),
    _WORTH: lambda one: with_span(one.worth, one.worth_span),
    "exchange rate": lambda one: with_span(one.exchange, one.exchange_span, decimals=2),
}


@dataclass(frozen=True)
class Notes:
    """`weighty`: those that change how the numbers are read, at most `MOST`, the weightiest first."""

    all: tuple[str, ...]
    weighty: tuple[str, ...]


def named(one: Worth) -> str:
    """The generator as tables show it."""
    return f"{one.about.generator} {CONTROL}" if one.control else one.about.generator


def shown(amount: Amount, decimals: int = 0) -> str:
    """`1,450`, or a bound: `> 1,088`; a dash for neither."""
    if amount.bound == UNKNOWN:
        return "–"
    number = f"{amount.value:,.{decimals}f}"
    plain = "0" if float(number.replace(",", "")) == 0 and amount.bound else number
    return f"{amount.bound} {plain}".strip()


def with_span(amount: Amount, span: Span | None, decimals: int = 0) -> str:
    """The number and its interval, of which either end may be a bound."""
    ends = f" [{', '.join(shown(end, decimals) for end in span)}]" if span else ""
    return f"{shown(amount, decimals)}{ends}"


def bounded(amount: Amount) -> float | str:
    """For a file of numbers: a bound is a text there, and empty what is not known."""
    if amount.bound == UNKNOWN:
        return ""
    return f"{amount.bound} {amount.value:g}" if amount.bound else amount.value


def sentence(one: Worth) -> str:
    """What a set is worth to a network."""
    about = one.about
    beside = f"+ {about.real:,} real" if about.kind == ADDED else "alone"
    start = f"{one.training.segmenter}: {about.synthetic:,} synthetic images of {named(one)} {beside}"
    if one.like.bound == UNKNOWN:
        return f"{start}: nothing can be read off a curve that does not rise"
    like = f"{_WORDS[one.like.bound]}{one.like.value:,.0f} real"
    if one.span and (one.span[0].bound, one.span[1].bound) == (BELOW, ABOVE):
        return f"{start}: undecided, the interval is open at both ends (it scores like {like})"
    amount = f"worth {with_span(one.worth, one.worth_span)}" if about.kind == ADDED else with_span(one.like, one.span)
    return f"{start} train like {like} ({amount}; exchange rate {shown(one.exchange, 2)})"


def worth_table(manifest: WorthManifest, curves: Sequence[LearningCurve], notes: Sequence[str]) -> Table:
    """A line for each network and set, in one score."""
    metric = curves[0].metric
    columns = (
        *map(Column, _TEXTS),
        Column(name=metric, better=better(metric), interval=True),
        *(Column(name, brief=name == _WORTH) for name in _AFTER),
    )
    rows = tuple(
        (
            *(Cell(text=text(one)) for text in _TEXTS.values()),
            Cell(number=one.score.estimate, n=one.score.counts.images, sources=(one.training.key,)),
            *(Cell(text=text(one)) for text in _AFTER.values()),
        )
        for curve in curves
        for one in curve.sets
    )
    data = manifest.run.dataset.name
    return Table(f"Worth of synthetic sets in real pairs of {data} ({metric}, overall)", columns, rows, tuple(notes))


def worth_notes(manifest: WorthManifest, curves: Sequence[LearningCurve], rows: Sequence[ScoredRow]) -> Notes:
    """How the numbers came about and what bears on them."""
    weighty = [note.text for note in manifest.run.notes if note.matters]
    weighty += [note for curve in curves for note in curve.notes]
    failed_trainings = collapsed(rows)
    weighty += [*_level(manifest, curves), *_sources(curves), *_open(curves), *folded(failed_trainings)]
    empty, count = empty_masks(rows)
    if empty and curves[0].metric == PUBLISHED:
        weighty.append(f"{empty} of {count} test masks have no lesion, and {PUBLISHED} scores them 0; see {FAIR}")
    weighty += _few(curves)
    points = ", ".join(f"{one.pairs:,} ({one.percent} %)" for one in manifest.curve)
    largest = max(row.pairs for row in manifest.run.rows)
    reading = [
        "trains like: the real pairs whose network scores the same; worth: those less the real pairs of the row; "
        "exchange rate: worth for each synthetic pair (without real pairs: what it trains like)",
        f"> and <: beyond all {_measured(curves):,} real pairs of the curve, or below the row's own (alone: below the "
        "curve), nothing was measured: a bound, no number",
    ]
    files = [
        f"curve: {points} real pairs, nested, in whole groups; every training, of the curve and of the rows, has its "
        f"pairs repeated to {largest:,} an epoch, so all have as many updates",
        "between its points the curve is the isotonic mean, linear in the logarithm of the pairs",
        "[low, high]: 95 % intervals; groups of test images are drawn anew, the same for the curve and the row, and "
        "over repeats Student's t is added; every draw is read off a curve of its own",
        *(note.text for note in manifest.run.notes if not note.matters),
    ]
    every = [*weighty, *failed_trainings, *reading, *files]
    return Notes(tuple(dict.fromkeys(every)), tuple(dict.fromkeys([*weighty, *reading]))[:MOST])


def _measured(curves: Sequence[LearningCurve]) -> int:
    """The most real pairs that a network has been trained on."""
    return max((point.about.pairs for curve in curves for point in curve.points), default=0)


def _level(manifest: WorthManifest, curves: Sequence[LearningCurve]) -> Iterator[str]:
    """Where more real pairs do not help either, no number of them says what others are worth."""
    real = manifest.run.dataset.pairs["train"]
    for curve in curves:
        above = {point.fitted for point in curve.points if point.about.pairs >= real}
        if len(above) == 1:
            yield (
                f"{curve.segmenter}: its curve does not rise above {real:,} real pairs; where more of them do not "
                "help, none can be counted"
            )


def _open(curves: Sequence[LearningCurve]) -> list[str]:
    """Intervals that hold all that was measured."""
    spans = {f"{one.training.segmenter}, {one.about.trained_on}": one.span for curve in curves for one in curve.sets}
    names = [name for name, span in spans.items() if span and (span[0].bound, span[1].bound) == (BELOW, ABOVE)]
    if not names:
        return []
    return [f"nothing is decided of {listed(names)}: the interval is open; more repeats or test images narrow it"]


def _sources(curves: Sequence[LearningCurve]) -> Iterator[str]:
    """As the row that most varies in has it."""
    trainings = [one.training for curve in curves for one in curve.sets]
    for training in [max(trainings, key=lambda one: len(one.varied))] if trainings else ():
        count = training.repeats
        start = "1 repeat, so worths concern these trained networks" if count == 1 else f"{count} repeats"
        yield f"{start}: intervals contain {of_worth(training.varied)}"


def _few(curves: Sequence[LearningCurve]) -> list[str]:
    counts = {one.score.counts.clusters for curve in curves for one in curve.sets}
    few = [count for count in sorted(counts) if count < LEAST_CLUSTERS]
    return [f"{few[0]} groups of test images: such an interval is uncertain itself"] if few else []
