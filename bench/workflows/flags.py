"""Options that set a parameter of several plugins at once, and --set: all as overrides of the profile."""

from __future__ import annotations

from collections.abc import Sequence

from bench.plugins.overrides import Override, flag_overrides, parse_overrides
from bench.plugins.params import field_names
from bench.plugins.registry import Registry
from bench.workflows.request import RunRequest


def overrides_of(
    request: RunRequest, generators: Sequence[str], registry: Registry, sections: Sequence[str]
) -> tuple[Override, ...]:
    """BenchError for an option that none of the plugins has, and for a --set that names nothing or has no effect."""
    given = parse_overrides(request.settings, registry, sections)
    flags = _file_flags(request, generators, given, registry)
    for option, field, value in (
        ("--precision", "precision", request.precision),
        ("--batch-size", "batch", request.batch_size),
    ):
        if value is not None:
            flags += flag_overrides(option, field, str(value), generators, given, registry)
    return (*flags, *given)


def _file_flags(
    request: RunRequest, generators: Sequence[str], given: Sequence[Override], registry: Registry
) -> tuple[Override, ...]:
    """How files are named and read, for the dataset and for the generators that read files themselves."""
    flags: tuple[Override, ...] = ()
    for option, field, text in (
        ("--image-suffix", "image_suffix", request.image_suffix),
        ("--mask-suffix", "mask_suffix", request.mask_suffix),
    ):
        if text:
            flags += flag_overrides(option, field, text, [request.dataset], given, registry, kind="dataset")
            flags += _reading_files(option, field, text, generators, given, registry)
    if request.mask_labels:
        labels = ",".join(request.mask_labels)
        flags += _reading_files("--mask-label", "mask_labels", labels, generators, given, registry)
    return flags


def _reading_files(
    option: str, field: str, text: str, generators: Sequence[str], given: Sequence[Override], registry: Registry
) -> tuple[Override, ...]:
    reading = [name for name in generators if field in field_names(registry.load("generator", name))]
    return flag_overrides(option, field, text, reading, given, registry) if reading else ()
