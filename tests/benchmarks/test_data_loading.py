"""Share of a training step at demo size that goes into reading, augmenting and resizing its batch."""

import time

import pytest

pytest.importorskip("torch")

from bench.contracts import Context, Quiet, Sample
from segmenters.training import loop
from segmenters.training.batches import Source, open_source
from segmenters.training.data import decode_pairs
from tests.conftest import make_pairs
from tests.contract.conftest import build

SEGMENTERS = ("unet", "sanet", "polyp-pvt", "ctnet", "segformer")
IMAGES = 40
MOST_SHARE = 0.10
LEAST_TIMES = 5


@pytest.fixture
def spent(monkeypatch):
    """Processor seconds in everything that stands between the cache and the network, in a list of one."""
    seconds = [0.0]

    def watch(owner, name):
        inner = getattr(owner, name)

        def timed(*arguments):
            started = time.process_time()
            try:
                return inner(*arguments)
            finally:
                seconds[0] += time.process_time() - started

        monkeypatch.setattr(owner, name, timed)

    watch(Source, "make")
    watch(loop, "to_tensors")
    watch(loop, "resized")
    return seconds


@pytest.mark.slow
@pytest.mark.parametrize("name", SEGMENTERS)
@pytest.mark.benchmark(group="data loading")
def test_the_time_of_training_goes_into_the_network(name, benchmark, spent, tmp_path):
    """All changes of the published recipe included; two sources, so that colours are exchanged."""
    segmenter = build("segmenter", name)
    recipe, ctx = segmenter.recipe(), Context(seed=0, workdir=tmp_path)
    samples = make_pairs(tmp_path, IMAGES - 10, 256) + tuple(
        Sample(id=pair.id, image=pair.image, mask=pair.mask)
        for pair in make_pairs(tmp_path, 10, 256, seed=1, prefix="t")
    )
    source = open_source(samples, recipe.size, recipe.batch, recipe.scales, recipe.augmentation, ctx)
    training = loop._Training(model=segmenter.seeded(0), recipe=recipe, source=source, ctx=ctx)
    training.epoch(0, Quiet())
    spent[0], started = 0.0, time.process_time()
    benchmark.pedantic(training.epoch, (1, Quiet()), rounds=1)
    total = time.process_time() - started
    share = spent[0] / total
    benchmark.extra_info |= {
        "share": round(share, 4),
        "ms_a_step": round(1000 * total / source.updates, 1),
        "ms_of_data_a_step": round(1000 * spent[0] / source.updates, 2),
    }
    assert spent[0] > 0
    assert share < MOST_SHARE


@pytest.mark.slow
@pytest.mark.benchmark(group="decode cache")
def test_known_pairs_open_five_times_faster_than_new_ones(benchmark, tmp_path):
    """Files as large as a colonoscope's, at the published size; hashing and checking included."""
    samples, cache = make_pairs(tmp_path, 30, 1000), tmp_path / "cache"

    def opened():
        started = time.process_time()
        decode_pairs(samples, 352, False, Context(seed=0, workdir=tmp_path, cache=cache))
        return time.process_time() - started

    new, known = opened(), benchmark.pedantic(opened, rounds=1)
    benchmark.extra_info |= {"new_ms": round(1000 * new / 30, 2), "known_ms": round(1000 * known / 30, 2)}
    assert new / known >= LEAST_TIMES
