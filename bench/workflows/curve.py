"""The shares of a dataset's real training pairs that a learning curve is drawn through."""

from __future__ import annotations

from collections.abc import Sequence

from bench.contracts import TRAIN
from bench.data.splits import MIN_TRAIN, Splits
from bench.errors import BenchError
from bench.plan.worth_sets import LEAST_SHARES, Share
from bench.store.run_manifest import Note


def curve_of(percents: Sequence[int], whole: Splits, seed: int) -> tuple[tuple[Share, ...], tuple[Note, ...]]:
    """The shares, nested as one seed draws them, and a note on each that is left out.

    BenchError where fewer than two are left; no percents, no curve.
    """
    found: dict[str, Share] = {}
    notes = []
    for percent in sorted(percents):
        pairs = whole.share(percent, seed)
        if len(pairs) < MIN_TRAIN:
            notes.append(Note(f"curve without {percent} %: {len(pairs)} real pairs are too few to train on", True))
            continue
        share = Share(percent, pairs, whole.with_train(pairs).fingerprints[TRAIN])
        if share.fingerprint in found:
            other = found[share.fingerprint].percent
            notes.append(Note(f"curve without {other} %: its {len(pairs)} real pairs are those of {percent} %", True))
        # Of two names of the same pairs the greater stays: all of them are 100 %.
        found[share.fingerprint] = share
    if percents and len(found) < LEAST_SHARES:
        raise BenchError(
            f"dataset {whole.name}: {len(whole.splits[TRAIN])} training pairs give {len(found)} point(s) of the curve, "
            f"and {LEAST_SHARES} are needed; take more data or other shares"
        )
    return tuple(found.values()), tuple(notes)
