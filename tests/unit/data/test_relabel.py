"""Masks of labels become ordinary masks in the store, once."""

import numpy as np

from bench.data.relabel import relabelled, write_masks
from bench.images import load_mask, save_png
from bench.masks import parse_labels
from bench.store.artefacts import Store
from tests.conftest import make_pairs, refused

ONE, SEVEN = parse_labels(["1"]), parse_labels(["7"])


def labelled(folder, count=3):
    """Pairs whose masks hold 1 for the lesion and 2 for the first column; and the lesions."""
    samples, lesions = make_pairs(folder, count), []
    for sample in samples:
        lesions.append(load_mask(sample.mask))
        pixels = lesions[-1].copy()
        pixels[:, 0] = 2
        save_png(sample.mask, pixels)
    return samples, lesions


def test_the_labels_named_are_lesion(tmp_path):
    samples, lesions = labelled(tmp_path / "set")
    store = Store(tmp_path / "store")
    found = relabelled(samples, ONE, store, print)
    assert [(s.id, s.image, s.group) for s in found] == [(s.id, s.image, s.group) for s in samples]
    for sample, lesion in zip(found, lesions, strict=True):
        assert np.array_equal(load_mask(sample.mask), lesion)
    assert relabelled(samples, ONE, store, print) == found
    assert relabelled(samples, (), store, print) == samples


def test_a_changed_byte_in_the_store_is_found(tmp_path):
    samples, _ = labelled(tmp_path / "set")
    store = Store(tmp_path / "store")
    mask = relabelled(samples, ONE, store, print)[1].mask
    mask.write_bytes(mask.read_bytes()[:-1] + b"x")
    refused(lambda: relabelled(samples, ONE, store, print), mask, "delete")


def test_labels_that_no_mask_has_are_refused(tmp_path):
    samples, _ = labelled(tmp_path / "set")
    refused(lambda: write_masks(samples, SEVEN, tmp_path / "out"), "--mask-label", "none of the 3 files")
