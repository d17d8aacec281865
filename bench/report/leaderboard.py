"""Score rows -> the wide table: one line a row × segmenter. Pure, never cached."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from bench.analysis.paired import LEAST_CLUSTERS
from bench.analysis.score_rows import OVERALL, OVERALL_UNWEIGHTED, ScoreRow
from bench.analysis.set_differences import Difference, sentences
from bench.analysis.significance import Spot
from bench.plan.run_plan import NO_GENERATOR
from bench.report.table import Cell, Column, Table
from bench.segscores import better

_TEXTS = (
    "dataset", "generator", "masks", "row", "segmenter", "pairs", "updates", "seeds", "settings", "profile", "base",
    "data",
)  # fmt: skip
_BRIEF = ("row", "segmenter")
_BRIEF_IF_MIXED = ("dataset", "masks", "updates", "seeds", "settings", "profile", "data")
"""A terminal shows these only where lines differ in them."""
_OPTIONAL = ("settings", "updates")
"""Without a column where no line has any."""
_BRIEF_SETS = 2
"""Measures of the synthetic set in a terminal; what else is known of it has a table of its own."""
_REAL_ONLY = "none (real only)"
_ABSENT = "absent"
_BOLD = (
    "bold (in a terminal: number*): of each column, network, data and profile the best, and every line whose paired "
    "difference to it has 0 in its 95 % interval over test images, which knows nothing of training noise (without an "
    "interval: only the best); measures of synthetic sets are never bold, the control's copies of real images would be "
    "the best"
)

_SET = ("profile", "synthetic", "set_settings")
"""What a line and the measures of its synthetic set have in common: another reference makes other measures of a set."""
_KEYS = (*_TEXTS, "synthetic", "set_settings", "line")

Group = tuple[str, ...]
"""The texts of a line, then the keys of its set and of its scores: runs with other parameters never share a line."""


def build_table(
    manifests: Sequence[Mapping[str, Any]], rows: Sequence[ScoreRow], found: Sequence[Difference] = (),
    ties: Collection[Spot] = (), more: Sequence[str] = (), beside: str = "",
) -> Table:  # fmt: skip
    """Metrics of the synthetic set first, then each test set and the overall means in the profile's conventions.

    `found`: differences of the sets, of which the notes name those beyond their noise; `ties`: scores to set in bold;
    `more`: notes on lines; `beside`: a convention that a terminal shows too, beside the first.
    """
    set_metrics = list(dict.fromkeys(row.metric for row in rows if _on_the_board(row)))
    conventions = list(dict.fromkeys(name for manifest in manifests for name in manifest["columns"]))
    absent = {(data["name"], data["fingerprint"][:12]): data["absent"] for data in (m["dataset"] for m in manifests)}
    tests = _test_sets(rows, [test.removeprefix("test/") for names in absent.values() for test in names])
    texts = [name for name in _TEXTS if name not in _OPTIONAL or any(getattr(row, name) for row in rows)]
    groups = _groups(rows)
    mixed = [name for at, name in enumerate(_TEXTS) if len({group[at] for group, _ in groups}) > 1]
    brief = (*_BRIEF, *(name for name in _BRIEF_IF_MIXED if name in mixed))
    columns = (
        *(Column(name, brief=name in brief) for name in texts),
        *(_set_column(name, rows, at < _BRIEF_SETS) for at, name in enumerate(set_metrics)),
        *(_test_column(test, name, name in (conventions[0], beside)) for name in conventions for test in tests),
    )
    lines = tuple(
        (
            *(Cell(text=_shown(group, name)) for name in texts),
            *_of_set(group, rows, set_metrics),
            *_tested(group, members, conventions, tests, absent, ties),
        )
        for group, members in groups
    )
    shared = [] if "settings" in mixed else _shared_settings(groups)
    notes = (*_notes(manifests, rows), *shared, *more, *([_BOLD] if ties else []), *sentences(found))
    return Table(_caption(manifests), columns, lines, notes)


def _shared_settings(groups: Sequence[tuple[Group, list[ScoreRow]]]) -> list[str]:
    """A terminal has no column for what all lines share; what departs from the profile is said all the same."""
    return [f"all lines: {settings}" for group, _ in groups[:1] if (settings := _of(group, "settings"))]


def _on_the_board(row: ScoreRow) -> bool:
    return not row.segmenter and row.headline and not row.stratum


def _test_sets(rows: Sequence[ScoreRow], absent: Sequence[str]) -> list[str]:
    names = list(dict.fromkeys([*(row.test_set for row in rows if row.test_set), *absent]))
    overall = [name for name in (OVERALL, OVERALL_UNWEIGHTED) if name in names]
    return [name for name in names if name not in overall] + overall


def _set_column(name: str, rows: Sequence[ScoreRow], brief: bool) -> Column:
    better = next(row.better for row in rows if row.metric == name)
    return Column(name, better, decimals=4, brief=brief, interval=True)


def _test_column(test: str, convention: str, brief: bool) -> Column:
    shown = brief and test != OVERALL_UNWEIGHTED
    return Column(test, better(convention), brief=shown, interval=test == OVERALL, unit=convention)


def _group(row: ScoreRow) -> Group:
    values = (getattr(row, name) for name in _KEYS)
    return tuple("" if value is None else str(value) for value in values)


def _of(group: Group, name: str) -> str:
    return group[_KEYS.index(name)]


def _set_of(group: Group) -> tuple[str, ...]:
    return tuple(_of(group, name) for name in _SET)


def _groups(rows: Sequence[ScoreRow]) -> list[tuple[Group, list[ScoreRow]]]:
    """A line for each row × segmenter; a generator no segmenter was trained on keeps a line of its own."""
    lines: dict[Group, list[ScoreRow]] = {}
    for row in rows:
        if row.segmenter:
            lines.setdefault(_group(row), []).append(row)
    trained = {_set_of(group) for group in lines}
    for row in rows:
        if not row.segmenter and _set_of(_group(row)) not in trained:
            lines.setdefault(_group(row), [])
    return list(lines.items())


def _shown(group: Group, name: str) -> str:
    generator = _of(group, "generator")
    if name == "generator" and generator == NO_GENERATOR:
        return _REAL_ONLY
    if name == "row":
        return _of(group, "row") or f"none ({generator})"
    return _of(group, name)


def _of_set(group: Group, rows: Sequence[ScoreRow], set_metrics: list[str]) -> list[Cell]:
    of_set = {row.metric: row for row in rows if _on_the_board(row) and _set_of(_group(row)) == _set_of(group)}
    return [_cell(of_set.get(name)) for name in set_metrics]


def _tested(
    group: Group, members: list[ScoreRow], conventions: list[str], tests: list[str],
    absent: Mapping[tuple[str, str], Sequence[str]], ties: Collection[Spot],
) -> list[Cell]:  # fmt: skip
    scores = {
        (row.test_set, row.metric): _cell(row, (row.line, row.test_set, row.metric) in ties)
        for row in members if not row.stratum
    }  # fmt: skip
    lacking = [test.removeprefix("test/") for test in absent.get((_of(group, "dataset"), _of(group, "data")), ())]
    blank = {test: Cell(text=_ABSENT if test in lacking else "") for test in tests}
    return [scores.get((test, name), blank[test]) for name in conventions for test in tests]


def _cell(row: ScoreRow | None, bold: bool = False) -> Cell:
    return Cell() if row is None else Cell(row.value, row.low, row.high, row.n, sources=(row.record,), bold=bold)


def _caption(manifests: Sequence[Mapping[str, Any]]) -> str:
    names = ", ".join(dict.fromkeys(manifest["dataset"]["name"] for manifest in manifests))
    return f"Synthetic sets and the segmenters trained with them: {names}"


def _notes(manifests: Sequence[Mapping[str, Any]], rows: Sequence[ScoreRow]) -> tuple[str, ...]:
    notes = [note for manifest in manifests for note in manifest["notes"]]
    notes += [_protocol(manifest) for manifest in manifests]
    notes += _warnings(rows)
    notes.append(
        "[low, high]: 95 % intervals; test sets: bootstrap over images, whole groups where frames belong together"
    )
    if any(row.low is None for row in rows if row.segmenter):
        notes.append("no interval where a test set is one group only, nor overall with it: one group has no spread")
    notes += _too_few(rows)
    if any(row.seeds == 1 for row in rows if row.segmenter):
        notes.append("1 seed: training noise is not estimated")
    return tuple(dict.fromkeys(notes))


def _warnings(rows: Sequence[ScoreRow]) -> list[str]:
    """The board's scores' own notes; one that several generators share is told once."""
    generators: dict[tuple[str, str], list[str]] = {}
    several = len({row.set_settings for row in rows if _on_the_board(row)}) > 1
    for row in rows:
        if row.note and _on_the_board(row):
            name = f"{row.generator} ({row.set_settings})" if several and row.set_settings else row.generator
            generators.setdefault((row.metric, row.note), []).append(name)
    return [f"{metric} of {', '.join(dict.fromkeys(names))}: {note}" for (metric, note), names in generators.items()]


def _too_few(rows: Sequence[ScoreRow]) -> list[str]:
    """Test sets of so few groups that a bootstrap is too sure of itself."""
    few = {
        row.test_set: row.n_clusters
        for row in rows
        if row.low is not None and not row.stratum and row.n_clusters is not None and row.n_clusters < LEAST_CLUSTERS
    }
    named = ", ".join(f"{test} ({count} groups)" for test, count in few.items())
    return [f"{named}: intervals of fewer than {LEAST_CLUSTERS} groups are too narrow"] if few else []


def _protocol(manifest: Mapping[str, Any]) -> str:
    pairs = manifest["dataset"]["pairs"]
    tests = ", ".join(f"{name.removeprefix('test/')} {n}" for name, n in pairs.items() if name.startswith("test/"))
    total = sum(n for name, n in pairs.items() if name.startswith("test/"))
    return (
        f"{manifest['dataset']['name']} (data {manifest['dataset']['fingerprint'][:12]}): "
        f"{pairs['train']} training pairs; "
        f"test images: {tests}; overall = mean over all {total} test images, so large sets count more; "
        f"base seed {manifest['seed']}, {manifest['seeds']} training(s) of each line; "
        f"reference of set metrics: the {manifest['reference']} images"
    )
