"""Certify the suite itself: run every control whose truth is known at each of its doses, and say what had to happen to
each number and whether it did; then train networks on the same pairs again and again, and count false claims. The same
command resumes an interrupted one, and reuses what runs have finished."""

from __future__ import annotations

import argparse

from bench.commands._options import (
    add_data_options,
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
    at_least,
    shared,
)
from bench.commands._parser import Group, Parser
from bench.commands._shown import show_failures, show_plan
from bench.commands._threads import settled_threads
from bench.engine.threads import note_of, settle_threads
from bench.plugins.profile import FRACTIONS
from bench.progress.display import Display
from bench.progress.terminal import show
from bench.workflows.request import RunRequest

NULL_REPEATS = 120


def add_arguments(parser: Parser) -> None:
    """On which data, by which networks and metrics, and how often networks are trained on the same pairs."""
    many = parser.group("what is certified (repeat an option for several)")
    _add_plugins(many)
    many.add_argument(
        "--fraction",
        type=int,
        choices=FRACTIONS,
        help="percent of the real training pairs that are used; with less than 100 the control held-out takes part",
    )
    many.add_argument(
        "--null-repeats",
        type=at_least(0),
        default=NULL_REPEATS,
        metavar="K",
        help="trainings on the real pairs, of which every difference that is claimed is a false one; 0: none (default: "
        "%(default)s)",
    )
    add_seed_option(many)
    add_repeats_options(many)
    add_set_options(parser)
    add_profile_options(parser)
    add_plugin_option(parser)
    add_results_option(parser)
    add_machine_options(parser)
    add_weights_options(parser)
    add_showing_options(parser)


def _add_plugins(many: Group) -> None:
    many.add_argument(
        "--generator",
        action="append",
        default=[],
        metavar="NAME",
        help="a generator that takes part beside the controls, and is held against the best of them",
    )
    add_data_options(many)
    add_metric_option(many)


def run(args: argparse.Namespace) -> int:
    """Exit code: 0 where every promise held, 1 where one did not or the suite has a fault, 2 for what the user can
    mend."""
    # Not above: --help needs neither engine nor reports.
    from bench.workflows.certificate import certify, fitting_controls, with_doses
    from bench.workflows.dry_run import dry_run

    request = _request(args)
    if args.dry_run:
        settle_threads(note_of(request.results, vars(request)), keep=False)
        show(f"of the controls alone; {args.null_repeats} trainings of which false claims are counted come after them")
        return show_plan(dry_run(with_doses(request, fitting_controls(request))))
    with settled_threads(request) as threads:
        done = certify(request, args.null_repeats, Display(verbose=args.verbose))
        if done is None or not done.failures:
            threads.unlink(missing_ok=True)
    if done is None:
        return 0
    if done.certificate is not None:
        show(f"\n{done}\n")
    if done.files:
        show(f"{done.files[0].parent}: {', '.join(path.name for path in done.files)}")
    return show_failures(done.failures) or int(done.certificate is None or not done.certificate.holds)


def _request(args: argparse.Namespace) -> RunRequest:
    return RunRequest(
        generators=tuple(args.generator),
        dataset=args.dataset,
        data=args.data,
        fraction=args.fraction,
        repeats=args.repeats,
        vary=tuple(args.vary),
        **shared(args),
    )
