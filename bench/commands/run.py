"""Train generators on image–mask pairs, sample, score, train segmenters with and without the synthetic set, test them
and write the leaderboard. The same command resumes an interrupted run and reuses everything that is finished."""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path

from bench.commands._options import (
    add_machine_options,
    add_plugin_option,
    add_profile_options,
    add_results_option,
    add_set_options,
    add_weights_options,
    at_least,
    refuse_folder,
)
from bench.engine.actions import try_files
from bench.engine.device import check_device, resolve_device
from bench.engine.distributed import Launched, alone_by_mistake, help_out, launched
from bench.engine.runner import Failure, Machine, Runner
from bench.engine.threads import note_of, settle_threads
from bench.errors import BenchError
from bench.files.atomic import storage_error
from bench.images import pixel_limit
from bench.plan.manifest import describe_run
from bench.plugins.profile import FRACTIONS, MASKS, REFERENCES, ROWS, SELECTIONS
from bench.progress.terminal import say, show
from bench.store.artefacts import Store
from bench.store.leftovers import clean_up
from bench.store.run_manifest import RunManifest, save_manifest
from bench.workflows.setup import GENERATOR_FLAGS, Setup, set_up


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
        "--masks",
        choices=MASKS,
        help="sample from the training masks as they are, or moved (ranges: python -m bench show masks)",
    )
    many.add_argument(
        "--reference", choices=REFERENCES, help="real images a synthetic set is compared with (default: the profile's)"
    )
    many.add_argument(
        "--multiple", type=int, choices=(1, 2, 3, 4), help="synthetic images a mask (default: the profile's)"
    )
    many.add_argument(
        "--fraction", type=int, choices=FRACTIONS,
        help="percent of the real training set that generators and segmenters see (default: the profile's)",
    )  # fmt: skip
    many.add_argument(
        "--rows", nargs="+", action="extend", choices=ROWS, metavar="ROW",
        help="what segmenters are trained on: real; equal-updates (real, repeated for as many updates as added has); "
        "added (real and each generator's set); only (each generator's set alone) (default: the profile's)",
    )  # fmt: skip
    many.add_argument(
        "--select", choices=SELECTIONS,
        help="epoch of a segmenter that is kept: the last, or the best on the test sets, as published and optimistic",
    )  # fmt: skip
    many.add_argument(
        "--shape-scores", action="store_true", default=None,
        help="score every map's S-measure, weighted F, HD95 and surface Dice too (tens of ms a map; in scores.csv)",
    )  # fmt: skip
    many.add_argument("--seed", type=int, metavar="S", help="base seed of everything random (default: the profile's)")
    many.add_argument(
        "--seeds", type=at_least(1), metavar="N", help="trainings of each segmenter (default: the profile's)"
    )
    for name, (field, meaning) in GENERATOR_FLAGS.items():
        many.add_argument(
            name, metavar=field.upper(), dest=f"generator_{field}", help=f"of the generators: {meaning}; --set wins"
        )
    add_set_options(parser)
    add_profile_options(parser)
    add_plugin_option(parser)
    add_results_option(parser)
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder for the tables (default: RESULTS/tables/RUN)")
    add_machine_options(parser)
    add_weights_options(parser)
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="print the plan, what is cached, and estimated memory and time; run nothing",
    )


CACHE = "cache"
"""Below --results: what stages share; it may be deleted between runs."""


def run(args: argparse.Namespace) -> int:
    threads = note_of(args.results, vars(args))
    try:
        settle_threads(threads, keep=not args.dry_run)
        check_device(args.device)
        if args.out is not None and not args.dry_run:
            refuse_folder("--out", args.out)
        with pixel_limit(args.max_pixels):
            code = _run(args, Store(args.results / "store"))
        if code == 0:
            threads.unlink(missing_ok=True)
        return code
    except BenchError:
        threads.unlink(missing_ok=True)  # Nothing has been begun that could be gone on with.
        raise
    except OSError as error:
        message = storage_error(error, args.results)
        if message is None:
            raise
        raise BenchError(message) from None


def _run(args: argparse.Namespace, store: Store) -> int:
    started = time.monotonic()
    team = launched(resolve_device(args.device))
    machine = _machine(args, team)
    if team is not None and team.rank:
        return _help(args, store, team)
    if team is None and alone_by_mistake():
        say(f"note: {alone_by_mistake()}")
    if not args.dry_run:
        clean_up(args.results)
    setup = _set_up_first(args, store, team)
    if args.dry_run or setup is None:
        return _outline(setup, store, args.device)
    options = setup.profile.run
    manifest = describe_run(
        setup.spec,
        setup.plan,
        notes=setup.notes,
        columns=options.columns,
        settings=setup.settings,
        controls=options.controls,
    )
    runner = Runner(store, setup.splits, machine, say, args.results / "logs" / f"{manifest.run}.log")
    failures = runner.run(setup.plan.stages)
    if team is not None:
        team.tell(None)
        team.part()
    save_manifest(args.results / "runs", manifest)
    failed = {failure.stage.key for failure in failures if not failure.blocked}
    notes = [f"not finished: {failure.stage.label}" for failure in failures if not failure.blocked]
    shown = replace(manifest, notes=(*manifest.notes, *notes))
    _publish(shown, store, args.out or args.results / "tables" / manifest.run, failed)
    ended = f"{len(failures)} of {len(setup.plan.stages)} stages not finished after" if failures else "finished in"
    say(f"{ended} {time.monotonic() - started:.1f} s")
    return _report(failures)


def _set_up_first(args: argparse.Namespace, store: Store, team: Launched | None) -> Setup | None:
    """Alone, so that what it builds and checks is there when the other processes do the same; they hear how it went."""
    try:
        setup = set_up(args, store, say)
        if setup is not None:
            try_files(setup.plan.stages, store)
    except BaseException:
        if team is not None:
            team.tell(False)
        raise
    if team is not None:
        team.tell(not args.dry_run)
    return setup


def _help(args: argparse.Namespace, store: Store, team: Launched) -> int:
    """What every process but the first does; nothing where the first could not set up."""
    if not team.tell(None):
        return 0
    setup = set_up(args, store, lambda _: None)
    assert setup is not None
    help_out(team, setup.plan.stages, store, setup.splits, args.results / CACHE, args.download)
    team.part()
    return 0


def _machine(args: argparse.Namespace, team: Launched | None) -> Machine:
    device = args.device if team is None else team.device
    if args.device not in ("auto", device, device.partition(":")[0]):
        raise BenchError(f"--device {args.device}: the launcher gives each process its own ({device}); leave it out")
    return Machine(device, args.num_workers, args.download, args.results / CACHE, team)


def _outline(setup: Setup | None, store: Store, device: str) -> int:
    if setup is None:
        show("no plan: it needs the data")
        return 2
    from bench.workflows.dry_run import outline

    for line in outline(setup.spec, setup.plan, store, resolve_device(device)):
        show(line)
    show("images and masks were matched by name; a run opens each of them before it computes anything")
    return 0


def _publish(manifest: RunManifest, store: Store, out: Path, failed: set[str]) -> None:
    from bench.report.report import make_report
    from bench.report.write import write_tables

    board = make_report([manifest], store, failed)
    if board is None:
        return
    # Files first: what cannot be printed must not keep them from being written.
    written = write_tables(out, board)
    show(f"\n{board.text()}\n")
    for path in written:
        show(f"written: {path}")


def _report(failures: list[Failure]) -> int:
    """The first failure in full; the others, and what waits for them, were told as they came."""
    if not failures:
        return 0
    causes = [failure for failure in failures if not failure.blocked]
    first = next((failure for failure in causes if failure.ours), causes[0])
    more = f" ({len(causes) - 1} more failed, see above)" if len(causes) > 1 else ""
    waiting = len(failures) - len(causes)
    say(
        f"bench: {first.stage.label}: {first.message}{more}; what finished is kept and the same command resumes"
        + (f" ({waiting} stages wait for it)" if waiting else "")
    )
    return 1 if first.ours else 2
