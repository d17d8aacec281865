"""Whether a worth finds a count that is known: `python tools/worth_calibration.py --dataset phantom` prints a table.

The generator hands out real pairs that nothing else of the run has seen, `held-out` all that --fraction leaves out. So
each synthetic pair is worth a real one, and the interval of the worth should hold their number, in 95 of 100 seeds.
Beside the real pairs, those of `held-out` lie at the curve's end; alone, they lie below it. A finished seed is not
computed again: the same command resumes.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import bench
from bench.analysis.worth import Span, Worth
from bench.report.worth_table import with_span
from tools.worth_coverage import holds


def main() -> None:
    """A line for each seed, fraction and network, as soon as it is known; then how many hold the truth."""
    asked = _asked()
    print("| fraction | seed | network | real | true worth | worth | holds | s |\n|" + " --- |" * 8, flush=True)
    found: dict[str, list[Worth]] = {}
    for fraction in asked.fraction:
        for seed in range(asked.seed, asked.seed + asked.seeds):
            started = time.monotonic()
            for one in _sets(asked, fraction, seed):
                found.setdefault(one.about.kind, []).append(one)
                print(_line(one, fraction, seed, time.monotonic() - started), flush=True)
    print()
    for kind, worths in found.items():
        print(_count(kind, worths))


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--generator", default="held-out", metavar="NAME")
    parser.add_argument("--dataset", required=True, metavar="NAME")
    parser.add_argument("--data", metavar="DIR")
    parser.add_argument("--fraction", type=int, nargs="+", default=[25], metavar="PERCENT")
    parser.add_argument("--curve", type=int, nargs="+", default=[], metavar="PERCENT")
    parser.add_argument("--seeds", type=int, default=10, metavar="N")
    parser.add_argument("--seed", type=int, default=0, help="the first")
    parser.add_argument("--repeats", type=int, default=3, metavar="R")
    parser.add_argument("--segmenter", action="append", default=[], metavar="NAME")
    parser.add_argument("--set", action="append", default=[], metavar="NAME.FIELD=VALUE")
    parser.add_argument("--plugin", action="append", default=[], metavar="FILE")
    parser.add_argument("--profile", default="demo")
    parser.add_argument("--results", type=Path, default=Path("results"))
    return parser.parse_args()


def _sets(asked: argparse.Namespace, fraction: int, seed: int) -> Iterator[Worth]:
    """The set beside the real pairs and alone, in the first score of each network."""
    result = bench.worth(
        [asked.generator],
        asked.dataset,
        fraction,
        asked.data,
        seed=seed,
        repeats=asked.repeats,
        segmenters=asked.segmenter,
        settings=asked.set,
        plugins=asked.plugin,
        profile=asked.profile,
        results=asked.results,
        curve=asked.curve,
    )
    if result is not None and result.report is not None:
        yield from (one for curve in result.report.headline for one in curve.sets)


def _holds_truth(one: Worth) -> bool:
    return one.span is not None and holds(one.span, one.about.real + one.about.synthetic)


def _closed(span: Span | None) -> bool:
    return span is not None and not all(end.bound for end in span)


def _count(kind: str, worths: list[Worth]) -> str:
    held = sum(map(_holds_truth, worths))
    closed = sum(_closed(one.span) for one in worths)
    return f"{kind}: {held} of {len(worths)} intervals hold the true worth; {closed} have an end that is no bound"


def _line(one: Worth, fraction: int, seed: int, took: float) -> str:
    cells = (
        fraction,
        seed,
        one.training.segmenter,
        f"{one.about.real:,}",
        f"{one.about.synthetic:,}",
        with_span(one.worth, one.worth_span),
        "yes" if _holds_truth(one) else "no",
        f"{took:.0f}",
    )
    return f"| {' | '.join(map(str, cells))} |"


if __name__ == "__main__":
    main()
