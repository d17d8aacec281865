"""What makes the synthetic set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from bench.contracts.context import Context
from bench.contracts.dataset import Split
from bench.contracts.plugin import Plugin
from bench.contracts.truth import Truth

GENERATOR, SAMPLE, SEGMENTER = SOURCES = ("generator", "sample", "segmenter")
"""Sources of randomness: a generator's training, what is sampled from it, and a segmentation network's training."""


class Generator(Plugin):
    """Learns from training pairs and makes one RGB image for each mask."""

    declares = ("version", "sample")
    own_masks: ClassVar[bool] = False
    """True when it writes its own pairs (`out/images` and `out/masks`) instead of following the masks it is given."""
    repeats_real: ClassVar[bool] = False
    """True when its set is the real training pairs once more, one for each mask, whatever masks it is given.

    Real pairs with this set added train a network exactly as the real pairs repeated to the same number, so the engine
    trains once and names both on one row.
    """
    control: ClassVar[bool] = False
    """True when its set shows what the numbers could be and competes with none: `--controls` adds it to a run, and its
    rows are marked, never ranked, and never compared by a corrected p."""
    varies: ClassVar[tuple[str, ...]] = (GENERATOR, SAMPLE)
    """What is random in it: its training, its sample, both or none. What is not is done once for all repeats."""
    doses: ClassVar[tuple[str, ...]] = ("",)
    """Of a control whose name may be followed by a dose: those that a certificate tries, the weakest first."""
    truths: ClassVar[tuple[Truth, ...]] = ()
    """Of a control: what must happen to its numbers, which a certificate checks."""
    shared: ClassVar[tuple[str, ...]] = ()
    """Which of `fit` and `sample` several processes share (`ctx.processes`); the first does the rest alone."""

    @classmethod
    def follow(cls, others: Sequence[Generator], dataset: str) -> Mapping[str, str]:  # noqa: ARG003 (a subclass looks)
        """For a control: parameters, as --set has them, that it takes from the run's `others`, in the run's order and
        without controls, and from the name of its `dataset`. A --set wins. Default: none."""
        return {}

    def only_on(self) -> tuple[str, ...]:
        """Names of the only datasets that it works on; empty: any. A run on another is refused before it begins."""
        return ()

    def takes_unused(self) -> bool:
        """True when it is given the real training pairs that `--fraction` leaves out as its conditions, as they are and
        each once, whatever `--masks` and `--multiple` say. A run in which there are none is refused."""
        return False

    def needs_own_masks(self) -> str:
        """Why it cannot sample for masks that `--masks random` has moved, and what helps; empty: it can."""
        return ""

    def remark(self) -> str:
        """What its rows say behind its name, where its set is not what the name promises; empty: nothing."""
        return ""

    def base(self) -> str:
        """Name of the pretrained model it starts from; empty when there is none."""
        return ""

    def size(self) -> tuple[int, int] | None:
        """(width, height) of every image it makes; None when images keep the size of the real ones.

        The reference set is resized to it before it is compared, so that resizing itself is not scored.
        """
        return None

    def pairs(self, conditions: int) -> int:
        """How many pairs `sample` leaves for so many conditions: known before, and held to by the engine."""
        return conditions

    def fit(self, train: Split, model_dir: Path, ctx: Context) -> None:
        """Learn from `train` and leave all that `sample` needs in `model_dir`. Default: nothing to learn."""

    def import_checkpoint(self, file: Path, out: Path) -> tuple[str, ...]:
        """Turn weights published in `file` into the folder `out`, which `sample` can use; returns lines to print.

        Only generators with a published checkpoint format override it. Raises BenchError for a bad file.
        """
        raise NotImplementedError

    def sample(self, conditions: Split, model_dir: Path, out: Path, ctx: Context) -> None:
        """Write `out/images/<id>.png` (8-bit RGB) for every condition. Images already there are finished: keep them,
        as `unfinished` tells.

        The engine has removed those that a kill or the disk has damaged, and masks that `out/masks` holds of them.
        The engine pairs each image with its conditioning mask, thresholded and brought to the image's size.
        """
        raise NotImplementedError


def unfinished(conditions: Split, out: Path) -> Split:
    """Those whose image is not in `out/images` yet: what `sample` still has to make, in the same order."""
    return tuple(sample for sample in conditions if not (out / "images" / f"{sample.id}.png").is_file())
