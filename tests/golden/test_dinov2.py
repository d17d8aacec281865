"""DINOv2 features are the class token of the authors' network at 224 px, from their own files."""

import pickle
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("timm")

import timm
import torch
import torch.nn.functional as f
from torchvision import transforms as t

from bench.contracts import Context
from bench.images import load_rgb
from metrics.extractors import _dinov2, dinov2_l14, dinov2_s14
from tests.conftest import features_of
from tests.golden.random_weights import knowing, save_trap, smooth_photos

CTX = Context(seed=0, workdir=Path())
SPACES = [
    pytest.param(dinov2_s14, dinov2_s14.DinoV2S14, "vit_small_patch14_dinov2.lvd142m", id="s14"),
    pytest.param(
        dinov2_l14, dinov2_l14.DinoV2L14, "vit_large_patch14_dinov2.lvd142m", id="l14", marks=pytest.mark.slow
    ),
]


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    return smooth_photos(tmp_path_factory.mktemp("photos"))


def random_weights(architecture, path):
    """The authors' format: timm's names, positions of 37 × 37 patches, and the mask token."""
    torch.manual_seed(0)
    weights = timm.create_model(architecture, pretrained=False, num_classes=0).state_dict()
    weights = {name: torch.randn_like(tensor) * 0.05 + (tensor.ndim == 1) for name, tensor in weights.items()}
    torch.save({**weights, "mask_token": torch.zeros(1, weights["pos_embed"].shape[2])}, path)
    return weights


@pytest.mark.parametrize(("module", "cls", "architecture"), SPACES)
def test_features_are_the_class_token_of_the_network_written_out(module, cls, architecture, photos, tmp_path):
    """The authors' file through plain formulas, behind torchvision's transforms: equal to 1e-4."""
    weights = random_weights(architecture, tmp_path / "random.pth")
    prepare = t.Compose([
        t.ToPILImage(), t.Resize((224, 224), t.InterpolationMode.BICUBIC), t.ToTensor(),
        t.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
    ])  # fmt: skip
    photos = photos[1:4]
    with torch.inference_mode():
        wanted = class_token(weights, torch.stack([prepare(load_rgb(photo)) for photo in photos])).numpy()
    extractor = knowing(cls, tmp_path / "random.pth")(module.Params(weights=str(tmp_path / "random.pth"), batch=2))
    found = features_of(extractor, photos, None, CTX)
    assert (found.shape, found.dtype) == ((len(photos), cls.dim), np.float32)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-4 * np.abs(wanted).max())
    assert np.abs(wanted[0] - wanted[1]).max() > 1e-2 * np.abs(wanted).max(), "different images, equal features"


def class_token(w, pixels):
    """Vision transformer with layer scale, heads of 64, norms with eps 1e-6."""

    def norm(x, name):
        return f.layer_norm(x, x.shape[-1:], w[f"{name}.weight"], w[f"{name}.bias"], eps=1e-6)

    def linear(x, name):
        return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]

    patches = f.conv2d(pixels, w["patch_embed.proj.weight"], w["patch_embed.proj.bias"], stride=14)
    x = torch.cat([w["cls_token"].expand(len(pixels), 1, -1), patches.flatten(2).transpose(1, 2)], dim=1)
    x = x + _dinov2.fewer_positions(w["pos_embed"], 16)
    for block in sorted({".".join(name.split(".")[:2]) for name in w if name.startswith("blocks.")}, key=by_number):
        parts = linear(norm(x, f"{block}.norm1"), f"{block}.attn.qkv").unflatten(2, (3, -1, 64))
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        seen = (query @ key.transpose(2, 3) / 8).softmax(-1) @ value
        x = x + w[f"{block}.ls1.gamma"] * linear(seen.transpose(1, 2).flatten(2), f"{block}.attn.proj")
        hidden = f.gelu(linear(norm(x, f"{block}.norm2"), f"{block}.mlp.fc1"))
        x = x + w[f"{block}.ls2.gamma"] * linear(hidden, f"{block}.mlp.fc2")
    return norm(x, "norm")[:, 0]


def by_number(block):
    return int(block.split(".")[1])


def test_positions_are_interpolated_as_the_authors_code_does():
    """Bicubic with a = -3/4 of the 4 × 4 nearest, no antialias: patch i of 16 lies at (i + 1/2) 37 / 16.1 - 1/2."""
    torch.manual_seed(0)
    embedding = torch.randn(1, 1 + 37 * 37, 1)
    found = _dinov2.fewer_positions(embedding, 16)
    assert found.shape == (1, 1 + 16 * 16, 1)
    assert found[0, 0, 0] == embedding[0, 0, 0]
    grid = embedding[0, 1:, 0].view(37, 37).double().numpy()
    for row, column in ((1, 1), (4, 9), (14, 13)):
        down, right = taps(row), taps(column)
        wanted = sum(a * b * grid[y, x] for y, a in down for x, b in right)
        assert found[0, 1 + row * 16 + column, 0] == pytest.approx(wanted, abs=1e-4)


def taps(index):
    """The four places along one axis, with their weights."""
    at = (index + 0.5) * 37 / 16.1 - 0.5
    first = int(np.floor(at)) - 1
    return [(place, cubic(abs(at - place))) for place in range(first, first + 4)]


def cubic(x, a=-0.75):
    return (a + 2) * x**3 - (a + 3) * x**2 + 1 if x <= 1 else a * (x**3 - 5 * x**2 + 8 * x - 4)


def test_code_inside_a_weight_file_never_runs(tmp_path):
    """Even with the right sha256, a file that holds more than tensors is refused."""
    mark, path = tmp_path / "ran", tmp_path / "trap.pth"
    save_trap(path, "mask_token", mark)
    with pytest.raises(pickle.UnpicklingError):
        _dinov2.load_network("vit_small_patch14_dinov2.lvd142m", path)
    assert not mark.exists()


@pytest.mark.parametrize("cls", [dinov2_s14.DinoV2S14, dinov2_l14.DinoV2L14])
def test_the_file_is_the_one_timm_knows(cls):
    """The address of the authors' file as timm has it, for the architecture that is built."""
    architecture = f"vit_{'small' if cls.dim == 384 else 'large'}_patch14_dinov2.lvd142m"
    assert cls.address == timm.get_pretrained_cfg(architecture).url
