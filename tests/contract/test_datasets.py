"""What every dataset promises, on files in each of its official layouts."""

import dataclasses
import functools
import shutil
from collections import defaultdict
from dataclasses import dataclass
from itertools import product

import pytest

from bench.contracts import Context
from bench.data.pair_check import check_pairs
from bench.images import load_mask, load_rgb
from bench.plugins.overrides import resolve
from bench.plugins.profile import load_profile
from bench.plugins.registry import missing_modules
from tests.conftest import make_pairs
from tests.contract.conftest import REGISTRY, names

DATASETS = names("dataset")
SMALL = {"size": 32, "train": 4, "test": 2}
COUNT = 10


@dataclass(frozen=True)
class Place:
    """Where a layout keeps the pairs of one set, and how it ends the masks' stems."""

    images: str
    masks: str
    mask_suffix: str = ""


def pranet(top, image, mask):
    sets = ("CVC-300", "CVC-ClinicDB", "CVC-ColonDB", "ETIS-LaribPolypDB", "Kvasir")
    train = Place(f"{top}TrainDataset/{image}", f"{top}TrainDataset/{mask}")
    return [train, *(Place(f"{top}TestDataset/{name}/{image}", f"{top}TestDataset/{name}/{mask}") for name in sets)]


def isic(images, masks, suffix, parts):
    return [Place(images.format(part), masks.format(part), suffix) for part in parts]


LAYOUTS = {
    "polyps": [
        pranet(top, image, mask)
        for top, image, mask in product(("", "polyps/"), ("image", "images"), ("mask", "masks"))
    ],
    "isic2016": [
        isic(
            f"{top}ISBI2016_ISIC_Part1_{{}}_Data",
            f"{top}ISBI2016_ISIC_Part1_{{}}_GroundTruth",
            "_Segmentation",
            ("Training", "Test"),
        )
        for top in ("", "isic2016/")
    ],
    "isic2018": [
        isic(
            f"{top}ISIC2018_Task1-2_{{}}_Input",
            f"{top}ISIC2018_Task1_{{}}_GroundTruth",
            "_segmentation",
            ("Training", "Validation", "Test"),
        )
        for top in ("", "isic2018/")
    ],
}
"""Official layouts by dataset. One that is not named here reads `images/` and `masks/` of the folder it is given."""
PLAIN = [[Place(f"image{s}", f"mask{s}")] for s in ("", "s")]


def write(root, place, count=COUNT, prefix="s", seed=0):
    """`count` pairs where the layout wants them; returns their stems."""
    made = root / "made"
    pairs = make_pairs(made, count, prefix=prefix, seed=seed)
    for folder in (place.images, place.masks):
        (root / folder).mkdir(parents=True, exist_ok=True)
    for pair in pairs:
        pair.image.rename(root / place.images / f"{pair.id}.png")
        pair.mask.rename(root / place.masks / f"{pair.id}{place.mask_suffix}.png")
    shutil.rmtree(made)
    return [pair.id for pair in pairs]


def write_groups(root, stems):
    """A manifest that puts two frames each into one sequence; datasets that know no manifest leave it alone."""
    rows = [f"{stem},sequence-{number // 2}" for number, stem in enumerate(stems)]
    (root / "manifest.csv").write_text("\n".join(["id,group", *rows]), encoding="utf-8")


def opened(name, root):
    cls = REGISTRY.load("dataset", name)
    if missing_modules(cls):
        pytest.skip(f"{name} needs {', '.join(missing_modules(cls))}")
    params = resolve(cls, "dataset", name, load_profile("demo"))
    known = {field.name for field in dataclasses.fields(params)}
    return cls(dataclasses.replace(params, **{key: value for key, value in SMALL.items() if key in known}), root)


@pytest.fixture(scope="module")
def variants(tmp_path_factory):
    """`variants(name)`: the dataset opened on each of its layouts, the files made once."""

    @functools.cache
    def make(name):
        if REGISTRY.load("dataset", name).generated:
            return [built(name, tmp_path_factory.mktemp(name), seed=0)]
        roots = []
        for layout in LAYOUTS.get(name, PLAIN):
            roots.append(tmp_path_factory.mktemp(name))
            stems = [write(roots[-1], place, prefix=f"p{n}-", seed=n) for n, place in enumerate(layout)]
            write_groups(roots[-1], stems[0])
        return [opened(name, root) for root in roots]

    return make


def built(name, root, seed):
    dataset = opened(name, root)
    work = root.with_name(f"{root.name}-work")
    work.mkdir()
    dataset.build(root, Context(seed=seed, workdir=work))
    return dataset


def tree(folder):
    """Bytes of every file below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def listed(dataset):
    return {split: dataset.samples(split) for split in dataset.splits()}


@pytest.mark.parametrize("name", DATASETS)
def test_every_layout_is_read_whole(name, variants):
    """Each file the layout holds is in exactly one split, and no split of it is empty."""
    for dataset in variants(name):
        splits = listed(dataset)
        assert "train" in splits
        assert any(split.startswith("test/") for split in splits)
        assert all(splits.values()), [split for split, samples in splits.items() if not samples]
        files = [file for samples in splits.values() for pair in samples for file in (pair.image, pair.mask)]
        assert sorted(files) == sorted(dataset.root.rglob("*.png"))


@pytest.mark.parametrize("name", DATASETS)
def test_samples_are_sorted_unique_and_whole_pairs(name, variants):
    """Ids sorted and unique in a split; image and mask are files of one name and one size, with a prompt."""
    for dataset in variants(name):
        for samples in listed(dataset).values():
            ids = [pair.id for pair in samples]
            assert ids == sorted(set(ids))
            for pair in samples:
                assert pair.image.stem == pair.id
                assert pair.mask.stem.startswith(pair.id)
                assert load_rgb(pair.image).shape[:2] == load_mask(pair.mask).shape
                assert pair.prompt


@pytest.mark.parametrize("name", DATASETS)
def test_listing_is_deterministic_and_opens_no_image(name, variants, monkeypatch):
    """A second object lists the same samples while Pillow is forbidden to open a file."""
    for dataset in variants(name):
        first = listed(dataset)
        with monkeypatch.context() as patch:
            patch.setattr("PIL.Image.open", lambda *_: pytest.fail("samples() opened an image"))
            assert listed(opened(name, dataset.root)) == first


@pytest.mark.parametrize("name", DATASETS)
def test_reading_and_checking_leave_the_users_files_alone(name, variants):
    """Good files pass the engine's check, and no byte below the root changes."""
    for dataset in variants(name):
        before = tree(dataset.root)
        for samples in listed(dataset).values():
            check_pairs(samples, allow_empty=False)
        assert tree(dataset.root) == before


@pytest.mark.parametrize("name", DATASETS)
def test_expected_counts_are_of_declared_splits(name, variants):
    """A published count of a split that does not exist would never warn."""
    for dataset in variants(name):
        assert set(dataset.expected) <= set(dataset.splits())


@pytest.mark.parametrize("name", DATASETS)
def test_a_stand_in_is_a_generated_dataset(name, variants):
    """What steps in where there are no files must need none."""
    for dataset in variants(name):
        assert not dataset.stand_in or REGISTRY.load("dataset", dataset.stand_in).generated


@pytest.mark.parametrize("name", DATASETS)
def test_a_dataset_that_draws_its_splits_keeps_groups_whole(name, variants):
    """Frames of one sequence never stand on both sides; published splits are taken as they are."""
    if "split_seed" not in {field.name for field in dataclasses.fields(REGISTRY.load("dataset", name).Params)}:
        pytest.skip("has published splits")
    for dataset in variants(name):
        splits_of = defaultdict(set)
        for split, samples in listed(dataset).items():
            for pair in samples:
                splits_of[pair.group].add(split)
        assert len(splits_of) == COUNT // 2
        assert all(len(splits) == 1 for splits in splits_of.values())


@pytest.mark.parametrize("name", DATASETS)
def test_generated_files_follow_the_seed(name, variants, tmp_path):
    """Built again: the same bytes. With another seed: no image is the same."""
    (dataset, *_) = variants(name)
    if not dataset.generated:
        pytest.skip("reads the user's files")
    for seed, equal in ((0, True), (1, False)):
        (tmp_path / str(seed)).mkdir()
        other = built(name, tmp_path / str(seed), seed)
        for split, samples in listed(dataset).items():
            pairs = zip(samples, other.samples(split), strict=True)
            assert all((a.image.read_bytes() == b.image.read_bytes()) == equal for a, b in pairs)


def test_layouts_are_of_known_datasets():
    """A renamed plugin would otherwise lose its layouts without a word."""
    assert set(LAYOUTS) <= set(REGISTRY.names("dataset"))
