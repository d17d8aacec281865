"""The suite's certificate -> tables: what had to happen to each number of a control, and whether it did. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from bench.analysis.certificate import Check
from bench.analysis.false_claims import FalseClaims
from bench.analysis.sensitivity import Sensitivity
from bench.report.table import Cell, Column, Table, rounded

FIELDS = ("control", "number", "must", "doses", "seen", "low", "high", "held", "blind")
TABLES = ("certificate", "false_claims", "sensitivity")
"""Names of their files."""
CLAIM_LIMIT = 0.05
_DECIMALS = 3


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """`checks`: a line a number of a control; `claims`: of two rows trained on the same pairs."""

    checks: tuple[Check, ...]
    claims: tuple[FalseClaims, ...]
    sensitivities: tuple[Sensitivity, ...]

    @property
    def holds(self) -> bool:
        """Whether every promise that was measured held, blind ones aside, and false claims are within their limit."""
        answers = [one.held for one in self.checks if not one.blind]
        claims = [one.bounds[0] <= CLAIM_LIMIT for one in self.claims if one.repeats > 1]
        return True in answers and False not in answers and all(claims)

    @property
    def tables(self) -> dict[str, Table]:
        """By the name of their files, in the order of reading."""
        found = {"certificate": checks_table(self.checks)}
        if self.claims:
            found["false_claims"] = claims_table(self.claims)
        if self.sensitivities:
            found["sensitivity"] = sensitivity_table(self.sensitivities)
        return found


def checks_table(checks: Sequence[Check]) -> Table:
    """One line a number, its value at every dose from the weakest on."""
    must = [one for one in checks if not one.blind]
    known = [one for one in must if one.held is not None]
    caption = f"Certificate: {sum(bool(one.held) for one in known)} of {len(known)} promises held"
    notes = ["seen: the number at every dose, the weakest first", *_why_blind(checks)]
    undecided = [one for one in must if one.held is None and one.seen]
    unmeasured = [one for one in must if one.held is None and not one.seen]
    if undecided:
        caption += f", {len(undecided)} more not decided"
        notes.append(
            "undecided: noise hides it, more repeats or test images tell; one repeat tells nothing of networks"
        )
    if unmeasured:
        caption += f", {len(unmeasured)} not measured"
        notes.append("–: not measured, as its metric or its network took no part or failed")
    return _table(caption, ("control", "number", "has to", "seen", "held"), map(_line, checks), notes)


def _why_blind(checks: Sequence[Check]) -> list[str]:
    """Each reason once."""
    numbers: dict[str, list[str]] = {}
    for one in checks:
        if one.blind:
            numbers.setdefault(one.blind, []).append(f"{one.number} of {one.control.name}")
    return [f"{', '.join(names)}: {reason}" for reason, names in numbers.items()]


def _line(one: Check) -> tuple[str, ...]:
    doses = [dose for dose in one.control.doses if dose]
    name = f"{one.control.name} {', '.join(doses)}".strip()
    seen = ", ".join(rounded(estimate.value, _DECIMALS) for estimate in one.seen)
    return name, one.number, one.truth.must.value, seen or "–", _answer(one)


def _answer(one: Check) -> str:
    if one.held is None:
        return "undecided" if one.seen else "–"
    if one.blind:
        return "yes, though blind" if one.held else "no, as expected"
    return "yes" if one.held else "NO"


def claims_table(claims: Sequence[FalseClaims]) -> Table:
    """How often a difference was claimed between two rows that were trained on the same pairs."""
    lines = [(one.segmenter, str(one.repeats), str(one.claims), str(one.verdicts), _share(one)) for one in claims]
    note = (
        f"share: of verdicts that claim a difference where there is none, with its 95 % interval (Clopper–Pearson; "
        f"neighbouring verdicts share trainings); {CLAIM_LIMIT:g} at most is promised for several repeats, and broken "
        "where the interval lies above it; its upper end is what so many verdicts can rule out; a verdict on one "
        "repeat knows nothing of training noise, and concerns these trainings"
    )
    names = ("segmenter", "repeats a verdict", "claims", "verdicts", "share")
    return _table("False claims between trainings on the same pairs", names, lines, [note])


def _share(one: FalseClaims) -> str:
    low, high = one.bounds
    return f"{rounded(one.claims / one.verdicts, _DECIMALS)} [{rounded(low, _DECIMALS)}, {rounded(high, _DECIMALS)}]"


def sensitivity_table(found: Sequence[Sensitivity]) -> Table:
    """How often a measure tells two neighbouring doses apart, beyond its interval."""
    lines = [(one.measure, str(one.pairs), str(one.right), str(one.wrong)) for one in found]
    note = "pairs: of neighbouring doses of a control, the stronger of which is known to be worse; without those whose "
    note += "difference has no interval"
    names = ("measure", "pairs", "told apart", "told wrong")
    return _table("Sensitivity of the measures of sets", names, lines, [note])


def _table(caption: str, names: Sequence[str], lines: Iterable[Sequence[str]], notes: Sequence[str]) -> Table:
    rows = tuple(tuple(Cell(text=text) for text in line) for line in lines)
    return Table(caption, tuple(map(Column, names)), rows, tuple(notes))


def record(one: Check) -> dict[str, Any]:
    """A check as `FIELDS`, numbers in full precision, one a dose."""

    def joined(values: Sequence[float | None]) -> str:
        return " ".join("" if value is None else repr(value) for value in values)

    return {
        "control": one.control.name,
        "number": one.number,
        "must": one.truth.must.value,
        "doses": " ".join(one.control.doses),
        "seen": joined([estimate.value for estimate in one.seen]),
        "low": joined([estimate.low for estimate in one.seen]),
        "high": joined([estimate.high for estimate in one.seen]),
        "held": one.held,
        "blind": one.blind,
    }
