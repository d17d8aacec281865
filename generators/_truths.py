"""What several controls have in common: what must happen to distances of sets, and to images that are real."""

from __future__ import annotations

from bench.contracts import Must, Truth

DISTANCES = ("fid", "kid", "cmmd")
LOOKS_AT_IMAGES = "it looks at images alone, and these are real: mask alignment and the networks see the masks"

AT_FLOOR = tuple(Truth(metric=name, must=Must.FLOOR) for name in DISTANCES)
FARTHER_WITH_DOSE = tuple(Truth(metric=name, must=Must.WORSEN) for name in DISTANCES)
BLIND_TO_MASKS = tuple(Truth(metric=name, must=Must.TOLD, blind=LOOKS_AT_IMAGES) for name in DISTANCES)
NO_COPIES = Truth(metric="copying", measure="copied", must=Must.ZERO, within=0.03)
ALIGNED = Truth(metric="alignment", measure="alignment", must=Must.ALIGNED)
LESS_ALIGNED_WITH_DOSE = Truth(metric="alignment", measure="alignment", must=Must.WORSEN, within=0.01)
