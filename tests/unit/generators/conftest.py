"""Sets of generators, made in a folder of the test."""

from __future__ import annotations

import pytest

from bench.contracts import Context
from bench.datasets.phantom import Phantom
from bench.images import load_mask, load_rgb


@pytest.fixture(scope="session")
def phantoms(tmp_path_factory):
    """`phantoms(train)`: so many training pairs."""

    def build(train, size=64):
        root = tmp_path_factory.mktemp("phantom")
        dataset = Phantom(Phantom.Params(train=train, test=2, size=size), root)
        dataset.build(root, Context(seed=0, workdir=root))
        return dataset.samples("train")

    return build


@pytest.fixture
def made(tmp_path):
    """`made(generator, train)`: images and masks by id, sampled with `seed` from the training pairs or others."""

    def make(generator, train, conditions=None, seed=0):
        place, ctx = tmp_path / f"{type(generator).__name__}-{seed}", Context(seed=seed, workdir=tmp_path)
        for folder in (place / "model", place / "out"):
            folder.mkdir(parents=True, exist_ok=True)
        conditions = train if conditions is None else conditions
        generator.fit(train, place / "model", ctx)
        generator.sample(conditions, place / "model", place / "out", ctx)
        masks = {pair.id: place / "out" / "masks" / f"{pair.id}.png" for pair in conditions}
        return {
            pair.id: (
                load_rgb(place / "out" / "images" / f"{pair.id}.png"),
                load_mask(masks[pair.id] if masks[pair.id].exists() else pair.mask),
            )
            for pair in conditions
        }

    return make
