"""The plan of a run as text: every stage, what is in the store already, and what the rest will take on this device."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from bench.contracts import Cost
from bench.cost.speed import memory_of, seconds, speed_of
from bench.engine.distributed import team_size
from bench.engine.provenance import device_name
from bench.images import VIEWS
from bench.plan.run_plan import Plan, RunSpec
from bench.plan.stage import DATA, Ref, Stage
from bench.plugins.params import key_params
from bench.plugins.resolved import ResolvedPlugin
from bench.store.artefacts import Store

WIDTH = 100
IMAGES = {
    "masks": ("train",),
    "fit": ("train",),
    "sample": ("conditions",),
    "features": ("images",),
    "score": ("real", "fake"),
    "train": ("real", "synthetic"),
    "predict": ("images",),
}
"""The inputs whose images an action goes through."""


def outline(spec: RunSpec, plan: Plan, store: Store, device: str) -> Iterator[str]:
    """Lines of at most `WIDTH` characters where names allow it. Computes no stage and writes nothing."""
    yield from _wrap(
        f"dataset {spec.data.name} ({len(spec.data.splits['train'])} training pairs, "
        f"{sum(len(spec.data.splits[test]) for test in spec.data.tests)} test images), profile {spec.profile}"
    )
    rows = dict.fromkeys(f"{row.trained_on} ({row.pairs} pairs)" for row in plan.rows)
    yield from _wrap(f"rows: {'; '.join(rows)}")
    yield f"device {device_name(device)}"
    for one in (*spec.generators, *spec.segmenters):
        values = " ".join(f"{name}={value}" for name, value in key_params(one.plugin.params).items())
        yield from _wrap(f"{one.kind} {one.name}: {values or 'no parameters'}")
    count = _Counter(plan, {spec.data.fingerprints[name]: len(split) for name, split in spec.data.splits.items()})
    total, largest, todo, unknown = 0.0, 0.0, 0, 0
    told: set[Cost] = set()
    width = max(len(stage.label) for stage in plan.stages)
    for number, stage in enumerate(plan.stages, 1):
        start = f"{number:3} {stage.label:{width}}"
        if store.has(stage.action, stage.key):
            yield f"{start}  cached"
            continue
        todo += 1
        cost = count.cost(stage)
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


@dataclass
class _Counter:
    """Images by stage, and each plugin's cost counted once for equal work."""

    plan: Plan
    sizes: Mapping[str, int]
    known: dict[tuple[str, str, str, int], Cost | None] = field(default_factory=dict)

    def cost(self, stage: Stage) -> Cost | None:
        if stage.chosen is None:
            return None
        images = self._through(stage)
        work = (stage.chosen.kind, stage.chosen.name, stage.action, images)
        if work not in self.known:
            self.known[work] = _cost(stage.chosen, stage.action, images)
        return self.known[work]

    def _through(self, stage: Stage) -> int:
        if "pairs" in stage.extra:
            return stage.extra["pairs"]
        roles = [role for role in IMAGES.get(stage.action, ()) if role in stage.inputs]
        looks = len(VIEWS) - 1 if stage.extra.get("views") else 1
        return looks * stage.extra.get("multiple", 1) * sum(self._in(stage.inputs[role]) for role in roles)

    def _in(self, ref: Ref) -> int:
        if ref.action == DATA:
            return self.sizes[ref.key]
        stage = next(stage for stage in self.plan.stages if stage.ref == ref)
        images = self._through(stage)
        # A set that was made elsewhere has its own number of pairs.
        return stage.chosen.plugin.pairs(images) if stage.chosen and stage.action == "sample" else images


def _cost(chosen: ResolvedPlugin, action: str, images: int) -> Cost | None:
    return chosen.plugin.cost(action, images, team_size())


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
