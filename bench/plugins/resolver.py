"""Names -> plugins as one run uses them, under one profile and one set of options."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bench.contracts import Dataset, Metric, Plugin
from bench.errors import BenchError
from bench.files.atomic import sha256_file
from bench.identity import key
from bench.plugins.extractors import extractor_names, needs_extractor
from bench.plugins.overrides import Override, resolve, weights_overrides
from bench.plugins.params import key_params
from bench.plugins.profile import Profile
from bench.plugins.registry import INSTALL, SUITE, Registry, missing_modules, split_name
from bench.plugins.resolved import ResolvedPlugin


@dataclass(frozen=True)
class Resolver:
    """Makes plugins from names under one profile and one set of --set options; each is made once and then known."""

    registry: Registry
    profile: Profile
    overrides: Sequence[Override]
    _plugins: dict[tuple[str, ...], Any] = field(default_factory=dict, init=False, repr=False, compare=False)
    _resolved: dict[tuple[str, str], ResolvedPlugin] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def params(self, kind: str, name: str) -> Any:
        """The plugin's `Params`. Raises BenchError for an unknown name and a bad parameter."""
        return resolve(self.registry.load(kind, name), kind, name, self.profile, self.overrides)

    def plugin(self, kind: str, name: str) -> Any:
        """Any but a dataset, whether what it needs is installed or not. BenchError as `params` raises it."""
        if (kind, name) not in self._plugins:
            self._plugins[kind, name] = self.registry.load(kind, name)(self.params(kind, name))
        return self._plugins[kind, name]

    def dataset(self, name: str, root: Path) -> Dataset:
        """The dataset whose files lie below `root`."""
        place = ("dataset", name, str(root))
        if place not in self._plugins:
            cls = self.registry.load("dataset", name)
            assert issubclass(cls, Dataset)
            self._plugins[place] = cls(self.params("dataset", name), root)
        return self._plugins[place]

    def choose(self, kind: str, name: str) -> ResolvedPlugin:
        """The plugin with its identity, for which its files are hashed.

        Raises BenchError for an unknown name, a bad parameter and a package that is not installed.
        """
        if (kind, name) not in self._resolved:
            line = not_installed(self.registry.load(kind, name))
            if line:
                raise BenchError(f"{kind} {name} {line}")
            plugin, source = self.plugin(kind, name), self.registry.source_hash(kind, name)
            identity = self._identity(kind, name, plugin, source)
            self._resolved[kind, name] = ResolvedPlugin(
                kind=kind, name=name, plugin=plugin, identity=identity, source=source
            )
        return self._resolved[kind, name]

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
        """A resolver with `--weights DIR` for every extractor that one of the metrics can take; nothing is made yet."""
        names = dict.fromkeys(extractor for metric in metrics for extractor in self.extractors(metric))
        found = weights_overrides(folder, list(names), self.overrides, self.registry)
        return replace(self, overrides=(*self.overrides, *found))

    def extractors(self, metric: str) -> list[str]:
        """Names of those the metric can look through, in its order of preference; none for one that needs none."""
        cls = self.registry.load("metric", metric)
        assert issubclass(cls, Metric)
        return extractor_names(self.params("metric", metric)) if needs_extractor(cls) else []

    def refuse_unused(self, used: Sequence[tuple[str, str]]) -> None:
        """BenchError for a --set of a plugin that is none of `used`, (kind, name) each: it would change nothing."""
        plugins = [(kind, split_name(name)[0]) for kind, name in used]
        for override in self.overrides:
            if (override.kind, override.name) not in plugins:
                names = ", ".join(f"{kind} {name}" for kind, name in used)
                raise BenchError(
                    f"{override.option}: {override.kind} {override.name} is not part of this run ({names})"
                )


def not_installed(*plugins: type[Plugin]) -> str:
    """`needs …, not installed here` with its remedy; empty where nothing is missing."""
    modules = dict.fromkeys(module for plugin in plugins for module in missing_modules(plugin))
    return f"needs {', '.join(modules)}, not installed here; {INSTALL}" if modules else ""


def digest_files(paths: Sequence[Path]) -> str:
    """Hash of the bytes of files and folders (names inside a folder count, its own place does not)."""
    parts = []
    for path in paths:
        inside = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
        parts.append([[str(p.relative_to(path)) if p != path else "", sha256_file(p)] for p in inside if p.exists()])
    return key({"files": parts}) if parts else ""
