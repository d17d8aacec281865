"""How many pairs of a synthetic set a rule has kept. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from bench.analysis.records import Records


def kept(runs: Sequence[Records]) -> list[str]:
    """A sentence for each filtered set: its pairs, of those of the whole set, in each repeat."""
    return [
        line for run in runs for name, whole in run.manifest.filtered.items() if (line := _of_one(run, name, whole))
    ]


def _of_one(run: Records, name: str, whole: str) -> str:
    few, whole_set = _pairs(run, name), _pairs(run, whole)
    if not few or not whole_set:
        return ""
    planned = sorted({one.repeat for one in run.manifest.comparisons if one.generator == name})
    counts = ", ".join(str(few.get(repeat, "–")) for repeat in planned)
    each = " in its repeats" if len(planned) > 1 else ""
    return (
        f"{name}: kept {counts} of {max(whole_set.values())} pairs{each}, which networks see as often as all together"
    )


def _pairs(run: Records, name: str) -> dict[int, int]:
    """How many synthetic images a metric saw, by repeat."""
    own = [one for one in run.sets if one.comparison.generator == name and one.scored]
    return {one.comparison.repeat: max(scored.score.n_fake for scored in one.scored) for one in own}
