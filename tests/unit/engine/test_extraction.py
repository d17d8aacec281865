"""Each image goes through a network once, and not at all when its row is known."""

import shutil
import threading
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from bench.contracts import Context, Extractor, Network, param
from bench.data.pixel_cache import Picture, PixelCache
from bench.engine.actions import perform
from bench.engine.extraction import FOLDER, Extraction, OpenExtractor
from bench.engine.job import Job
from bench.images import load_rgb
from bench.plan.actions import Features
from bench.plan.stage import DATA, Ref
from bench.plugins.resolved import ResolvedPlugin
from bench.store.artefacts import Store, Workspace
from tests.conftest import Said, extraction_of, refused

CTX = Context(seed=0, workdir=Path())


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
def cached(tmp_path):
    """A context with a cache, where rows are kept."""
    return replace(CTX, cache=tmp_path / "cache")


def pictures_of(paths, size=None, view=0):
    return [Picture(path, size, view) for path in paths]


def look(extractor, pictures, ctx=CTX):
    return extraction_of(extractor, ctx).features(pictures)


def literal(paths):
    return np.stack([Quarters.quarters(load_rgb(path)) for path in paths])


def test_each_image_goes_through_the_network_once(paths):
    """Forwards are exactly the images, in batches of the asked size; row i belongs to image i."""
    extractor = Quarters()
    assert np.array_equal(look(extractor, pictures_of(paths)), literal(paths))
    assert extractor.batches == [4, 4, 3]
    assert extractor.opened == 1


@pytest.mark.parametrize(("batch", "workers"), [(1, 0), (3, 2), (64, 3)])
def test_batch_order_and_workers_change_nothing(paths, cached, batch, workers):
    order = np.random.default_rng(0).permutation(len(paths))
    found = look(Quarters(batch), pictures_of([paths[i] for i in order]), replace(cached, workers=workers))
    assert np.array_equal(found, literal(paths)[order])


def test_known_rows_cost_nothing(paths, cached):
    """A second time no network is opened; one image more is one forward; the rows are the same bytes."""
    first = look(Quarters(), pictures_of(paths[:-1]), cached)
    again = Quarters()
    assert look(again, pictures_of(paths[:-1]), cached).tobytes() == first.tobytes()
    assert (again.opened, again.forwards) == (0, 0)
    more = look(again, pictures_of(paths), cached)
    assert again.forwards == 1
    assert np.array_equal(more, literal(paths))


def test_a_network_stays_open_until_another_is_looked_through(paths):
    """Two sets one after the other load it once; only one network is held at a time."""
    network, one, other = OpenExtractor(), Quarters(), Quarters()
    for extractor in (one, one, other, one):
        replace(extraction_of(extractor, CTX), network=network).features(pictures_of(paths))
    assert (one.opened, other.opened) == (2, 1)


def test_pair_distances_use_the_open_network(paths):
    extractor, pairs = Quarters(), [(Picture(paths[0]), Picture(paths[1]))]
    extraction = extraction_of(extractor, CTX)
    first, second = (extraction.distances(pairs) for _ in range(2))
    assert extractor.opened == 1
    assert np.array_equal(first, second)


def test_an_empty_set_opens_nothing(cached):
    extractor = Quarters()
    assert look(extractor, [], cached).shape == (0, 12)
    assert extraction_of(extractor, CTX).distances([]).shape == (0,)
    assert extractor.opened == 0


@pytest.mark.parametrize("keeps", [True, False])
def test_equal_files_are_looked_at_once(paths, cached, tmp_path, keeps):
    """Bytes decide, not names: a copy elsewhere and the same path twice cost nothing, and share a row."""
    copy = tmp_path / "elsewhere" / "other name.png"
    copy.parent.mkdir()
    shutil.copy(paths[0], copy)
    extractor = Quarters()
    found = look(extractor, pictures_of([copy, *paths, paths[0]]), cached if keeps else CTX)
    assert extractor.forwards == len(paths)
    assert np.array_equal(found, literal([copy, *paths, paths[0]]))


def test_what_changes_a_row_makes_another(paths, cached):
    """Another size, view, parameter, version or weight file finds nothing of the rows that are there."""
    usual = {"name": "quarters", "version": 1}

    def forwards(identity=usual, weights="0" * 64, **where):
        extractor = Quarters()
        extractor.sha256 = weights
        extraction = Extraction(
            ResolvedPlugin(kind="extractor", name="quarters", plugin=extractor, identity=identity), cached
        )
        extraction.features(pictures_of(paths[:2], **where))
        return extractor.forwards

    assert forwards() == 2
    assert forwards() == 0
    assert forwards(size=(16, 16)) == 2
    assert forwards(view=4) == 2
    assert forwards({**usual, "params": {"net": "other"}}) == 2
    assert forwards({**usual, "version": 2}) == 2
    assert forwards(weights="1" * 64) == 2


def test_a_damaged_row_is_computed_again(paths, cached):
    """Cut at any length, a bit turned anywhere, emptied, or a folder in its place gone: the same features."""
    whole = look(Quarters(), pictures_of(paths[:1]), cached)
    (file,) = (path for path in (cached.cache / FOLDER).rglob("*") if path.is_file())
    data = file.read_bytes()
    damaged = [data[:length] for length in range(len(data))] + [data + b"\0"]
    damaged += [bytes([*data[:at], data[at] ^ 1, *data[at + 1 :]]) for at in range(len(data))]
    for number, bad in enumerate(damaged):
        file.write_bytes(bad)
        extractor, told = Quarters(), Said()
        found = look(extractor, pictures_of(paths[:1]), replace(cached, progress=told))
        assert found.tobytes() == whole.tobytes()
        (line,) = told.lines
        assert line.startswith(f"{file}: damaged")
        assert extractor.forwards == 1, number
        assert file.read_bytes() == data
    shutil.rmtree(cached.cache)
    assert look(Quarters(), pictures_of(paths[:1]), cached).tobytes() == whole.tobytes()


def test_a_kill_loses_no_finished_batch(paths, cached):
    """Rows are kept batch by batch, and no half-written file is left."""

    class Killed(Quarters):
        def features(self, images):
            if len(self.batches) == 2:
                raise KeyboardInterrupt
            return super().features(images)

    with pytest.raises(KeyboardInterrupt):
        look(Killed(), pictures_of(paths), cached)
    extractor = Quarters()
    assert np.array_equal(look(extractor, pictures_of(paths), cached), literal(paths))
    assert extractor.forwards == len(paths) - 8
    assert not list(cached.cache.rglob("*.part"))


def test_several_extractors_decode_an_image_once(paths):
    pixels = PixelCache()
    for extractor in (Quarters(), Quarters(2), Quarters(64)):
        replace(extraction_of(extractor, CTX), pixels=pixels).features(pictures_of(paths))
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

    refused(lambda: look(Wrong(), pictures_of(paths)), "tried", "features", "(4, 12)")


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
        refused(lambda one=extractor: extraction_of(one, CTX).distances(pairs), "tried", said)
    assert threading.active_count() == before, "a reader is left behind"


def test_a_file_that_is_gone_is_named(paths, cached):
    for ctx in (cached, CTX):
        refused(lambda ctx=ctx: look(Quarters(), pictures_of([*paths, Path("gone.png")]), ctx), "gone.png")


@pytest.mark.parametrize("batch", [1, 3, 64])
@pytest.mark.parametrize("workers", [0, 2])
def test_distances_look_at_each_picture_once(paths, batch, workers):
    """Pairs in any order, of a picture with itself, repeated: the literal distances, one forward a picture."""
    rng = np.random.default_rng(0)
    chosen = [tuple(rng.integers(0, len(paths), 2)) for _ in range(40)] + [(3, 3), (0, 1), (0, 1)]
    chosen += [(i, i) for i in range(len(paths))]
    rows, extractor = literal(paths), Quarters(batch)
    pairs = [(Picture(paths[one]), Picture(paths[other])) for one, other in chosen]
    found = extraction_of(extractor, replace(CTX, workers=workers)).distances(pairs)
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
        extraction_of(extractor, CTX).distances(chain)
        assert extractor.forwards == len(paths)
        assert extractor.most <= 3 * batch + 1


def test_a_stage_keeps_rows_of_its_weights_apart(pairs, tmp_path):
    """The same extractor with another weight file computes its rows anew."""
    samples = pairs(3)
    ctx = replace(CTX, cache=tmp_path / "cache")
    for weights, forwards in (("0" * 64, 3), ("0" * 64, 0), ("1" * 64, 3)):
        extractor = Quarters()
        extractor.sha256 = weights
        chosen = ResolvedPlugin(
            kind="extractor", name="quarters", plugin=extractor, identity={"name": "quarters", "version": 1}
        )
        stage = Features(label="features", extractor=chosen, of=Ref(DATA, "d"))
        workspace = Workspace(tmp_path, tmp_path)
        perform(stage, Job(store=Store(tmp_path), splits={"d": samples}, workspace=workspace, ctx=ctx))
        assert extractor.forwards == forwards
