"""Controls: generators whose sets say what the numbers could be, beside those that compete."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from bench.contracts import Generator
from bench.plugins.overrides import Override
from bench.plugins.registry import Registry
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


def followed(resolver: Resolver, generators: Sequence[str]) -> Resolver:
    """A resolver in which each control among `generators` has what it takes from the others; a --set wins."""
    controls = [name for name in generators if _is_control(resolver.registry, name)]
    if not controls:
        return resolver
    others = [resolver.plugin("generator", name) for name in generators if name not in controls]
    found = tuple(one for name in controls for one in _taken(resolver, name, others))
    return replace(resolver, overrides=(*resolver.overrides, *found))


def _taken(resolver: Resolver, name: str, others: Sequence[Generator]) -> Iterator[Override]:
    cls = resolver.registry.load("generator", name)
    assert issubclass(cls, Generator)
    given = {one.field for one in resolver.overrides if (one.kind, one.name) == ("generator", name)}
    for field, text in cls.follow(others).items():
        if field not in given:
            option = f"{name}.{field}={text}, as another generator of the run has it"
            yield Override(kind="generator", name=name, field=field, text=text, option=option)


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
