"""Keys and seeds depend on what they should and on nothing else."""

import pytest

from bench.identity import canonical, derive_seed, key


def test_order_of_fields_plays_no_part():
    assert key({"a": 1, "b": [2, 3]}) == key({"b": [2, 3], "a": 1})


def test_a_key_is_stable_across_releases():
    """A changed rule would make every stored artefact unknown: then SCHEMA must rise."""
    assert key({"a": 1, "b": 0.5}) == "2e76599baa1e42fd9bf6253fdc2bf4ea1317abe64622c63aeb6c862f4b705306"


def test_nan_has_no_identity():
    with pytest.raises(ValueError, match="JSON"):
        canonical({"a": float("nan")})


def test_seeds_differ_by_repeat_stage_and_plugin_and_fit_every_library():
    seeds = {derive_seed(b, r, s, p) for b in (0, 1) for r in (0, 1) for s in ("fit", "sample") for p in ("x", "y")}
    assert len(seeds) == 16
    assert all(0 <= seed < 2**63 for seed in seeds)
