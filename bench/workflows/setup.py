"""What a run's options and profile come to: plugins chosen, parameters resolved, data hashed, stages planned."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.contracts import TRAIN, Split
from bench.data.splits import Splits
from bench.engine.actions import refuse_taken_names
from bench.engine.distributed import team_size
from bench.errors import BenchError
from bench.files.atomic import sha256_file
from bench.identity import derive_seed
from bench.masks import parse_labels
from bench.plan.run_plan import Plan, RunSpec, plan
from bench.plugins.extractors import needs_extractor
from bench.plugins.overrides import Override, changes, field_names, flag_overrides, parse_overrides, resolve_section
from bench.plugins.profile import ON_TEST, Profile, load_profile, refuse_unknown_plugins
from bench.plugins.registry import Registry, did_you_mean
from bench.plugins.resolved import ResolvedPlugin
from bench.plugins.resolver import Resolver, list_missing, missing_things
from bench.progress.terminal import show
from bench.segscores import METRICS, missing
from bench.store.artefacts import Store
from bench.store.run_manifest import Setting
from bench.workflows.prepare_data import Preparer

GENERATOR_FLAGS = {
    "--precision": ("precision", "fp32 or bf16 arithmetic (default: the profile's)"),
    "--batch-size": ("batch", "images an optimiser step, over all devices (default: the profile's)"),
}
"""Options that set a field of every chosen generator that has it, and what it means."""


@dataclass(frozen=True)
class Setup:
    """A run, resolved: nothing has been computed yet but the dataset's hashes."""

    profile: Profile
    spec: RunSpec
    plan: Plan
    notes: tuple[str, ...]
    settings: tuple[Setting, ...]

    @property
    def splits(self) -> dict[str, Split]:
        """Real splits, and the reference, by fingerprint."""
        data = self.spec.data
        splits = {data.fingerprints[name]: samples for name, samples in data.splits.items()}
        return dict([data.reference(self.spec.reference)]) | splits


def set_up(args: argparse.Namespace, store: Store, say: Callable[[str], None]) -> Setup | None:
    """None: a dry run without data, of which there is no plan."""
    registry = Registry(args.plugin)
    profile = load_profile(args.profile)
    refuse_unknown_plugins(profile, registry)
    _refuse_unknown_columns(profile.run.columns, profile.name)
    names = _once([*profile.run.controls, *args.generator])
    masks = args.masks or profile.run.masks
    given = Resolver(registry, profile, _overrides(args, names, registry, ["masks"] if masks == "random" else []))
    ranges = resolve_section("masks", profile, args.overrides)
    ranges.check()
    scores = _once(args.metric or profile.run.metrics)
    resolver = given.with_weights(args.weights, scores)
    generators = [resolver.choose("generator", name) for name in names]
    metrics = [_with_extractor(resolver, name, args.download) for name in scores]
    segmenters = [resolver.choose("segmenter", name) for name in _once(args.segmenter or profile.run.segmenters)]
    everything = _everything(generators, metrics, segmenters)
    for one in everything:
        one.plugin.check_params(team_size())
    preparer = Preparer(resolver, store, say, parse_labels(args.mask_label), args.strict)
    used = preparer.used_name(args.dataset, args.data)
    passed_over = resolver.passed_over(metrics)
    looked_at = [*((one.kind, one.name) for one in everything), *(("extractor", name) for name in passed_over)]
    given.refuse_unused([("dataset", used), *looked_at])
    no_data = preparer.missing(args.dataset, args.data)
    shape_scores = profile.run.shape_scores if args.shape_scores is None else args.shape_scores
    absent = [*([] if args.download else missing_things(everything)), *(missing() if shape_scores else [])]
    _refuse_missing([*absent, *no_data], args.dry_run)
    if no_data:
        return None
    notes = _protocol_notes(profile, args.dataset, used)
    _tell([*notes, *passed_over.values()], say)
    whole = preparer.open(args.dataset, args.data, check=not args.dry_run)
    options = profile.run
    seed, fraction = options.seed if args.seed is None else args.seed, args.fraction or options.fraction
    data = whole.reduced(fraction, derive_seed(seed, 0, "fraction", whole.name))
    spec = RunSpec(
        data=data,
        profile=profile.name,
        seed=seed,
        seeds=args.seeds or options.seeds,
        masks=masks,
        reference=args.reference or options.reference,
        multiple=args.multiple or options.multiple,
        rows=tuple(args.rows or options.rows),
        generators=tuple(generators),
        metrics=tuple(metrics),
        segmenters=tuple(segmenters),
        shape_scores=shape_scores,
        fraction=fraction,
        select=args.select or options.select,
        random_masks=ranges,
    )
    refuse_taken_names(data.splits[TRAIN], spec.multiple)
    found = (*_data_notes(data, everything), *_departures(spec, whole))
    _tell(found, say)
    return Setup(profile, spec, plan(spec), (*notes, *found), _settings(resolver, spec, args.mask_label))


def _overrides(
    args: argparse.Namespace, generators: list[str], registry: Registry, sections: list[str]
) -> tuple[Override, ...]:
    given = parse_overrides(args.overrides, registry, sections)
    flags = _file_flags(args, generators, given, registry)
    for option, (field, _) in GENERATOR_FLAGS.items():
        text = getattr(args, f"generator_{field}")
        if text is not None:
            flags += flag_overrides(option, field, text, generators, given, registry)
    return (*flags, *given)


def _file_flags(
    args: argparse.Namespace, generators: list[str], given: Sequence[Override], registry: Registry
) -> tuple[Override, ...]:
    """How files are named and read, for the dataset and for the generators that read files themselves."""
    flags: list[Override] = []
    for option, text in (("--image-suffix", args.image_suffix), ("--mask-suffix", args.mask_suffix)):
        field = option.removeprefix("--").replace("-", "_")
        if text:
            flags += flag_overrides(option, field, text, [args.dataset], given, registry, kind="dataset")
            flags += _reading_files(option, field, text, generators, given, registry)
    if args.mask_label:
        flags += _reading_files("--mask-label", "mask_labels", ",".join(args.mask_label), generators, given, registry)
    return tuple(flags)


def _reading_files(
    option: str, field: str, text: str, generators: list[str], given: Sequence[Override], registry: Registry
) -> tuple[Override, ...]:
    reading = [name for name in generators if field in field_names(registry.load("generator", name))]
    return flag_overrides(option, field, text, reading, given, registry) if reading else ()


def _refuse_unknown_columns(columns: Sequence[str], profile: str) -> None:
    for name in columns:
        if name not in METRICS:
            raise BenchError(f"--profile {profile}: run.columns: unknown score {name!r}{did_you_mean(name, METRICS)}")


def _once(names: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(names))


def _settings(resolver: Resolver, spec: RunSpec, mask_label: Sequence[str]) -> tuple[Setting, ...]:
    """What options change against the profile, as the leaderboard shows it; data and masks have their own columns."""
    settings = [
        Setting("run", name, f"{name}={getattr(spec, name)}")
        for name in ("seed", "shape_scores", "fraction")
        if getattr(spec, name) != getattr(resolver.profile.run, name)
    ]
    settings += [Setting("run", "mask_label", f"mask_label={','.join(mask_label)}")] if mask_label else []
    settings += [
        # Lines without a synthetic set are the same with and without them.
        Setting("generator", generator.name, f"{name}={getattr(spec, name)}")
        for name in ("multiple", "reference")
        if getattr(spec, name) != getattr(resolver.profile.run, name)
        for generator in spec.generators
    ]
    usual = asdict(resolver.profile.sections["masks"]) if spec.masks == "random" else {}
    settings += [
        Setting("generator", generator.name, f"masks.{name}={getattr(spec.random_masks, name):g}")
        for name, value in usual.items()
        if getattr(spec.random_masks, name) != value
        for generator in spec.generators
    ]
    if spec.select == "test":
        settings += [Setting("segmenter", one.name, ON_TEST) for one in spec.segmenters]
    for one in resolver.overrides:
        if one.kind != "dataset" and changes(one, resolver.registry.load(one.kind, one.name), resolver.profile):
            settings.append(Setting(one.kind, one.name, f"{one.name}.{one.field}={_shown(one.text)}"))
    return tuple(settings)


def _shown(text: str) -> str:
    """A table goes into papers: of a path the last part, and of a file the first digits of its hash."""
    path = Path(text).expanduser()
    digits = f" ({sha256_file(path)[:8]})" if path.is_file() else ""
    return f"{path.name or text}{digits}"


def _everything(
    generators: list[ResolvedPlugin],
    metrics: list[tuple[ResolvedPlugin, ResolvedPlugin | None]],
    segmenters: list[ResolvedPlugin],
) -> list[ResolvedPlugin]:
    return [*generators, *(one for pair in metrics for one in pair if one is not None), *segmenters]


def _with_extractor(resolver: Resolver, name: str, download: bool) -> tuple[ResolvedPlugin, ResolvedPlugin | None]:
    metric = resolver.choose("metric", name)
    return metric, resolver.extractor_for(metric, download) if needs_extractor(metric) else None


def _refuse_missing(lines: list[str], dry_run: bool) -> None:
    """All that is absent is listed at once, before anything starts; a dry run goes on with what is there."""
    if lines and not dry_run:
        raise BenchError(list_missing(lines))
    if lines:
        show(list_missing(lines) if len(lines) > 1 else f"missing: {lines[0]}")


def _protocol_notes(profile: Profile, asked: str, used: str) -> tuple[str, ...]:
    """What a reader must know before anything starts."""
    notes = [f"profile {profile.name}: {profile.description}"]
    if used != asked:
        notes.append(f"no --data given: dataset {used} stands in for {asked}")
    if not profile.comparable or used != asked:
        notes.append("not comparable with published scores")
    return tuple(notes)


def _data_notes(data: Splits, chosen: list[ResolvedPlugin]) -> tuple[str, ...]:
    notes = list(data.repeats)
    if data.absent:
        absent = ", ".join(split.removeprefix("test/") for split in data.absent)
        present = ", ".join(split.removeprefix("test/") for split in data.tests)
        notes.append(f"absent: {absent}; overall covers {present}")
    notes += data.warnings
    notes += [note for one in chosen for note in one.plugin.notes()]
    return tuple(dict.fromkeys(notes))


def _departures(spec: RunSpec, whole: Splits) -> tuple[str, ...]:
    """What options make of the protocol."""
    notes = []
    if spec.fraction < 100:
        groups = ", whole groups" if any(sample.group for sample in whole.splits[TRAIN]) else ""
        notes.append(
            f"--fraction {spec.fraction}: generators and segmenters see {len(spec.data.splits[TRAIN])} of "
            f"{len(whole.splits[TRAIN])} training pairs{groups}, drawn by the seed; test sets are whole"
        )
    if spec.masks == "random":
        notes.append(f"masks: training masks at random {spec.random_masks}")
    if spec.select == "test":
        notes.append(
            f"{ON_TEST}: of each training the epoch with the best mean Dice on the test images is "
            "kept, so scores are optimistic and no measure of new images"
        )
    return tuple(notes)


def _tell(notes: Sequence[str], say: Callable[[str], None]) -> None:
    for note in notes:
        say(f"note: {note}")
