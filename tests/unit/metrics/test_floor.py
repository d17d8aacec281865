"""A floor compares halves that share neither images nor groups, at one n."""

import numpy as np
import pytest

from bench.contracts import ImageSet, Sample
from metrics._floor import SPLITS, floors


def images(groups, offset=0):
    """Each image's feature is its own number."""
    samples = tuple(Sample(id=f"i{n}", image="", mask="", group=group) for n, group in enumerate(groups))
    return ImageSet(samples, np.arange(len(groups), dtype=np.float32)[:, None] + offset)


class Watch:
    """A measure that remembers what it was given, as sets of image numbers."""

    def __init__(self):
        self.seen = []

    def __call__(self, one, other):
        self.seen.append(([int(row[0]) for row in one], [int(row[0]) for row in other]))
        return {"gap": abs(one.mean() - other.mean()), "n": len(one)}

    @property
    def pairs(self):
        """What was seen of each split: half against half, the same half against synthetic images."""
        return list(zip(self.seen[::2], self.seen[1::2], strict=True))


def test_halves_are_disjoint_and_as_large_as_can_be():
    watch = Watch()
    found = floors(watch, images([""] * 21), images([""] * 30, 100), 0)
    assert len(watch.pairs) == SPLITS
    for (one, other), (same, fake) in watch.pairs:
        assert len(one) == len(set(one)) == len(other) == len(set(other)) == len(fake) == len(set(fake)) == 10
        assert not set(one) & set(other)
        assert same == one
        assert min(fake) >= 100
    assert (found["gap"].n, found["gap"].splits, found["n"].value) == (10, SPLITS, 10)


def test_a_group_stands_on_one_side():
    groups = [f"video {n // 4}" for n in range(40)]
    watch = Watch()
    floors(watch, images(groups), images([""] * 40, 100), 0)
    for (one, other), _ in watch.pairs:
        assert not {groups[row] for row in one} & {groups[row] for row in other}


def test_no_more_real_images_than_synthetic_ones():
    """A floor at another n than the score's would tell nothing of a measure that n biases."""
    watch = Watch()
    found = floors(watch, images([""] * 40), images([""] * 7, 100), 0)
    assert found["gap"].n == 7
    assert all(len(one) == len(other) == len(fake) == 7 for (one, other), (_, fake) in watch.pairs)


def test_it_is_the_mean_and_the_spread_over_splits():
    watch = Watch()
    floor = floors(watch, images([""] * 20), images([""] * 20, 100), 0)["gap"]
    gaps = [[abs(np.mean(one) - np.mean(other)) for one, other in two] for two in watch.pairs]
    within, across = np.array(gaps).T
    assert floor.value == pytest.approx(within.mean())
    assert floor.sd == pytest.approx(within.std(ddof=1))
    assert floor.at_n == pytest.approx(across.mean())
    assert floor.at_n > 80 > floor.value


def test_the_seed_draws_the_halves():
    one, again, other = (floors(Watch(), images([""] * 20), images([""] * 20, 100), seed)["gap"] for seed in (1, 1, 2))
    assert one == again
    assert one != other


@pytest.mark.parametrize(
    ("groups", "fakes"), [([""] * 5, 9), (["video"] * 20, 9), (["a"] * 18 + ["b"] * 2, 9), ([""] * 20, 2)]
)
def test_too_few_images_have_no_floor(groups, fakes):
    """Fewer than three in a half, one group alone, one group with little beside it, few synthetic images."""
    assert floors(Watch(), images(groups), images([""] * fakes, 100), 0) == {}
