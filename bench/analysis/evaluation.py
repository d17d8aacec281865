"""What scoring folders of images gave."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench.analysis.score_rows import SetScore
from bench.analysis.set_differences import SetDifference
from bench.data.image_folder import ImageFolder
from bench.plan.stage import Problem


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """What came of a request; `differences` are those of every two synthetic sets, `log` has every line."""

    profile: str
    seed: int
    real: ImageFolder
    fakes: tuple[ImageFolder, ...]
    rows: tuple[SetScore, ...]
    differences: tuple[SetDifference, ...]
    notes: tuple[str, ...]
    problems: tuple[Problem, ...]
    log: Path
