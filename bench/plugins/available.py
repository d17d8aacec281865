"""Which metrics an evaluation can compute here, and why it cannot compute the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.contracts import Metric
from bench.plugins.measuring import Measuring, measuring, missing_things, passed_over
from bench.plugins.resolver import Resolver, not_installed


@dataclass(frozen=True)
class Selection:
    """`absent`: name of each metric that lacks a package or weights -> what to do about it.

    `passed_over`: extractors whose weights the user pointed at in vain -> a line on what stands in for each.
    `preferred`: name of each metric that looks through an extractor -> the extractor it would look through first.
    """

    metrics: tuple[Measuring, ...]
    absent: Mapping[str, str]
    passed_over: Mapping[str, str]
    preferred: Mapping[str, str]

    def stand_ins(self) -> list[str]:
        """A sentence for each extractor that is not what its metrics would look through first."""
        served: dict[str, dict[str, list[str]]] = {}
        for metric, extractor in self.metrics:
            first = self.preferred.get(metric.name, "")
            if extractor and extractor.name != first and first not in self.passed_over:
                served.setdefault(extractor.name, {}).setdefault(first, []).append(metric.name)
        return [*self.passed_over.values(), *(_stand_in(taken, served[taken]) for taken in served)]


def _stand_in(taken: str, served: Mapping[str, Sequence[str]]) -> str:
    """`served`: metrics by the extractor that is missed."""
    missed = ", ".join(f"{first} (of {', '.join(metrics)})" for first, metrics in served.items())
    return (
        f"{taken} stands in for {missed}, whose weights are absent: another scale, under other column names; "
        "python -m bench doctor says which files to put where"
    )


def select(given: Resolver, asked: Sequence[str], weights: Path | None, download: bool) -> Selection:
    """The metrics asked for, or, where none is, every metric that trains nothing.

    BenchError for an unknown name, a wrong --set or a wrong --weights: those are mistakes, not something this machine
    lacks.
    """
    for name in asked:
        given.registry.source("metric", name)
    for one in given.overrides:
        given.params(one.kind, one.name)
    names = tuple(dict.fromkeys(asked)) or _untrained(given)
    absent = {name: line for name in names if (line := _packages(given, name))}
    resolver = given.with_weights(weights, [name for name in names if name not in absent])
    found: list[Measuring] = []
    for name in names:
        if name in absent:
            continue
        metric, extractor = measuring(resolver, name, download)
        metric.plugin.check_params(1)
        lacking = [] if download else missing_things([one for one in (metric, extractor) if one])
        if lacking:
            absent[name] = lacking[0]
        else:
            found.append((metric, extractor))
    preferred = {metric.name: resolver.extractors(metric.name)[0] for metric, extractor in found if extractor}
    return Selection(tuple(found), absent, passed_over(resolver, found), preferred)


def _untrained(resolver: Resolver) -> tuple[str, ...]:
    classes = {name: resolver.registry.load("metric", name) for name in resolver.registry.names("metric")}
    return tuple(name for name, cls in classes.items() if issubclass(cls, Metric) and cls.uses != "maps")


def _packages(resolver: Resolver, name: str) -> str:
    """What is not installed of what the metric and all its extractors need; empty when nothing is missing."""
    load = resolver.registry.load
    return not_installed(load("metric", name), *(load("extractor", one) for one in resolver.extractors(name)))
