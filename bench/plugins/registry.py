"""Finds plugins: names come from files, a module is imported only when its plugin is asked for."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType

from bench.contracts import CONTRACTS, GENERATOR, SAMPLE, Generator, Metric, Plugin
from bench.errors import BenchError, did_you_mean
from bench.identity import key
from bench.plugins.extractors import needs_extractor
from bench.plugins.faults import FILE, located, own_line, said
from bench.plugins.params import field_names

ROOMS = {
    "dataset": "bench.datasets",
    "generator": "generators",
    "metric": "metrics",
    "extractor": "metrics.extractors",
    "segmenter": "segmenters",
}

SUITE = "suite"
RESERVED = ("none",)
"""Of a plugin this name would be read as the absence of one."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where a plugin comes from: a module of a room, an entry point, or a file given with --plugin."""

    kind: str
    name: str
    module: str
    origin: str = SUITE
    attribute: str = ""


def split_name(text: str) -> tuple[str, str]:
    """`NAME:TEXT` -> name of the plugin and what its `argument` is set to; a mere name has an empty text."""
    name, _, argument = text.partition(":")
    return name, argument


def missing_modules(plugin: type[Plugin]) -> list[str]:
    """The names in `requires` that cannot be imported here; nothing is imported to find out."""
    return [name for name in plugin.requires if importlib.util.find_spec(name.split(".")[0]) is None]


def file_of(plugin: type[Plugin]) -> str:
    """Where the class is written."""
    return inspect.getfile(plugin)


def explained(kind: str) -> str:
    """Where a reader of an error finds what a plugin of the kind must define."""
    return f"python -m pydoc bench.contracts.{CONTRACTS[kind].__name__} says what each is"


INSTALL = "pip install it (pip install mask-image-bench brings all that the suite's own plugins need)"
"""What helps where `missing_modules` finds something."""


class Registry:
    """All plugins of the suite, of installed packages (entry points `bench.<kind>s`) and of --plugin files."""

    def __init__(self, plugin_files: Sequence[Path] = ()) -> None:
        self._sources = {kind: _room(kind, package) for kind, package in ROOMS.items()}
        self._classes: dict[tuple[str, str], type[Plugin]] = {}
        installed = entry_points()
        for kind in ROOMS:
            for point in installed.select(group=f"bench.{kind}s"):
                self._add(
                    Source(kind=kind, name=point.name, module=point.module, origin=point.value, attribute=point.attr)
                )
        for path in dict.fromkeys(plugin_files):
            self._add_file(path)

    def _add(self, source: Source) -> None:
        if source.name in RESERVED:
            raise BenchError(f"{source.kind} {source.name} of {source.origin}: that name means none; rename it")
        known = self._sources[source.kind].get(source.name)
        if known is not None:
            owner = "the suite" if known.origin == SUITE else known.origin
            raise BenchError(
                f"{source.kind} {source.name} of {source.origin} is already defined by {owner}; "
                f"{'rename the file' if source.module.startswith(FILE) else 'rename its entry point or uninstall it'}"
            )
        self._sources[source.kind][source.name] = source

    def _add_file(self, path: Path) -> None:
        if path.is_dir():
            raise BenchError(f"--plugin {path}: is a folder; name the Python file in it")
        if not path.is_file():
            raise BenchError(f"--plugin {path}: no such file; name a Python file with your plugin")
        if path.suffix != ".py":
            raise BenchError(f"--plugin {path}: is no Python file by its name; name one that ends in .py")
        self._refuse_equal_stem(path)
        module = _import_file(path)
        kinds = [kind for kind in ROOMS if _classes(module, kind)]
        if not kinds:
            raise BenchError(f"--plugin {path}: defines no {', '.join(ROOMS)} (subclass one of bench.contracts)")
        for kind in kinds:
            self._add(Source(kind=kind, name=_plugin_name(path), module=module.__name__, origin=str(path)))

    def _refuse_equal_stem(self, path: Path) -> None:
        """Two files would be one module, and the first would lose its classes."""
        for source in (source for sources in self._sources.values() for source in sources.values()):
            if source.module == f"{FILE}{path.stem}":
                raise BenchError(f"--plugin {path}: {source.origin} has that name too; rename one of the files")

    def names(self, kind: str) -> tuple[str, ...]:
        """All plugins of a kind, sorted."""
        return tuple(sorted(self._sources[kind]))

    def kinds_of(self, name: str) -> tuple[str, ...]:
        """The kinds in which the name, or what stands before its `:`, is a plugin."""
        return tuple(kind for kind in ROOMS if split_name(name)[0] in self._sources[kind])

    def source(self, kind: str, name: str) -> Source:
        """Where the plugin comes from. Raises BenchError for an unknown name."""
        plugin = split_name(name)[0]
        if plugin not in self._sources[kind]:
            raise BenchError(f"unknown {kind} {plugin!r}{did_you_mean(plugin, self._sources[kind])}")
        return self._sources[kind][plugin]

    def load(self, kind: str, name: str) -> type[Plugin]:
        """The plugin's class, looked for once. Raises BenchError for an unknown name, a file without exactly one such
        class, and a class that leaves out what its contract declares."""
        source = self.source(kind, name)
        known = self._classes.get((kind, source.name))
        return known or self._classes.setdefault((kind, source.name), _load(source))

    def source_hash(self, kind: str, name: str) -> str:
        """sha256 of the plugin's file; where it lies in a package, of every Python file there, and of one of the suite
        all of its room."""
        module = sys.modules[self.load(kind, name).__module__]
        assert module.__file__ is not None
        path = Path(module.__file__)
        folder = _folders(ROOMS[kind])[0] if self.source(kind, name).origin == SUITE else path.parent
        files = sorted(folder.rglob("*.py")) if module.__package__ else [path]
        return key({str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files})


def _load(source: Source) -> type[Plugin]:
    kind, contract = source.kind, CONTRACTS[source.kind]
    module = sys.modules.get(source.module) or _import(source)
    found = [getattr(module, source.attribute, None)] if source.attribute else _classes(module, kind)
    found = [cls for cls in found if isinstance(cls, type) and issubclass(cls, contract)]
    file = module.__file__ or source.origin
    if not found:
        raise BenchError(f"{file}: no {kind} class there; subclass one of bench.contracts, or mend the entry point")
    if len(found) > 1:
        names = ", ".join(cls.__name__ for cls in found)
        raise BenchError(f"{file}: {len(found)} {kind} classes ({names}); keep one, each needs a file of its own")
    (cls,) = found
    _refuse_odd(cls, f"{file}: {kind} {cls.__name__}")
    lacking = [name for name in contract.declares if getattr(cls, name, None) == getattr(contract, name, None)]
    if lacking:
        raise BenchError(f"{file}: {kind} {cls.__name__} lacks {', '.join(lacking)}; {explained(kind)}")
    if issubclass(cls, Metric) and needs_extractor(cls) and "extractors" not in field_names(cls):
        raise BenchError(
            f"{file}: metric {cls.__name__} uses an extractor's {cls.uses} and has no `extractors: str = param(…)` in "
            'its Params; add it, or set `uses = ""` where the metric needs no extractor'
        )
    return cls


def _refuse_odd(cls: type[Plugin], where: str) -> None:
    """BenchError for a declaration that would be taken for another one."""
    version = getattr(cls, "version", 1)
    if type(version) is not int:
        raise BenchError(f"{where}: version={version!r}; expected a whole number")
    varies = getattr(cls, "varies", ()) if issubclass(cls, Generator) else ()
    if not isinstance(varies, tuple) or not set(varies) <= {GENERATOR, SAMPLE}:
        raise BenchError(f'{where}: varies={varies!r}; expected a tuple of "{GENERATOR}", "{SAMPLE}", both or none')


def _plugin_name(path: Path) -> str:
    return path.stem.replace("_", "-")


def _room(kind: str, package: str) -> dict[str, Source]:
    """Every file of the room, and the file `plugin` of every folder in it, which has the folder's name."""
    found = {}
    for folder in _folders(package):
        for file in sorted(folder.glob("*.py")):
            if not file.name.startswith("_"):
                found[_plugin_name(file)] = f"{package}.{file.stem}"
        for file in sorted(folder.glob("*/plugin.py")):
            found[_plugin_name(file.parent)] = f"{package}.{file.parent.name}.plugin"
    return {name: Source(kind=kind, name=name, module=module) for name, module in found.items()}


def _folders(package: str) -> list[Path]:
    spec = importlib.util.find_spec(package)
    return [Path(folder) for folder in (spec.submodule_search_locations if spec else None) or ()]


def _classes(module: ModuleType, kind: str) -> list[type[Plugin]]:
    contract = CONTRACTS[kind]
    members = [value for value in vars(module).values() if isinstance(value, type)]
    return [cls for cls in members if issubclass(cls, contract) and cls.__module__ == module.__name__]


def _import(source: Source) -> ModuleType:
    """BenchError for whatever another's package raises; a fault of the suite is its own."""
    try:
        return importlib.import_module(source.module)
    except (Exception, SystemExit) as error:
        if source.origin == SUITE:
            raise
        raise BenchError(
            f"{source.kind} {source.name} of {source.origin}: {located(error)}; mend or uninstall that package"
        ) from None


def _import_file(path: Path) -> ModuleType:
    """BenchError with the file's own line for whatever it raises."""
    name = f"{FILE}{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        place = own_line(error)
        where = f"line {place[1]}: " if place else ""
        remedy = (
            "install it, or import it inside the method that uses it"
            if isinstance(error, ImportError)
            else "mend the file"
        )
        raise BenchError(f"--plugin {path}: {where}{said(error)}; {remedy}") from None
    return module
