"""What each stage of a plan costs, and how long that takes on a device."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from bench.contracts import Cost
from bench.cost.speed import seconds, speed_of
from bench.engine.distributed import process_count
from bench.errors import BenchError
from bench.plan.run_plan import Plan, RunSpec
from bench.plan.stage import DATA, Ref, Stage
from bench.plugins.faults import located


def sizes_of(spec: RunSpec) -> dict[str, int]:
    """How many images each real set has, and the reference, by fingerprint."""
    data = spec.data
    reference, held_out = data.reference(spec.reference)
    shares = {one.fingerprint: len(one.pairs) for one in spec.curve}
    splits = {data.fingerprints[name]: len(split) for name, split in data.splits.items()}
    return {reference: len(held_out)} | shares | splits


class Costs:
    """What stages take, counted once for equal work.

    `sizes`: images of each real set by fingerprint. `tell` hears of plugins that fail to estimate.
    """

    def __init__(self, plan: Plan, sizes: Mapping[str, int], tell: Callable[[str], None]) -> None:
        self.stages = {stage.ref: stage for stage in plan.stages}
        self.sizes, self.tell = sizes, tell
        self.known: dict[tuple[str, str, int], Cost | None] = {}

    def of(self, stage: Stage) -> Cost | None:
        """None where nothing estimates it."""
        if not stage.plugins:
            return None
        images = stage.images(self._count)
        work = (stage.action, stage.plugins[0].name, images)
        if work not in self.known:
            self.known[work] = self._counted(stage, images)
        return self.known[work]

    def seconds(self, stage: Stage, device: str) -> float | None:
        """On the device; None where nothing estimates it."""
        cost = self.of(stage)
        return None if cost is None else seconds(cost, speed_of(device, cost.precision))

    def _counted(self, stage: Stage, images: int) -> Cost | None:
        try:
            return _checked(stage.cost(images, process_count()))
        except KeyboardInterrupt:
            raise
        # An estimate is no reason to refuse the work.
        except BaseException as error:
            self.tell(f"{stage.label}: no estimate of its time: {located(error)}")
            return None

    def _count(self, ref: Ref) -> int:
        return self.sizes[ref.key] if ref.action == DATA else self.stages[ref].made(self._count)


def _checked(cost: object) -> Cost | None:
    if cost is None or (isinstance(cost, Cost) and math.isfinite(cost.flops + cost.moved + cost.calls + cost.memory)):
        return cost
    raise BenchError(f"its cost() gave {cost!r}, which is no Cost of finite numbers")
