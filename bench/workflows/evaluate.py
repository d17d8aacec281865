"""Two folders -> scores: what compares them is run against the same store as any run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.analysis.evaluation import Evaluation
from bench.analysis.origin import Scope, Source
from bench.analysis.records import RecordReader, SetRecord
from bench.analysis.score_rows import set_scores
from bench.analysis.set_differences import set_differences
from bench.data.fingerprint import fingerprint
from bench.data.image_folder import ImageFolder, Naming, open_all, read_folder
from bench.data.pair_check import CHECKS
from bench.data.pixel_cache import PixelCache
from bench.data.relabel import relabelled
from bench.engine.actions import try_files
from bench.engine.device import check_device
from bench.engine.runner import Failure, Machine, Runner
from bench.errors import BenchError
from bench.identity import key
from bench.images import MAX_PIXELS, pixel_limit
from bench.masks import Label, parse_labels
from bench.plan.folder_plan import FolderPlan
from bench.plan.stage import Trouble
from bench.plugins.available import Selection, select
from bench.plugins.overrides import parse_overrides
from bench.plugins.profile import load_profile, refuse_unknown_plugins
from bench.plugins.registry import Registry
from bench.plugins.resolved import ResolvedPlugin
from bench.plugins.resolver import Resolver
from bench.progress.bars import Terminal
from bench.store.artefacts import Store
from bench.store.leftovers import clean_up
from bench.store.run_manifest import Comparison


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is compared and how. No `metrics`: all that train nothing; no `segmenters`, no `seed`: the profile's.

    `mask_labels`: what is lesion in masks of labels; `strict`: images that stand twice are refused.
    """

    real: Path
    fakes: tuple[Path, ...]
    metrics: tuple[str, ...] = ()
    segmenters: tuple[str, ...] = ()
    profile: str = "demo"
    settings: tuple[str, ...] = ()
    plugins: tuple[Path, ...] = ()
    results: Path = Path("results")
    device: str = "auto"
    workers: int = 0
    seed: int | None = None
    weights: Path | None = None
    download: bool = False
    image_suffix: str = ""
    mask_suffix: str = ""
    mask_labels: tuple[str, ...] = ()
    max_pixels: int = MAX_PIXELS
    strict: bool = False

    @property
    def naming(self) -> Naming:
        return Naming(self.image_suffix, self.mask_suffix)

    @property
    def labels(self) -> tuple[Label, ...]:
        return parse_labels(self.mask_labels)


def evaluate_folders(request: Request, say: Callable[[str], None]) -> Evaluation:
    """BenchError for unreadable folders and mistaken options; what one metric alone lacks is in `troubles`."""
    check_device(request.device)
    with pixel_limit(request.max_pixels):
        return _evaluate(request, say)


def _evaluate(request: Request, say: Callable[[str], None]) -> Evaluation:
    registry = Registry(request.plugins)
    profile = load_profile(request.profile)
    refuse_unknown_plugins(profile, registry)
    resolver = Resolver(registry, profile, parse_overrides(request.settings, registry))
    seed = profile.run.seed if request.seed is None else request.seed
    selected = select(resolver, request.metrics, request.weights, request.download)
    if not selected.metrics and not request.metrics:
        raise BenchError("no metric can be computed here: python -m bench doctor says what each lacks")
    segmenters = _segmenters(resolver, request.segmenters, selected)
    resolver.refuse_unused(_looked_at(selected, segmenters))
    real, fakes = read_folder(request.real, synthetic=False, naming=request.naming), _read_fakes(request)
    if request.strict:
        _refuse_repeats((real, *fakes))
    clean_up(request.results)
    store, pixels = Store(request.results / "store"), PixelCache()
    real = _opened(real, fakes[0].size, request, store, pixels)
    fakes = tuple(_opened(fake, None, request, store, pixels) for fake in fakes)
    plan = FolderPlan(seed, real)
    troubles = [*_absent(request, selected), *plan.add(fakes, selected, segmenters)]
    try_files(plan.stages.values(), store)
    failures = _run(request, plan, store, pixels, say)
    failed = {failure.stage.key for failure in failures}
    records = RecordReader(store, failed).sets(plan.comparisons)
    rows = set_scores(records, Source(scope=Scope(real.name, real.fingerprint[:12], profile.name)))
    notes = [*_notes(real, fakes, request, selected), *_silent(records)]
    notes += _pictures(plan.comparisons, store, failed)
    troubles += [Trouble(one.stage.label, one.message, one.ours) for one in failures if not one.blocked]
    return Evaluation(
        profile=profile.name,
        seed=seed,
        real=real,
        fakes=fakes,
        rows=tuple(rows),
        differences=tuple(set_differences(records, seed)),
        notes=tuple(notes),
        troubles=tuple(troubles),
    )


def _segmenters(resolver: Resolver, asked: Sequence[str], selected: Selection) -> list[ResolvedPlugin]:
    """Those whose maps a metric needs, or none."""
    if not any(metric.plugin.uses == "maps" for metric, _ in selected.metrics):
        for name in asked:
            raise BenchError(f"--segmenter {name}: no metric asked for trains one; leave it out")
        return []
    names = dict.fromkeys(asked or resolver.profile.run.segmenters)
    segmenters = [resolver.choose("segmenter", name) for name in names]
    for one in segmenters:
        one.plugin.check_params(1)
    return segmenters


def _looked_at(selected: Selection, segmenters: Sequence[ResolvedPlugin]) -> list[tuple[str, str]]:
    used = [one for pair in selected.metrics for one in pair if one]
    return [(one.kind, one.name) for one in (*used, *segmenters)] + [
        *(("extractor", name) for name in selected.passed_over),
        *(("metric", name) for name in selected.absent),
    ]


def _absent(request: Request, selected: Selection) -> list[Trouble]:
    """Only what was asked for by name is missed."""
    return [Trouble(name, message) for name, message in selected.absent.items() if name in request.metrics]


def _read_fakes(request: Request) -> tuple[ImageFolder, ...]:
    fakes: dict[str, ImageFolder] = {}
    for path in request.fakes:
        fake = read_folder(path, synthetic=True, naming=request.naming)
        if fake.name in fakes:
            raise BenchError(f"{fakes[fake.name].path} and {path}: two sets of the name {fake.name}; rename a folder")
        fakes[fake.name] = fake
    return tuple(fakes.values())


def _refuse_repeats(folders: Sequence[ImageFolder]) -> None:
    lines = [line for folder in folders for line in folder.repeats]
    if lines:
        raise BenchError(f"--strict: {'; '.join(lines)}; remove the repeated images, or leave --strict out")


def _opened(
    folder: ImageFolder, size: tuple[int, int] | None, request: Request, store: Store, pixels: PixelCache
) -> ImageFolder:
    """The folder with ordinary masks, after every file has been decoded."""
    _open_once(folder, size, request, store, pixels)
    samples = relabelled(folder.samples, request.labels, store, Terminal(f"read {folder.name}").say)
    if samples == folder.samples:
        return folder
    return replace(folder, samples=samples, fingerprint=fingerprint(samples))


def _open_once(
    folder: ImageFolder, size: tuple[int, int] | None, request: Request, store: Store, pixels: PixelCache
) -> None:
    """Nothing is computed before every file of both sets has been decoded; bytes seen before are not opened again."""
    mark = key({"stage": "check", "checks": CHECKS, "labels": list(request.labels), "pairs": folder.fingerprint})
    if store.has("check", mark):
        return
    open_all(folder, pixels, size, request.labels, request.workers, Terminal(f"read {folder.name}"))
    with store.claim("check", mark, Terminal(f"read {folder.name}").say) as workspace:
        if not store.has("check", mark):
            store.commit("check", mark, workspace, {"images": len(folder.samples)})


def _run(
    request: Request, plan: FolderPlan, store: Store, pixels: PixelCache, say: Callable[[str], None]
) -> list[Failure]:
    stages = list(plan.stages.values())
    log = request.results / "logs" / f"evaluate-{key({'stages': [stage.key for stage in stages]})[:16]}.log"
    machine = Machine(request.device, request.workers, request.download, request.results / "cache")
    return Runner(store, plan.splits, machine, say, log, pixels).run(stages)


def _notes(real: ImageFolder, fakes: Sequence[ImageFolder], request: Request, selected: Selection) -> list[str]:
    notes = [note for folder in (real, *fakes) for note in (*folder.repeats, *folder.notes)]
    if not any(sample.group for sample in real.samples):
        notes.append(
            f"real set {real.name}: every image counts as independent; if frames of one video or images of one patient "
            "are among them, intervals are too narrow: say which in manifest.csv (columns id, group)"
        )
    notes += [
        f"synthetic set {fake.name}: images of {len(fake.sizes)} sizes, so real images keep theirs too"
        for fake in fakes
        if fake.size is None
    ]
    notes += [*selected.stand_ins(), *(f"--set {text}" for text in request.settings)]
    return notes + [
        f"left out: {name}: {message}" for name, message in selected.absent.items() if name not in request.metrics
    ]


def _silent(records: Sequence[SetRecord]) -> list[str]:
    return [
        f"{one.comparison.metric} of {one.comparison.generator}: these sets have nothing it can measure"
        for one in records
        if not one.scored
    ]


def _pictures(comparisons: Sequence[Comparison], store: Store, failed: set[str]) -> list[str]:
    """What metrics drew for a person to look at."""
    return [
        f"{one.metric} of {one.generator}: look at {path}"
        for one in comparisons
        if one.key not in failed
        for path in sorted(store.path("score", one.key).glob("*.png"))
    ]
