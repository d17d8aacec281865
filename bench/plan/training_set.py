"""What a segmenter is trained on. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from bench.plan.stage import Ref

NO_GENERATOR = "none"
EQUAL = "equal updates"


@dataclass(frozen=True, kw_only=True)
class TrainingSet:
    """What a segmenter is trained on, and how many `pairs` that is. `kind`: of `bench.plugins.profile.ROWS`.

    `synthetic`: the generator's set of each repeat, empty where there is none, repeated to `synthetic_to` pairs;
    `repeated_to`: how many pairs all of them together are repeated to; `val`: real pairs that are only watched.
    """

    name: str
    kind: str
    generator: str
    pairs: int
    real: Ref | None = None
    synthetic: tuple[Ref, ...] = ()
    synthetic_to: int | None = None
    repeated_to: int | None = None
    val: Ref | None = None
