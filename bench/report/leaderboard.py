"""Scores -> the wide table: one row a segmenter × training set. Pure, never cached."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import product

from bench.analysis.estimate import LEAST_CLUSTERS
from bench.analysis.origin import TrainedRow, Training
from bench.analysis.score_rows import OVERALL, OVERALL_UNWEIGHTED, RowScore, SetScore
from bench.analysis.set_differences import SetDifference, sentences
from bench.analysis.sources import of_row
from bench.analysis.verdicts import Spot
from bench.plan.training_set import NO_GENERATOR
from bench.report.sets_table import warnings
from bench.report.table import Cell, Column, Table
from bench.segscores import better
from bench.store.run_manifest import RunManifest

_TEXTS: Mapping[str, Callable[[TrainedRow], str]] = {
    "dataset": lambda row: row.training.scope.dataset,
    "generator": lambda row: "none (real only)" if row.made.generator == NO_GENERATOR else row.made.label,
    "masks": lambda row: row.made.masks,
    "trained on": lambda row: row.training.trained_on or f"none ({row.made.label})",
    "segmenter": lambda row: row.training.segmenter,
    "pairs": lambda row: _count(row.training.pairs),
    "updates": lambda row: _count(row.updates),
    "repeats": lambda row: str(row.training.repeats),
    "sources": lambda row: of_row(row.training.varied) if row.training.trained_on else "",
    "settings": lambda row: row.training.settings,
    "profile": lambda row: row.training.scope.profile,
    "base": lambda row: row.made.base,
    "data": lambda row: row.training.scope.data,
}
"""What stands before the numbers, in this order."""
_BRIEF = ("trained on", "segmenter")
_BRIEF_IF_MIXED = ("dataset", "masks", "updates", "repeats", "settings", "profile", "data")
"""A terminal shows these only where rows differ in them."""
_OPTIONAL = ("settings", "updates")
"""Without a column where no row has any."""
_BRIEF_SETS = 2
"""Measures of the synthetic set in a terminal; what else is known of it has a table of its own."""
_ABSENT = "absent"
MOST = 5
"""Notes below a table in a terminal; files have all."""
_BOLD = (
    "bold (in a terminal: number*): of each column, network, data and profile the best, and every row whose paired "
    "difference to it has 0 in its 95 % interval (without one: only the best); measures of synthetic sets are never "
    "bold, copies of real images would be the best"
)


_CONTROLS = (
    "(control): says what the numbers could be; shown, never bold, and none of the comparisons that p is corrected for"
)


def _count(number: int | None) -> str:
    return "" if number is None else str(number)


def build_table(
    manifests: Sequence[RunManifest],
    sets: Sequence[SetScore],
    tests: Sequence[RowScore],
    *,
    differences: Sequence[SetDifference] = (),
    ties: Collection[Spot] = (),
    notes: Sequence[str] = (),
    beside: str = "",
) -> Table:
    """Metrics of the synthetic set first, then each test set and the overall means in the profile's conventions.

    `differences`: of the sets, of which the notes name those beyond their noise, but none of a control; `ties`: scores
    to set in bold; `notes`: on rows; `beside`: a convention that a terminal shows too, beside the first.
    """
    headline = [one for one in sets if one.measure.headline and not one.stratum]
    conventions = list(dict.fromkeys(name for manifest in manifests for name in manifest.columns))
    test_sets = _test_sets(manifests, tests)
    rows = _rows(sets, tests)
    texts = {name: [text(row) for row in rows] for name, text in _TEXTS.items()}
    texts = {name: column for name, column in texts.items() if name not in _OPTIONAL or any(column)}
    measures = {one.measure.name: one.measure.better for one in headline}
    places = list(product(conventions, test_sets))
    columns = tuple(_columns(texts, measures, places, brief=(*conventions[:1], beside)))
    of_sets = {
        (one.origin.key, one.measure.name): Cell(number=one.estimate, n=one.n, sources=(one.record,))
        for one in headline
    }
    of_tests = {(one.row, one.metric, one.test_set): _test_cell(one, ties) for one in tests if not one.stratum}
    body = tuple(
        (
            *(Cell(text=column[at]) for column in texts.values()),
            *(of_sets.get((row.made.key, name), Cell()) for name in measures),
            *(of_tests.get((row, *place), _blank(row, place[1], manifests)) for place in places),
        )
        for at, row in enumerate(rows)
    )
    bold = [_BOLD] if ties else []
    unranked = {name for manifest in manifests for name in manifest.unranked}
    ranked = [one for one in differences if not {one.a, one.b} & unranked]
    below = (*_notes(manifests, headline, tests), *_shared_settings(rows), *notes, *bold, *sentences(ranked))
    names = ", ".join(dict.fromkeys(manifest.dataset.name for manifest in manifests))
    return Table(f"Synthetic sets and the segmenters trained with them: {names}", columns, body, below)


def _shared_settings(rows: Sequence[TrainedRow]) -> list[str]:
    """A terminal has no column for what all rows share; what departs from the profile is said all the same."""
    settings = {row.training.settings for row in rows}
    return [f"all rows: {text}" for text in settings if text and len(settings) == 1]


def _rows(sets: Sequence[SetScore], tests: Sequence[RowScore]) -> list[TrainedRow]:
    """A row for each segmenter × training set; a generator no segmenter was trained on keeps a row of its own.

    Runs with other parameters never share a row.
    """
    rows = dict.fromkeys(one.row for one in tests)
    trained = {row.made.key for row in rows}
    alone = dict.fromkeys(_untrained(one) for one in sets if one.origin.key not in trained)
    return [*rows, *alone]


def _untrained(one: SetScore) -> TrainedRow:
    training = Training(
        scope=one.origin.scope,
        segmenter="",
        trained_on="",
        kind="",
        pairs=None,
        repeats=1,
        varied=(),
        settings=one.origin.settings,
        selected_on_test=False,
        key="",
    )
    return TrainedRow(made=one.origin, training=training, updates=None)


def _test_sets(manifests: Sequence[RunManifest], tests: Sequence[RowScore]) -> list[str]:
    """Those that have scores, those that are absent, and the means over them last."""
    absent = [test.removeprefix("test/") for manifest in manifests for test in manifest.dataset.absent]
    names = list(dict.fromkeys([*(one.test_set for one in tests), *absent]))
    overall = [name for name in (OVERALL, OVERALL_UNWEIGHTED) if name in names]
    return [name for name in names if name not in overall] + overall


def _columns(
    texts: Mapping[str, Sequence[str]],
    measures: Mapping[str, str],
    places: Sequence[tuple[str, str]],
    brief: Collection[str],
) -> Iterator[Column]:
    """`places`: convention and test set; `brief`: conventions that a terminal shows."""
    mixed = [name for name in _BRIEF_IF_MIXED if len(set(texts.get(name, ()))) > 1]
    for name in texts:
        yield Column(name=name, brief=name in (*_BRIEF, *mixed))
    for at, (name, direction) in enumerate(measures.items()):
        yield Column(name=name, better=direction, decimals=4, brief=at < _BRIEF_SETS, interval=True)
    for convention, test in places:
        shown = convention in brief and test != OVERALL_UNWEIGHTED
        yield Column(name=test, better=better(convention), brief=shown, interval=test == OVERALL, unit=convention)


def _test_cell(one: RowScore, ties: Collection[Spot]) -> Cell:
    bold = Spot(one.row.training.key, one.test_set, one.metric) in ties
    return Cell(number=one.estimate, n=one.counts.images, sources=(one.record,), bold=bold)


def _blank(row: TrainedRow, test: str, manifests: Sequence[RunManifest]) -> Cell:
    """A test set that the row's dataset lacks is absent; one whose scores failed is a dash."""
    scope, name = row.training.scope, f"test/{test}"
    lacking = any(
        name in data.absent and (data.name, data.fingerprint[:12]) == (scope.dataset, scope.data)
        for data in (manifest.dataset for manifest in manifests)
    )
    return Cell(text=_ABSENT if lacking else "")


def _notes(
    manifests: Sequence[RunManifest], headline: Sequence[SetScore], tests: Sequence[RowScore]
) -> tuple[str, ...]:
    several = len({one.origin.settings for one in headline}) > 1

    def name_of(one: SetScore) -> str:
        settings = one.origin.settings if several else ""
        return f"{one.origin.label} ({settings})" if settings else one.origin.label

    notes = [note.text for manifest in manifests for note in manifest.notes]
    notes += [_protocol(manifest) for manifest in manifests]
    notes += warnings(headline, name_of)
    if any(manifest.unranked for manifest in manifests):
        notes.append(_CONTROLS)
    notes.append(
        "[low, high]: 95 % intervals; test sets: bootstrap over images, whole groups where frames belong together, and "
        "Student's t over repeats"
    )
    if any(one.estimate.low is None for one in tests):
        notes.append("no interval where a test set is one group only, nor overall with it: one group has no spread")
    notes += _too_few(tests)
    notes += _sources(tests)
    return tuple(dict.fromkeys(notes))


def reading_notes(
    manifests: Sequence[RunManifest], tests: Sequence[RowScore], notes: Sequence[str], seen: Sequence[str] = ()
) -> tuple[str, ...]:
    """At most `MOST` notes, the weightiest first, that change how the numbers are read.

    `notes`: on rows; `seen`: what such a run can show at all.
    """
    weighty = [note.text for manifest in manifests for note in manifest.notes if note.matters]
    weighty += [*_shared_settings([one.row for one in tests]), *notes, *_too_few(tests)]
    weighty += [*_sources(tests), *seen]
    weighty.append("[low, high]: 95 % intervals; *: the best, and what ties with it within that noise")
    return tuple(dict.fromkeys(weighty))[:MOST]


def _sources(tests: Sequence[RowScore]) -> list[str]:
    """What the intervals of rows contain, as the rows have it in which most varies."""
    found: dict[int, dict[tuple[str, ...], None]] = {}
    for one in dict.fromkeys(one.row.training for one in tests):
        found.setdefault(one.repeats, {})[one.varied] = None
    return [f"{_times(repeats)}: {_contain(list(varied))}" for repeats, varied in found.items()]


def _contain(varied: Sequence[tuple[str, ...]]) -> str:
    """In runs of different --vary none is the widest."""
    widest = [one for one in varied if not any(set(one) < set(other) for other in varied)]
    if len(widest) == 1:
        return f"intervals contain {of_row(widest[0])}"
    return f"intervals of rows differ in what they contain: {' | '.join(map(of_row, widest))}; see column sources"


def _times(repeats: int) -> str:
    return "1 repeat, so verdicts concern this one trained generator" if repeats == 1 else f"{repeats} repeats"


def _too_few(tests: Sequence[RowScore]) -> list[str]:
    """Test sets of so few groups that a bootstrap is too sure of itself."""
    few = {
        one.test_set: one.counts.clusters
        for one in tests
        if one.estimate.low is not None and not one.stratum and one.counts.clusters < LEAST_CLUSTERS
    }
    named = ", ".join(f"{test} ({count} groups)" for test, count in few.items())
    return [f"{named}: intervals of fewer than {LEAST_CLUSTERS} groups are too narrow"] if few else []


def _protocol(manifest: RunManifest) -> str:
    data, protocol = manifest.dataset, manifest.protocol
    images = {name.removeprefix("test/"): n for name, n in data.pairs.items() if name.startswith("test/")}
    tests = ", ".join(f"{name} {n}" for name, n in images.items())
    return (
        f"{data.name} (data {data.fingerprint[:12]}): {data.pairs['train']} training pairs; "
        f"test images: {tests}; overall = mean over all {sum(images.values())} test images, so large sets count more; "
        f"base seed {protocol.seed}, {protocol.repeats} repeat(s) of each row; "
        f"reference of set metrics: the {protocol.reference} images"
    )
