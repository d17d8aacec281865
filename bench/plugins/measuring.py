"""A metric, the extractor it looks through, and which extractor stands in for another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bench.errors import BenchError
from bench.plugins.extractors import ABSENT, WRONG, needs_extractor, weights_state
from bench.plugins.registry import explained, file_of
from bench.plugins.resolved import ResolvedPlugin
from bench.plugins.resolver import Resolver

Measuring = tuple[ResolvedPlugin, ResolvedPlugin | None]
"""A metric and the extractor it looks through, where it needs one."""


def measuring(resolver: Resolver, name: str, download: bool) -> Measuring:
    """The metric with the first of its extractors whose weights are present or may be fetched, else with the first."""
    metric = resolver.choose("metric", name)
    if not needs_extractor(metric.plugin):
        return metric, None
    extractors = _extractors(resolver, metric)
    return metric, next((one for one in extractors if download or not one.plugin.missing()), extractors[0])


def passed_over(resolver: Resolver, metrics: Iterable[Measuring]) -> dict[str, str]:
    """Extractors another stands in for although the user said where their weights lie: name -> a line on it."""
    notes = {}
    for metric, taken in metrics:
        if taken is None:
            continue
        names = resolver.extractors(metric.name)
        for name in names[: names.index(taken.name)]:
            wanted = resolver.choose("extractor", name)
            state, given = weights_state(wanted.plugin), getattr(wanted.plugin.params, "weights", "")
            if state == WRONG or (state == ABSENT and given):
                notes[name] = _stands_in(taken, wanted, state)
    return notes


def missing_things(chosen: Sequence[ResolvedPlugin]) -> list[str]:
    """Everything the chosen plugins lack, each thing once."""
    return list(dict.fromkeys(line for one in chosen for line in one.plugin.missing()))


def _extractors(resolver: Resolver, metric: ResolvedPlugin) -> list[ResolvedPlugin]:
    """All that the metric can take, in its order of preference. BenchError for one that cannot serve it."""
    found = [resolver.choose("extractor", name) for name in resolver.extractors(metric.name)]
    for extractor in found:
        # Here and not only for the one that is taken: another must not step in for a path that is wrong.
        extractor.plugin.check_params(1)
        lacking = [name for name in extractor.plugin.describes if not hasattr(extractor.plugin, name)]
        if lacking:
            where = file_of(type(extractor.plugin))
            raise BenchError(
                f"{where}: extractor {extractor.name} lacks {', '.join(lacking)}; {explained('extractor')}"
            )
        if metric.plugin.uses not in extractor.plugin.gives:
            raise BenchError(
                f"--set {metric.name}.extractors: {metric.name} needs {metric.plugin.uses}, and extractor "
                f"{extractor.name} gives {', '.join(extractor.plugin.gives)}; name another"
            )
    return found


def _stands_in(taken: ResolvedPlugin, wanted: ResolvedPlugin, state: str) -> str:
    file = f"{wanted.plugin.file} (sha256 {wanted.plugin.sha256[:8]}…)"
    return f"{taken.name} stands in for {wanted.name}: {file}: {state} in {wanted.plugin.weights().parent}"
