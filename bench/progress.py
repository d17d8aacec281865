"""Progress bars with the time left, on the terminal's error stream."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any


class _TqdmBar:
    def __init__(self, bar: Any) -> None:
        self._bar = bar

    def update(self, steps: int = 1, **numbers: float) -> None:
        if numbers:
            self._bar.set_postfix({name: f"{value:.4g}" for name, value in numbers.items()}, refresh=False)
        self._bar.update(steps)

    def __enter__(self) -> _TqdmBar:
        return self

    def __exit__(self, *exc: object) -> None:
        self._bar.close()


@dataclass(frozen=True)
class Terminal:
    """Bars labelled with a stage's place in the run; a log file gets a line every ten seconds instead."""

    label: str

    def bar(self, total: int, unit: str, done: int = 0) -> _TqdmBar:
        from tqdm import tqdm

        interval = 0.2 if sys.stderr.isatty() else 10.0
        bar = tqdm(
            total=total, initial=done, unit=unit, desc=self.label, leave=False, mininterval=interval, dynamic_ncols=True
        )
        return _TqdmBar(bar)
