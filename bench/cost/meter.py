"""Counts what a piece of torch code would take, on shapes alone: for plugins that say their cost in advance.

The code runs on torch's `meta` device, where tensors have shapes and no numbers, so a network of a billion parameters
is counted within seconds and without memory. Imports torch when it is called, not before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass
class Work:
    """`flops`: of convolutions, matrix products and attention; multiply and add are two. `moved`: bytes that operations
    read and write. `calls`: operations started. `peak`: largest bytes alive beyond what was there before.
    """

    flops: float = 0.0
    moved: float = 0.0
    calls: float = 0.0
    peak: float = 0.0

    def times(self, number: float) -> Work:
        """The same work done so many times."""
        return Work(self.flops * number, self.moved * number, self.calls * number, self.peak)

    def then(self, other: Work) -> Work:
        """One after the other: the larger peak counts."""
        return Work(
            self.flops + other.flops, self.moved + other.moved, self.calls + other.calls, max(self.peak, other.peak)
        )


def measure(code: Callable[[], object]) -> Work:
    """Run `code`, whose tensors are on `meta`, and count. A tensor that is on the processor keeps its numbers until it
    meets one without; a number asked of one without is 1.
    """
    from bench.cost.counting import Counting, attention_without_matrix

    with attention_without_matrix(), Counting() as found:
        code()
    return Work(float(found.flops), float(found.moved), float(found.calls), float(found.peak))
