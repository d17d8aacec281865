"""Runs and their records -> everything a leaderboard shows."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.analysis.collapsed import collapsed
from bench.analysis.negatives import FAIR, empty_masks, sentence, with_fair
from bench.analysis.score_rows import ScoreRow, compared, read_line, score_rows
from bench.analysis.set_differences import Difference, differences
from bench.analysis.significance import Gain, Trained, gains, ties, unpaired
from bench.identity import key
from bench.report.leaderboard import build_table
from bench.report.render import to_text
from bench.report.significance_table import significance_table
from bench.report.table import Table
from bench.store.artefacts import Store

Manifest = Mapping[str, Any]


@dataclass(frozen=True)
class Report:
    """`rows`: every number; `found`: differences of synthetic sets; `gains`: differences of lines of one segmenter;
    `significance`: these as a table, None where there are none; `trained`: the lines with every image's scores.
    """

    rows: list[ScoreRow]
    found: list[Difference]
    gains: list[Gain]
    table: Table
    significance: Table | None
    trained: list[Trained]

    def text(self) -> str:
        """For a terminal."""
        tables = [self.table, *([self.significance] if self.significance else [])]
        return "\n\n".join(to_text(table.brief()) for table in tables)


def make_report(manifests: Sequence[Manifest], store: Store, failed: Collection[str] = ()) -> Report | None:
    """Of one run, or of several together; None without any finished score."""
    rows = list(dict.fromkeys(row for manifest in manifests for row in score_rows(manifest, store, failed)))
    if not rows:
        return None
    lines = [_trained(manifest, rows, store, failed) for manifest in manifests]
    trained = [line for of_run in lines for line in of_run]
    notes, (empty, count) = collapsed(trained), empty_masks(trained)
    if empty:
        manifests = [with_fair(manifest) for manifest in manifests]
        notes = [*notes, sentence(empty, count)]
    runs = list(zip(manifests, lines, strict=True))
    found, gained = _differences(manifests, store, failed), gains(runs)
    columns = [name for manifest in manifests for name in manifest["columns"]]
    table = build_table(manifests, rows, found, ties(trained, rows, columns), notes, beside=FAIR if empty else "")
    return Report(rows, found, gained, table, significance_table(gained, unpaired(runs)), trained)


def _trained(
    manifest: Manifest, rows: Sequence[ScoreRow], store: Store, failed: Collection[str]
) -> list[Trained]:  # fmt: skip
    """The lines of a run that were tested on anything."""
    about = {row.line: row for row in rows if row.line}
    found = []
    for line in manifest["lines"]:
        tests = read_line(manifest, line, store, failed)
        if tests:
            lacking = tuple(test for test in line["scores"] if test not in tests)
            found.append(Trained(about[key(line["scores"])], tests, lacking))
    return found


def _differences(manifests: Sequence[Manifest], store: Store, failed: Collection[str]) -> list[Difference]:
    """Of one run; those of several would be told without a word of where their settings differ."""
    if len(manifests) > 1:
        return []
    (manifest,) = manifests
    return differences(compared(manifest, store, failed), manifest["seed"])
