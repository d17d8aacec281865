"""How long the stages that are still to do will take: estimates, corrected by what has been seen so far. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median


@dataclass(frozen=True)
class Expected:
    """A stage to do. `kind`: an action and its plugin, whose stages take alike; `seconds`: None, not estimated."""

    kind: str
    seconds: float | None = None


@dataclass
class TimeLeft:
    """`todo`: by the stages' keys, in the order in which they run; each is taken off as it ends."""

    todo: dict[str, Expected]
    _took: dict[str, list[tuple[Expected, float]]] = field(default_factory=dict)

    def ended(self, key: str, took: float) -> None:
        """A stage has ended after so many seconds."""
        one = self.todo.pop(key, None)
        if one is not None:
            self._took.setdefault(one.kind, []).append((one, took))

    def skipped(self, key: str) -> None:
        """A stage need not run: an input of it failed."""
        self.todo.pop(key, None)

    def seconds(self, elapsed: float = 0.0, share: float = 0.0) -> float | None:
        """Until the last stage ends; None while nothing can be said of any.

        The first of `todo` has run for `elapsed` seconds and got through `share` of its work (0: not known).
        """
        if not self.todo:
            return 0.0
        first, *later = (self._of(one) for one in self.todo.values())
        if share > 0:
            first = elapsed / share
        now = None if first is None else max(first - elapsed, 0.0)
        known = [one for one in (now, *later) if one is not None]
        if not known:
            return None
        # What nothing is known of takes as long as most others do: a mean would follow the one long training.
        return sum(known) + (1 + len(later) - len(known)) * median(known)

    def _of(self, one: Expected) -> float | None:
        seen = self._took.get(one.kind, [])
        if one.seconds is None:
            return sum(took for _, took in seen) / len(seen) if seen else None
        # By how much what took place differs from its estimates; of other kinds where none of its own is done.
        seen = seen or [pair for pairs in self._took.values() for pair in pairs]
        estimated = [(other.seconds, took) for other, took in seen if other.seconds]
        total = sum(seconds for seconds, _ in estimated)
        return one.seconds * (sum(took for _, took in estimated) / total if total else 1.0)


def about(seconds: float) -> str:
    """Rounded, in the unit that fits: `40 s`, `12 min`, `3.5 h`, `2.1 d`."""
    for unit, length in (("d", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 1.5 * length:
            return f"{seconds / length:.2g} {unit}" if seconds < 10 * length else f"{seconds / length:.0f} {unit}"
    return f"{max(seconds, 1):.0f} s"
