"""What a generator's synthetic set is worth in real image–mask pairs: the generator sees --fraction percent of the real
training pairs, networks are trained with its set, and their scores are read on the learning curve of real pairs alone.
The same command resumes an interrupted one, and reuses what runs have finished."""

from __future__ import annotations

import argparse
from pathlib import Path

from bench.commands._options import (
    add_data_options,
    add_generator_parameters,
    add_machine_options,
    add_plugin_option,
    add_profile_options,
    add_repeats_options,
    add_results_option,
    add_seed_option,
    add_set_options,
    add_showing_options,
    shared,
)
from bench.commands._parser import Group, Parser
from bench.commands._shown import show_failures, show_plan
from bench.commands._threads import settled_threads
from bench.engine.threads import note_of, settle_threads
from bench.plugins.profile import FRACTIONS, MASKS, SELECTIONS, WORTH_ROWS
from bench.progress.display import Display
from bench.progress.terminal import show
from bench.workflows.request import WorthRequest


def add_arguments(parser: Parser) -> None:
    """Which set, beside which real pairs, on which curve, under which protocol."""
    many = parser.group("what is asked (repeat an option for several)")
    _add_plugins(many)
    _add_protocol(many)
    add_set_options(parser)
    add_profile_options(parser)
    add_plugin_option(parser)
    add_results_option(parser)
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder for the tables (default: RESULTS/tables/RUN)")
    add_machine_options(parser)
    parser.add_argument("--download", action="store_true", help="allow fetching a base model that is absent")
    add_showing_options(parser)


def _add_plugins(many: Group) -> None:
    many.add_argument(
        "--generator",
        action="append",
        required=True,
        metavar="NAME",
        help="whose set is valued; names: python -m bench list",
    )
    add_data_options(many)


def _add_protocol(many: Group) -> None:
    many.add_argument(
        "--fraction",
        type=int,
        required=True,
        choices=FRACTIONS[:-1],
        help="percent of the real training pairs that the generator sees, and that its set is added to",
    )
    many.add_argument(
        "--curve",
        type=int,
        nargs="+",
        action="extend",
        default=[],
        choices=FRACTIONS,
        metavar="PERCENT",
        help="shares of the real pairs that the curve is drawn through, beside that of --fraction (default: all)",
    )
    many.add_argument(
        "--train-on",
        nargs="+",
        action="extend",
        default=[],
        choices=WORTH_ROWS,
        metavar="SET",
        help="added (real and each generator's set); only (each generator's set alone) (default: both)",
    )
    many.add_argument("--masks", choices=MASKS, help="sample from the training masks as they are, or moved")
    many.add_argument(
        "--multiple", type=int, choices=(1, 2, 3, 4), help="synthetic images a mask (default: the profile's)"
    )
    many.add_argument(
        "--select",
        choices=SELECTIONS,
        help="epoch of a segmenter that is kept: the last, or the best on the test sets, as published and optimistic",
    )
    add_seed_option(many)
    add_repeats_options(many)
    add_generator_parameters(many)


def run(args: argparse.Namespace) -> int:
    """Exit code: 0 where all is done, 1 where the suite or a plugin has a fault, 2 for what the user can mend."""
    # Not above: --help needs neither engine nor reports.
    from bench.workflows.dry_run import dry_run
    from bench.workflows.worth import worth

    request = _request(args)
    if args.dry_run:
        settle_threads(note_of(request.results, vars(request)), keep=False)
        return show_plan(dry_run(request))
    with settled_threads(request) as threads:
        result = worth(request, Display(verbose=args.verbose))
        if result is None or not result.failures:
            threads.unlink(missing_ok=True)
    if result is None:
        return 0
    if result.report is not None:
        show(f"\n{result.report.text()}\n")
    if result.files:
        curve = ", worth.png the curve" if any(path.name == "worth.png" for path in result.files) else ""
        show(f"{result.files[0].parent}: {len(result.files)} files{curve}; log: {result.log}")
    return show_failures(result.failures)


def _request(args: argparse.Namespace) -> WorthRequest:
    args.metric, args.weights = [], None
    return WorthRequest(
        generators=tuple(args.generator),
        dataset=args.dataset,
        data=args.data,
        fraction=args.fraction,
        curve=tuple(args.curve),
        train_on=tuple(args.train_on),
        masks=args.masks,
        multiple=args.multiple,
        select=args.select,
        repeats=args.repeats,
        vary=tuple(args.vary),
        precision=args.precision,
        batch_size=args.batch_size,
        out=args.out,
        **shared(args),
    )
