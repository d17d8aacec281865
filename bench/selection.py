"""Which metrics an evaluation can compute here, and why it cannot compute the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.chosen import Chooser, Chosen, missing_things, needs_extractor
from bench.config import resolve
from bench.contracts import Metric
from bench.errors import BenchError

Measuring = tuple[Chosen, Chosen | None]
"""A metric and the extractor it looks through, where it needs one."""


@dataclass(frozen=True)
class Selection:
    """`absent`: name of each metric that lacks a package or weights -> what to do about it."""

    metrics: tuple[Measuring, ...]
    absent: dict[str, str]

    def stand_ins(self) -> list[str]:
        """A sentence for each extractor that is not what its metrics would look through first."""
        served: dict[tuple[str, str], list[str]] = {}
        for metric, extractor in self.metrics:
            first = metric.plugin.params.extractors.partition(",")[0].strip() if extractor else ""
            if extractor and extractor.name != first:
                served.setdefault((extractor.name, first), []).append(metric.name)
        return [
            f"{', '.join(names)}: {taken} stands in for {first}, whose weights are absent: another scale, under other "
            "column names; python -m bench doctor says which file to put where"
            for (taken, first), names in served.items()
        ]


def select(chooser: Chooser, asked: Sequence[str], download: bool) -> Selection:
    """The metrics asked for, or, where none is, every metric that trains nothing.

    BenchError for an unknown name or a wrong --set: those are mistakes, not something this machine lacks.
    """
    for name in asked:
        chooser.registry.source("metric", name)
    names = tuple(dict.fromkeys(asked)) or _untrained(chooser)
    for one in chooser.overrides:
        resolve(chooser.registry.load(one.kind, one.name), one.kind, one.name, chooser.profile, chooser.overrides)
    for name in names:
        _refuse_unknown_extractors(chooser, name)
    found: list[Measuring] = []
    absent: dict[str, str] = {}
    for name in names:
        try:
            found.append(_complete(chooser, name, download))
        except BenchError as error:
            absent[name] = str(error)
    return Selection(tuple(found), absent)


def _untrained(chooser: Chooser) -> tuple[str, ...]:
    classes = {name: chooser.registry.load("metric", name) for name in chooser.registry.names("metric")}
    return tuple(name for name, cls in classes.items() if issubclass(cls, Metric) and cls.uses != "maps")


def _refuse_unknown_extractors(chooser: Chooser, name: str) -> None:
    params = resolve(chooser.registry.load("metric", name), "metric", name, chooser.profile, chooser.overrides)
    # A metric that looks at samples alone has no extractors.
    for extractor in filter(None, getattr(params, "extractors", "").split(",")):
        chooser.registry.source("extractor", extractor.strip())


def _complete(chooser: Chooser, name: str, download: bool) -> Measuring:
    """BenchError where a package or weights are missing."""
    metric = chooser.choose("metric", name)
    extractor = chooser.extractor_for(metric, download) if needs_extractor(metric) else None
    for line in missing_things([one for one in (metric, extractor) if one]) if not download else ():
        raise BenchError(line)
    return metric, extractor
