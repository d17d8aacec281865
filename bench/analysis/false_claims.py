"""Networks that were trained on the same pairs: how often a verdict claims a difference all the same. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bench.analysis.score_rows import OVERALL, ScoredRow
from bench.analysis.test_scores import TestScores
from bench.analysis.verdicts import contrasts
from bench.stats.binomial import binomial_interval


@dataclass(frozen=True, kw_only=True)
class FalseClaims:
    """`claims` of `verdicts`, each on `repeats` repeats; `low`, `high`: exact 95 % interval of their share."""

    segmenter: str
    repeats: int
    claims: int
    verdicts: int

    @property
    def bounds(self) -> tuple[float, float]:
        return binomial_interval(self.claims, self.verdicts)


def false_claims(row: ScoredRow, metric: str, repeats: int) -> FalseClaims:
    """Verdicts on blocks of `repeats` trainings, each held against the next block's, the last against the first's.

    No training is on both sides of a verdict. Two neighbouring verdicts share a block: their mean is that of
    independent ones, and their interval rather too narrow. Three blocks are needed.
    """
    count = row.training.repeats // repeats
    blocks = [_only(row, range(at * repeats, (at + 1) * repeats)) for at in range(count)]
    claims = sum(_claims(block, blocks[(at + 1) % count], metric) for at, block in enumerate(blocks))
    return FalseClaims(segmenter=row.training.segmenter, repeats=repeats, claims=claims, verdicts=count)


def _claims(one: ScoredRow, other: ScoredRow, metric: str) -> bool:
    found = contrasts(one, other, metric).get(OVERALL)
    return found is not None and found.estimate.without_zero


def _only(row: ScoredRow, repeats: Sequence[int]) -> ScoredRow:
    """The row as if only these repeats had been made."""
    return replace(row, tests={name: _taken(tested, repeats) for name, tested in row.tests.items()})


def _taken(tested: TestScores, repeats: Sequence[int]) -> TestScores:
    columns = tuple(tested.repeats[at] for at in repeats)
    return replace(tested, repeats=columns, resampled={})
