"""A planned run as the manifest that its leaderboard is rendered from. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from bench.plan.run_plan import Plan, RunSpec
from bench.store.run_manifest import Note, Protocol, RunManifest, Setting, UsedData


def describe_run(
    spec: RunSpec,
    plan: Plan,
    *,
    notes: Sequence[Note],
    columns: Sequence[str],
    settings: Sequence[Setting] = (),
    controls: Sequence[str] = (),
) -> RunManifest:
    """Dataset, protocol and, for each row of the leaderboard, the keys of its records."""
    data = spec.data
    return RunManifest(
        dataset=UsedData(
            asked=data.asked,
            name=data.name,
            fingerprint=data.fingerprint,
            pairs={split: len(samples) for split, samples in data.splits.items()},
            absent=tuple(data.absent),
        ),
        protocol=Protocol(
            profile=spec.profile,
            seed=spec.seed,
            repeats=spec.repeats,
            vary=spec.vary,
            margin=spec.margin,
            masks=spec.masks,
            reference=spec.reference,
            fraction=spec.fraction,
            select=spec.select,
        ),
        bases={generator.name: generator.plugin.base() for generator in spec.sets},
        varies={generator.name: tuple(generator.plugin.varies) for generator in spec.sets},
        generators={generator.name: generator.identity for generator in spec.generators},
        segmenters={segmenter.name: segmenter.identity for segmenter in spec.segmenters},
        columns=tuple(columns),
        controls=tuple(controls),
        filtered={one.name: one.generator.name for one in spec.filtered},
        unranked=tuple(generator.name for generator in spec.generators if generator.plugin.control),
        rows=plan.rows,
        comparisons=plan.comparisons,
        settings=tuple(settings),
        notes=tuple(notes),
    )
