"""Train generators on image–mask pairs, sample, score, train segmenters with and without the synthetic set, test them
and write the leaderboard. The same command resumes an interrupted run and reuses everything that is finished."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from bench.commands._options import (
    add_data_options,
    add_generator_parameters,
    add_machine_options,
    add_metric_option,
    add_plugin_option,
    add_profile_options,
    add_repeats_options,
    add_results_option,
    add_seed_option,
    add_set_options,
    add_showing_options,
    add_weights_options,
    shared,
)
from bench.commands._parser import Group, Parser
from bench.commands._shown import show_failures, show_plan
from bench.commands._threads import settled_threads
from bench.engine.threads import note_of, settle_threads
from bench.plan.keep_rule import FORMS
from bench.plugins.profile import FRACTIONS, MASKS, REFERENCES, ROWS, SELECTIONS
from bench.progress.display import Display
from bench.progress.terminal import say, show
from bench.workflows.request import RunRequest

if TYPE_CHECKING:
    from bench.workflows.run import RunResult


def add_arguments(parser: Parser) -> None:
    """What runs, under which protocol, how files are read, where results go and what computes."""
    many = parser.group("what to run (repeat an option for several)")
    _add_plugins(many)
    _add_protocol(many)
    add_generator_parameters(many)
    add_set_options(parser)
    add_profile_options(parser)
    add_plugin_option(parser)
    add_results_option(parser)
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder for the tables (default: RESULTS/tables/RUN)")
    add_machine_options(parser)
    add_weights_options(parser)
    add_showing_options(parser)


def _add_plugins(many: Group) -> None:
    many.add_argument(
        "--generator",
        action="append",
        required=True,
        metavar="NAME",
        help="what makes the synthetic set; the profile's controls run with it. Names: python -m bench list",
    )
    many.add_argument(
        "--controls",
        action="store_true",
        help="run the generators that are controls too (python -m bench list marks them): they say what the numbers "
        "could be, and are shown and not ranked",
    )
    add_data_options(many)
    add_metric_option(many)


def _add_protocol(many: Group) -> None:
    """Options of a profile's [run] table."""
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
        "--keep",
        action="append",
        default=[],
        metavar="RULE",
        help=f"beside each generator's whole set, what a rule keeps of it: {FORMS.replace('%', '%%')}",
    )
    many.add_argument(
        "--fraction",
        type=int,
        choices=FRACTIONS,
        help="percent of the real training set that generators and segmenters see (default: the profile's)",
    )
    many.add_argument(
        "--train-on",
        nargs="+",
        action="extend",
        default=[],
        choices=ROWS,
        metavar="SET",
        help="training sets of the segmenters: real; equal-updates (real, repeated for as many updates as added has); "
        "added (real and each generator's set); only (each generator's set alone) (default: the profile's)",
    )
    many.add_argument(
        "--rows",
        nargs="+",
        action="extend",
        default=[],
        choices=ROWS,
        metavar="SET",
        help="old name of --train-on; it goes with the next version",
    )
    many.add_argument(
        "--select",
        choices=SELECTIONS,
        help="epoch of a segmenter that is kept: the last, or the best on the test sets, as published and optimistic",
    )
    many.add_argument(
        "--shape-scores",
        action="store_true",
        default=None,
        help="score every map's S-measure, weighted F, HD95 and surface Dice too (tens of ms a map; in scores.csv)",
    )
    add_seed_option(many)
    add_repeats_options(many)
    _add_verdicts(many)


def _add_verdicts(many: Group) -> None:
    """What is concluded from the repeats, and how they were asked for before."""
    many.add_argument(
        "--margin",
        type=float,
        metavar="DELTA",
        help="least difference of scores that matters to you, for example 0.01 (default: the profile's)",
    )
    many.add_argument(
        "--seeds",
        type=int,
        metavar="N",
        help="old way to say --repeats N --vary segmenter; it goes with the next version",
    )


def run(args: argparse.Namespace) -> int:
    """Exit code: 0 where all is done, 1 where the suite or a plugin has a fault, 2 for what the user can mend."""
    # Not above: --help needs neither engine nor reports.
    from bench.workflows.dry_run import dry_run
    from bench.workflows.run import run as do_run

    request = _request(args)
    if args.dry_run:
        settle_threads(note_of(request.results, vars(request)), keep=False)
        return show_plan(dry_run(request))
    with settled_threads(request) as threads:
        result = do_run(request, Display(verbose=args.verbose))
        if result is None or not result.failures:
            threads.unlink(missing_ok=True)
    return 0 if result is None else _show_result(result)


def _request(args: argparse.Namespace) -> RunRequest:
    if args.rows:
        say("note: --rows is the old name of --train-on and goes with the next version")
    if args.seeds is not None:
        say(f"note: --seeds {args.seeds} is the old way to say --repeats {args.seeds} --vary segmenter")
    return RunRequest(
        generators=tuple(args.generator),
        dataset=args.dataset,
        data=args.data,
        controls=args.controls,
        masks=args.masks,
        reference=args.reference,
        multiple=args.multiple,
        keep=tuple(args.keep),
        fraction=args.fraction,
        train_on=(*args.train_on, *args.rows),
        select=args.select,
        shape_scores=args.shape_scores,
        repeats=args.repeats,
        vary=tuple(args.vary),
        margin=args.margin,
        seeds=args.seeds,
        precision=args.precision,
        batch_size=args.batch_size,
        out=args.out,
        **shared(args),
    )


def _show_result(result: RunResult) -> int:
    if result.report is not None:
        show(f"\n{result.report.text()}\n")
    if result.files:
        show(f"{result.files[0].parent}: {len(result.files)} files with all scores and notes; log: {result.log}")
    return show_failures(result.failures)
