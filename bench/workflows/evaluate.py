"""Two folders -> scores: what compares them is run against the same store as any run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bench.analysis.evaluation import Evaluation
from bench.analysis.origin import Scope, Source
from bench.analysis.records import RecordReader, SetRecord
from bench.analysis.score_rows import set_scores
from bench.analysis.set_differences import set_differences
from bench.contracts.context import Progress
from bench.data.fingerprint import fingerprint
from bench.data.image_folder import ImageFolder, open_all, read_folder
from bench.data.pair_check import CHECKS
from bench.data.pixel_cache import PixelCache
from bench.data.relabel import relabelled
from bench.engine.actions import try_device_and_files
from bench.engine.device import check_device, refuse_unknown_device
from bench.engine.job import Caches
from bench.engine.runner import Failure, Runner
from bench.errors import BenchError
from bench.identity import key
from bench.images import pixel_limit
from bench.plan.folder_plan import FolderPlan
from bench.plan.stage import Problem
from bench.plugins.available import Selection, select
from bench.plugins.overrides import parse_overrides
from bench.plugins.profile import load_profile, refuse_unknown_plugins
from bench.plugins.registry import Registry
from bench.plugins.resolved import ResolvedPlugin
from bench.plugins.resolver import Resolver
from bench.progress.display import Display
from bench.store.artefacts import Store
from bench.store.leftovers import clean_up
from bench.store.run_manifest import Comparison
from bench.workflows.places import log_of, refuse_results
from bench.workflows.processes import resources_for
from bench.workflows.request import EvaluateRequest


def evaluate(request: EvaluateRequest, display: Display | None = None) -> Evaluation:
    """BenchError for unreadable folders and mistaken options; what one metric alone lacks is in `problems`."""
    refuse_unknown_device(request.device)
    refuse_results(request.results)
    with pixel_limit(request.pixel_limit), display or Display() as shown:
        return _evaluate(request, shown)


@dataclass(frozen=True, kw_only=True)
class _Choice:
    """What compares the folders, each plugin made once."""

    profile: str
    seed: int
    selected: Selection
    segmenters: Sequence[ResolvedPlugin]


def _evaluate(request: EvaluateRequest, display: Display) -> Evaluation:
    choice = _choose(request)
    store, pixels = Store(request.results / "store"), PixelCache()
    real, fakes = _open(request, store, pixels, display)
    plan = FolderPlan(choice.seed, real)
    problems = [*_absent(request, choice.selected), *plan.add(fakes, choice.selected, choice.segmenters)]
    log = log_of(request.results, f"evaluate-{key({'stages': [one.key for one in plan.collected.stages]})[:16]}")
    display.open_log(log)
    try_device_and_files(plan.collected.stages, store, request.device)
    failures = _run(request, plan, store, pixels, display)
    failed = {failure.stage.key for failure in failures}
    records = RecordReader(store, failed).sets(plan.collected.comparisons)
    notes = [*_notes(real, fakes, request, choice.selected), *_silent(records)]
    notes += _pictures(plan.collected.comparisons, store, failed)
    problems += [Problem(one.stage.label, one.message, one.ours) for one in failures if not one.blocked]
    return Evaluation(
        profile=choice.profile,
        seed=choice.seed,
        real=real,
        fakes=fakes,
        rows=tuple(set_scores(records, Source(scope=Scope(real.name, real.fingerprint[:12], choice.profile)))),
        differences=tuple(set_differences(records, choice.seed)),
        notes=tuple(notes),
        problems=tuple(problems),
        log=log,
    )


def _choose(request: EvaluateRequest) -> _Choice:
    """BenchError for names, options and parameters that are unknown or have no effect."""
    registry, profile = Registry(request.plugins), load_profile(request.profile)
    refuse_unknown_plugins(profile, registry)
    resolver = Resolver(registry, profile, parse_overrides(request.settings, registry))
    selected = select(resolver, request.metrics, request.weights, request.download)
    if not selected.metrics and not request.metrics:
        raise BenchError("no metric can be computed here: python -m bench doctor says what each lacks")
    segmenters = _segmenters(resolver, request.segmenters, selected)
    used = [one for pair in selected.metrics for one in pair if one]
    looked_at = [(one.kind, one.name) for one in (*used, *segmenters)]
    looked_at += [("extractor", name) for name in selected.passed_over]
    looked_at += [("metric", name) for name in selected.absent]
    resolver.refuse_unused(looked_at)
    seed = profile.run.seed if request.seed is None else request.seed
    return _Choice(profile=profile.name, seed=seed, selected=selected, segmenters=segmenters)


def _open(
    request: EvaluateRequest, store: Store, pixels: PixelCache, display: Display
) -> tuple[ImageFolder, tuple[ImageFolder, ...]]:
    """The real folder and the synthetic ones, every file decoded once."""
    real, fakes = read_folder(request.real, synthetic=False, naming=request.naming), _read_fakes(request)
    repeats = [line for folder in (real, *fakes) for line in folder.repeats]
    if request.strict and repeats:
        raise BenchError(f"--strict: {'; '.join(repeats)}; remove the repeated images, or leave --strict out")
    clean_up(request.results)
    opener = _Opener(request, store, pixels, display)
    real = opener.opened(real, fakes[0].size)
    return real, tuple(opener.opened(fake, None) for fake in fakes)


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


def _absent(request: EvaluateRequest, selected: Selection) -> list[Problem]:
    """Only what was asked for by name is missed."""
    return [Problem(name, message) for name, message in selected.absent.items() if name in request.metrics]


def _read_fakes(request: EvaluateRequest) -> tuple[ImageFolder, ...]:
    fakes: dict[str, ImageFolder] = {}
    for path in request.fakes:
        fake = read_folder(path, synthetic=True, naming=request.naming)
        if fake.name in fakes:
            raise BenchError(f"{fakes[fake.name].path} and {path}: two sets of the name {fake.name}; rename a folder")
        fakes[fake.name] = fake
    return tuple(fakes.values())


@dataclass(frozen=True)
class _Opener:
    request: EvaluateRequest
    store: Store
    pixels: PixelCache
    display: Display

    def opened(self, folder: ImageFolder, size: tuple[int, int] | None) -> ImageFolder:
        """The folder with ordinary masks, after every file has been decoded."""
        progress = self.display.progress(f"read {folder.name}")
        self._open_once(folder, size, progress)
        samples = relabelled(folder.samples, self.request.labels, self.store, progress.say)
        if samples == folder.samples:
            return folder
        return replace(folder, samples=samples, fingerprint=fingerprint(samples))

    def _open_once(self, folder: ImageFolder, size: tuple[int, int] | None, progress: Progress) -> None:
        """Nothing is computed before all files of both sets are decoded; bytes seen before are not opened again."""
        labels = self.request.labels
        mark = key({"stage": "check", "checks": CHECKS, "labels": list(labels), "pairs": folder.fingerprint})
        if self.store.has("check", mark):
            return
        check_device(self.request.device)
        open_all(folder, self.pixels, size, labels, self.request.workers, progress)
        with self.store.claim("check", mark, progress.say) as workspace:
            if not self.store.has("check", mark):
                self.store.commit("check", mark, workspace, {"images": len(folder.samples)})


def _run(
    request: EvaluateRequest, plan: FolderPlan, store: Store, pixels: PixelCache, display: Display
) -> list[Failure]:
    runner = Runner(
        store=store,
        splits=plan.splits,
        resources=resources_for(request),
        display=display,
        caches=Caches(pixels=pixels),
    )
    return runner.run(plan.collected.stages)


def _notes(real: ImageFolder, fakes: Sequence[ImageFolder], request: EvaluateRequest, selected: Selection) -> list[str]:
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
