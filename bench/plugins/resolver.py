"""Names -> plugins as one run uses them, under one profile and one set of options."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.contracts import Plugin
from bench.errors import BenchError
from bench.files.atomic import sha256_file
from bench.identity import key
from bench.plugins.extractors import ABSENT, WRONG, extractor_names, needs_extractor, weights_state
from bench.plugins.overrides import Override, resolve, weights_overrides
from bench.plugins.params import key_params
from bench.plugins.profile import Profile
from bench.plugins.registry import INSTALL, SUITE, Registry, explained, file_of, missing_modules, split_name
from bench.plugins.resolved import ResolvedPlugin


@dataclass(frozen=True)
class Resolver:
    """Makes `ResolvedPlugin` plugins from names under one profile and one set of --set options."""

    registry: Registry
    profile: Profile
    overrides: Sequence[Override]

    def choose(self, kind: str, name: str) -> ResolvedPlugin:
        """Raises BenchError for an unknown name, a bad parameter or a package that is not installed."""
        cls = self.registry.load(kind, name)
        _require_installed(kind, name, cls)
        params = resolve(cls, kind, name, self.profile, self.overrides)
        plugin = cls(params)
        source = self.registry.source_hash(kind, name)
        return ResolvedPlugin(kind, name, plugin, self._identity(kind, name, plugin, source), source)

    def _identity(self, kind: str, name: str, plugin: Plugin, source: str) -> dict[str, Any]:
        identity = {
            "name": name,
            "version": plugin.version,
            "params": key_params(plugin.params),
            "files": digest_files(plugin.files()),
        }
        # A user edits his own plugin file without bumping its version: its bytes decide.
        if self.registry.source(kind, name).origin != SUITE:
            identity["source"] = source
        return identity

    def with_weights(self, folder: Path | None, metrics: Sequence[str]) -> Resolver:
        """This resolver, with `--weights DIR` for every extractor that one of the metrics can take."""
        chosen = [self.choose("metric", name) for name in metrics]
        names = [name for metric in chosen if needs_extractor(metric) for name in extractor_names(metric.plugin)]
        found = weights_overrides(folder, list(dict.fromkeys(names)), self.overrides, self.registry)
        return replace(self, overrides=(*self.overrides, *found))

    def extractor_for(self, metric: ResolvedPlugin, download: bool) -> ResolvedPlugin:
        """The first of the metric's extractors whose weights are present or may be fetched, else the first."""
        chosen = self._extractors(metric)
        return next((extractor for extractor in chosen if download or not extractor.plugin.missing()), chosen[0])

    def passed_over(self, metrics: Sequence[tuple[ResolvedPlugin, ResolvedPlugin | None]]) -> dict[str, str]:
        """Extractors another stands in for although the user said where their weights lie: name -> a line on it."""
        notes = {}
        for metric, taken in metrics:
            for extractor in self._extractors(metric) if taken else ():
                if taken is None or extractor.name == taken.name:
                    break
                state, given = weights_state(extractor.plugin), getattr(extractor.plugin.params, "weights", "")
                if state == WRONG or (state == ABSENT and given):
                    notes[extractor.name] = _stands_in(taken, extractor, state)
        return notes

    def _extractors(self, metric: ResolvedPlugin) -> list[ResolvedPlugin]:
        """All that the metric can take, in its order of preference."""
        chosen = [self.choose("extractor", name) for name in extractor_names(metric.plugin)]
        for extractor in chosen:
            # Here and not only for the one that is taken: another must not step in for a path that is wrong.
            extractor.plugin.check_params(1)
            lacking = [name for name in extractor.plugin.describes if not hasattr(extractor.plugin, name)]
            if lacking:
                where = file_of(type(extractor.plugin))
                raise BenchError(
                    f"{where}: extractor {extractor.name} lacks {', '.join(lacking)}; {explained('extractor')}"
                )
            if metric.plugin.uses not in extractor.plugin.gives:
                raise BenchError(
                    f"--set {metric.name}.extractors: {metric.name} needs {metric.plugin.uses}, and extractor "
                    f"{extractor.name} gives {', '.join(extractor.plugin.gives)}; name another"
                )
        return chosen

    def refuse_unused(self, used: Sequence[tuple[str, str]]) -> None:
        """BenchError for a --set of a plugin that is none of `used`, (kind, name) each: it would change nothing."""
        plugins = [(kind, split_name(name)[0]) for kind, name in used]
        for override in self.overrides:
            if (override.kind, override.name) not in plugins:
                names = ", ".join(f"{kind} {name}" for kind, name in used)
                raise BenchError(
                    f"{override.option}: {override.kind} {override.name} is not part of this run ({names})"
                )


def _require_installed(kind: str, name: str, cls: type[Plugin]) -> None:
    absent = missing_modules(cls)
    if absent:
        raise BenchError(f"{kind} {name} needs {', '.join(absent)}, not installed here; {INSTALL}")


def digest_files(paths: Sequence[Path]) -> str:
    """Hash of the bytes of files and folders (names inside a folder count, its own place does not)."""
    parts = []
    for path in paths:
        inside = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
        parts.append([[str(p.relative_to(path)) if p != path else "", sha256_file(p)] for p in inside if p.exists()])
    return key({"files": parts}) if parts else ""


def missing_things(chosen: Sequence[ResolvedPlugin]) -> list[str]:
    """Everything the chosen plugins lack, each thing once."""
    lines = [line for one in chosen for line in one.plugin.missing()]
    return list(dict.fromkeys(lines))


def list_missing(lines: Sequence[str]) -> str:
    """One thing as its own line; several below each other."""
    if len(lines) == 1:
        return lines[0]
    return "\n".join([f"{len(lines)} things are missing:", *(f"  - {line}" for line in lines)])


def _stands_in(taken: ResolvedPlugin, wanted: ResolvedPlugin, state: str) -> str:
    file = f"{wanted.plugin.file} (sha256 {wanted.plugin.sha256[:8]}…)"
    return f"{taken.name} stands in for {wanted.name}: {file}: {state} in {wanted.plugin.weights().parent}"
