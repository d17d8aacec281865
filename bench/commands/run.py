"""Train generators on image–mask pairs, sample, score, train segmenters with and without the synthetic set, test them
and write the leaderboard. The same command resumes an interrupted run and reuses everything that is finished."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.chosen import Chooser, Chosen, list_missing, missing_things, uses_features
from bench.commands._options import add_plugin_option, add_profile_options, add_results_option, at_least
from bench.config import MASKS, Profile, changes, load_profile, parse_overrides, refuse_unknown_plugins
from bench.data import DataTable
from bench.errors import BenchError
from bench.graph import Plan, RunSpec, plan
from bench.manifest import Setting, describe_run, save_manifest
from bench.prepare import Preparer
from bench.registry import Registry
from bench.runner import Failure, Machine, Runner, check_device, resolve_device, storage_error
from bench.store import Store


def add_arguments(parser: argparse.ArgumentParser) -> None:
    many = parser.add_argument_group("what to run (repeat an option for several)")
    many.add_argument(
        "--generator", action="append", required=True, metavar="NAME",
        help="what makes the synthetic set; the profile's controls run with it. Names: python -m bench list",
    )  # fmt: skip
    many.add_argument("--dataset", required=True, metavar="NAME", help="the image–mask pairs to learn from and test on")
    many.add_argument("--data", type=Path, metavar="DIR", help="folder of the real data; without it a stand-in is made")
    many.add_argument("--segmenter", action="append", metavar="NAME", help="network to train (default: the profile's)")
    many.add_argument("--metric", action="append", metavar="NAME", help="score of the set (default: the profile's)")
    many.add_argument(
        "--masks", choices=MASKS, help="sample from the training masks as they are, or moved, turned and scaled"
    )
    many.add_argument(
        "--multiple", type=int, choices=(1, 2, 3, 4), help="synthetic images a mask (default: the profile's)"
    )
    many.add_argument(
        "--synthetic-only", action="store_true", default=None, help="train segmenters without the real images"
    )
    many.add_argument("--seed", type=int, metavar="S", help="base seed of everything random (default: the profile's)")
    many.add_argument(
        "--seeds", type=at_least(1), metavar="N", help="trainings of each segmenter (default: the profile's)"
    )
    add_profile_options(parser)
    add_plugin_option(parser)
    add_results_option(parser)
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder for the tables (default: RESULTS/tables/RUN)")
    parser.add_argument(
        "--device", default="auto", metavar="NAME", help="auto, cpu, cuda, cuda:1, mps (default: %(default)s)"
    )
    parser.add_argument(
        "--num-workers", type=at_least(0), default=0, metavar="N",
        help="threads that decode images (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--download", action="store_true", help="allow fetching a base model or weights that are absent"
    )
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="print the plan, what is cached, and estimated memory and time; run nothing",
    )


@dataclass(frozen=True)
class _Setup:
    """A run, resolved: nothing has been computed yet but the dataset's hashes."""

    profile: Profile
    spec: RunSpec
    plan: Plan
    notes: tuple[str, ...]
    settings: tuple[Setting, ...]


def run(args: argparse.Namespace) -> int:
    check_device(args.device)
    if args.out is not None and args.out.exists() and not args.out.is_dir():
        raise BenchError(f"--out {args.out}: is a file; name a folder")
    try:
        return _run(args, Store(args.results / "store"))
    except OSError as error:
        message = storage_error(error, args.results)
        if message is None:
            raise
        raise BenchError(message) from None


def _run(args: argparse.Namespace, store: Store) -> int:
    started = time.monotonic()
    setup = _set_up(args, store)
    if args.dry_run or setup is None:
        return _outline(setup, store, args.device)
    splits = {setup.spec.data.fingerprints[name]: samples for name, samples in setup.spec.data.splits.items()}
    manifest = describe_run(setup.spec, setup.plan, setup.notes, setup.profile.run.columns, setup.settings)
    machine = Machine(args.device, args.num_workers, args.download)
    runner = Runner(store, splits, machine, _say, args.results / "logs" / f"{manifest['run']}.log")
    failures = runner.run(setup.plan.stages)
    save_manifest(args.results / "runs", manifest)
    failed = {failure.stage.key for failure in failures if not failure.blocked}
    notes = [f"not finished: {failure.stage.label}" for failure in failures if not failure.blocked]
    shown = {**manifest, "notes": [*manifest["notes"], *notes]}
    _publish(shown, store, args.out or args.results / "tables" / manifest["run"], failed)
    _say(f"finished in {time.monotonic() - started:.1f} s")
    return _report(failures)


def _set_up(args: argparse.Namespace, store: Store) -> _Setup | None:
    """None: a dry run without data, of which there is no plan."""
    registry = Registry(args.plugin)
    profile = load_profile(args.profile)
    refuse_unknown_plugins(profile, registry)
    chooser = Chooser(registry, profile, parse_overrides(args.overrides, registry))
    names = _once([*profile.run.controls, *args.generator])
    generators = [chooser.choose("generator", name) for name in names]
    metrics = [_with_extractor(chooser, name, args.download) for name in _once(args.metric or profile.run.metrics)]
    segmenters = [chooser.choose("segmenter", name) for name in _once(args.segmenter or profile.run.segmenters)]
    everything = _everything(generators, metrics, segmenters)
    preparer = Preparer(chooser, store, _say)
    used = preparer.used_name(args.dataset, args.data)
    _refuse_unused(chooser, [("dataset", used), *((one.kind, one.name) for one in everything)])
    no_data = preparer.missing(args.dataset, args.data)
    _refuse_missing([*([] if args.download else missing_things(everything)), *no_data], args.dry_run)
    if no_data:
        return None
    notes = _protocol_notes(profile, args.dataset, used)
    _tell(notes)
    data = preparer.open(args.dataset, args.data, check=not args.dry_run)
    found = _data_notes(data, everything)
    _tell(found)
    options = profile.run
    spec = RunSpec(
        data, profile.name, options.seed if args.seed is None else args.seed, args.seeds or options.seeds,
        args.masks or options.masks, args.multiple or options.multiple,
        options.synthetic_only if args.synthetic_only is None else args.synthetic_only,
        tuple(generators), tuple(metrics), tuple(segmenters),
    )  # fmt: skip
    return _Setup(profile, spec, plan(spec), (*notes, *found), _settings(chooser, spec))


def _once(names: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(names))


def _settings(chooser: Chooser, spec: RunSpec) -> tuple[Setting, ...]:
    """What options change against the profile, as the leaderboard shows it; data and masks have their own columns."""
    settings = [
        Setting("run", name, f"{name}={getattr(spec, name)}")
        for name in ("seed", "multiple", "synthetic_only")
        if getattr(spec, name) != getattr(chooser.profile.run, name)
    ]
    for one in chooser.overrides:
        if one.kind != "dataset" and changes(one, chooser.registry.load(one.kind, one.name), chooser.profile):
            # The last part of a path is enough: a table goes into papers, its record keeps the bytes' hash.
            settings.append(Setting(one.kind, one.name, f"{one.name}.{one.field}={Path(one.text).name or one.text}"))
    return tuple(settings)


def _everything(
    generators: list[Chosen], metrics: list[tuple[Chosen, Chosen | None]], segmenters: list[Chosen]
) -> list[Chosen]:
    return [*generators, *(one for pair in metrics for one in pair if one is not None), *segmenters]


def _with_extractor(chooser: Chooser, name: str, download: bool) -> tuple[Chosen, Chosen | None]:
    metric = chooser.choose("metric", name)
    return metric, chooser.extractor_for(metric, download) if uses_features(metric) else None


def _refuse_missing(lines: list[str], dry_run: bool) -> None:
    """All that is absent is listed at once, before anything starts; a dry run goes on with what is there."""
    if lines and not dry_run:
        raise BenchError(list_missing(lines))
    if lines:
        print(list_missing(lines) if len(lines) > 1 else f"missing: {lines[0]}")


def _outline(setup: _Setup | None, store: Store, device: str) -> int:
    if setup is None:
        print("no plan: it needs the data")
        return 0
    from bench.outline import outline

    for line in outline(setup.spec, setup.plan, store, resolve_device(device)):
        print(line, flush=True)
    return 0


def _refuse_unused(chooser: Chooser, used: list[tuple[str, str]]) -> None:
    for override in chooser.overrides:
        if (override.kind, override.name) not in used:
            names = ", ".join(f"{kind} {name}" for kind, name in used)
            raise BenchError(f"{override.option}: {override.kind} {override.name} is not part of this run ({names})")


def _protocol_notes(profile: Profile, asked: str, used: str) -> tuple[str, ...]:
    """What a reader must know before anything starts."""
    notes = [f"profile {profile.name}: {profile.description}"]
    if used != asked:
        notes.append(f"no --data given: dataset {used} stands in for {asked}")
    if not profile.comparable or used != asked:
        notes.append("not comparable with published scores")
    return tuple(notes)


def _data_notes(data: DataTable, chosen: list[Chosen]) -> tuple[str, ...]:
    notes = []
    if data.absent:
        absent = ", ".join(split.removeprefix("test/") for split in data.absent)
        present = ", ".join(split.removeprefix("test/") for split in data.tests)
        notes.append(f"absent: {absent}; overall covers {present}")
    notes += data.warnings
    notes += [note for one in chosen for note in one.plugin.notes()]
    return tuple(dict.fromkeys(notes))


def _publish(manifest: dict[str, Any], store: Store, out: Path, failed: set[str]) -> None:
    from bench.leaderboard import build_table
    from bench.publish import write_tables
    from bench.render import to_text
    from bench.results import score_rows

    rows = score_rows(manifest, store, failed)
    if not rows:
        return
    table = build_table([manifest], rows)
    print(f"\n{to_text(table.brief())}\n")
    for path in write_tables(out, table, rows):
        print(f"written: {path}")


def _report(failures: list[Failure]) -> int:
    """The first failure in full; the others, and what waits for them, were told as they came."""
    if not failures:
        return 0
    causes = [failure for failure in failures if not failure.blocked]
    first = next((failure for failure in causes if failure.ours), causes[0])
    more = f" ({len(causes) - 1} more failed, see above)" if len(causes) > 1 else ""
    waiting = len(failures) - len(causes)
    _say(
        f"bench: {first.stage.label}: {first.message}{more}; what finished is kept and the same command resumes"
        + (f" ({waiting} stages wait for it)" if waiting else "")
    )
    return 1 if first.ours else 2


def _tell(notes: Sequence[str]) -> None:
    for note in notes:
        _say(f"note: {note}")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
