"""The real set that synthetic sets are compared with, and ids that name one image each."""

from pathlib import Path

from bench.contracts import Sample
from bench.data import DataTable


def split(*names, group=""):
    return tuple(Sample(name, Path(f"{name}.png"), Path(f"{name}-mask.png"), group=group) for name in names)


def table(**changes):
    splits = {"train": split("1", "2"), "test/A": split("1", "2", group="g"), "test/B": split("1"), **changes}
    return DataTable("d", "d", splits, {name: f"bytes of {name}" for name in splits}, (), ())


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
