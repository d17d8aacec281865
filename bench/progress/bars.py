"""Progress bars with the time left, on the terminal's error stream."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

from bench.progress import interrupt
from bench.progress.terminal import say
from bench.text import printable

LOG_INTERVAL = 10.0
NARROWEST_BAR = 10


class _TqdmBar:
    """Numbers stand behind the bar; where the terminal is too narrow for both, on a line below it."""

    def __init__(self, bar: Any) -> None:
        self._bar = bar
        self._below: Any = None

    def update(self, steps: int = 1, **numbers: float) -> None:
        # Within a long stage too an interrupt that was swallowed ends the work.
        interrupt.check()
        parts = {name: f"{value:.3g}" for name, value in numbers.items()}
        if parts and self._below is None and not self._fits(parts):
            self._below = _line_below()
            self._bar.set_postfix({}, refresh=False)
        if parts and self._below is None:
            self._bar.set_postfix(parts, refresh=False)
        shown = self._bar.update(steps)
        if shown and parts and self._below is not None:
            self._below.set_description_str("  " + ", ".join(f"{name}={text}" for name, text in parts.items()))

    def _fits(self, parts: dict[str, str]) -> bool:
        meter = self._bar.format_dict
        if not meter["ncols"]:
            return True
        bare = len(self._bar.format_meter(**{**meter, "ncols": 0, "postfix": None}))
        return bare + NARROWEST_BAR + sum(len(f", {name}={text}") for name, text in parts.items()) <= meter["ncols"]

    def __enter__(self) -> _TqdmBar:
        return self

    def __exit__(self, *exc: object) -> None:
        if self._below is not None:
            self._below.close()
        self._bar.close()


def _line_below() -> Any:
    from tqdm import tqdm

    return tqdm(bar_format="{desc}", position=1, leave=False, dynamic_ncols=True, file=sys.stderr)


class _Lines:
    """A log file's side of a bar: what overwrites a line on a terminal becomes a line of its own."""

    def write(self, text: str) -> None:
        line = text.strip()
        if line:
            say(line)

    def flush(self) -> None:
        pass


@dataclass(frozen=True)
class Terminal:
    """Bars and lines labelled with a stage's place in the run; a log file gets a line every ten seconds instead."""

    label: str

    def bar(self, total: int, unit: str, done: int = 0) -> _TqdmBar:
        from tqdm import tqdm

        label = printable(self.label)
        if done:
            self.say(f"goes on at {done} of {total} {unit}s")
        place: dict[str, Any] = {"file": sys.stderr, "mininterval": 0.2, "dynamic_ncols": True}
        if not sys.stderr.isatty():
            # No bar is drawn at 0 columns, and nothing is written of what ends within the first interval.
            place = {"file": _Lines(), "mininterval": LOG_INTERVAL, "delay": LOG_INTERVAL, "ncols": 0}
        return _TqdmBar(tqdm(total=total, initial=done, unit=unit, desc=label, leave=False, **place))

    def say(self, text: str) -> None:
        """A line above the bars that are being drawn."""
        from tqdm import tqdm

        with tqdm.external_write_mode(file=sys.stderr):
            say(f"{self.label}: {text}")
