"""Sets of pairs that a stage wrote: `images/`, `masks/` and an `index.json` with ids, prompts and groups."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from bench.contracts import Sample, Split
from bench.images import load_mask, save_png, size_of

INDEX = "index.json"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One pair in an index; `image` is relative to the folder, or empty when the image lies with the real data."""

    id: str
    image: str
    mask: str
    prompt: str
    group: str
    source: str = ""
    moved: bool = False


def write_index(folder: Path, entries: list[Entry]) -> None:
    """Write the pairs of a synthetic set, relative to its folder."""
    text = json.dumps([asdict(entry) for entry in entries], indent=0)
    (folder / INDEX).write_text(text, encoding="utf-8")


def read_index(folder: Path, real: Mapping[str, Sample]) -> Split:
    """The pairs of `folder`; images that are not in it are those of the `real` samples of the same id."""
    entries = [Entry(**row) for row in json.loads((folder / INDEX).read_text(encoding="utf-8"))]
    return tuple(
        Sample(
            id=entry.id,
            image=folder / entry.image if entry.image else real[entry.id].image,
            mask=folder / entry.mask,
            prompt=entry.prompt,
            group=entry.group,
            source=entry.source,
            moved=entry.moved,
        )
        for entry in entries
    )


def index_masks(folder: Path, conditions: Split) -> None:
    """Index a folder of conditioning masks (`masks/<id>.png`) whose images are the real ones."""
    write_index(folder, [replace(entry_of(sample.id, sample), image="") for sample in conditions])


def pair_with_masks(folder: Path, conditions: Split) -> list[str]:
    """Put each condition's mask beside its synthetic image, at the image's size; returns ids without an image."""
    absent = [sample.id for sample in conditions if not (folder / "images" / f"{sample.id}.png").is_file()]
    if absent:
        return absent
    for sample in conditions:
        size = size_of(folder / "images" / f"{sample.id}.png")
        save_png(folder / "masks" / f"{sample.id}.png", load_mask(sample.mask, size) * 255)
    write_index(folder, [entry_of(sample.id, sample) for sample in conditions])
    return []


def index_own_pairs(folder: Path, conditions: Split) -> list[str]:
    """Index pairs a generator wrote by itself; returns ids that lack a mask. Known ids keep their group.

    Their masks are their own, so none counts as moved.
    """
    known = {sample.id: sample for sample in conditions}
    ids = sorted(path.stem for path in (folder / "images").glob("*.png"))
    absent = [name for name in ids if not (folder / "masks" / f"{name}.png").is_file()]
    if not absent:
        write_index(folder, [replace(entry_of(name, known.get(name)), moved=False) for name in ids])
    return absent


def entry_of(name: str, condition: Sample | None) -> Entry:
    """Of a pair whose files bear its name, with what is known of the condition that it was made for."""
    entry = Entry(id=name, image=f"images/{name}.png", mask=f"masks/{name}.png", prompt="", group="")
    if condition is None:
        return entry
    return replace(
        entry,
        prompt=condition.prompt,
        group=condition.group,
        source=condition.source,
        moved=condition.moved,
    )
