"""The plan of a run as text: every stage, what is in the store already, and what the rest will take on this device."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bench.analysis.power_plan import Design
from bench.contracts import Cost
from bench.cost.speed import memory_of, seconds, speed_of
from bench.engine.actions import try_device_and_files
from bench.engine.device import check_device, resolve_device
from bench.engine.distributed import launched
from bench.engine.provenance import device_name
from bench.images import pixel_limit
from bench.plan.run_plan import Plan, RunSpec
from bench.plugins.params import key_params
from bench.progress.display import Display
from bench.progress.time_left import about
from bench.report.power_table import forecast
from bench.stats.groups import clusters
from bench.stats.power import ASSUMED_IMAGES, ASSUMED_REPEATS, Spread
from bench.store.artefacts import Store
from bench.text import wrapped
from bench.workflows.costs import Costs, sizes_of
from bench.workflows.places import storage_errors_reported
from bench.workflows.processes import resources_for
from bench.workflows.request import RunRequest
from bench.workflows.setup import choose, lacking_plugins, plan_run, preparer_of


@dataclass(frozen=True)
class DryRun:
    """`lines`: the plan as text, empty where there is none because the data are missing.

    `missing`: a line for each thing that must be there before the run can start.
    """

    lines: tuple[str, ...]
    missing: tuple[str, ...]


def dry_run(request: RunRequest, display: Display | None = None) -> DryRun | None:
    """What `run` would do with the same request. No stage is computed; a dataset that is generated is made.

    Raises BenchError as `run` does, but goes on where something is missing. None in every process but the first of
    several that a launcher started.
    """
    check_device(request.device)
    processes = launched(request.device)
    resources_for(request, processes)
    if processes is not None:
        processes.broadcast(False)  # There is nothing that the others could help with.
        if processes.rank:
            return None
    with storage_errors_reported(request.results), pixel_limit(request.pixel_limit):
        return _planned(request, Store(request.results / "store"), display or Display())


def _planned(request: RunRequest, store: Store, display: Display) -> DryRun:
    choice = choose(request)
    preparer = preparer_of(request, choice, store, display)
    no_data = preparer.missing()
    missing = (*lacking_plugins(request, choice), *no_data)
    if no_data:
        return DryRun((), missing)
    setup = plan_run(request, choice, preparer, check=False)
    try_device_and_files(setup.plan.stages, store, request.device)
    costs = Costs(setup.plan, sizes_of(setup.spec), display.tell)
    return DryRun(tuple(outline(setup.spec, setup.plan, store, costs, resolve_device(request.device))), missing)


def outline(spec: RunSpec, plan: Plan, store: Store, costs: Costs, device: str) -> Iterator[str]:
    """Lines of at most `bench.text.WIDTH` characters where names allow it. Computes no stage and writes nothing."""
    yield from _parts(spec, plan, device)
    yield from _stages(plan, store, costs, device)
    if not spec.curve:
        yield from wrapped(_smallest(spec, plan))


def _smallest(spec: RunSpec, plan: Plan) -> str:
    """The difference that this design can show, from what is assumed of its spread."""
    tests = [spec.data.splits[test] for test in spec.data.tests]
    groups = sum(len(set(clusters([sample.group for sample in split]))) for split in tests)
    controls = {one.name for one in spec.generators if one.plugin.control}
    ranked = sum(row.generator not in controls for row in plan.rows)
    design = Design(
        margin=spec.margin,
        spread=Spread(repeat=ASSUMED_REPEATS, image=ASSUMED_IMAGES),
        repeats=spec.repeats,
        images=sum(map(len, tests)),
        groups=groups,
        # One row of each network is what the others are compared with.
        comparisons=max(1, ranked - len(spec.segmenters)),
    )
    return forecast(design)


def _parts(spec: RunSpec, plan: Plan, device: str) -> Iterator[str]:
    yield from wrapped(
        f"dataset {spec.data.name} ({len(spec.data.splits['train'])} training pairs, "
        f"{sum(len(spec.data.splits[test]) for test in spec.data.tests)} test images), profile {spec.profile}"
    )
    rows = dict.fromkeys(f"{row.trained_on} ({row.pairs} pairs)" for row in plan.rows)
    yield from wrapped(f"trained on: {'; '.join(rows)}")
    yield f"device {device_name(device)}"
    for one in (*spec.generators, *spec.segmenters):
        values = " ".join(f"{name}={value}" for name, value in key_params(one.plugin.params).items())
        yield from wrapped(f"{one.kind} {one.name}: {values or 'no parameters'}")


def _stages(plan: Plan, store: Store, costs: Costs, device: str) -> Iterator[str]:
    total, largest, todo, unknown = 0.0, 0.0, 0, 0
    noted: set[Cost] = set()
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
        if cost.note and cost not in noted:
            noted.add(cost)
            yield f"      {cost.note}"
    yield from wrapped(_total(todo, len(plan.stages), unknown, total, largest, memory_of(device)))


def _total(todo: int, stages: int, unknown: int, total: float, largest: float, there: int) -> str:
    line = f"total: {todo} of {stages} stages to do"
    if todo > unknown:
        line += f", about {_duration(total).lstrip('~')}; the largest needs about {_size(largest).lstrip('~')}"
        line += f" of the device's {_size(there).lstrip('~')}" if there else ""
        line += ": more than there is" if 0 < there < largest else ""
    if unknown:
        line += f"; {unknown} of them not estimated (files, features and scores: mostly seconds to minutes)"
    return line


def _duration(took: float) -> str:
    return f"~{about(took)}" if took >= 1 else "< 1 s"


def _size(size: float) -> str:
    if size >= 1e9:
        return f"~{size / 1e9:.2g} GB" if size < 10e9 else f"~{size / 1e9:.0f} GB"
    return f"~{size / 1e6:.0f} MB"
