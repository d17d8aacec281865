"""Runs and their records -> everything a leaderboard shows."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from bench.analysis.collapsed import collapsed, folded
from bench.analysis.components import Component, components
from bench.analysis.kept import kept
from bench.analysis.negatives import FAIR, empty_masks, sentence, with_fair
from bench.analysis.origin import source_of
from bench.analysis.predictors import Predictor, predictors
from bench.analysis.records import RecordReader, unscored
from bench.analysis.score_rows import RowScore, ScoredRow, SetScore, row_scores, scored_runs, set_scores
from bench.analysis.set_differences import SetDifference, set_differences
from bench.analysis.verdicts import Verdict, ties, unpaired, verdicts
from bench.report.leaderboard import build_table, reading_notes
from bench.report.render import to_text
from bench.report.table import Table
from bench.report.verdicts_table import smallest_shown, verdicts_table
from bench.store.artefacts import Store
from bench.store.run_manifest import RunManifest


@dataclass(frozen=True, kw_only=True)
class Report:
    """`sets`, `tests`: every number; `set_differences`: of synthetic sets; `verdicts`: on rows of one segmenter, and
    `verdicts_table` as a table, None where there are none; `components`: of their noise, a list each; `predictors`:
    measures of sets beside gains, of a single run; `worths`: sentences on what sets are worth, where that is known;
    `notes`: those that a terminal shows; `rows`: with every image's scores.
    """

    sets: list[SetScore]
    tests: list[RowScore]
    set_differences: list[SetDifference]
    verdicts: list[Verdict]
    components: list[list[Component]]
    predictors: list[Predictor]
    table: Table
    verdicts_table: Table | None
    worths: tuple[str, ...]
    notes: tuple[str, ...]
    rows: list[ScoredRow]

    def text(self) -> str:
        """For a terminal."""
        tables = [self.table, self.verdicts_table] if self.verdicts_table else [self.table]
        texts = [*(to_text(one.brief()) for one in tables[:-1]), to_text(tables[-1].brief(self.notes))]
        return "\n\n".join([*texts, *(["\n".join(self.worths)] if self.worths else [])])


def make_report(
    manifests: Sequence[RunManifest], store: Store, failed: Collection[str] = (), worths: Sequence[str] = ()
) -> Report | None:
    """Of one run, or of several together; None without any finished score. `worths`: what is known of its sets."""
    reader = RecordReader(store, failed)
    runs = [reader.run(manifest) for manifest in manifests]
    sets = list(dict.fromkeys(one for run in runs for one in set_scores(run.sets, source_of(run.manifest))))
    tests = list(dict.fromkeys(one for run in runs for one in row_scores(run)))
    if not sets and not tests:
        return None
    tested = scored_runs(runs)
    rows = [row for run in tested for row in run.rows]
    failed_trainings, (empty, count) = collapsed(rows), empty_masks(rows)
    of_masks = [sentence(empty, count)] if empty else []
    of_pairs = [*unscored(runs), *kept(runs)]
    if empty:
        manifests = [replace(manifest, columns=with_fair(manifest.columns)) for manifest in manifests]
        tested = [replace(run, columns=with_fair(run.columns)) for run in tested]
    # Of one run: differences of several would be told without a word of where their settings differ.
    between_sets = (
        set_differences(runs[0].sets, runs[0].manifest.protocol.seed, runs[0].manifest.filtered)
        if len(runs) == 1
        else []
    )
    between_rows = verdicts(tested)
    together, too_few = (
        predictors(rows, sets, between_rows, runs[0].manifest.protocol.seed) if len(runs) == 1 else ([], [])
    )
    table = build_table(
        manifests,
        sets,
        tests,
        differences=between_sets,
        ties=ties(rows, tests, [name for run in tested for name in run.columns]),
        notes=[*of_pairs, *failed_trainings, *of_masks, *too_few, *worths],
        beside=FAIR if empty else "",
    )
    return Report(
        notes=reading_notes(
            manifests, tests, [*of_pairs, *folded(failed_trainings), *of_masks], smallest_shown(between_rows)
        ),
        sets=sets,
        tests=tests,
        set_differences=between_sets,
        verdicts=between_rows,
        components=components(between_rows),
        predictors=together,
        table=table,
        worths=tuple(worths),
        verdicts_table=verdicts_table(between_rows, unpaired(tested)),
        rows=rows,
    )
