"""Controls: generators whose sets say what the numbers could be, beside those that compete."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from bench.contracts import UNUSED, Generator
from bench.data.splits import MIN_TRAIN, Splits
from bench.errors import BenchError
from bench.plugins.overrides import Override
from bench.plugins.profile import FRACTIONS
from bench.plugins.registry import Registry, split_name
from bench.plugins.resolved import ResolvedPlugin
from bench.plugins.resolver import Resolver
from bench.store.run_manifest import Note


def controls_of(registry: Registry) -> tuple[str, ...]:
    """All that declare it, the user's own too."""
    return tuple(name for name in registry.names("generator") if _is_control(registry, name))


def _is_control(registry: Registry, name: str) -> bool:
    cls = registry.load("generator", name)
    assert issubclass(cls, Generator)
    return cls.control


def followed(resolver: Resolver, generators: Sequence[str], dataset: str) -> Resolver:
    """A resolver in which each control among `generators` has what it takes from the others; a --set wins."""
    controls = [name for name in generators if _is_control(resolver.registry, name)]
    if not controls:
        return resolver
    others = [resolver.plugin("generator", name) for name in generators if name not in controls]
    plugins = dict.fromkeys(split_name(name)[0] for name in controls)
    found = tuple(one for name in plugins for one in _taken(resolver, name, others, dataset))
    return replace(resolver, overrides=(*resolver.overrides, *found))


def _taken(resolver: Resolver, name: str, others: Sequence[Generator], dataset: str) -> Iterator[Override]:
    cls = resolver.registry.load("generator", name)
    assert issubclass(cls, Generator)
    given = {one.field for one in resolver.overrides if (one.kind, one.name) == ("generator", name)}
    for field, text in cls.follow(others, dataset).items():
        if field not in given:
            option = f"{name}.{field}={text}, as the run's data or another generator has it"
            yield Override(kind="generator", name=name, field=field, text=text, option=option)


@dataclass(frozen=True)
class Applying:
    """Which generators take part, and a note on each control that `--controls` does not add."""

    generators: tuple[ResolvedPlugin, ...]
    notes: tuple[Note, ...]


def applying(chosen: Sequence[ResolvedPlugin], named: Sequence[str], dataset: str, fraction: int) -> Applying:
    """All that are `named`, and those of the others that can work on the run's data. BenchError for one that is named
    and cannot."""
    reasons = {one.name: _unfit(one.plugin, dataset, fraction) for one in chosen}
    for name in named:
        if reasons[name]:
            raise BenchError(f"generator {name}: {reasons[name]}")
    notes = (Note(f"--controls: without {name}: {reason}") for name, reason in reasons.items() if reason)
    return Applying(tuple(one for one in chosen if not reasons[one.name]), tuple(notes))


def _unfit(generator: Generator, dataset: str, fraction: int) -> str:
    """Why it cannot work on the run's data; empty where it can."""
    only = generator.only_on()
    if only and dataset not in only:
        return f"it works on dataset {' or '.join(only)} alone, and this run is on {dataset}; leave it out"
    if generator.takes_unused() and fraction == 100:
        shares = ", ".join(str(share) for share in FRACTIONS if share < 100)
        return (
            "its pairs are the real training pairs that --fraction leaves out, and this run uses all; add --fraction "
            f"N, N of {shares}"
        )
    return ""


def refuse_nothing_unused(generators: Sequence[ResolvedPlugin], data: Splits) -> None:
    """BenchError where a generator takes the pairs that are left out, and whole groups leave hardly any."""
    count = len(data.splits.get(UNUSED, ()))
    for one in generators:
        if one.plugin.takes_unused() and count < MIN_TRAIN:
            raise BenchError(
                f"generator {one.name}: its pairs are the real training pairs that --fraction leaves out, and those "
                f"are {count} here, in whole groups; at least {MIN_TRAIN} are needed: take a smaller share"
            )


def refuse_moved_masks(generators: Sequence[ResolvedPlugin]) -> None:
    """BenchError where a generator needs masks where they lie in their own images."""
    for one in generators:
        reason = one.plugin.needs_own_masks()
        if reason:
            raise BenchError(f"--masks random: generator {one.name} {reason}")


def unlike_notes(generators: Sequence[ResolvedPlugin]) -> Iterator[Note]:
    """A note for each control on a base model that says nothing of a generator on another one, or of another size."""
    based = [one for one in generators if one.plugin.base()]
    for control in (one for one in based if one.plugin.control):
        place = (control.plugin.base(), control.plugin.size())
        others = [one for one in based if not one.plugin.control]
        unlike = [one.name for one in others if (one.plugin.base(), one.plugin.size()) != place]
        if unlike:
            at = f"base model {place[0]}" + (f" at {place[1][0]} × {place[1][1]} px" if place[1] else "")
            yield Note(f"{control.name} (control) is on {at}: no bound of {', '.join(unlike)}, which has others", True)
