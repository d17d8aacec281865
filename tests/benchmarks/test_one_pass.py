"""One pass over the images serves every metric: time against torch-fidelity's separate runs, and peak memory.

Both sides look through the same network, Inception with random weights, at the same files; they run one after the other
in one process and share the machine's mood.
"""

import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from torch_fidelity import calculate_metrics

import bench
from bench.contracts import Context, ImageSet, Sample, Space
from bench.data.pixel_cache import Picture
from bench.files.atomic import sha256_file
from bench.images import save_png
from bench.plugins.registry import Registry
from metrics.extractors import inception
from tests.conftest import extraction_of
from tests.golden.random_weights import random_inception_file

COUNT, SIZE = 64, 384
CTX = Context(seed=0, workdir=Path())
LEAST_SHARE, LEAST_RATIO = 0.93, 2.5
MOST_OF_OTHERS = 0.25
MOST_BYTES = 2.5e9


@dataclass
class Run:
    """What one pass took in seconds, what of it was spent inside the network, and what came out."""

    seconds: float = 0.0
    forward: float = 0.0
    images: int = 0
    values: dict[str, float] = field(default_factory=dict)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return random_inception_file(tmp_path_factory.mktemp("inception"))


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Two folders of PNG files; the second is of another palette."""
    return [photos(tmp_path_factory.mktemp(name), COUNT, SIZE, seed) for seed, name in enumerate(("real", "fake"))]


def photos(folder, count, size, seed):
    """Smooth colour fields with a little noise, which compress as photographs do."""
    rng = np.random.default_rng(seed)
    for index in range(count):
        coarse = rng.integers(0, 255 - 80 * seed, (6, 6, 3), dtype=np.uint8)
        smooth = np.asarray(Image.fromarray(coarse).resize((size, size), Image.Resampling.BICUBIC), dtype=float)
        noisy = smooth + rng.normal(0, 4, smooth.shape)
        save_png(folder / f"{index:04d}.png", noisy.clip(0, 255).astype(np.uint8))
    return folder


def samples_of(folder):
    return tuple(Sample(id=path.stem, image=path, mask=Path()) for path in sorted(folder.glob("*.png")))


@pytest.fixture(scope="module")
def ours(weights, folders):
    """FID, KID and PRDC from one pass, from the files to the numbers; the imports lie before."""
    extractor, metrics = counted(weights), [plugin(name) for name in ("fid", "kid", "prdc")]
    import_all(metrics)
    started = time.perf_counter()
    extraction, sets = extraction_of(extractor, CTX), []
    for folder in folders:
        samples = samples_of(folder)
        pictures = [Picture(sample.image) for sample in samples]
        sets.append(ImageSet(samples, extraction.features(pictures)))
    for metric in metrics:
        found = metric.score(*sets, Space(extractor.label), CTX)
        extractor.run.values |= {name: score.value for name, score in found.items()}
    extractor.run.seconds = time.perf_counter() - started
    return extractor.run


def import_all(metrics):
    """Metrics import what they need when they first score."""
    rng = np.random.default_rng(0)
    nothing = tuple(Sample(id=str(number), image=Path(), mask=Path()) for number in range(12))
    one, other = (ImageSet(nothing, rng.random((12, 4), dtype=np.float32)) for _ in range(2))
    for metric in metrics:
        assert metric.score(one, other, Space("any"), CTX)


def plugin(name):
    cls = Registry().load("metric", name)
    return cls(cls.Params())


def counted(weights):
    """Inception with these weights, which notes the time inside its network and the images that go through."""
    run = Run()

    class Counted(inception.Inception):
        sha256 = sha256_file(weights)

        def open(self, ctx):
            network = super().open(ctx)
            forward = network.forward

            def timed(pixels):
                started = time.perf_counter()
                found = forward(pixels)
                run.forward += time.perf_counter() - started
                run.images += len(pixels)
                return found

            network.forward = timed
            return network

    extractor = Counted(inception.Params(weights=str(weights)))
    extractor.run = run
    return extractor


def separately(weights, folders):
    """torch-fidelity asked three times, as its command line is; KID over all images, which is what ours is."""
    real, fake = folders
    asked = [{"fid": True}, {"kid": True, "kid_subsets": 1, "kid_subset_size": COUNT}, {"prc": True}]
    found = Run()
    started = time.perf_counter()
    for options in asked:
        found.values |= calculate_metrics(
            input1=str(fake), input2=str(real), feature_extractor="inception-v3-compat",
            feature_extractor_weights_path=str(weights),
            cuda=False, save_cpu_ram=True, cache=False, verbose=False, **options,
        )  # fmt: skip
    found.seconds = time.perf_counter() - started
    return found


@pytest.mark.slow
@pytest.mark.benchmark(group="one pass")
def test_the_time_goes_into_the_network(benchmark, ours):
    """Every image once, and reading, statistics and floors are what is left of the time."""
    benchmark.pedantic(lambda: None, rounds=1)
    share = ours.forward / ours.seconds
    benchmark.extra_info |= {"seconds": round(ours.seconds, 1), "forward_share": round(share, 3)}
    assert ours.images == 2 * COUNT
    assert share >= LEAST_SHARE


@pytest.mark.slow
@pytest.mark.benchmark(group="one pass")
def test_one_pass_is_faster_than_three(benchmark, ours, weights, folders):
    """FID, KID, precision and recall: the values torch-fidelity gives, in at most two fifths of its time."""
    theirs = benchmark.pedantic(separately, (weights, folders), rounds=1)
    ratio = theirs.seconds / ours.seconds
    benchmark.extra_info |= {"times_faster": round(ratio, 2), "seconds": round(ours.seconds, 1)}
    same = {
        "FID": "frechet_inception_distance",
        "KID": "kernel_inception_distance_mean",
        "precision-Inception": "precision",
        "recall-Inception": "recall",
    }
    for name, key in same.items():
        assert ours.values[name] == pytest.approx(theirs.values[key], rel=1e-4), name
    assert ours.values["FID"] > 0.1, "equal sets prove nothing"
    assert ratio >= LEAST_RATIO


@pytest.mark.slow
@pytest.mark.benchmark(group="one pass")
def test_copying_costs_at_most_a_quarter_of_the_other_metrics(benchmark, folders, tmp_path):
    """Processor time of all metrics that train nothing, without `copying` and with it; the imports lie before."""
    others = [name for name in Registry().names("metric") if name not in ("copying", "alignment")]
    few = [photos(tmp_path / name, 16, 64, seed) for seed, name in enumerate(("real", "fake"))]

    def spent(metrics, sets, results):
        started = time.process_time()
        assert bench.evaluate(*sets, metrics, results=tmp_path / results, device="cpu")
        return time.process_time() - started

    spent([*others, "copying"], few, "imports")
    without = spent(others, folders, "without")
    together = benchmark.pedantic(spent, ([*others, "copying"], folders, "together"), rounds=1)
    benchmark.extra_info |= {"share": round(together / without - 1, 3), "seconds": round(without, 1)}
    assert together <= (1 + MOST_OF_OTHERS) * without


EVALUATE = """
import sys
from pathlib import Path
from bench.contracts import ImageSet, Space
from bench.data.pixel_cache import Picture
from metrics.extractors import lite0
from tests.benchmarks.test_one_pass import CTX, plugin, samples_of
from tests.conftest import extraction_of

extractor = lite0.Lite0(lite0.Params())
extraction, sets = extraction_of(extractor, CTX), []
for folder in map(Path, sys.argv[1:]):
    samples = samples_of(folder)
    pictures = [Picture(sample.image) for sample in samples]
    sets.append(ImageSet(samples, extraction.features(pictures)))

def measured(pairs):
    return extraction.distances([(Picture(one.image), Picture(other.image)) for one, other in pairs])

for name in ("fid", "kid", "prdc", "lpips"):
    metric = plugin(name)
    assert metric.score(*sets, Space(extractor.look(metric.uses).label, measured), CTX)
# Of this program alone: the system's own maximum goes on with that of the process that started it.
peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(int(peak.split()[1]) * 1024)
"""


@pytest.mark.slow
@pytest.mark.benchmark(group="memory of one pass")
def test_memory_stays_below_two_and_a_half_gigabytes(benchmark, tmp_path):
    """A process of its own that looks at 2 × 1,450 images through Lite0 and scores them: its largest resident set."""
    folders = [photos(tmp_path / name, 1450, 256, seed) for seed, name in enumerate(("real", "fake"))]
    command = [sys.executable, "-c", EVALUATE, *map(str, folders)]
    root = Path(__file__).parents[2]

    def evaluate():
        return subprocess.run(command, capture_output=True, text=True, check=True, cwd=root).stdout

    peak = int(benchmark.pedantic(evaluate, rounds=1))
    benchmark.extra_info["peak_gb"] = round(peak / 1e9, 2)
    assert peak < MOST_BYTES
