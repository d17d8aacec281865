"""`--set NAME.field=value` and its like: parsed, checked and laid over a profile."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.contracts import Plugin
from bench.errors import BenchError, did_you_mean
from bench.plugins.params import build, check_value, field_names, key_params, parse_value
from bench.plugins.profile import Profile
from bench.plugins.registry import ROOMS, Registry, split_name
from bench.plugins.sections import SECTIONS, section_of


@dataclass(frozen=True, kw_only=True)
class Override:
    """One --set: `kind.name.field=value`, or `name.field=value` where only one kind has that name."""

    kind: str
    name: str
    field: str
    text: str
    option: str


def parse_overrides(options: Sequence[str], registry: Registry, sections: Sequence[str] = ()) -> tuple[Override, ...]:
    """Those of plugins, of each field the last. BenchError for one of a section that is none of `sections`, which have
    an effect."""
    for option in options:
        name = section_of(option)
        if name and registry.kinds_of(name):
            raise BenchError(f"--set {option}: {name} is the suite's own and a plugin; write KIND.{name}, or rename it")
        if name and name not in sections:
            raise BenchError(f"--set {option}: has no effect without {SECTIONS[name].needs}; leave it out")
    found = [_parse_override(option, registry) for option in options if not section_of(option)]
    last = {(one.kind, one.name, one.field): one for one in found}
    # Each field once and in one order, whatever the command line's: it is the same experiment.
    return tuple(last[place] for place in sorted(last))


def resolve_section(name: str, profile: Profile, options: Sequence[str]) -> Any:
    """A section's parameters: its defaults, then the profile's table, then --set."""
    params = profile.sections[name]
    for option in options:
        if section_of(option) == name:
            target, equals, text = option.partition("=")
            if not equals:
                raise BenchError(f"--set {option}: write {target}=value")
            field_name = target.partition(".")[2]
            override = Override(kind="", name=name, field=field_name, text=text, option=f"--set {option}")
            params = _replace(params, override)
    return params


def _parse_override(option: str, registry: Registry) -> Override:
    target, equals, text = option.partition("=")
    parts = target.split(".")
    if not equals or len(parts) not in (2, 3):
        raise BenchError(f"--set {option}: write NAME.field=value, for example --set siamese.steps=200")
    name, field_name = parts[-2:]
    kinds = (parts[0],) if len(parts) == 3 else registry.kinds_of(name)
    if not kinds:
        known = {*SECTIONS, *(known for kind in ROOMS for known in registry.names(kind))}
        raise BenchError(f"--set {option}: unknown plugin {name!r}{did_you_mean(name, known)}")
    if len(kinds) > 1:
        forms = " or ".join(f"{kind}.{name}.{field_name}" for kind in kinds)
        raise BenchError(f"--set {option}: {name} is more than one thing; write {forms}")
    if kinds[0] not in ROOMS:
        raise BenchError(f"--set {option}: unknown kind {kinds[0]!r}{did_you_mean(kinds[0], ROOMS)}")
    registry.source(kinds[0], name)
    if ":" in name:
        plugin = split_name(name)[0]
        raise BenchError(f"--set {option}: write {plugin}.{field_name}; it holds for every {plugin}:…")
    return Override(kind=kinds[0], name=name, field=field_name, text=text, option=f"--set {option}")


def flag_overrides(
    option: str,
    field_name: str,
    text: str,
    names: Sequence[str],
    given: Sequence[Override],
    registry: Registry,
    kind: str = "generator",
) -> tuple[Override, ...]:
    """An option such as `--precision bf16`, for each of the plugins that has such a field; --set wins over it."""
    having = [name for name in names if field_name in field_names(registry.load(kind, name))]
    if not having:
        raise BenchError(f"{option} {text}: none of {', '.join(names)} has it; leave it out")
    taken = {(one.kind, one.name, one.field) for one in given}
    free = [name for name in (split_name(one)[0] for one in having) if (kind, name, field_name) not in taken]
    return tuple(
        Override(kind=kind, name=name, field=field_name, text=text, option=f"{option} {text}")
        for name in dict.fromkeys(free)
    )


def weights_overrides(
    folder: Path | None, extractors: Sequence[str], given: Sequence[Override], registry: Registry
) -> tuple[Override, ...]:
    """`--weights DIR`: where each of the extractors looks for its weight file; --set NAME.weights wins over it."""
    if folder is None:
        return ()
    if not folder.is_dir():
        raise BenchError(f"--weights {folder}: no such folder; name the one that holds the weight files (see doctor)")
    return flag_overrides("--weights", "weights", str(folder), extractors, given, registry, kind="extractor")


def changes(override: Override, plugin: type[Plugin], profile: Profile) -> bool:
    """Whether an option can change a result against the profile: by its value, or by the files it points at."""
    before = resolve(plugin, override.kind, override.name, profile)
    after = _replace(before, override)
    return key_params(before) != key_params(after) or plugin(before).files() != plugin(after).files()


def resolve(plugin: type[Plugin], kind: str, name: str, profile: Profile, overrides: Sequence[Override] = ()) -> Any:
    """The plugin's `Params`: its defaults, then the profile's table, then --set, then what follows its `:`."""
    alone = split_name(name)[0]
    values = dict(profile.tables.get(kind, {}).get(alone, {}))
    params = build(plugin.Params, values, f"profile {profile.name}: {kind}.{alone}")
    given = [override for override in overrides if (override.kind, override.name) == (kind, alone)]
    if ":" in name:
        given.append(_named(plugin, kind, name, given))
    for override in given:
        params = _replace(params, override)
    return params


def _named(plugin: type[Plugin], kind: str, name: str, given: Sequence[Override]) -> Override:
    """What follows the `:` of a name, as an option."""
    alone, argument = split_name(name)
    if not plugin.argument:
        raise BenchError(f"{kind} {name}: {alone} takes nothing after its name; write {alone}")
    if not argument:
        raise BenchError(f"{kind} {name}: nothing follows the colon; write {alone}:{plugin.argument.upper()}")
    for override in given:
        if override.field == plugin.argument:
            raise BenchError(f"{override.option}: {kind} {name} says it already; leave one of them out")
    return Override(kind=kind, name=alone, field=plugin.argument, text=argument, option=f"{kind} {name}")


def _replace(params: Any, override: Override) -> Any:
    hints = typing.get_type_hints(type(params))
    fields = {field.name: field for field in dataclasses.fields(params)}
    if override.field not in fields:
        raise BenchError(
            f"{override.option}: {override.name} has no field {override.field!r}{did_you_mean(override.field, fields)}"
        )
    value = parse_value(override.text, hints[override.field], override.option)
    checked = check_value(fields[override.field], hints[override.field], value, override.option)
    return dataclasses.replace(params, **{override.field: checked})
