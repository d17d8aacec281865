"""Controls with known truth -> what had to happen to each number, and whether it did. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from typing import NoReturn

from bench.analysis.estimate import Estimate
from bench.analysis.score_rows import OVERALL, SetScore
from bench.analysis.verdicts import HARMS, HELPS, Verdict, in_first_convention
from bench.contracts import Measure, Must, Truth
from bench.errors import BenchError
from bench.stats.student import LEVEL

FLOOR_SDS = 3.0
"""A floor is a mean over random halves: so many standard deviations above it a set still counts as at its floor."""


@dataclass(frozen=True, kw_only=True)
class Control:
    """A control and its doses, weakest first (one, empty, where it has none): the names of its generators."""

    name: str
    doses: tuple[str, ...]
    truths: tuple[Truth, ...]

    @property
    def generators(self) -> tuple[str, ...]:
        """As a run names them."""
        return tuple(f"{self.name}:{dose}" if dose else self.name for dose in self.doses)


_OF_SETS = (Must.FLOOR, Must.TOLD, Must.WORSEN, Must.DOSE, Must.ZERO, Must.ALIGNED, Must.MISALIGNED)
_OF_ROWS = (Must.WORSEN, Must.HARM, Must.NOT_HARM, Must.NO_CLAIM, Must.BEST)


def refuse_odd_truths(name: str, doses: object, truths: object) -> None:
    """BenchError for what a control says of itself and no run could find out."""

    def refuse(problem: str) -> NoReturn:
        raise BenchError(f"control {name}: {problem}; mend the plugin")

    if not isinstance(doses, tuple) or not doses or not all(isinstance(one, str) for one in doses):
        refuse(f"doses={doses!r}; expected texts in a tuple, the weakest first")
    for truth in truths if isinstance(truths, tuple) else (truths,):
        if not isinstance(truths, tuple) or not isinstance(truth, Truth) or not isinstance(truth.must, Must):
            refuse(f"truths={truths!r}; expected a tuple of Truth(must=Must…)")
        if truth.must not in (_OF_SETS if truth.metric else _OF_ROWS):
            refuse(f"Must.{truth.must.name} is no rule for {'measures of sets' if truth.metric else 'networks'}")
        if truth.must == Must.WORSEN and len(doses) < 2:
            refuse("Must.WORSEN needs two doses or more")
        if truth.must == Must.DOSE and not all(_is_number(one) for one in doses):
            refuse(f"Must.DOSE needs doses in percent, not {', '.join(doses)}")


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdecimal()


@dataclass(frozen=True, kw_only=True)
class Check:
    """What one number of a control had to do. `seen`: its value at every dose; `held`: None where it was not measured,
    or where noise hides the answer.

    `blind`: why it need not hold; empty where it must.
    """

    control: Control
    truth: Truth
    number: str
    seen: tuple[Estimate, ...]
    held: bool | None

    @property
    def blind(self) -> str:
        return self.truth.blind


@dataclass(frozen=True, eq=False)
class Evidence:
    """All numbers of the runs that a certificate rests on."""

    sets: Sequence[SetScore]
    verdicts: Sequence[Verdict]


def checks(controls: Sequence[Control], evidence: Evidence) -> list[Check]:
    """Each truth of each control, once a network or space in which its number was measured."""
    return [one for control in controls for truth in control.truths for one in _of_truth(control, truth, evidence)]


def _of_truth(control: Control, truth: Truth, evidence: Evidence) -> Iterator[Check]:
    """Where it was measured at every dose, it holds or not; where at none, the certificate says so."""
    answers = dict(_on_sets(control, truth, evidence) if truth.metric else _on_networks(control, truth, evidence))
    wanted = f"{truth.metric} {truth.measure}".strip() or "difference"
    for number, (seen, held) in (answers or {wanted: ((), None)}).items():
        yield Check(control=control, truth=truth, number=number, seen=seen, held=held)


Answer = tuple[str, tuple[tuple[Estimate, ...], bool | None]]


def _on_sets(control: Control, truth: Truth, evidence: Evidence) -> Iterator[Answer]:
    for name, numbers in _measures(control, truth, evidence).items():
        whole = len(numbers) == len(control.doses)
        held = _set_holds(numbers, truth, control.doses, evidence.sets) if whole else None
        yield name, (tuple(one.estimate for one in numbers), held)


def _on_networks(control: Control, truth: Truth, evidence: Evidence) -> Iterator[Answer]:
    for name, rows in _gains(control, evidence).items():
        held = _row_holds(rows, truth, evidence.verdicts) if len(rows) == len(control.doses) else None
        yield name, (tuple(one.estimate for one in rows), held)


def _measures(control: Control, truth: Truth, evidence: Evidence) -> dict[str, list[SetScore]]:
    """By name of the measure, a number a dose: those of one network that looks stand together."""
    found: dict[str, list[SetScore]] = {}
    for generator in control.generators:
        place = (generator, truth.metric, "")
        own = [one for one in evidence.sets if (one.origin.generator, one.metric, one.stratum) == place]
        meant = [one for one in own if _is_meant(one.measure, truth)]
        for space in dict.fromkeys(one.space for one in meant):
            # The plain one: its fellows bear the same name and more.
            first = min((one for one in meant if one.space == space), key=lambda one: len(one.measure.name))
            found.setdefault(first.measure.name, []).append(first)
    return found


def _is_meant(measure: Measure, truth: Truth) -> bool:
    return measure.name.startswith(truth.measure) if truth.measure else measure.headline


def _gains(control: Control, evidence: Evidence) -> dict[str, list[Verdict]]:
    """By network, the verdict on each dose's row, over all test images, in the first convention."""
    found: dict[str, list[Verdict]] = {}
    whole = [one for one in in_first_convention(evidence.verdicts) if one.adds]
    for generator in control.generators:
        for one in whole:
            if one.generator == generator:
                found.setdefault(f"{one.metric}, {one.training.segmenter}", []).append(one)
    return found


def _set_holds(
    numbers: Sequence[SetScore], truth: Truth, doses: Sequence[str], sets: Sequence[SetScore]
) -> bool | None:
    match truth.must:
        case Must.FLOOR:
            return all(_reaches_floor(one, truth.within) for one in numbers)
        case Must.TOLD:
            return not any(_reaches_floor(one, truth.within) for one in numbers)
        case Must.WORSEN:
            return _worsens([_badness(one.estimate, one.measure.better) for one in numbers], truth.within)
        case Must.DOSE:
            return all(_is_near(one, float(dose) / 100, truth.within) for one, dose in zip(numbers, doses, strict=True))
        case Must.ZERO:
            return all(_is_near(one, 0, truth.within) for one in numbers)
        case Must.ALIGNED:
            return _all(numbers, " ceiling", sets, lambda one, end: _upper(one) >= _lower(end) - truth.within)
        case Must.MISALIGNED:
            return _all(numbers, " floor", sets, lambda one, end: _lower(one) <= _upper(end) + truth.within)
        case _:
            raise ValueError(f"{truth.must!r} is no rule for a measure of sets")


def _row_holds(rows: Sequence[Verdict], truth: Truth, every: Sequence[Verdict]) -> bool | None:
    """None for a single repeat: what one training gains is no gain of its pairs.

    Equal pairs make equal networks in one repeat too: NO_CLAIM is always decided.
    """
    if truth.must == Must.NO_CLAIM:
        return all(one.word not in (HELPS, HARMS) for one in rows)
    if any(len(one.number.by_repeat) < 2 for one in rows):
        return None
    match truth.must:
        case Must.WORSEN:
            return _rows_worsen(rows)
        case Must.HARM:
            return _shown({one.word for one in rows}, HARMS, HELPS)
        case Must.NOT_HARM:
            return all(one.word != HARMS for one in rows)
        case Must.BEST:
            return _is_best(rows, every)
        case _:
            raise ValueError(f"{truth.must!r} is no rule for a network's row")


def _reaches_floor(one: SetScore, within: float) -> bool:
    """Held against the floor at the floor's own n; where halves say nothing of it, 0 must lie within the interval."""
    floor = one.floor
    if floor is None:
        return _lower(one) - within <= 0 <= _upper(one) + within
    sign = 1 if one.measure.better == "lower" else -1
    return sign * (floor.at_n - floor.value) <= FLOOR_SDS * floor.sd + within


def _badness(estimate: Estimate, better: str) -> float:
    return estimate.value if better == "lower" else -estimate.value


def _worsens(values: Sequence[float], within: float) -> bool:
    """No dose is better than a weaker one by more than `within`, and the strongest is worse than the weakest."""
    steps = [late - early for early, late in pairwise(values)]
    return all(step >= -within for step in steps) and values[-1] > values[0]


def _is_near(one: SetScore, value: float, within: float) -> bool:
    """A set has whole images only: half of one more is allowed."""
    return abs(one.value - value) <= within + 0.5 / one.n


def _lower(one: SetScore) -> float:
    return one.value if one.low is None else one.low


def _upper(one: SetScore) -> float:
    return one.value if one.high is None else one.high


def _all(
    numbers: Sequence[SetScore], suffix: str, sets: Sequence[SetScore], holds: Callable[[SetScore, SetScore], bool]
) -> bool | None:
    """Beside the measures that say how far these can go; None where a set has none."""
    ends = [_fellow(one, suffix, sets) for one in numbers]
    return None if None in ends else all(holds(one, end) for one, end in zip(numbers, ends, strict=True) if end)


def _fellow(one: SetScore, suffix: str, sets: Sequence[SetScore]) -> SetScore | None:
    """The measure of the same set that says how far this one can go."""
    name = one.measure.name + suffix
    found = (x for x in sets if (x.origin, x.measure.name, x.stratum) == (one.origin, name, ""))
    return next(found, None)


def _shown(words: set[str], wanted: str, opposite: str) -> bool | None:
    """None where noise hides it."""
    if opposite in words:
        return False
    return True if words == {wanted} else None


def _rows_worsen(rows: Sequence[Verdict]) -> bool | None:
    """The strongest dose is worse than the weakest, and none is better than a weaker one, beyond their intervals; None
    where noise hides it."""
    if any(_is_better(late, early) for early, late in pairwise(rows)):
        return False
    return True if _is_better(rows[0], rows[-1]) else None


def _is_best(rows: Sequence[Verdict], every: Sequence[Verdict]) -> bool:
    """Neither the baseline nor a ranked set is better beyond the interval of the difference, corrected for their number
    (Bonferroni)."""
    first = rows[0]
    place = (OVERALL, first.metric, first.training.segmenter)
    others = [one for one in every if (one.test_set, one.metric, one.training.segmenter) == place and one.adds]
    ranked = [one for one in others if not one.unranked]
    level = 1 - (1 - LEVEL) / max(1, len(ranked))
    surpassed = any(_is_better(one, row, level) for one, row in product(ranked, rows))
    return not surpassed and all(row.word != HARMS for row in rows)


def _is_better(one: Verdict, other: Verdict, level: float = LEVEL) -> bool:
    """Both are differences to the same baseline, whose noise cancels."""
    low, high = one.number.less(other.number).interval(level) or (0.0, 0.0)
    return low > 0 if one.better == "higher" else high < 0
