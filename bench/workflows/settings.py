"""What options change against the profile, as the leaderboard shows it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from bench.files.atomic import sha256_file
from bench.plan.run_plan import RunSpec
from bench.plugins.overrides import changes
from bench.plugins.profile import ON_TEST, Profile
from bench.plugins.resolver import Resolver
from bench.store.run_manifest import Setting


def settings_of(resolver: Resolver, spec: RunSpec, mask_labels: Sequence[str]) -> tuple[Setting, ...]:
    """Data and masks have their own columns and are not among them."""
    settings = [
        Setting("run", name, f"{name}={getattr(spec, name)}")
        for name in ("seed", "shape_scores", "fraction")
        if getattr(spec, name) != getattr(resolver.profile.run, name)
    ]
    if mask_labels:
        settings.append(Setting("run", "mask_label", f"mask_label={','.join(mask_labels)}"))
    settings += _of_generators(resolver.profile, spec)
    if spec.select == "test":
        settings += [Setting("segmenter", one.name, ON_TEST) for one in spec.segmenters]
    for one in resolver.overrides:
        if one.kind != "dataset" and changes(one, resolver.registry.load(one.kind, one.name), resolver.profile):
            settings.append(Setting(one.kind, one.name, f"{one.name}.{one.field}={_shown(one.text)}"))
    return tuple(settings)


def _of_generators(profile: Profile, spec: RunSpec) -> Iterator[Setting]:
    """Of each generator: lines without a synthetic set are the same with and without them."""
    changed = [
        f"{name}={getattr(spec, name)}"
        for name in ("multiple", "reference")
        if getattr(spec, name) != getattr(profile.run, name)
    ]
    usual = asdict(profile.sections["masks"]) if spec.masks == "random" else {}
    changed += [
        f"masks.{name}={getattr(spec.random_masks, name):g}"
        for name, value in usual.items()
        if getattr(spec.random_masks, name) != value
    ]
    for text in changed:
        for generator in spec.generators:
            yield Setting("generator", generator.name, text)


def _shown(text: str) -> str:
    """A table goes into papers: of a path the last part, and of a file the first digits of its hash."""
    path = Path(text).expanduser()
    digits = f" ({sha256_file(path)[:8]})" if path.is_file() else ""
    return f"{path.name or text}{digits}"
