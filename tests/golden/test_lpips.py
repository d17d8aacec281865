"""Perceptual distances are those of the package `lpips`, and the offline ones keep the order of what they compare."""

import functools
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("lpips")

import lpips as package
import torch
from PIL import Image, ImageFilter

from bench.contracts import Context
from bench.data.pixel_cache import Picture
from bench.errors import BenchError
from bench.files.atomic import sha256_file
from bench.images import save_png
from metrics.extractors import lite0, lpips
from metrics.extractors._unstarted import Unstarted
from tests.conftest import extraction_of, refused
from tests.golden.random_weights import save_trap

CTX = Context(seed=0, workdir=Path())
NETS = tuple(lpips.TRUNKS)


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Five smooth colour images of three sizes."""
    rng, folder = np.random.default_rng(0), tmp_path_factory.mktemp("photos")
    paths = []
    for index, size in enumerate([(96, 64), (96, 64), (50, 70), (96, 64), (120, 120)]):
        small = Image.fromarray(rng.integers(0, 255, (9, 9, 3), dtype=np.uint8))
        paths.append(folder / f"{index}.png")
        save_png(paths[-1], np.asarray(small.resize(size, Image.Resampling.BICUBIC)))
    return paths


@pytest.fixture(scope="module")
def twin_of():
    """`make(net)`: the package's own distance with random numbers in its trunk; once each, for it takes seconds."""

    @functools.cache
    def make(net):
        torch.manual_seed(0)
        with Unstarted():
            twin = package.LPIPS(net=net, pnet_rand=True, verbose=False)
        for name, weight in twin.net.state_dict().items():
            if name.endswith("bias"):
                torch.nn.init.normal_(weight, std=0.1)
            else:
                # He's scale: with torch's default the signal dies and every comparison would hold.
                torch.nn.init.kaiming_normal_(weight, nonlinearity="relu")
        return twin

    return make


@pytest.fixture(scope="module")
def random_trunk(twin_of, tmp_path_factory):
    """`make(net)`: the twin's trunk in a file as torchvision saves them, and its sha256."""
    folder = tmp_path_factory.mktemp("trunks")

    @functools.cache
    def make(net):
        path = folder / lpips.TRUNKS[net].file
        full = twin_of(net).net.state_dict()
        state = {f"features.{name.partition('.')[2]}": weight for name, weight in full.items()}
        torch.save({**state, "classifier.6.bias": torch.zeros(1000)}, path)
        return path, sha256_file(path)

    return make


@pytest.fixture
def extractor_of(random_trunk, monkeypatch):
    def make(net, **params):
        path, sha256 = random_trunk(net)
        monkeypatch.setitem(lpips.TRUNKS, net, replace(lpips.TRUNKS[net], sha256=sha256))
        return lpips.Lpips(lpips.Params(net=net, weights=str(path), **params))

    return make


def measured(extractor, pairs, ctx=CTX):
    pictures = [(Picture(one), Picture(other)) for one, other in pairs]
    return extraction_of(extractor, ctx).distances(pictures)


def all_pairs(paths):
    return [(one, other) for one in paths for other in paths]


@pytest.mark.filterwarnings("ignore::UserWarning:torchvision.*")
@pytest.mark.parametrize(("net", "size"), [("alex", 256), ("alex", 64), ("vgg", 64), ("squeeze", 96)])
def test_lpips_is_the_packages(net, size, twin_of, extractor_of, photos):
    """Its own forward on the same weights, its own reading of files, one pair at a time; its learnt weights."""
    twin = twin_of(net)

    def tensor(path):
        return package.im2tensor(np.asarray(Image.open(path).resize((size, size), Image.Resampling.BICUBIC)))

    pairs = all_pairs(photos[1:4])
    with torch.inference_mode():
        theirs = [float(twin(tensor(one), tensor(other))) for one, other in pairs]
    ours = measured(extractor_of(net, size=size, batch=3), pairs)
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
    assert min(value for value, (one, other) in zip(theirs, pairs, strict=True) if one != other) > 1e-2


def test_lite0_distances_are_literal(photos):
    """Written out image by image from timm's stages: unit length, squares, mean over places, mean of stages."""
    pytest.importorskip("timm")
    extractor = lite0_extractor()
    network = lite0.load_network(extractor.weights())

    def stages(path):
        pixels = np.asarray(Image.open(path).resize((256, 256), Image.Resampling.BICUBIC))
        image = (torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None] / 255 - 0.5) / 0.5
        with torch.inference_mode():
            found = network.forward_intermediates(image, intermediates_only=True)
        return [(stage / stage.square().sum(1, keepdim=True).sqrt())[0].numpy() for stage in found]

    def literal(one, other):
        return np.mean([((a - b) ** 2).sum(0).mean() for a, b in zip(stages(one), stages(other), strict=True)])

    pairs = all_pairs(photos[:3])
    np.testing.assert_allclose(measured(extractor, pairs), [literal(*pair) for pair in pairs], rtol=1e-4, atol=1e-6)


def lite0_extractor(**params):
    extractor = lite0.Lite0(lite0.Params(**params))
    if extractor.missing():
        pytest.skip(extractor.missing()[0])
    return extractor


def test_lite0_distances_grow_with_the_damage(tmp_path):
    """A photograph: 0 for itself, little for a blur, more for a shift, a strong blur, another crop, another photo."""
    skimage = pytest.importorskip("skimage")
    data = Path(skimage.__file__).parent / "data"
    whole, other = Image.open(data / "chelsea.png"), Image.open(data / "coffee.png")
    box = (80, 20, 336, 276)
    crop = whole.crop(box)
    variants = {
        "same": crop,
        "blur 1": crop.filter(ImageFilter.GaussianBlur(1)),
        "4 px shift": whole.crop(tuple(edge + 4 for edge in box)),
        "blur 3": crop.filter(ImageFilter.GaussianBlur(3)),
        "other crop": whole.crop((190, 40, 446, 296)),
        "other photo": other.crop(box),
    }
    paths = [tmp_path / f"{name}.png" for name in variants]
    for path, image in zip(paths, variants.values(), strict=True):
        image.save(path)
    found = measured(lite0_extractor(), [(paths[0], path) for path in paths])
    assert found[0] == 0
    assert (np.diff(found) > 0).all(), dict(zip(variants, found, strict=True))
    assert found[1] < 0.5 * found[2]
    assert found[3] < 0.75 * found[4]


@pytest.mark.parametrize("space", ["lite0", "alex"])
def test_a_distance_belongs_to_its_pair_alone(space, extractor_of, photos):
    """Batch, order, sides exchanged, neighbours of another size, readers: the same to 1e-5; equal images are at 0."""

    def make(batch):
        return lite0_extractor(batch=batch) if space == "lite0" else extractor_of(space, size=64, batch=batch)

    pairs = all_pairs(photos)
    alone = measured(make(1), pairs)
    order = np.random.default_rng(0).permutation(len(pairs))
    shuffled = measured(make(4), [pairs[row][::-1] for row in order], replace(CTX, workers=2))
    np.testing.assert_allclose(shuffled, alone[order], rtol=1e-5, atol=1e-6)
    same = np.array([one == other for one, other in pairs])
    assert (alone[same] == 0).all()
    assert (alone[~same] > 1e-2).all()


def test_labels_carry_net_and_size():
    """What a column is called: never LPIPS on another network, never without the size it depends on."""
    extractor = lpips.Lpips(lpips.Params(net="vgg", size=384))
    assert extractor.look("distances").label == "LPIPS-vgg@384"
    assert "384 × 384" in extractor.look("distances").resize
    assert extractor.sha256.startswith("397923af")
    own = lite0.Lite0(lite0.Params())
    assert [own.look(uses).label for uses in ("features", "distances")] == ["Lite0", "Lite0@256"]
    assert "224" not in own.look("distances").resize


def test_file_names_carry_the_sha256():
    """torchvision's rule: eight digits in the name are the first of the sha256 that is asked for."""
    from torchvision.models import get_model_weights

    models = {"alex": "alexnet", "vgg": "vgg16", "squeeze": "squeezenet1_1"}
    for net, trunk in lpips.TRUNKS.items():
        address = lpips.Lpips(lpips.Params(net=net)).address
        assert address == get_model_weights(models[net]).IMAGENET1K_V1.url
        assert address.endswith(f"/{trunk.file}")
        assert trunk.file.endswith(f"-{trunk.sha256[:8]}.pth")
        assert len(trunk.sha256) == 64


def test_the_file_is_found_in_a_folder_and_in_torch_hubs(random_trunk, extractor_of, tmp_path, monkeypatch):
    """Its path, the folder it lies in, or nothing at all where torch hub has it."""
    path, _ = random_trunk("squeeze")
    assert extractor_of("squeeze").weights() == path
    assert lpips.Lpips(lpips.Params(net="squeeze", weights=str(path.parent))).missing() == ()
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    (line,) = lpips.Lpips(lpips.Params(net="squeeze")).missing()
    place = tmp_path / "hub" / "checkpoints" / lpips.TRUNKS["squeeze"].file
    assert str(place) in line
    assert "--weights DIR" in line
    place.parent.mkdir(parents=True)
    place.symlink_to(path)
    assert lpips.Lpips(lpips.Params(net="squeeze")).missing() == ()


@pytest.mark.parametrize("content", [None, b"", b"not weights"])
def test_a_path_that_was_given_must_be_the_file(tmp_path, content):
    path = tmp_path / "weights.pth"
    if content is not None:
        path.write_bytes(content)
    refused(
        lambda: lpips.Lpips(lpips.Params(weights=str(path))).check_params(1),
        "lpips.weights=",
        "weights.pth",
        "alexnet-owt",
    )


def test_code_inside_a_weight_file_never_runs(tmp_path):
    mark, path = tmp_path / "ran", tmp_path / "trap.pth"
    save_trap(path, "features.0.weight", mark)
    with pytest.raises(pickle.UnpicklingError):
        lpips.load_distance("squeeze", path)
    assert not mark.exists()


def test_download_asks_torchvision_for_the_known_bytes(random_trunk, extractor_of, tmp_path, monkeypatch, photos):
    """Once, with the whole sha256; without the network one line says what to do."""
    path, sha256 = random_trunk("squeeze")
    extractor_of("squeeze")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    asked = []

    def fetch(url, target, hash_prefix):
        asked.append((url.rpartition("/")[2], hash_prefix))
        Path(target).symlink_to(path)

    monkeypatch.setattr(torch.hub, "download_url_to_file", fetch)
    extractor = lpips.Lpips(lpips.Params(net="squeeze", size=64))
    with pytest.raises(BenchError, match="no such file"):
        measured(extractor, [photos[:2]])
    for _ in range(2):
        assert measured(extractor, [photos[:2]], replace(CTX, download=True)) > 0
    assert asked == [(path.name, sha256)]

    def offline(*_, **__):
        raise OSError("Name or service not known")

    monkeypatch.setattr(torch.hub, "download_url_to_file", offline)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "empty"))
    refused(lambda: measured(extractor, [photos[:2]], replace(CTX, download=True)), "--download", "put it at")
