"""What a reader must know of a run before its numbers: the protocol, the data, and where options leave the protocol."""

from __future__ import annotations

from collections.abc import Iterable

from bench.contracts import TRAIN
from bench.data.splits import Splits
from bench.plan.run_plan import RunSpec
from bench.plugins.profile import ON_TEST, Profile
from bench.plugins.resolved import ResolvedPlugin


def protocol_notes(profile: Profile, asked: str, used: str) -> tuple[str, ...]:
    """`asked` is the dataset of the command line, `used` the one that is there."""
    notes = [f"profile {profile.name}: {profile.description}"]
    if used != asked:
        notes.append(f"no --data given: dataset {used} stands in for {asked}")
    if not profile.comparable or used != asked:
        notes.append("not comparable with published scores")
    return tuple(notes)


def data_notes(data: Splits, chosen: Iterable[ResolvedPlugin]) -> tuple[str, ...]:
    """Of the data and of the plugins, each sentence once."""
    notes = list(data.repeats)
    if data.absent:
        absent = ", ".join(split.removeprefix("test/") for split in data.absent)
        present = ", ".join(split.removeprefix("test/") for split in data.tests)
        notes.append(f"absent: {absent}; overall covers {present}")
    notes += data.warnings
    notes += [note for one in chosen for note in one.plugin.notes()]
    return tuple(dict.fromkeys(notes))


def departures(spec: RunSpec, whole: Splits) -> tuple[str, ...]:
    """What options make of the protocol. `whole`: the dataset before a fraction of it was drawn."""
    notes = []
    if spec.fraction < 100:
        groups = ", whole groups" if any(sample.group for sample in whole.splits[TRAIN]) else ""
        notes.append(
            f"--fraction {spec.fraction}: generators and segmenters see {len(spec.data.splits[TRAIN])} of "
            f"{len(whole.splits[TRAIN])} training pairs{groups}, drawn by the seed; test sets are whole"
        )
    if spec.masks == "random":
        notes.append(f"masks: training masks at random {spec.random_masks}")
    if spec.select == "test":
        notes.append(
            f"{ON_TEST}: of each training the epoch with the best mean Dice on the test images is "
            "kept, so scores are optimistic and no measure of new images"
        )
    return tuple(notes)
