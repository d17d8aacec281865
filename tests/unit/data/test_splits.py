"""The real set that synthetic sets are compared with, and ids that name one image each."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from bench.contracts import Sample
from bench.data.fingerprint import Digests, fingerprint, repeated
from bench.data.splits import Splits
from bench.images import save_png


def split(*names, group=""):
    return tuple(
        Sample(id=name, image=Path(f"{name}.png"), mask=Path(f"{name}-mask.png"), group=group) for name in names
    )


def table(**changes):
    splits = {"train": split("1", "2"), "test/A": split("1", "2", group="g"), "test/B": split("1"), **changes}
    return Splits(
        asked="d",
        name="d",
        splits=splits,
        fingerprints={name: f"bytes of {name}" for name in splits},
        absent=(),
        warnings=(),
    )


def test_the_training_images_are_a_reference_as_they_are():
    assert table().reference("train") == ("bytes of train", split("1", "2"))


def test_test_images_are_one_reference_with_an_id_for_each():
    """Equal stems of two test sets are two images; equal groups are two groups; no group stays none."""
    _, samples = table().reference("test")
    assert [sample.id for sample in samples] == ["A/1", "A/2", "B/1"]
    assert [sample.group for sample in samples] == ["A/g", "A/g", ""]
    assert [sample.image.name for sample in samples] == ["1.png", "2.png", "1.png"]


def test_the_bytes_of_every_test_set_and_nothing_else_make_the_reference():
    """More test sets are another reference; other training or validation images are not."""
    plain = table().reference("test")[0]
    assert plain != table().fingerprint
    assert plain == table(val=split("9")).reference("test")[0]
    assert plain != table(**{"test/C": split("3")}).reference("test")[0]


def pair(folder, name, level):
    """An image of one level; the mask is the image itself."""
    path = folder / f"{name}.png"
    save_png(path, np.full((4, 4), level, np.uint8))
    return Sample(id=name, image=path, mask=path)


def test_images_that_stand_in_two_splits_are_counted_and_named(tmp_path):
    """By their bytes, whatever they are called."""
    train = tuple(pair(tmp_path / "train", f"t{level}", level) for level in range(4))
    test = tuple(pair(tmp_path / "test", f"x{level}", level) for level in range(2, 6))
    (line,) = repeated({"train": train, "test/a": test}, Digests())
    assert line.startswith("2 of 4 images of test/a ")
    assert "(x2 is t2, x3 is t3)" in line


def test_images_that_stand_twice_in_a_split_are_counted_and_named(tmp_path):
    split = tuple(pair(tmp_path, name, level) for name, level in (("a", 1), ("b", 2), ("c", 1), ("d", 1)))
    (line,) = repeated({"train": split}, Digests())
    assert "train: 4 images, 2 distinct" in line
    assert "(c, d)" in line
    assert repeated({"train": split[:2]}, Digests()) == []


def test_the_pairs_that_a_fraction_leaves_out_are_a_split_of_their_own(tmp_path):
    """Exactly those, hashed as every real split; the whole set has none."""
    train = tuple(pair(tmp_path, f"t{level}", level) for level in range(12))
    whole = table(train=train)
    assert whole.reduced(100, seed=0) is whole
    reduced = whole.reduced(25, seed=0)
    kept, unused = reduced.splits["train"], reduced.splits["unused"]
    assert len(kept) == 3
    assert sorted((*kept, *unused), key=lambda one: train.index(one)) == list(train)
    assert not set(kept) & set(unused)
    assert reduced.fingerprints["unused"] == fingerprint(unused)
    assert reduced.fingerprints["test/A"] == whole.fingerprints["test/A"]
    assert reduced.tests == whole.tests


def test_a_fraction_that_whole_groups_round_up_leaves_nothing(tmp_path):
    train = tuple(replace(pair(tmp_path, f"t{level}", level), group="video") for level in range(4))
    assert "unused" not in table(train=train).reduced(50, seed=0).splits
