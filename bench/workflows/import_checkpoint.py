"""A checkpoint that a method's authors published -> a folder to sample from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench.contracts import Generator
from bench.errors import BenchError
from bench.files.atomic import remove_parts_of, replacing, write_digests
from bench.plugins.overrides import parse_overrides
from bench.plugins.profile import load_profile
from bench.plugins.registry import Registry
from bench.plugins.resolver import Resolver


@dataclass(frozen=True, kw_only=True)
class ImportRequest:
    """`file`: as published; `generator`: its method; `out`: the folder to make, absent or empty."""

    file: Path
    generator: str
    out: Path
    profile: str = "paper"
    settings: tuple[str, ...] = ()
    plugins: tuple[Path, ...] = ()


def import_checkpoint(request: ImportRequest) -> tuple[str, ...]:
    """Lines on what was found. BenchError for a file that does not fit; then there is no folder."""
    registry = Registry(request.plugins)
    _refuse_unable(registry, request.generator)
    _refuse_taken(request.out)
    resolver = Resolver(registry, load_profile(request.profile), parse_overrides(request.settings, registry))
    for override in resolver.overrides:
        if (override.kind, override.name) != ("generator", request.generator):
            raise BenchError(
                f"{override.option}: {override.kind} {override.name} takes no part; only {request.generator} does"
            )
    generator = resolver.choose("generator", request.generator).plugin
    remove_parts_of(request.out.absolute())
    with replacing(request.out.absolute()) as part:
        part.mkdir()
        lines = generator.import_checkpoint(request.file, part)
        write_digests(part)
    return lines


def _refuse_unable(registry: Registry, name: str) -> None:
    if not _able(registry, name):
        able = ", ".join(other for other in registry.names("generator") if _able(registry, other))
        raise BenchError(f"generator {name} has no published checkpoint format; those that have one: {able}")


def _able(registry: Registry, name: str) -> bool:
    cls = registry.load("generator", name)
    assert issubclass(cls, Generator)
    return cls.import_checkpoint is not Generator.import_checkpoint


def _refuse_taken(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise BenchError(f"--out {out}: is a file; name a folder that is absent or empty")
    if out.is_dir() and any(out.iterdir()):
        raise BenchError(f"--out {out}: is not empty; name a folder that is absent or empty")
