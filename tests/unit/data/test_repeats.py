"""Pairs that stand several times in a set have ids of their own."""

from pathlib import Path

from bench.contracts import Sample
from bench.data.repeats import refuse_taken_names, repeat_to
from tests.conftest import refused


def split(*names):
    return tuple(Sample(id=name, image=Path(name), mask=Path(f"{name}-mask")) for name in names)


def test_repeated_pairs_are_as_many_as_asked_and_each_has_an_id_of_its_own():
    """Every pair equally often, some once more; copies say what they copy."""
    samples = split("a", "b", "c")
    for count in (3, 4, 6, 11):
        made = repeat_to(samples, count, 0)
        assert len({sample.id for sample in made}) == len(made) == count
        often = [sum(sample.image == one.image for sample in made) for one in samples]
        assert max(often) - min(often) <= 1
        assert {sample.source or sample.id for sample in made} == {"a", "b", "c"}
    assert repeat_to(samples, 3, 0) == samples


def test_a_second_sample_never_takes_a_pairs_name():
    """It would lie in that pair's file."""
    samples = tuple(Sample(id=name, image=Path("a"), mask=Path("b")) for name in ("x", "x-copy2", "y-copy3"))
    refused(lambda: refuse_taken_names(samples, 2), "--multiple 2", "x-copy2", "rename")
    refuse_taken_names(samples, 1)
    refuse_taken_names(samples[1:], 4)


def test_the_seed_draws_what_is_repeated_once_more():
    samples = split(*"abcdefgh")
    assert repeat_to(samples, 12, 0) == repeat_to(samples, 12, 0)
    assert {repeat_to(samples, 12, seed) for seed in range(9)} != {repeat_to(samples, 12, 0)}
