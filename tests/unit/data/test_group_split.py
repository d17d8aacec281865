"""A share of a set: whole groups, drawn by a seed, and smaller shares within larger ones."""

from dataclasses import replace
from pathlib import Path

import pytest

from bench.contracts import Sample
from bench.data.group_split import share
from bench.data.splits import Splits
from bench.errors import BenchError


def split(count, group_of=None):
    names = [f"s{at:03d}" for at in range(count)]
    return tuple(Sample(id=name, image=Path(name), mask=Path(name), group=group_of(at) if group_of else "")
                 for at, name in enumerate(names))  # fmt: skip


@pytest.mark.parametrize(("percent", "count"), [(10, 20), (25, 50), (50, 100), (100, 200)])
def test_without_groups_the_share_is_exact(percent, count):
    assert len(share(split(200), percent, 0)) == count


def test_a_larger_share_holds_every_smaller_one_in_the_sets_own_order():
    samples = split(40, lambda at: f"g{at // 3}")
    shares = [share(samples, percent, 7) for percent in (10, 25, 50, 100)]
    for small, large in zip(shares, shares[1:], strict=False):
        assert set(small) < set(large)
    assert all(list(part) == sorted(part, key=lambda sample: sample.id) for part in shares)
    assert shares[-1] == samples


def test_no_group_is_torn_apart():
    samples = split(60, lambda at: f"g{at // 7}" if at < 49 else "")
    kept = share(samples, 50, 3)
    for group in {sample.group for sample in kept if sample.group}:
        assert {s for s in samples if s.group == group} <= set(kept)
    assert abs(len(kept) - 30) <= 3, "as near as whole groups come"


def test_the_seed_draws_and_one_group_is_kept_at_least():
    assert share(split(100), 25, 0) != share(split(100), 25, 1)
    assert share(split(100), 25, 0) == share(split(100), 25, 0)
    assert len(share(split(9, lambda _: "all"), 10, 0)) == 9


def table(pairs):
    splits = {"train": pairs, "val": pairs[:2], "test/A": pairs[:3]}
    return Splits(
        asked="d",
        name="name",
        splits=splits,
        fingerprints={name: f"bytes of {name}" for name in splits},
        absent=(),
        warnings=(),
    )


def test_a_reduced_table_is_another_training_set_and_the_same_test_sets(pairs):
    whole = table(pairs(12))
    part = whole.reduced(50, 0)
    assert len(part.splits["train"]) == 6
    assert {name for name in whole.splits if part.fingerprints[name] != whole.fingerprints[name]} == {"train"}
    assert {name for name in whole.splits if part.splits[name] != whole.splits[name]} == {"train"}
    assert whole.reduced(100, 0) is whole


def test_too_small_a_share_is_one_clear_line(pairs):
    samples = tuple(replace(sample, group="") for sample in pairs(12))
    with pytest.raises(BenchError) as caught:
        table(samples).reduced(10, 0)
    assert str(caught.value).startswith("--fraction 10: leaves 1 of 12 ")
    assert "at least 3 " in str(caught.value)
