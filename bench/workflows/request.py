"""What a user asks for: the command line and the Python API make the same requests."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Iterable
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any, ClassVar, Self

from bench.contracts import SEGMENTER, param
from bench.data.image_folder import Naming
from bench.errors import BenchError, did_you_mean
from bench.images import MAX_PIXELS
from bench.masks import Label, parse_labels
from bench.plan.worth_sets import LEAST_SHARES
from bench.plugins.params import check_value
from bench.plugins.profile import FRACTIONS, WORTH_ROWS, RunOptions
from bench.stats.power import MOST


class Asked:
    """A request that can be made of plain Python values: a dataclass."""

    __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]

    @classmethod
    def of(cls, **options: Any) -> Self:
        """Folders may be text and tuples lists; None stands for the default.

        TypeError for an option that does not exist and for one name where a list of names is meant, BenchError for a
        value that is missing, of another type or out of range.
        """
        hints, fields = typing.get_type_hints(cls), cls.__dataclass_fields__
        for name in options.keys() - fields.keys():
            raise TypeError(f"there is no option {name}{did_you_mean(name, fields)}")
        given = {name: value for name, value in options.items() if value is not None}
        for name, field in fields.items():
            if name not in given and field.default is dataclasses.MISSING:
                raise BenchError(f"{name}: is missing; give it")
        return cls(**{name: _typed(fields[name], hints[name], value) for name, value in given.items()})


def _typed(field: dataclasses.Field[Any], hint: Any, value: Any) -> Any:
    kinds = [one for one in typing.get_args(hint) if one is not type(None)] or [hint]
    if typing.get_origin(hint) is tuple:
        if isinstance(value, (str, PathLike)):
            # A text is a list of letters to Python, and no name.
            raise TypeError(f"{field.name}={value!r} is one name; write {field.name}=[{value!r}]")
        if not isinstance(value, Iterable):
            raise BenchError(f"{field.name}: expected a list, got {value!r}")
        return tuple(map(kinds[0], value))
    if kinds == [Path]:
        if not isinstance(value, (str, PathLike)) or not str(value):
            raise BenchError(f"{field.name}: expected a path, got {value!r}")
        return Path(value)
    return check_value(field, next((kind for kind in kinds if type(value) is kind), kinds[0]), value, field.name)


@dataclass(frozen=True, kw_only=True)
class Request(Asked):
    """What `run` and `evaluate` are asked alike. None and empty stand for the profile's choice, or for the suite's.

    `settings`: --set options. `mask_labels`: what is lesion in masks of labels. `max_pixels`: largest picture that is
    decoded. `strict`: images that stand twice are refused. `device`, `workers` change no result.
    """

    metrics: tuple[str, ...] = ()
    segmenters: tuple[str, ...] = ()
    seed: int | None = param(None, "of everything random", low=0)
    profile: str = "demo"
    settings: tuple[str, ...] = ()
    plugins: tuple[Path, ...] = ()
    weights: Path | None = None
    download: bool = False
    results: Path = Path("results")
    image_suffix: str = ""
    mask_suffix: str = ""
    mask_labels: tuple[str, ...] = ()
    max_pixels: int | None = param(None, "of the largest picture that is decoded", low=1)
    strict: bool = False
    device: str = "auto"
    workers: int = param(0, "threads that decode images", low=0)

    @property
    def labels(self) -> tuple[Label, ...]:
        """BenchError for a label that is neither a grey level nor a colour."""
        return parse_labels(self.mask_labels)

    @property
    def pixel_limit(self) -> int:
        """Pixels of the largest picture that is decoded."""
        return MAX_PIXELS if self.max_pixels is None else self.max_pixels


@dataclass(frozen=True, kw_only=True)
class EvaluateRequest(Request):
    """Folders of synthetic images that are compared with a folder of real ones.

    No `metrics`: all that train nothing.
    """

    real: Path
    fakes: tuple[Path, ...]

    @property
    def naming(self) -> Naming:
        """How files of images and masks are named."""
        return Naming(self.image_suffix, self.mask_suffix)


@dataclass(frozen=True, kw_only=True)
class RunRequest(Request):
    """A run. `generators` come after the profile's controls; `out` is the folder of the tables.

    `controls`: the generators that declare to be controls run too.

    `data`: folder of the real images and masks; None: the dataset makes its own, or the profile's stand-in is used.
    `keep`: rules as --keep has them; each filters the set of each generator that competes, beside the whole set.
    `seeds`: the old way to ask for repeats of the networks' trainings alone.
    `precision` and `batch_size` are those of every generator that has such a parameter.
    """

    generators: tuple[str, ...]
    dataset: str
    data: Path | None = None
    controls: bool = False
    masks: str | None = None
    reference: str | None = None
    multiple: int | None = None
    keep: tuple[str, ...] = ()
    fraction: int | None = None
    train_on: tuple[str, ...] = ()
    select: str | None = None
    shape_scores: bool | None = None
    repeats: int | None = None
    vary: tuple[str, ...] = ()
    margin: float | None = None
    seeds: int | None = None
    precision: str | None = None
    batch_size: int | str | None = None
    out: Path | None = None

    @property
    def shares(self) -> tuple[int, ...]:
        """Of the real pairs, in percent: a learning curve. A run has none."""
        return ()

    def over(self, options: RunOptions) -> RunOptions:
        """The profile's options with what was asked in their place. BenchError for a value that is out of range."""
        hints = typing.get_type_hints(RunOptions)
        if self.seeds is not None:
            if self.repeats is not None or self.vary:
                raise BenchError("--seeds N is the old way to say --repeats N --vary segmenter; leave it out")
            return replace(self, seeds=None, repeats=self.seeds, vary=(SEGMENTER,)).over(options)
        asked = {}
        for field in dataclasses.fields(RunOptions):
            value = getattr(self, field.name, None)
            # A profile's `controls` are names of generators; the option of that name is another thing.
            if field.name != "controls" and value is not None and value != ():
                plain = list(dict.fromkeys(value)) if isinstance(value, tuple) else value
                where = f"--{field.name.replace('_', '-')}"
                asked[field.name] = check_value(field, hints[field.name], plain, where)
        return replace(options, **asked)


@dataclass(frozen=True, kw_only=True)
class WorthRequest(RunRequest):
    """What the sets of `generators`, made from `fraction` percent of the real pairs, are worth in real pairs.

    `curve`: the shares of the real pairs, in percent, whose networks the sets' networks are compared with; all that
    there are, where none is named, and always `fraction`. Sets are not scored by metrics. `train_on`: `added`, `only`.
    """

    curve: tuple[int, ...] = ()

    @property
    def shares(self) -> tuple[int, ...]:
        """The least first. BenchError for a share that there is none of, and for a curve of one share only."""
        known = ", ".join(map(str, FRACTIONS))
        if self.fraction is None or self.fraction == max(FRACTIONS):
            raise BenchError(
                f"--fraction: name the share of the real pairs that the generator sees, one of {known} below 100: what "
                "its set is worth is read above it, on the curve of all shares"
            )
        for one in (self.fraction, *self.curve):
            if one not in FRACTIONS:
                raise BenchError(f"--curve, --fraction: {one} is no share of the curve; expected one of {known}")
        shares = sorted({*(self.curve or FRACTIONS), self.fraction})
        if len(shares) < LEAST_SHARES:
            raise BenchError(f"--curve {shares[0]}: one share makes no curve; name another beside that of --fraction")
        if shares[-1] == self.fraction:
            raise BenchError(
                f"--curve {shares[-2]}: ends at --fraction {self.fraction}, and worth is read above it; name a larger "
                "share"
            )
        return tuple(shares)

    def over(self, options: RunOptions) -> RunOptions:
        """As of a run, without metrics and the profile's controls. BenchError for options that concern these."""
        assert self.shares
        for name in ("metrics", "controls", "reference", "shape_scores"):
            if getattr(self, name):
                raise BenchError(f"{name}: worth scores no set and compares networks alone; leave it out")
        rows = self.train_on or WORTH_ROWS
        for one in rows:
            if one not in WORTH_ROWS:
                raise BenchError(f"--train-on {one}: expected {' or '.join(WORTH_ROWS)}; the curve has the real pairs")
        return replace(super().over(options), metrics=(), controls=(), train_on=tuple(dict.fromkeys(rows)))


@dataclass(frozen=True, kw_only=True)
class ScoreRequest(Asked):
    """A folder of probability maps, or masks, to be scored against true masks. `seed`: of the intervals' bootstrap."""

    pred: Path
    truth: Path
    mask_suffix: str = ""
    mask_labels: tuple[str, ...] = ()
    max_pixels: int | None = param(None, "of the largest picture that is decoded", low=1)
    shape_scores: bool = False
    seed: int = param(0, "of the intervals' bootstrap", low=0)

    @property
    def pixel_limit(self) -> int:
        """Pixels of the largest picture that is decoded."""
        return MAX_PIXELS if self.max_pixels is None else self.max_pixels


@dataclass(frozen=True, kw_only=True)
class PowerRequest(Asked):
    """A plan of repeats and test images for a difference of `margin`.

    `results`: folder with a finished `run`, the newest where none is named. None, with `images` or a standard
    deviation: no run is read. What is given wins over what the run says; `images` are independent ones where there is
    no run.
    """

    margin: float = param(0.01, "difference that is to be seen", low=1e-6, high=1)
    results: Path | None = None
    run: str = ""
    repeats: int | None = param(None, "that the plan begins with", low=1, high=MOST)
    images: int | None = param(None, "test images that the plan begins with", low=2, high=MOST)
    sd_repeats: float | None = param(None, "of a paired difference over repeats", low=0, high=1)
    sd_images: float | None = param(None, "of a paired difference over test images", low=0, high=1)
    sd_both: float | None = param(None, "of a paired difference over test images within repeats", low=0, high=1)

    @property
    def given(self) -> bool:
        """Whether it asks for a plan without any run."""
        numbers = (self.images, self.sd_repeats, self.sd_images, self.sd_both)
        return self.results is None and not self.run and any(one is not None for one in numbers)
