"""Decoded pairs: once for all trainings, whole or made anew; and the order of batches."""

import dataclasses
import multiprocessing

import numpy as np
import pytest

from bench.contracts import Context
from bench.errors import BenchError
from bench.images import load_grey, load_mask, load_rgb, save_png
from segmenters.training import data
from segmenters.training.data import decode_pairs, epoch_batches
from tests.conftest import Said, make_pairs


@pytest.fixture
def samples(tmp_path):
    return make_pairs(tmp_path, 3, 24)


@pytest.fixture
def decoded(monkeypatch):
    """Images that were decoded since, by name."""
    names = []

    def counted(path, size=None):
        names.append(path.stem)
        return load_rgb(path, size)

    monkeypatch.setattr(data, "load_rgb", counted)
    return names


def context(tmp_path, name, cache="cache"):
    (tmp_path / name).mkdir(exist_ok=True)
    return Context(seed=0, workdir=tmp_path / name, cache=tmp_path / cache if cache else None)


def test_a_pair_is_what_the_files_hold(samples, tmp_path):
    """Hard masks 0 and 1, soft ones in grey levels, in the order that is asked for, repeats included."""
    hard, soft = (decode_pairs(samples, 16, soft, context(tmp_path, "a")) for soft in (False, True))
    for rows in ([0, 1, 2], [2, 0, 2]):
        images, masks = hard.read(rows)
        np.testing.assert_array_equal(images, [load_rgb(samples[row].image, (16, 16)) for row in rows])
        np.testing.assert_array_equal(masks, [load_mask(samples[row].mask, (16, 16)) for row in rows])
        np.testing.assert_array_equal(soft.read(rows)[1], [load_grey(samples[row].mask, (16, 16)) for row in rows])
    assert len(np.unique(soft.read([0])[1])) > 2


def test_a_second_training_decodes_nothing(samples, decoded, tmp_path):
    """Another row, seed or segmenter with a folder of its own, and the same pairs under other names."""
    decode_pairs(samples, 16, False, context(tmp_path, "a"))
    assert sorted(decoded) == ["s000", "s001", "s002"]
    renamed = tuple(dataclasses.replace(sample, id=f"x{sample.id}") for sample in samples)
    pairs = decode_pairs((*reversed(renamed), renamed[0]), 16, False, context(tmp_path, "b"))
    assert len(decoded) == 3
    np.testing.assert_array_equal(pairs.read([3])[0][0], load_rgb(samples[0].image, (16, 16)))


def test_another_size_kind_of_mask_or_pixel_is_another_pair(samples, decoded, tmp_path):
    ctx = context(tmp_path, "a")
    for size, soft in ((16, False), (16, True), (8, False)):
        decode_pairs(samples[:1], size, soft, ctx)
    assert len(decoded) == 3
    save_png(samples[0].mask, 255 - load_grey(samples[0].mask))
    pairs = decode_pairs(samples[:1], 16, False, ctx)
    assert len(decoded) == 4
    np.testing.assert_array_equal(pairs.read([0])[1][0], load_mask(samples[0].mask, (16, 16)))


def test_without_a_cache_pairs_lie_in_the_work_folder(samples, decoded, tmp_path):
    for _ in range(2):
        decode_pairs(samples, 16, False, context(tmp_path, "a", cache=None))
    assert len(decoded) == 3
    assert any((tmp_path / "a").rglob("*"))


@pytest.mark.parametrize("damage", [lambda b: b[: len(b) // 2], lambda _: b"", lambda b: bytes([b[0] ^ 1]) + b[1:]])
def test_a_damaged_pair_is_found_and_made_anew(damage, samples, decoded, tmp_path):
    """Cut short, emptied, or with one bit turned over."""
    pairs = decode_pairs(samples, 16, False, context(tmp_path, "a"))
    whole = pairs.paths[1].read_bytes()
    pairs.paths[1].write_bytes(damage(whole))
    told = Said()
    decode_pairs(samples, 16, False, dataclasses.replace(context(tmp_path, "b"), progress=told))
    assert decoded[3:] == ["s001"]
    assert pairs.paths[1].read_bytes() == whole
    (line,) = told.lines
    assert line.startswith(f"{pairs.paths[1]}: damaged")


def test_a_kill_leaves_no_half_of_a_pair(samples, decoded, tmp_path, monkeypatch):
    """Killed before the rename: the next training decodes that pair and none of those that were finished."""

    def killed(part, path):
        if len(decoded) == 2:
            raise KeyboardInterrupt
        part.rename(path)

    with monkeypatch.context() as patched:
        patched.setattr("os.replace", killed)
        with pytest.raises(KeyboardInterrupt):
            decode_pairs(samples, 16, False, context(tmp_path, "a"))
    decode_pairs(samples, 16, False, context(tmp_path, "a"))
    assert decoded == ["s000", "s001", "s001", "s002"]


def _decode(arguments):
    samples, ctx = arguments
    pairs = decode_pairs(samples, 16, False, ctx)
    return pairs.read(range(len(pairs)))[0].sum()


def test_runs_at_the_same_time_share_a_cache(samples, tmp_path):
    """Four processes decode into one empty folder: all read whole pairs, and no part is left over."""
    jobs = [(samples, context(tmp_path, f"w{n}")) for n in range(4)]
    with multiprocessing.get_context("fork").Pool(4) as pool:
        sums = pool.map(_decode, jobs)
    assert set(sums) == {sum(load_rgb(sample.image, (16, 16)).sum() for sample in samples)}
    assert len([path for path in (tmp_path / "cache").rglob("*") if path.is_file()]) == 3


def test_a_missing_image_is_named(samples, tmp_path):
    samples[1].image.unlink()
    with pytest.raises(BenchError, match=r"s001\.png: not a readable image .*; replace or remove it"):
        decode_pairs(samples, 16, False, context(tmp_path, "a"))


@pytest.mark.parametrize(
    ("count", "batch", "sizes"),
    [(8, 4, [4, 4]), (9, 4, [4, 5]), (10, 4, [4, 4, 2]), (1, 4, [1]), (3, 1, [1, 1, 1]), (5, 4, [5])],
)
def test_a_last_image_that_would_be_alone_joins_the_batch_before(count, batch, sizes):
    """Every image once an epoch; batches of one are made only where the batch size is one."""
    batches = epoch_batches(count, batch, 3, 7)
    assert [len(rows) for rows in batches] == sizes
    assert sorted(np.concatenate(batches)) == list(range(count))


def test_the_order_hangs_on_seed_and_epoch():
    orders = [np.concatenate(epoch_batches(20, 4, epoch, seed)).tolist() for epoch in (0, 1) for seed in (0, 1)]
    assert len({tuple(order) for order in orders}) == 4
    assert orders[0] == np.concatenate(epoch_batches(20, 4, 0, 0)).tolist()
