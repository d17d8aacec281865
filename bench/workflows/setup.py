"""What a run's request and profile come to: plugins chosen, data looked at, stages planned. Nothing is computed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.contracts import SOURCES, TRAIN, Split
from bench.data.repeats import refuse_taken_names
from bench.engine.distributed import process_count
from bench.errors import BenchError, did_you_mean
from bench.identity import derive_seed
from bench.plan.keep_rule import KeepRule, parse_keep
from bench.plan.run_plan import Plan, RunSpec, plan
from bench.plugins.measuring import Measuring, measuring, missing_things, passed_over
from bench.plugins.overrides import resolve_section
from bench.plugins.profile import Profile, RunOptions, load_profile, refuse_unknown_plugins
from bench.plugins.registry import Registry, split_name
from bench.plugins.resolved import ResolvedPlugin
from bench.plugins.resolver import Resolver
from bench.plugins.sections import RandomMasks
from bench.progress.display import Display
from bench.segscores import METRICS, missing
from bench.store.artefacts import Store
from bench.store.run_manifest import Note, Setting
from bench.workflows.controls import (
    applying,
    controls_of,
    followed,
    refuse_moved_masks,
    refuse_nothing_unused,
    unlike_notes,
)
from bench.workflows.curve import curve_of
from bench.workflows.flags import overrides_of
from bench.workflows.notes import data_notes, departures, plugin_notes, protocol_notes
from bench.workflows.prepare_data import Preparer, used_dataset
from bench.workflows.request import RunRequest
from bench.workflows.settings import settings_of


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Who takes part in a run, each plugin made once, and the profile's options with the user's in their place.

    `dataset`: the one that is used, which may stand in for the one asked for. `left_out`: notes on controls that cannot
    work on it. `passed_over`: extractors whose weights
    the user pointed at in vain -> a line on what stands in for each.
    """

    profile: Profile
    options: RunOptions
    random_masks: RandomMasks
    resolver: Resolver
    dataset: str
    generators: tuple[ResolvedPlugin, ...]
    metrics: tuple[Measuring, ...]
    segmenters: tuple[ResolvedPlugin, ...]
    keep: tuple[KeepRule, ...]
    passed_over: dict[str, str]
    left_out: tuple[Note, ...]

    @property
    def plugins(self) -> tuple[ResolvedPlugin, ...]:
        """All but the dataset."""
        looking = (one for pair in self.metrics for one in pair if one is not None)
        return (*self.generators, *looking, *self.segmenters)


@dataclass(frozen=True, kw_only=True)
class Setup:
    """A run, resolved: nothing has been computed yet but the dataset's hashes."""

    profile: Profile
    spec: RunSpec
    plan: Plan
    notes: tuple[Note, ...]
    settings: tuple[Setting, ...]

    @property
    def splits(self) -> dict[str, Split]:
        """Real splits, the reference, and shares of the training pairs, by fingerprint."""
        data = self.spec.data
        splits = {data.fingerprints[name]: samples for name, samples in data.splits.items()}
        shares = {one.fingerprint: one.pairs for one in self.spec.curve}
        return dict([data.reference(self.spec.reference)]) | shares | splits


def set_up(request: RunRequest, store: Store, display: Display) -> Setup:
    """BenchError for what cannot be meant, then for all that is missing, at once, then for data that cannot be used."""
    choice = choose(request)
    preparer = preparer_of(request, choice, store, display)
    lacking = [*lacking_plugins(request, choice), *preparer.missing()]
    if lacking:
        raise BenchError(list_missing(lacking))
    return plan_run(request, choice, preparer)


def choose(request: RunRequest) -> Choice:
    """BenchError for names, options and parameters that are unknown, do not go together or have no effect."""
    registry, profile = Registry(request.plugins), load_profile(request.profile)
    refuse_unknown_plugins(profile, registry)
    options = request.over(profile.run)
    if not request.generators and not request.controls:
        raise BenchError("--generator: name one at least; python -m bench list generators shows them")
    if not options.metrics and not options.segmenters:
        raise BenchError(
            f"--profile {profile.name}: asks for no metric and no segmenter; name a --metric or a --segmenter"
        )
    _refuse_unknown_columns(options.columns, profile.name)
    named, added = _once([*options.controls, *request.generators]), controls_of(registry) if request.controls else ()
    generators, sections = _once([*named, *added]), ["masks"] if options.masks == "random" else []
    plain = Resolver(registry, profile, overrides_of(request, generators, registry, sections))
    dataset = used_dataset(plain, request.dataset, request.data)
    random_masks = resolve_section("masks", profile, request.settings)
    random_masks.check()
    given = followed(plain, generators, dataset)
    resolver = given.with_weights(request.weights, _once(options.metrics))
    chosen = [resolver.choose("generator", name) for name in generators]
    _refuse_twins(chosen)
    applied = applying(chosen, named, dataset, options.fraction)
    metrics = tuple(measuring(resolver, name, request.download) for name in _once(options.metrics))
    segmenters = tuple(resolver.choose("segmenter", name) for name in _once(options.segmenters))
    choice = Choice(
        profile=profile,
        options=options,
        random_masks=random_masks,
        resolver=resolver,
        dataset=dataset,
        generators=applied.generators,
        metrics=metrics,
        segmenters=segmenters,
        keep=_rules(request, metrics, segmenters),
        passed_over=passed_over(resolver, metrics),
        left_out=applied.notes,
    )
    if options.masks == "random":
        refuse_moved_masks(choice.generators)
    for one in choice.plugins:
        one.plugin.check_params(process_count())
    looked_at = [*((one.kind, one.name) for one in choice.plugins), *(("extractor", one) for one in choice.passed_over)]
    plain.refuse_unused([("dataset", choice.dataset), *looked_at])
    return choice


def preparer_of(request: RunRequest, choice: Choice, store: Store, display: Display) -> Preparer:
    """What opens the run's dataset."""
    return Preparer(
        resolver=choice.resolver,
        asked=request.dataset,
        name=choice.dataset,
        data=request.data,
        store=store,
        display=display,
        labels=request.labels,
        strict=request.strict,
        device=request.device,
    )


def lacking_plugins(request: RunRequest, choice: Choice) -> list[str]:
    """A line for each thing but the data that must be there, and is neither there nor may be fetched."""
    lines = [] if request.download else missing_things(choice.plugins)
    return [*lines, *(missing() if choice.options.shape_scores else [])]


def list_missing(lines: Sequence[str]) -> str:
    """One thing as its own line; several below each other."""
    if len(lines) == 1:
        return lines[0]
    return "\n".join([f"{len(lines)} things are missing:", *(f"  - {line}" for line in lines)])


def plan_run(request: RunRequest, choice: Choice, preparer: Preparer, check: bool = True) -> Setup:
    """The stages of the run. `check`: every image and mask is opened, and broken ones are refused."""
    options, display = choice.options, preparer.display
    protocol = protocol_notes(choice.profile, request.dataset, choice.dataset)
    _tell(protocol, display)
    for text in choice.passed_over.values():
        display.tell(f"note: {text}")
    whole = preparer.open(check)
    drawn_by = derive_seed(options.seed, 0, "fraction", whole.name)
    data = whole.reduced(options.fraction, drawn_by)
    curve, of_curve = curve_of(request.shares, whole, drawn_by)
    spec = RunSpec(
        data=data,
        profile=choice.profile.name,
        seed=options.seed,
        repeats=options.repeats,
        vary=tuple(one for one in SOURCES if one in options.vary),
        margin=options.margin,
        masks=options.masks,
        reference=options.reference,
        multiple=options.multiple,
        keep=choice.keep,
        train_on=options.train_on,
        generators=choice.generators,
        metrics=choice.metrics,
        segmenters=choice.segmenters,
        shape_scores=options.shape_scores,
        fraction=options.fraction,
        select=options.select,
        random_masks=choice.random_masks,
        curve=curve,
    )
    refuse_taken_names(data.splits[TRAIN], spec.multiple)
    refuse_nothing_unused(choice.generators, data)
    of_data, of_generators = data_notes(data), unlike_notes(choice.generators)
    of_run = (*departures(spec, whole), *of_curve, *choice.left_out)
    found = (*of_run, *of_generators, *plugin_notes(choice.plugins))
    for note in of_data:
        display.tell(f"note: {note.text}")
    _tell(found, display)
    settings = settings_of(choice.resolver, spec, request.mask_labels)
    return Setup(
        profile=choice.profile, spec=spec, plan=plan(spec), notes=(*protocol, *of_data, *found), settings=settings
    )


def _tell(notes: Iterable[Note], display: Display) -> None:
    """What does not change how numbers are read goes to the log."""
    for note in notes:
        tell = display.tell if note.matters else display.note
        tell(f"note: {note.text}")


def _refuse_unknown_columns(columns: Sequence[str], profile: str) -> None:
    for name in columns:
        if name not in METRICS:
            raise BenchError(f"--profile {profile}: run.columns: unknown score {name!r}{did_you_mean(name, METRICS)}")


def _rules(
    request: RunRequest, metrics: Sequence[Measuring], segmenters: Sequence[ResolvedPlugin]
) -> tuple[KeepRule, ...]:
    """BenchError for a rule that asks a metric which takes no part or has no value of each image, and where a learning
    curve is asked for."""
    rules = tuple(dict.fromkeys(map(parse_keep, request.keep)))
    if rules and request.shares:
        raise BenchError("--keep: worth takes whole sets; leave it out")
    known = {one.name: one.plugin for one, _ in metrics}
    for name in (name for rule in rules for name in rule.metrics):
        if name not in known:
            raise BenchError(f"--keep: metric {name} takes no part{did_you_mean(name, known)}; add --metric {name}")
        if not known[name].of_images:
            able = ", ".join(other for other in known if known[other].of_images)
            raise BenchError(
                f"--keep: metric {name} is one of whole sets; those of single images: {able or 'none here'}"
            )
        if known[name].uses == "maps" and not segmenters:
            raise BenchError(f"--keep: {name} is judged by a network, and none takes part; add --segmenter NAME")
    return rules


def _refuse_twins(chosen: Sequence[ResolvedPlugin]) -> None:
    """BenchError where two doses are one, as blurred:1 and blurred:1.0 are: they would count as two generators."""
    seen: dict[tuple[object, ...], str] = {}
    for one in (one for one in chosen if split_name(one.name)[1]):
        same = (type(one.plugin), one.plugin.params)
        other = seen.setdefault(same, one.name)
        if other != one.name:
            raise BenchError(f"--generator {one.name}: is {other} in other words; leave one of them out")


def _once(names: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(names))
