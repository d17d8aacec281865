"""What a plugin is, where it comes from, what it needs and what can be set."""

from __future__ import annotations

import argparse
import dataclasses
import inspect
import typing
from typing import Any

from bench.commands._options import add_plugin_option, add_profile_options
from bench.commands._parser import Parser
from bench.contracts import Dataset, Plugin
from bench.errors import BenchError, did_you_mean
from bench.plugins.overrides import parse_overrides, resolve, resolve_section
from bench.plugins.profile import Profile, load_profile, profile_names
from bench.plugins.registry import ROOMS, Registry, missing_modules, split_name
from bench.plugins.sections import SECTIONS
from bench.progress.terminal import show
from bench.text import wrapped


def add_arguments(parser: Parser) -> None:
    """The plugin, and what its parameters are set to."""
    parser.add_argument(
        "name", help="a plugin, for example siamese (KIND.NAME where two kinds share a name), masks, or a profile"
    )
    add_profile_options(parser)
    add_plugin_option(parser)


def run(args: argparse.Namespace) -> int:
    """Exit code 0; an unknown name raises BenchError."""
    if args.name in profile_names():
        show("\n".join(_protocol(load_profile(args.name))))
        return 0
    registry = Registry(args.plugin)
    profile = load_profile(args.profile)
    overrides = parse_overrides(args.overrides, registry, [args.name])
    if args.name in SECTIONS:
        params = resolve_section(args.name, profile, args.overrides)
        lines = [f"{args.name}: the suite's own parameters, of {SECTIONS[args.name].needs}", ""]
        lines += [inspect.getdoc(params) or "", *_parameters(params, profile.name, args.name)]
        show("\n".join(lines))
        return 0
    for kind, name in _targets(registry, args.name):
        plugin = registry.load(kind, name)
        params = resolve(plugin, kind, name, profile, overrides)
        alone = split_name(name)[0]
        option = alone if len(registry.kinds_of(name)) == 1 else f"{kind}.{alone}"
        lines = [*_describe(kind, name, plugin, registry), *_details(plugin, params)]
        show("\n".join([*lines, *_parameters(params, profile.name, option)]))
    return 0


def _protocol(profile: Profile) -> list[str]:
    lines = [f"profile {profile.name}: {profile.description}", "", "what a run does where no option says otherwise:"]
    for name, value in dataclasses.asdict(profile.run).items():
        shown = ", ".join(value) if isinstance(value, tuple) else value
        lines += wrapped(f"  {name} = {shown}", " " * 4)
    own = [f"{kind} {name}" for kind, table in profile.tables.items() for name in table]
    return [*lines, "", *wrapped(f"It sets parameters of: {', '.join(own)}. See show NAME --profile {profile.name}.")]


def _targets(registry: Registry, text: str) -> list[tuple[str, str]]:
    kind, dot, name = text.partition(".")
    if dot and kind in ROOMS:
        registry.source(kind, name)
        return [(kind, name)]
    kinds = registry.kinds_of(text)
    if not kinds:
        known = {*SECTIONS, *profile_names(), *(known for kind in ROOMS for known in registry.names(kind))}
        raise BenchError(f"unknown plugin {text!r}{did_you_mean(text, known)} (your own file: add --plugin FILE)")
    return [(kind, text) for kind in kinds]


def _describe(kind: str, name: str, plugin: type[Plugin], registry: Registry) -> list[str]:
    absent = missing_modules(plugin)
    lines = [f"{kind} {name} (version {plugin.version})", "", inspect.getdoc(plugin) or "", ""]
    source = registry.source(kind, name)
    lines.append(f"from: {source.module if source.origin == 'suite' else source.origin}")
    lines.append(f"cite: {plugin.cite or 'none'}")
    lines.append(f"needs: {', '.join(plugin.requires) or 'nothing beyond the core'}")
    if absent:
        lines.append(f"not installed here: {', '.join(absent)}")
    return lines


def _details(plugin: type[Plugin], params: Any) -> list[str]:
    """Datasets are made with a folder and have none; what is not installed cannot be counted."""
    if issubclass(plugin, Dataset) or missing_modules(plugin):
        return []
    try:
        lines = plugin(params).details()
    except ImportError as error:
        lines = (f"parameters not counted: {error}",)
    return ["", *lines] if lines else []


def _parameters(params: Any, profile: str, option: str) -> list[str]:
    lines = ["", f"parameters under profile {profile} (change one with --set {option}.FIELD=VALUE):"]
    return lines + ([_parameter(field, params) for field in dataclasses.fields(params)] or ["  none"]) + [""]


def _parameter(field: dataclasses.Field[Any], params: Any) -> str:
    hint = typing.get_type_hints(type(params))[field.name].__name__
    meta, value = field.metadata, getattr(params, field.name)
    default = f", own default {field.default!r}" if value != field.default else ""
    unit = f" {meta['unit']}" if meta.get("unit") else ""
    # Of a path the bytes behind it count, not its name.
    outside = "" if meta.get("key", True) else "; its files count" if hint == "str" else "; cannot change a result"
    return f"  {field.name} = {value!r}{unit}  ({hint}{default}{outside}) {meta.get('help', '')}"
