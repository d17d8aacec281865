"""Parameters of the suite itself, which belong to no plugin: `--set masks.rotation=0`, a profile's table [masks]."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bench.contracts import param
from bench.errors import BenchError


@dataclass(frozen=True, kw_only=True)
class RandomMasks:
    """Ranges of `--masks random`, drawn from evenly. The numbers are ours; published is only what is done."""

    scale_low: float = param(0.7, "smallest factor of the lesion's size", low=0.1, high=4.0)
    scale_high: float = param(1.3, "largest factor of the lesion's size", low=0.1, high=4.0)
    shift: float = param(0.15, "largest shift along each side, as a share of it", low=0.0, high=1.0)
    rotation: float = param(180.0, "largest angle either way; published: 0", unit="degrees", low=0.0, high=180.0)
    flip: float = param(0.5, "chance of a flip left to right, and of one upside down", low=0.0, high=1.0)

    def check(self) -> None:
        """BenchError for a range that is none."""
        if self.scale_low > self.scale_high:
            raise BenchError(f"masks.scale_low={self.scale_low:g}: is above scale_high={self.scale_high:g}; lower it")

    def __str__(self) -> str:
        turned = f"turned by up to {self.rotation:g}° either way" if self.rotation else "not turned"
        return (
            f"scaled by {self.scale_low:g} to {self.scale_high:g}, shifted by up to {100 * self.shift:g} % of each "
            f"side, {turned}, flipped along each axis with a chance of {self.flip:g}"
        )


@dataclass(frozen=True)
class Section:
    """A frozen dataclass of parameters, and the command line without which they have no effect."""

    params: type
    needs: str


SECTIONS: Mapping[str, Section] = {"masks": Section(RandomMasks, "run --masks random")}


def section_of(option: str) -> str:
    """The section that a `--set` speaks of, `NAME.field=value`; empty for a plugin's."""
    parts = option.partition("=")[0].split(".")
    return parts[0] if len(parts) == 2 and parts[0] in SECTIONS else ""
