"""The plan of a run as text: every stage, what is in the store already, and what the rest will take on this device."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping

from bench.contracts import Cost
from bench.cost.speed import memory_of, seconds, speed_of
from bench.engine.distributed import team_size
from bench.engine.provenance import device_name
from bench.plan.run_plan import Plan, RunSpec
from bench.plan.stage import DATA, Ref, Stage
from bench.plugins.params import key_params
from bench.store.artefacts import Store

WIDTH = 100


def outline(spec: RunSpec, plan: Plan, store: Store, device: str) -> Iterator[str]:
    """Lines of at most `WIDTH` characters where names allow it. Computes no stage and writes nothing."""
    yield from _wrap(
        f"dataset {spec.data.name} ({len(spec.data.splits['train'])} training pairs, "
        f"{sum(len(spec.data.splits[test]) for test in spec.data.tests)} test images), profile {spec.profile}"
    )
    rows = dict.fromkeys(f"{line.row} ({line.pairs} pairs)" for line in plan.lines)
    yield from _wrap(f"rows: {'; '.join(rows)}")
    yield f"device {device_name(device)}"
    for one in (*spec.generators, *spec.segmenters):
        values = " ".join(f"{name}={value}" for name, value in key_params(one.plugin.params).items())
        yield from _wrap(f"{one.kind} {one.name}: {values or 'no parameters'}")
    costs = _Costs(plan, _sizes(spec))
    total, largest, todo, unknown = 0.0, 0.0, 0, 0
    told: set[Cost] = set()
    width = max(len(stage.label) for stage in plan.stages)
    for number, stage in enumerate(plan.stages, 1):
        start = f"{number:3} {stage.label:{width}}"
        if store.has(stage.action, stage.key):
            yield f"{start}  cached"
            continue
        todo += 1
        cost = costs.of(stage)
        if cost is None:
            unknown += 1
            yield f"{start}  to do"
            continue
        took = seconds(cost, speed_of(device, cost.precision))
        total, largest = total + took, max(largest, cost.memory)
        yield f"{start}  to do   {_duration(took):>9}  {_size(cost.memory):>8}".rstrip()
        if cost.note and cost not in told:
            told.add(cost)
            yield f"      {cost.note}"
    yield from _wrap(_total(todo, len(plan.stages), unknown, total, largest, memory_of(device)))


def _sizes(spec: RunSpec) -> dict[str, int]:
    """How many images each real set has, and the reference, by fingerprint."""
    data = spec.data
    reference, held_out = data.reference(spec.reference)
    return {reference: len(held_out)} | {data.fingerprints[name]: len(split) for name, split in data.splits.items()}


class _Costs:
    """What stages take, counted once for equal work. `sizes`: images of each real set by fingerprint."""

    def __init__(self, plan: Plan, sizes: Mapping[str, int]) -> None:
        self.stages = {stage.ref: stage for stage in plan.stages}
        self.sizes = sizes
        self.known: dict[tuple[str, str, int], Cost | None] = {}

    def of(self, stage: Stage) -> Cost | None:
        """None where nothing estimates it."""
        if not stage.plugins:
            return None
        images = stage.images(self._count)
        work = (stage.action, stage.plugins[0].name, images)
        if work not in self.known:
            self.known[work] = stage.cost(images, team_size())
        return self.known[work]

    def _count(self, ref: Ref) -> int:
        return self.sizes[ref.key] if ref.action == DATA else self.stages[ref].made(self._count)


def _total(todo: int, stages: int, unknown: int, total: float, largest: float, there: int) -> str:
    line = f"total: {todo} of {stages} stages to do"
    if todo > unknown:
        line += f", about {_duration(total).lstrip('~')}; the largest needs about {_size(largest).lstrip('~')}"
        line += f" of the device's {_size(there).lstrip('~')}" if there else ""
    if unknown:
        line += f"; {unknown} of them not estimated (files, features and scores: mostly seconds to minutes)"
    return line


def _duration(took: float) -> str:
    for unit, length in (("d", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if took >= 1.5 * length:
            return f"~{took / length:.2g} {unit}" if took < 10 * length else f"~{took / length:.0f} {unit}"
    return f"~{took:.0f} s" if took >= 1 else "< 1 s"


def _size(size: float) -> str:
    if size >= 1e9:
        return f"~{size / 1e9:.2g} GB" if size < 10e9 else f"~{size / 1e9:.0f} GB"
    return f"~{size / 1e6:.0f} MB"


def _wrap(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
