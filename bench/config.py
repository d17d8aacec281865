"""Profile + --set -> validated, fully resolved, frozen parameters."""

from __future__ import annotations

import dataclasses
import math
import sys
import tomllib
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.contracts import Plugin, param
from bench.errors import BenchError
from bench.registry import ROOMS, Registry, did_you_mean, split_name
from bench.sections import SECTIONS, section_of

PROFILES = Path(__file__).parent / "profiles"
MASKS = ("real", "random")
REFERENCES = ("train", "test")
FRACTIONS = (10, 25, 50, 100)
SELECTIONS = ("last", "test")
ON_TEST = "selected on test (as published)"
"""Label of every line whose epoch was selected on the test images."""
ROWS = ("real", "equal-updates", "added", "only")
"""What segmenters are trained on: the real set, the same with as many updates as with a synthetic one added, each
generator's set added to it, and each generator's set alone."""


@dataclass(frozen=True)
class RunOptions:
    """Defaults of `python -m bench run`, from a profile's [run] table; a flag of the same name wins."""

    controls: tuple[str, ...] = ()
    segmenters: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    columns: tuple[str, ...] = ("mdice@256", "miou@256")
    seed: int = 0
    seeds: int = param(1, "trainings of each segmenter", low=1)
    masks: str = param("real", "condition on training masks as they are, or transformed", choices=MASKS)
    reference: str = param("train", "real images a synthetic set is compared with", choices=REFERENCES)
    multiple: int = param(1, "synthetic images a mask", low=1, high=4)
    fraction: int = param(100, "percent of the real training set that is used", choices=FRACTIONS)
    rows: tuple[str, ...] = param(("real", "equal-updates", "added"), "what segmenters are trained on", choices=ROWS)
    select: str = param("last", "epoch that is kept; test: the best on the test sets, as published", choices=SELECTIONS)
    shape_scores: bool = param(False, "score S-measure, weighted F, HD95 and surface Dice of every map too")
    stand_in: bool = param(False, "without --data, let a generated dataset take the place of the one asked for")


@dataclass(frozen=True)
class Profile:
    """A protocol as data: what runs by default and every parameter that differs from a plugin's own default."""

    name: str
    description: str
    comparable: bool
    run: RunOptions
    tables: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)
    sections: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class _About:
    """What a profile says of itself. Scores under one that is not `comparable` are not held against published ones."""

    description: str = ""
    comparable: bool = False


def profile_names() -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in PROFILES.glob("*.toml")))


def load_profile(name: str) -> Profile:
    """A profile of the suite by name, or any TOML file by path."""
    path = Path(name) if name.endswith(".toml") else PROFILES / f"{name}.toml"
    if not path.is_file():
        raise BenchError(f"--profile {name}: no such profile{did_you_mean(name, profile_names())}, or a .toml file")
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BenchError(f"{path}: not valid TOML in UTF-8: {error}") from None
    known = ("run", *SECTIONS, *ROOMS)
    unknown = set(data) - {"description", "comparable", *known}
    if unknown:
        raise BenchError(f"{path}: unknown table {min(unknown)!r}{did_you_mean(min(unknown), known)}")
    run = build(RunOptions, data.get("run", {}), f"{path}: run")
    tables = {kind: data.get(kind, {}) for kind in ROOMS}
    for kind, table in tables.items():
        if not isinstance(table, dict) or not all(isinstance(values, dict) for values in table.values()):
            raise BenchError(f"{path}: {kind}: write a table [{kind}.NAME] with that plugin's parameters")
        tables[kind] = {name: _expand(table, name, f"{path}: {kind}.{name}") for name in table}
    own = {name: build(one.params, data.get(name, {}), f"{path}: {name}") for name, one in SECTIONS.items()}
    about = build(_About, {name: data[name] for name in ("description", "comparable") if name in data}, f"{path}")
    return Profile(path.stem, about.description, about.comparable, run, tables, own)


def _expand(table: Mapping[str, Mapping[str, Any]], name: str, where: str) -> dict[str, Any]:
    """A plugin's table; `like = "other"` puts the other's values below its own."""
    own = dict(table[name])
    other = own.pop("like", None)
    if other is None:
        return own
    if other not in table or "like" in table[other]:
        raise BenchError(f"{where}.like: {other!r} is not a table of its own{did_you_mean(str(other), table)}")
    return {**table[other], **own}


def refuse_unknown_plugins(profile: Profile, registry: Registry) -> None:
    """A misspelt table of a profile would change nothing and say nothing."""
    for kind, table in profile.tables.items():
        for name in table:
            if name not in registry.names(kind):
                hint = did_you_mean(name, registry.names(kind))
                raise BenchError(f"--profile {profile.name}: [{kind}.{name}]: unknown {kind}{hint}")


@dataclass(frozen=True)
class Override:
    """One --set: `kind.name.field=value`, or `name.field=value` where only one kind has that name."""

    kind: str
    name: str
    field: str
    text: str
    option: str


def parse_overrides(options: Sequence[str], registry: Registry, sections: Sequence[str] = ()) -> tuple[Override, ...]:
    """Those of plugins. BenchError for one of a section that is none of `sections`, those that have an effect."""
    for option in options:
        name = section_of(option)
        if name and registry.kinds_of(name):
            raise BenchError(f"--set {option}: {name} is the suite's own and a plugin; write KIND.{name}, or rename it")
        if name and name not in sections:
            raise BenchError(f"--set {option}: has no effect without {SECTIONS[name].needs}; leave it out")
    return tuple(_parse_override(option, registry) for option in options if not section_of(option))


def resolve_section(name: str, profile: Profile, options: Sequence[str]) -> Any:
    """A section's parameters: its defaults, then the profile's table, then --set."""
    params = profile.sections[name]
    for option in options:
        if section_of(option) == name:
            target, equals, text = option.partition("=")
            if not equals:
                raise BenchError(f"--set {option}: write {target}=value")
            params = _replace(params, Override("", name, target.partition(".")[2], text, f"--set {option}"))
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
    return Override(kinds[0], name, field_name, text, f"--set {option}")


def flag_overrides(
    option: str, field_name: str, text: str, names: Sequence[str], given: Sequence[Override], registry: Registry,
    kind: str = "generator",
) -> tuple[Override, ...]:  # fmt: skip
    """An option such as `--precision bf16`, for each of the plugins that has such a field; --set wins over it."""
    having = [name for name in names if field_name in field_names(registry.load(kind, name))]
    if not having:
        raise BenchError(f"{option} {text}: none of {', '.join(names)} has it; leave it out")
    taken = {(one.kind, one.name, one.field) for one in given}
    free = [name for name in (split_name(one)[0] for one in having) if (kind, name, field_name) not in taken]
    return tuple(Override(kind, name, field_name, text, f"{option} {text}") for name in dict.fromkeys(free))


def weights_overrides(
    folder: Path | None, extractors: Sequence[str], given: Sequence[Override], registry: Registry
) -> tuple[Override, ...]:
    """`--weights DIR`: where each of the extractors looks for its weight file; --set NAME.weights wins over it."""
    if folder is None:
        return ()
    if not folder.is_dir():
        raise BenchError(f"--weights {folder}: no such folder; name the one that holds the weight files (see doctor)")
    return flag_overrides("--weights", "weights", str(folder), extractors, given, registry, kind="extractor")


def field_names(plugin: type[Plugin]) -> set[str]:
    return {field.name for field in dataclasses.fields(plugin.Params)}


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
    return Override(kind, alone, plugin.argument, argument, f"{kind} {name}")


def build(cls: type, values: Mapping[str, Any], where: str) -> Any:
    """An instance of a frozen dataclass from untrusted values. Raises BenchError naming the field."""
    if not isinstance(values, Mapping):
        raise BenchError(f"{where}: expected a table, got {values!r}")
    hints = typing.get_type_hints(cls)
    fields = {field.name: field for field in dataclasses.fields(cls)}
    checked = {}
    for name, value in values.items():
        if name not in fields:
            raise BenchError(f"{where}.{name}: unknown field{did_you_mean(name, fields)}")
        checked[name] = _check(fields[name], hints[name], value, f"{where}.{name}")
    return cls(**checked)


def _replace(params: Any, override: Override) -> Any:
    hints = typing.get_type_hints(type(params))
    fields = {field.name: field for field in dataclasses.fields(params)}
    if override.field not in fields:
        raise BenchError(
            f"{override.option}: {override.name} has no field {override.field!r}{did_you_mean(override.field, fields)}"
        )
    value = _parse(override.text, hints[override.field], override.option)
    checked = _check(fields[override.field], hints[override.field], value, override.option)
    return dataclasses.replace(params, **{override.field: checked})


def _parse(text: str, hint: Any, where: str) -> Any:
    if hint is bool:
        if text.lower() not in ("true", "false"):
            raise BenchError(f"{where}: expected true or false")
        return text.lower() == "true"
    if hint is str:
        return text
    if typing.get_origin(hint) is tuple:
        return [part.strip() for part in text.split(",") if part.strip()]
    try:
        return hint(text)
    except ValueError:
        raise BenchError(f"{where}: expected {hint.__name__}, got {text!r}") from None


def _check(field: dataclasses.Field[Any], hint: Any, value: Any, where: str) -> Any:
    if hint is float and type(value) is int:
        value = float(value) if abs(value) <= sys.float_info.max else math.inf
    if typing.get_origin(hint) is tuple:
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise BenchError(f"{where}: expected a list of names, got {value!r}")
        for item in value:
            _check_choice(field, item, where)
        return tuple(value)
    if type(value) is not hint:
        raise BenchError(f"{where}: expected {hint.__name__}, got {value!r}")
    if hint is float and not math.isfinite(value):
        raise BenchError(f"{where}: {value} is out of range; allowed: finite numbers")
    low, high = field.metadata.get("low"), field.metadata.get("high")
    if (low is not None and value < low) or (high is not None and value > high):
        raise BenchError(f"{where}: {value} is out of range; allowed: {_range(low, high)}")
    _check_choice(field, value, where)
    return value


def _check_choice(field: dataclasses.Field[Any], value: Any, where: str) -> None:
    choices = field.metadata.get("choices") or ()
    if choices and value not in choices:
        raise BenchError(f"{where}: {value!r} is not a choice{did_you_mean(str(value), [str(one) for one in choices])}")


def _range(low: float | None, high: float | None) -> str:
    return f"{'' if low is None else f'{low} <= '}value{'' if high is None else f' <= {high}'}"


def key_params(params: Any) -> dict[str, Any]:
    """The fields that can change a result."""
    return {
        field.name: getattr(params, field.name)
        for field in dataclasses.fields(params)
        if field.metadata.get("key", True)
    }
