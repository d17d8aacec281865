"""What the engine and the plugins promise each other.

A plugin is one file in a room (`bench/datasets`, `generators`, `metrics`, `metrics/extractors`, `segmenters`) that
defines exactly one subclass of its room's contract. Its name is the file's name with `_` written as `-`. Heavy
imports (torch and friends) live inside methods, so that a plugin can be listed where they are not installed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np


@dataclass(frozen=True)
class Sample:
    """One image–mask pair on disk.

    `mask` is any 8-bit image; foreground is > 127 (see `bench.images.load_mask`). Samples of one `group` (frames of a
    video sequence, images of a patient) are not independent; an empty group means the sample stands alone. A condition
    that repeats another under an id of its own names it in `source`.
    """

    id: str
    image: Path
    mask: Path
    prompt: str = ""
    group: str = ""
    source: str = ""


Split = tuple[Sample, ...]


def param(
    default: Any,
    help: str,
    *,
    unit: str = "",
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] = (),
    key: bool = True,
) -> Any:
    """A field of a plugin's `Params`: its default, one line of meaning, its unit and its range.

    `key=False` marks what cannot change the result (paths whose bytes are hashed through `files()`, batch size of
    inference): such a field does not enter the artefact's key.
    """
    meta = {"help": help, "unit": unit, "low": low, "high": high, "choices": choices, "key": key}
    return field(default=default, metadata=meta)


@dataclass(frozen=True)
class NoParams:
    """Params of a plugin that has none."""


class Bar(Protocol):
    """A progress bar with the time left; numbers given to `update` are shown behind it."""

    def update(self, steps: int = 1, **numbers: float) -> None: ...

    def __enter__(self) -> Bar: ...

    def __exit__(self, *exc: object) -> None: ...


class Progress(Protocol):
    """Makes progress bars; `done` steps may lie behind already when work resumes."""

    def bar(self, total: int, unit: str, done: int = 0) -> Bar: ...


class Quiet:
    """A `Progress` that shows nothing, for tests and library use."""

    def bar(self, total: int, unit: str, done: int = 0) -> Quiet:
        return self

    def update(self, steps: int = 1, **numbers: float) -> None:
        pass

    def __enter__(self) -> Quiet:
        return self

    def __exit__(self, *exc: object) -> None:
        pass


class Team:
    """The processes that work on a stage together; here this one alone. `accelerate launch` starts several."""

    rank: int = 0
    size: int = 1

    def add_up(self, tensors: Sequence[Any]) -> None:
        """Replace each torch tensor by its sum over all processes; every process calls it with the same shapes."""

    def wait(self) -> None:
        """Go on when every process has come here."""


@dataclass(frozen=True)
class Context:
    """What a stage may use besides its inputs. Nothing in it but `seed` may change a result.

    `workdir` survives a kill: checkpoints lie there and the same command finds them again. `cache`, where there is
    one, is shared by all stages and may be emptied between them: its files are named by what they are made from.
    """

    seed: int
    workdir: Path
    device: str = "cpu"
    workers: int = 0
    download: bool = False
    progress: Progress = field(default_factory=Quiet)
    team: Team = field(default_factory=Team)
    cache: Path | None = None


@dataclass(frozen=True)
class Cost:
    """What an action takes on one device, counted in advance (`bench.meter` counts torch code).

    `flops`: a multiply and an add are two. `moved`: bytes that operations read and write. `calls`: operations started.
    `memory`: bytes on the device at the peak. `note`: how the work is cut up, for the reader.
    """

    flops: float
    moved: float
    calls: float
    memory: float
    precision: str = "fp32"
    note: str = ""


class Plugin:
    """What every plugin declares."""

    version: ClassVar[int]
    """Bump when the same params and seed give other outputs: old artefacts are then computed anew."""
    requires: ClassVar[tuple[str, ...]] = ()
    """Importable names it needs, probed without importing."""
    cite: ClassVar[str] = ""
    """Where method or data come from."""
    Params: ClassVar[type] = NoParams

    def __init__(self, params: Any) -> None:
        self.params = params

    def files(self) -> tuple[Path, ...]:
        """Files and folders outside the store that the outputs depend on; their bytes enter the key."""
        return ()

    def missing(self) -> tuple[str, ...]:
        """One line for each thing (weights, base model, data) that must be there and is not, with its remedy."""
        return ()

    def details(self) -> tuple[str, ...]:
        """Lines `show` adds: what is trained and frozen, with its number of parameters. May import heavy packages."""
        return ()

    def check_params(self, devices: int) -> None:
        """BenchError for parameters that do not go together, or not with `devices` devices, before anything starts."""

    def cost(self, action: str, images: int, devices: int) -> Cost | None:
        """What `action` on `images` images takes of each of `devices` devices; None: not estimated, as by default.

        Actions: `fit` and `sample` of generators, `train` and `predict` of segmenters, `features`, `score`. Nothing
        is computed and no weights are needed. BenchError for parameters that cannot run.
        """
        return None

    def notes(self) -> tuple[str, ...]:
        """Sentences a reader of the leaderboard must know; printed below it."""
        return ()


class Dataset(Plugin):
    """Says which image–mask pairs exist. Never resizes and never changes a pixel of the user's files."""

    generated: ClassVar[bool] = False
    """True when `build` makes the files; then `root` is a folder of the store."""
    stand_in: ClassVar[str] = ""
    """The generated dataset that takes its place when the user has given no data folder."""
    origin: ClassVar[str] = ""
    """What a user without the data must fetch, how big it is and where it is; empty: the data are his own."""
    expected: ClassVar[Mapping[str, int]] = {}
    """Published number of pairs by split; another count is a warning."""

    def __init__(self, params: Any, root: Path) -> None:
        super().__init__(params)
        self.root = root

    def build(self, out: Path, ctx: Context) -> None:
        """Make the files below `out` (only when `generated`)."""

    def splits(self) -> tuple[str, ...]:
        """Every split the dataset can have: `train`, `val` where there is one, `test/<name>` …"""
        raise NotImplementedError

    def samples(self, split: str) -> Split:
        """Pairs of a split, sorted by id; empty when the split is absent. Matches names only, opens no image."""
        raise NotImplementedError

    def check(self, samples: Split) -> None:
        """Open every file once; BenchError names the first that is unreadable, of unequal size or without lesion.

        The engine calls it only for bytes it has not seen before.
        """


class Generator(Plugin):
    """Learns from training pairs and makes one RGB image for each mask."""

    own_masks: ClassVar[bool] = False
    """True when it writes its own pairs (`out/images` and `out/masks`) instead of following the masks it is given."""
    shared: ClassVar[tuple[str, ...]] = ()
    """Which of `fit` and `sample` several processes do together through `ctx.team`; the first does the rest alone."""

    def base(self) -> str:
        """Name of the pretrained model it starts from; empty when there is none."""
        return ""

    def size(self) -> tuple[int, int] | None:
        """(width, height) of every image it makes; None when images keep the size of the real ones.

        The reference set is squashed to it before it is compared, so that resizing itself is not scored.
        """
        return None

    def fit(self, train: Split, model_dir: Path, ctx: Context) -> None:
        """Learn from `train` and leave all that `sample` needs in `model_dir`. Default: nothing to learn."""

    def import_checkpoint(self, file: Path, out: Path) -> tuple[str, ...]:
        """Turn weights published in `file` into the folder `out`, which `sample` can use; returns lines to print.

        Only generators with a published checkpoint format override it. Raises BenchError for a bad file.
        """
        raise NotImplementedError

    def sample(self, conditions: Split, model_dir: Path, out: Path, ctx: Context) -> None:
        """Write `out/images/<id>.png` (8-bit RGB) for every condition. Images already there are finished: keep them.

        The engine pairs each image with its conditioning mask, thresholded and brought to the image's size.
        """
        raise NotImplementedError


@dataclass(frozen=True)
class ImageSet:
    """A set of pairs a metric looks at; `features` row i belongs to sample i."""

    samples: Split
    features: np.ndarray | None = None


@dataclass(frozen=True)
class Score:
    """One number with what a reader needs to weigh it. `low`/`high`: 95 % interval, None where none is estimated."""

    value: float
    n_real: int
    n_fake: int
    low: float | None = None
    high: float | None = None
    note: str = ""


class Extractor(Plugin):
    """Maps images to feature vectors with a fixed network."""

    label: ClassVar[str]
    """Short name used in column names, e.g. `Lite0`."""
    dim: ClassVar[int]

    def features(self, images: Sequence[Path], size: tuple[int, int] | None, ctx: Context) -> np.ndarray:
        """float32 (n, dim). Images are squashed to `size` (width, height) first when it is given."""
        raise NotImplementedError


class Metric(Plugin):
    """Compares a real and a synthetic set. `Params` has a field `extractors` when `uses_features`:

    names in order of preference, separated by commas; the first whose weights are present is taken.
    """

    uses_features: ClassVar[bool] = True
    better: ClassVar[str] = "lower"

    def columns(self, label: str) -> tuple[str, ...]:
        """Column names for features of the extractor labelled `label` (empty when `uses_features` is False)."""
        raise NotImplementedError

    def score(self, real: ImageSet, fake: ImageSet, label: str, ctx: Context) -> Mapping[str, Score]:
        """One `Score` for each of `columns(label)`."""
        raise NotImplementedError


class Segmenter(Plugin):
    """A segmentation network with its training recipe."""

    def fit(self, train: Split, val: Split, model_dir: Path, ctx: Context) -> None:
        """Train on `train` (with `val` only watched, never used to select) and leave the network in `model_dir`."""
        raise NotImplementedError

    def predict(self, samples: Split, model_dir: Path, out: Path, ctx: Context) -> None:
        """Write `out/<id>.png` for every sample: probability of lesion × 255, 8-bit grey, at the image's own size."""
        raise NotImplementedError


CONTRACTS: Mapping[str, type[Plugin]] = {
    "dataset": Dataset,
    "generator": Generator,
    "metric": Metric,
    "extractor": Extractor,
    "segmenter": Segmenter,
}
