"""Two rows that were trained on the same pairs: how often a verdict claims a difference all the same. Pure."""

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


def false_claims(one: ScoredRow, other: ScoredRow, metric: str, repeats: int) -> FalseClaims:
    """Verdicts on blocks of `repeats` trainings of `one`, each with other trainings of `other`: the next ones.

    Equal pairs under equal seeds would be equal trainings, so each repeat is held against the one after it.
    """
    count = one.training.repeats // repeats
    blocks = [range(at * repeats, (at + 1) * repeats) for at in range(count)]
    claims = sum(_claims(_only(one, block), _only(other, [(at + 1) % other.training.repeats for at in block]), metric)
                 for block in blocks)  # fmt: skip
    return FalseClaims(segmenter=one.training.segmenter, repeats=repeats, claims=claims, verdicts=count)


def _claims(one: ScoredRow, other: ScoredRow, metric: str) -> bool:
    found = contrasts(one, other, metric).get(OVERALL)
    return found is not None and found.estimate.without_zero


def _only(row: ScoredRow, repeats: Sequence[int]) -> ScoredRow:
    """The row as if only these repeats had been made."""
    return replace(row, tests={name: _taken(tested, repeats) for name, tested in row.tests.items()})


def _taken(tested: TestScores, repeats: Sequence[int]) -> TestScores:
    columns = tuple(tested.repeats[at] for at in repeats)
    return replace(tested, repeats=columns, resampled={})
