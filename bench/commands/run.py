"""Train generators on image–mask pairs, sample, score, train segmenters with and without the synthetic set, test them
and write the leaderboard. The same command resumes an interrupted run and reuses everything that is finished."""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.chosen import Chooser, Chosen, missing_things, uses_features
from bench.commands._options import add_plugin_option, add_profile_options, add_results_option
from bench.config import Profile, load_profile, parse_overrides
from bench.data import DataTable
from bench.errors import BenchError
from bench.graph import Plan, RunSpec, plan
from bench.manifest import describe_run, save_manifest
from bench.prepare import Preparer
from bench.registry import Registry
from bench.runner import Failure, Machine, Runner, storage_error
from bench.store import Store


def add_arguments(parser: argparse.ArgumentParser) -> None:
    many = parser.add_argument_group("what to run (repeat an option for several)")
    many.add_argument("--generator", action="append", required=True, metavar="NAME")
    many.add_argument("--dataset", required=True, metavar="NAME")
    many.add_argument("--data", type=Path, metavar="DIR", help="folder of the real data; without it a stand-in is made")
    many.add_argument("--segmenter", action="append", metavar="NAME", help="default: the profile's")
    many.add_argument("--metric", action="append", metavar="NAME", help="default: the profile's")
    many.add_argument("--masks", choices=("real", "random"), help="training masks as they are, or transformed")
    many.add_argument("--seed", type=int, help="base seed of everything random (default: the profile's)")
    many.add_argument("--seeds", type=int, metavar="S", help="trainings of each segmenter (default: the profile's)")
    add_profile_options(parser)
    add_plugin_option(parser)
    add_results_option(parser)
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder for the tables (default: RESULTS/tables/RUN)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, mps (default: %(default)s)")
    parser.add_argument("--num-workers", type=int, default=0, help="processes that load images (default: %(default)s)")
    parser.add_argument(
        "--download", action="store_true", help="allow fetching a base model or weights that are absent"
    )


@dataclass(frozen=True)
class _Setup:
    """A run, resolved: nothing has been computed yet but the dataset's hashes."""

    profile: Profile
    spec: RunSpec
    plan: Plan
    notes: tuple[str, ...]


def run(args: argparse.Namespace) -> int:
    store = Store(args.results / "store")
    try:
        return _run(args, store)
    except OSError as error:
        message = storage_error(error, args.results)
        if message is None:
            raise
        raise BenchError(message) from None


def _run(args: argparse.Namespace, store: Store) -> int:
    started = time.monotonic()
    setup = _set_up(args, store)
    splits = {setup.spec.data.fingerprints[name]: samples for name, samples in setup.spec.data.splits.items()}
    manifest = describe_run(setup.spec, setup.plan, setup.notes, setup.profile.run.columns)
    machine = Machine(args.device, args.num_workers, args.download)
    runner = Runner(store, splits, machine, _say, args.results / "logs" / f"{manifest['run']}.log")
    failures = runner.run(setup.plan.stages)
    save_manifest(args.results / "runs", manifest)
    _publish(manifest, store, args.out or args.results / "tables" / manifest["run"])
    _say(f"finished in {time.monotonic() - started:.1f} s")
    return _report(failures)


def _set_up(args: argparse.Namespace, store: Store) -> _Setup:
    registry = Registry(args.plugin)
    profile = load_profile(args.profile)
    chooser = Chooser(registry, profile, parse_overrides(args.overrides, registry))
    names = list(dict.fromkeys([*profile.run.controls, *args.generator]))
    generators = [chooser.choose("generator", name) for name in names]
    metrics = [_with_extractor(chooser, name) for name in args.metric or profile.run.metrics]
    segmenters = [chooser.choose("segmenter", name) for name in args.segmenter or profile.run.segmenters]
    _refuse_missing([*generators, *(one for pair in metrics for one in pair if one), *segmenters], args.download)
    data = Preparer(chooser, store, _say).open(args.dataset, args.data)
    _refuse_unused(chooser, [data.name, *(one.name for one in _everything(generators, metrics, segmenters))])
    options = profile.run
    seeds = options.seeds if args.seeds is None else args.seeds
    if seeds < 1:
        raise BenchError(f"--seeds {seeds}: at least one training is needed")
    spec = RunSpec(
        data, profile.name, options.seed if args.seed is None else args.seed, seeds, args.masks or options.masks,
        tuple(generators), tuple(metrics), tuple(segmenters),
    )  # fmt: skip
    notes = _notes(profile, data, _everything(generators, metrics, segmenters))
    for line in notes:
        _say(f"note: {line}")
    return _Setup(profile, spec, plan(spec), notes)


def _everything(
    generators: list[Chosen], metrics: list[tuple[Chosen, Chosen | None]], segmenters: list[Chosen]
) -> list[Chosen]:
    return [*generators, *(one for pair in metrics for one in pair if one is not None), *segmenters]


def _with_extractor(chooser: Chooser, name: str) -> tuple[Chosen, Chosen | None]:
    metric = chooser.choose("metric", name)
    return metric, chooser.extractor_for(metric) if uses_features(metric) else None


def _refuse_missing(chosen: list[Chosen], download: bool) -> None:
    """All that is absent is listed at once, before anything starts; with --download the plugins fetch it."""
    lines = missing_things(chosen)
    if lines and not download:
        raise BenchError("; ".join(lines))


def _refuse_unused(chooser: Chooser, used: list[str]) -> None:
    for override in chooser.overrides:
        if override.name not in used:
            raise BenchError(f"{override.option}: {override.name} is not part of this run ({', '.join(used)})")


def _notes(profile: Profile, data: DataTable, chosen: list[Chosen]) -> tuple[str, ...]:
    notes = [f"profile {profile.name}: {profile.description}"]
    if data.name != data.asked:
        notes.append(f"no --data given: dataset {data.name} stands in for {data.asked}")
    if not profile.comparable or data.name != data.asked:
        notes.append("not comparable with published scores")
    if data.absent:
        absent = ", ".join(split.removeprefix("test/") for split in data.absent)
        present = ", ".join(split.removeprefix("test/") for split in data.tests)
        notes.append(f"absent: {absent}; overall covers {present}")
    notes += data.warnings
    notes += [note for one in chosen for note in one.plugin.notes()]
    return tuple(dict.fromkeys(notes))


def _publish(manifest: dict[str, Any], store: Store, out: Path) -> None:
    from bench.leaderboard import build_table
    from bench.publish import write_tables
    from bench.render import to_text
    from bench.results import score_rows

    rows = score_rows(manifest, store)
    if not rows:
        return
    table = build_table([manifest], rows)
    print(f"\n{to_text(table.brief())}\n")
    for path in write_tables(out, table, rows):
        print(f"written: {path}")


def _report(failures: list[Failure]) -> int:
    if not failures:
        return 0
    for failure in failures:
        print(f"failed: {failure.stage.label}: {failure.message}", file=sys.stderr)
    print(f"bench: {len(failures)} stages failed; what finished is kept, the same command resumes", file=sys.stderr)
    return 1 if any(failure.ours for failure in failures) else 2


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
