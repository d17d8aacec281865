"""Masks of labels or colours as ordinary masks: written once beside the store, so that nothing else knows of labels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from bench.contracts import Split
from bench.data.fingerprint import fingerprint
from bench.errors import BenchError
from bench.identity import key
from bench.images import load_mask, save_png
from bench.masks import Label
from bench.store.artefacts import Store


def relabelled(samples: Split, labels: Sequence[Label], store: Store, say: Callable[[str], None]) -> Split:
    """The same pairs, their masks of 0 and 255 in the store; as they are where no labels are given.

    `say` prints a line, where another process is at the same work.
    """
    if not labels or not all(sample.has_mask for sample in samples):
        return samples
    name = key({"stage": "labels", "labels": list(labels), "pairs": fingerprint(samples)})
    if store.has("labels", name):
        store.verify("labels", name)
        return _at(samples, store.path("labels", name))
    with store.claim("labels", name, say) as workspace:
        if not store.has("labels", name):
            write_masks(samples, labels, workspace.out)
            store.commit("labels", name, workspace, {"labels": list(labels), "pairs": len(samples)})
    return _at(samples, store.path("labels", name))


def write_masks(samples: Split, labels: Sequence[Label], out: Path) -> Split:
    """The pairs with masks of 0 and 255 below `out`. BenchError where none of the masks has any of the labels."""
    lesions = 0
    for sample, moved in zip(samples, _at(samples, out), strict=True):
        lesion = load_mask(sample.mask, labels=labels)
        lesions += int(lesion.any())
        save_png(moved.mask, lesion * 255)
    if not lesions:
        raise BenchError(
            f"--mask-label: none of the {len(samples)} files beside {samples[0].mask} has any of the labels; give the "
            "level, palette index or colour that is lesion (several, where two folders have labels of their own)"
        )
    return _at(samples, out)


def _at(samples: Split, folder: Path) -> Split:
    return tuple(replace(sample, mask=folder / f"{number:06d}.png") for number, sample in enumerate(samples))
