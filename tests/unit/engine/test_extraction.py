"""Each image goes through a network once, and not at all when its row is known."""

import shutil
import threading
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from bench.contracts import Context, Extractor, Network, param
from bench.data.pixel_cache import Picture, PixelCache
from bench.engine.actions import run_features
from bench.engine.extraction import Rows, distances, embed
from bench.engine.job import Job
from bench.engine.networks import Networks
from bench.images import load_rgb
from tests.conftest import Said, refused

CTX = Context(0, Path())


@dataclass(frozen=True)
class Params:
    batch: int = param(4, "images in one forward pass", key=False)


class Quarters(Extractor, Network):
    """Mean colours of an image's four quarters; counts what it is asked for."""

    version = 1
    label, backbone, resize, sha256 = "Quarters", "means", "none", "0" * 64
    gives = ("features", "distances")
    dim = 12
    Params = Params

    def __init__(self, batch=4):
        super().__init__(Params(batch))
        self.opened, self.batches, self.alive, self.most = 0, [], 0, 0

    @property
    def forwards(self):
        return sum(self.batches)

    def open(self, ctx):
        self.opened += 1
        return self

    def features(self, images):
        self.batches.append(len(images))
        return np.stack([self.quarters(image) for image in images])

    @staticmethod
    def quarters(image):
        height, width, _ = image.shape
        parts = [image[: height // 2], image[height // 2 :]]
        halves = [half for part in parts for half in (part[:, : width // 2], part[:, width // 2 :])]
        return np.concatenate([half.mean((0, 1)) for half in halves]).astype(np.float32)

    def activations(self, images):
        return [Held(self, row) for row in self.features(images)]

    def distances(self, pairs):
        return np.array([np.abs(one.row - other.row).mean() for one, other in pairs], dtype=np.float32)


class Held:
    """An activation that knows how many others are alive."""

    def __init__(self, network, row):
        self.network, self.row = network, row
        network.alive += 1
        network.most = max(network.most, network.alive)

    def __del__(self):
        self.network.alive -= 1


@pytest.fixture
def paths(pairs):
    return [pair.image for pair in pairs(11)]


@pytest.fixture
def rows(tmp_path):
    return Rows(tmp_path / "cache", {"name": "quarters", "version": 1})


def pictures_of(paths, size=None, view=0):
    return [Picture(path, size, view) for path in paths]


def look(extractor, pictures, rows=None, ctx=CTX):
    return embed(extractor, "quarters", pictures, rows, PixelCache(), ctx)


def literal(paths):
    return np.stack([Quarters.quarters(load_rgb(path)) for path in paths])


def test_each_image_goes_through_the_network_once(paths):
    """Forwards are exactly the images, in batches of the asked size; row i belongs to image i."""
    extractor = Quarters()
    assert np.array_equal(look(extractor, pictures_of(paths)), literal(paths))
    assert extractor.batches == [4, 4, 3]
    assert extractor.opened == 1


@pytest.mark.parametrize(("batch", "workers"), [(1, 0), (3, 2), (64, 3)])
def test_batch_order_and_workers_change_nothing(paths, rows, batch, workers):
    order = np.random.default_rng(0).permutation(len(paths))
    found = look(Quarters(batch), pictures_of([paths[i] for i in order]), rows, replace(CTX, workers=workers))
    assert np.array_equal(found, literal(paths)[order])


def test_known_rows_cost_nothing(paths, rows):
    """A second time no network is opened; one image more is one forward; the rows are the same bytes."""
    first = look(Quarters(), pictures_of(paths[:-1]), rows)
    again = Quarters()
    assert look(again, pictures_of(paths[:-1]), rows).tobytes() == first.tobytes()
    assert (again.opened, again.forwards) == (0, 0)
    more = look(again, pictures_of(paths), rows)
    assert again.forwards == 1
    assert np.array_equal(more, literal(paths))


def test_a_network_stays_open_until_another_is_looked_through(paths):
    """Two sets one after the other load it once; only one network is held at a time."""
    networks, one, other = Networks(), Quarters(), Quarters()
    for extractor in (one, one, other, one):
        embed(extractor, "quarters", pictures_of(paths), None, PixelCache(), CTX, networks)
    assert (one.opened, other.opened) == (2, 1)


def test_pair_distances_use_the_open_network(paths):
    networks, extractor = Networks(), Quarters()
    pairs = [(Picture(paths[0]), Picture(paths[1]))]
    first, second = (distances(extractor, "quarters", pairs, PixelCache(), CTX, networks) for _ in range(2))
    assert extractor.opened == 1
    assert np.array_equal(first, second)


def test_an_empty_set_opens_nothing(rows):
    extractor = Quarters()
    assert look(extractor, [], rows).shape == (0, 12)
    assert distances(extractor, "quarters", [], PixelCache(), CTX).shape == (0,)
    assert extractor.opened == 0


@pytest.mark.parametrize("cached", [True, False])
def test_equal_files_are_looked_at_once(paths, rows, tmp_path, cached):
    """Bytes decide, not names: a copy elsewhere and the same path twice cost nothing, and share a row."""
    copy = tmp_path / "elsewhere" / "other name.png"
    copy.parent.mkdir()
    shutil.copy(paths[0], copy)
    extractor = Quarters()
    found = look(extractor, pictures_of([copy, *paths, paths[0]]), rows if cached else None)
    assert extractor.forwards == len(paths)
    assert np.array_equal(found, literal([copy, *paths, paths[0]]))


def test_what_changes_a_row_makes_another(paths, rows):
    """Another size, view, parameter or weight file finds nothing of the rows that are there."""
    look(Quarters(), pictures_of(paths[:2]), rows)
    others = [
        (pictures_of(paths[:2], size=(16, 16)), rows),
        (pictures_of(paths[:2], view=4), rows),
        (pictures_of(paths[:2]), replace(rows, identity={**rows.identity, "params": {"net": "other"}})),
        (pictures_of(paths[:2]), replace(rows, identity={**rows.identity, "weights": "1" * 64})),
        (pictures_of(paths[:2]), replace(rows, identity={**rows.identity, "version": 2})),
    ]
    for pictures, where in others:
        extractor = Quarters()
        look(extractor, pictures, where)
        assert extractor.forwards == 2


def test_a_damaged_row_is_computed_again(paths, rows):
    """Cut at any length, a bit turned anywhere, emptied, or a folder in its place gone: the same features."""
    whole = look(Quarters(), pictures_of(paths[:1]), rows)
    (file,) = (path for path in rows.folder.rglob("*") if path.is_file())
    data = file.read_bytes()
    damaged = [data[:length] for length in range(len(data))] + [data + b"\0"]
    damaged += [bytes([*data[:at], data[at] ^ 1, *data[at + 1 :]]) for at in range(len(data))]
    for number, bad in enumerate(damaged):
        file.write_bytes(bad)
        extractor, told = Quarters(), Said()
        found = look(extractor, pictures_of(paths[:1]), rows, replace(CTX, progress=told))
        assert found.tobytes() == whole.tobytes()
        assert told.lines == [f"{file}: damaged in the cache, and made anew"]
        assert extractor.forwards == 1, number
        assert file.read_bytes() == data
    shutil.rmtree(rows.folder)
    assert look(Quarters(), pictures_of(paths[:1]), rows).tobytes() == whole.tobytes()


def test_a_kill_loses_no_finished_batch(paths, rows):
    """Rows are kept batch by batch, and no half-written file is left."""

    class Killed(Quarters):
        def features(self, images):
            if len(self.batches) == 2:
                raise KeyboardInterrupt
            return super().features(images)

    with pytest.raises(KeyboardInterrupt):
        look(Killed(), pictures_of(paths), rows)
    extractor = Quarters()
    assert np.array_equal(look(extractor, pictures_of(paths), rows), literal(paths))
    assert extractor.forwards == len(paths) - 8
    assert not list(rows.folder.rglob("*.part"))


def test_several_extractors_decode_an_image_once(paths):
    pixels = PixelCache()
    for extractor in (Quarters(), Quarters(2), Quarters(64)):
        embed(extractor, "quarters", pictures_of(paths), None, pixels, CTX)
    assert pixels.decoded == len(paths)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda rows: rows[:-1],
        lambda rows: rows[:, :5],
        lambda rows: rows.astype(np.float64),
        list,
        lambda _: None,
    ],
)
def test_what_breaks_the_contract_is_named(paths, wrong):
    """Rows missing, too short, of another type or no array: one line with the extractor's name and what was due."""

    class Wrong(Quarters):
        def features(self, images):
            return wrong(super().features(images))

    refused(lambda: look(Wrong(), pictures_of(paths)), "quarters", "features", "(4, 12)")


def test_distances_that_break_the_contract_are_named(paths):
    class Doubles(Quarters):
        def distances(self, pairs):
            return super().distances(pairs).astype(np.float64)

    class Fewer(Quarters):
        def activations(self, images):
            return super().activations(images)[1:]

    pairs = list(zip(pictures_of(paths), pictures_of(paths[::-1]), strict=True))
    before = threading.active_count()
    for extractor, said in ((Doubles(), "float64 (4,)"), (Fewer(), "activations of 3 images")):
        refused(lambda one=extractor: distances(one, "quarters", pairs, PixelCache(), CTX), "quarters", said)
    assert threading.active_count() == before, "a reader is left behind"


def test_a_file_that_is_gone_is_named(paths, rows):
    for where in (rows, None):
        refused(lambda where=where: look(Quarters(), pictures_of([*paths, Path("gone.png")]), where), "gone.png")


@pytest.mark.parametrize("batch", [1, 3, 64])
@pytest.mark.parametrize("workers", [0, 2])
def test_distances_look_at_each_picture_once(paths, batch, workers):
    """Pairs in any order, of a picture with itself, repeated: the literal distances, one forward a picture."""
    rng = np.random.default_rng(0)
    chosen = [tuple(rng.integers(0, len(paths), 2)) for _ in range(40)] + [(3, 3), (0, 1), (0, 1)]
    chosen += [(i, i) for i in range(len(paths))]
    rows, extractor = literal(paths), Quarters(batch)
    pairs = [(Picture(paths[one]), Picture(paths[other])) for one, other in chosen]
    found = distances(extractor, "quarters", pairs, PixelCache(), replace(CTX, workers=workers))
    expected = [np.abs(rows[one] - rows[other]).mean() for one, other in chosen]
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, np.array(expected, dtype=np.float32))
    assert extractor.forwards == len(paths)
    assert extractor.opened == 1
    assert extractor.alive == 0


def test_activations_are_held_no_longer_than_needed(pairs):
    """Along a chain of pairs the number alive follows the batch, not the set."""
    paths = [pair.image for pair in pairs(60)]
    chain = [(Picture(one), Picture(other)) for one, other in zip(paths, paths[1:], strict=False)]
    for batch in (1, 4):
        extractor = Quarters(batch)
        distances(extractor, "quarters", chain, PixelCache(), CTX)
        assert extractor.forwards == len(paths)
        assert extractor.most <= 3 * batch + 1


def test_a_stage_keeps_rows_of_its_weights_apart(pairs, tmp_path):
    """The same extractor with another weight file computes its rows anew."""
    from bench.plan.stage import DATA, Ref, Stage
    from bench.plugins.resolved import ResolvedPlugin
    from bench.store.artefacts import Store, Workspace

    samples = pairs(3)
    ctx = replace(CTX, cache=tmp_path / "cache")
    for weights, forwards in (("0" * 64, 3), ("0" * 64, 0), ("1" * 64, 3)):
        extractor = Quarters()
        extractor.sha256 = weights
        chosen = ResolvedPlugin("extractor", "quarters", extractor, {"name": "quarters", "version": 1})
        stage = Stage("features", chosen, 0, {"images": Ref(DATA, "d")}, "features", {"size": None})
        workspace = Workspace(tmp_path, tmp_path)
        run_features(Job(stage, Store(tmp_path), {"d": samples}, workspace, ctx, PixelCache()))
        assert extractor.forwards == forwards
