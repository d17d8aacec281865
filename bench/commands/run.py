"""Train generators on image–mask pairs, sample, score, train segmenters with and without the synthetic set, test them
and write the leaderboard. The same command resumes an interrupted run and reuses everything that is finished."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.chosen import Chooser, Chosen, missing_things, uses_features
from bench.commands._options import add_plugin_option, add_profile_options, add_results_option, at_least
from bench.config import (
    MASKS,
    Override,
    Profile,
    changes,
    flag_overrides,
    load_profile,
    parse_overrides,
    refuse_unknown_plugins,
)
from bench.contracts import Split
from bench.data import DataTable
from bench.errors import BenchError
from bench.graph import Plan, RunSpec, plan
from bench.manifest import Setting, describe_run, save_manifest
from bench.prepare import Preparer
from bench.registry import Registry
from bench.runner import Failure, Machine, Runner, check_device, resolve_device, storage_error
from bench.store import Store
from bench.team import Launched, alone_by_mistake, help_out, launched


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
    for name, (field, meaning) in GENERATOR_FLAGS.items():
        many.add_argument(name, metavar=field.upper(), dest=f"generator_{field}", help=f"of the generators: {meaning}")
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


GENERATOR_FLAGS = {
    "--precision": ("precision", "fp32 or bf16 arithmetic (default: the profile's)"),
    "--batch-size": ("batch", "images an optimiser step, over all devices (default: the profile's)"),
}
"""Options that set a field of every chosen generator that has it, and what it means."""

CACHE = "cache"
"""Below --results: what stages share; it may be deleted at any time."""


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
    team = launched(resolve_device(args.device))
    if team is not None and team.rank:
        return _help(args, store, team)
    if team is None and alone_by_mistake():
        _say(f"note: {alone_by_mistake()}")
    setup = _set_up(args, store, _say)
    manifest = describe_run(setup.spec, setup.plan, setup.notes, setup.profile.run.columns, setup.settings)
    runner = Runner(store, _splits(setup), _machine(args, team), _say, args.results / "logs" / f"{manifest['run']}.log")
    if team is not None:
        team.wait()
    failures = runner.run(setup.plan.stages)
    if team is not None:
        team.tell(None)
        team.part()
    save_manifest(args.results / "runs", manifest)
    failed = {failure.stage.key for failure in failures if not failure.blocked}
    notes = [f"not finished: {failure.stage.label}" for failure in failures if not failure.blocked]
    shown = {**manifest, "notes": [*manifest["notes"], *notes]}
    _publish(shown, store, args.out or args.results / "tables" / manifest["run"], failed)
    _say(f"finished in {time.monotonic() - started:.1f} s")
    return _report(failures)


def _help(args: argparse.Namespace, store: Store, team: Launched) -> int:
    """What every process but the first does. What the first builds and checks as it sets up is there afterwards."""
    team.wait()
    setup = _set_up(args, store, lambda _: None)
    help_out(team, setup.plan.stages, store, _splits(setup), args.results / CACHE, args.download)
    team.part()
    return 0


def _splits(setup: _Setup) -> dict[str, Split]:
    data = setup.spec.data
    return {data.fingerprints[name]: samples for name, samples in data.splits.items()}


def _machine(args: argparse.Namespace, team: Launched | None) -> Machine:
    device = args.device if team is None else team.device
    if args.device not in ("auto", device):
        raise BenchError(f"--device {args.device}: accelerate launch gives each process its own; leave --device out")
    return Machine(device, args.num_workers, args.download, args.results / CACHE, team)


def _set_up(args: argparse.Namespace, store: Store, say: Callable[[str], None]) -> _Setup:
    registry = Registry(args.plugin)
    profile = load_profile(args.profile)
    refuse_unknown_plugins(profile, registry)
    names = _once([*profile.run.controls, *args.generator])
    chooser = Chooser(registry, profile, _overrides(args, names, registry))
    generators = [chooser.choose("generator", name) for name in names]
    metrics = [_with_extractor(chooser, name, args.download) for name in _once(args.metric or profile.run.metrics)]
    segmenters = [chooser.choose("segmenter", name) for name in _once(args.segmenter or profile.run.segmenters)]
    everything = _everything(generators, metrics, segmenters)
    _refuse_missing(everything, args.download)
    preparer = Preparer(chooser, store, say)
    used = preparer.used_name(args.dataset, args.data)
    _refuse_unused(chooser, [("dataset", used), *((one.kind, one.name) for one in everything)])
    notes = _protocol_notes(profile, args.dataset, used)
    _tell(notes, say)
    data = preparer.open(args.dataset, args.data)
    found = _data_notes(data, everything)
    _tell(found, say)
    options = profile.run
    spec = RunSpec(
        data, profile.name, options.seed if args.seed is None else args.seed, args.seeds or options.seeds,
        args.masks or options.masks, args.multiple or options.multiple,
        options.synthetic_only if args.synthetic_only is None else args.synthetic_only,
        tuple(generators), tuple(metrics), tuple(segmenters),
    )  # fmt: skip
    return _Setup(profile, spec, plan(spec), (*notes, *found), _settings(chooser, spec))


def _overrides(args: argparse.Namespace, generators: list[str], registry: Registry) -> tuple[Override, ...]:
    given = parse_overrides(args.overrides, registry)
    flags: tuple[Override, ...] = ()
    for option, (field, _) in GENERATOR_FLAGS.items():
        text = getattr(args, f"generator_{field}")
        if text is not None:
            flags += flag_overrides(option, field, text, generators, given, registry)
    return (*flags, *given)


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


def _refuse_missing(chosen: list[Chosen], download: bool) -> None:
    """All that is absent is listed at once, before anything starts; with --download the plugins fetch it."""
    lines = missing_things(chosen)
    if lines and not download:
        raise BenchError("; ".join(lines))


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


def _tell(notes: Sequence[str], say: Callable[[str], None]) -> None:
    for note in notes:
        say(f"note: {note}")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
