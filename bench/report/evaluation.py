"""An evaluation as text and as a mapping for Python."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bench.analysis.evaluation import Evaluation
from bench.analysis.score_rows import SetScore
from bench.data.image_folder import ImageFolder
from bench.report.document import Document, rendered
from bench.report.set_differences_table import difference_record, differences_table
from bench.report.sets_table import FIELDS, records, sets_table
from bench.version import __version__


def document(evaluation: Evaluation) -> Document:
    """The scores, and below them the differences of several synthetic sets.

    As JSON: `real`, `fake` (a list), `about`, `scores` and `differences`, numbers in full precision.
    """
    missed = [f"not computed: {problem.what}: {problem.message}" for problem in evaluation.problems]
    table, scores = sets_table(evaluation.rows, (*evaluation.notes, *missed)), records(evaluation.rows)
    between = [differences_table(evaluation.differences)] if evaluation.differences else []
    about = {
        "bench": __version__,
        "profile": evaluation.profile,
        "seed": evaluation.seed,
        "notes": list(evaluation.notes),
        "failed": {problem.what: problem.message for problem in evaluation.problems},
    }
    body = {
        "real": _described(evaluation.real),
        "fake": [_described(fake) for fake in evaluation.fakes],
        "about": about,
        "scores": scores,
        "differences": [difference_record(one) for one in evaluation.differences],
    }
    return Document(tables=[table.brief(table.notes), *between], page=table, columns=FIELDS, records=scores, body=body)


def _described(folder: ImageFolder) -> dict[str, Any]:
    return {
        "name": folder.name,
        "folder": str(folder.path),
        "images": len(folder.samples),
        "sizes": {f"{width}x{height}": count for (width, height), count in folder.sizes.items()},
        "masks": folder.has_masks,
        # Those named in the manifest.
        "groups": len({sample.group for sample in folder.samples if sample.group}),
        "data": folder.fingerprint,
    }


class Scores(Mapping[str, SetScore]):
    """Scores of one synthetic set by column name; a row has `value`, `low`, `high`, `n`, `n_real`, `floor`, ….

    `rows` also holds the thirds by lesion size (`row.stratum`), `notes` what a reader must know. `low` and `high` bound
    the 95 % interval and are None where none can be estimated. Printing shows the table.
    """

    def __init__(self, evaluation: Evaluation) -> None:
        self._evaluation = evaluation
        self.rows, self.notes = evaluation.rows, evaluation.notes
        self._whole = {row.measure.name: row for row in evaluation.rows if not row.stratum}

    def __getitem__(self, column: str) -> SetScore:
        if column not in self._whole:
            raise KeyError(f"{column} is not among {', '.join(self._whole)}")
        return self._whole[column]

    def __iter__(self) -> Iterator[str]:
        return iter(self._whole)

    def __len__(self) -> int:
        return len(self._whole)

    def __str__(self) -> str:
        return self.to("table")

    def to(self, format: str) -> str:
        """As text: `table`, `json`, `csv`, `latex` or `markdown`."""
        return rendered(document(self._evaluation), format)
