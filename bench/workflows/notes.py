"""What a reader must know of a run before its numbers: the protocol, the data, and where options leave the protocol."""

from __future__ import annotations

from collections.abc import Iterable

from bench.contracts import TRAIN
from bench.data.splits import Splits
from bench.plan.run_plan import RunSpec
from bench.plugins.profile import ON_TEST, Profile
from bench.plugins.resolved import ResolvedPlugin
from bench.store.run_manifest import Note


def protocol_notes(profile: Profile, asked: str, used: str) -> tuple[Note, ...]:
    """`asked` is the dataset of the command line, `used` the one that is there."""
    notes = []
    if used != asked:
        notes.append(
            Note(f"no --data given: dataset {used} stands in for {asked}: not comparable with published scores", True)
        )
    elif not profile.comparable:
        notes.append(Note("not comparable with published scores", True))
    return (*notes, Note(f"profile {profile.name}: {profile.description}"))


def data_notes(data: Splits) -> tuple[Note, ...]:
    """What is repeated, absent, unlike the published split or left out."""
    notes = [Note(text, True) for text in data.repeats]
    if data.absent:
        absent = ", ".join(split.removeprefix("test/") for split in data.absent)
        present = ", ".join(split.removeprefix("test/") for split in data.tests)
        notes.append(Note(f"absent: {absent}; overall covers {present}", True))
    return (*notes, *(Note(text) for text in data.warnings))


def plugin_notes(chosen: Iterable[ResolvedPlugin]) -> tuple[Note, ...]:
    """What plugins say of themselves, each sentence once."""
    return tuple(dict.fromkeys(Note(text) for one in chosen for text in one.plugin.notes()))


def departures(spec: RunSpec, whole: Splits) -> tuple[Note, ...]:
    """What options make of the protocol. `whole`: the dataset before a fraction of it was drawn."""
    notes = []
    if spec.select == "test":
        text = (
            f"{ON_TEST}: of each training the epoch with the best mean Dice on the test images is kept, so scores are "
            "optimistic and no measure of new images"
        )
        notes.append(Note(text, True))
    if spec.fraction < 100:
        groups = ", whole groups" if any(sample.group for sample in whole.splits[TRAIN]) else ""
        text = (
            f"--fraction {spec.fraction}: generators and segmenters see {len(spec.data.splits[TRAIN])} of "
            f"{len(whole.splits[TRAIN])} training pairs{groups}, drawn by the seed; test sets are whole"
        )
        notes.append(Note(text))
    if spec.masks == "random":
        notes.append(Note(f"masks: training masks at random {spec.random_masks}"))
    return tuple(notes)
