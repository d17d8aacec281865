"""CLIP features are open_clip's: its transform, its network with QuickGELU, OpenAI's file format."""

import socket
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("open_clip")

import open_clip
import torch
from open_clip.model import convert_weights_to_fp16
from PIL import Image

from bench.contracts import Context
from bench.errors import BenchError
from metrics.extractors import _clip, clip_b32, clip_l14_336
from tests.conftest import features_of
from tests.golden.random_weights import knowing, save_archive, smooth_photos

CTX = Context(seed=0, workdir=Path())
SPACES = {
    "b32": (clip_b32, clip_b32.ClipB32, "ViT-B-32-quickgelu"),
    "l14-336": (clip_l14_336, clip_l14_336.ClipL14At336, "ViT-L-14-336-quickgelu"),
}


TEXT = {"width": 64, "heads": 1, "layers": 1, "vocab_size": 99}
"""The other tower, which no image goes through, can be as small as the format allows."""
SHALLOW = {"layers": 2, "width": 128, "patch_size": 32, "image_size": 224}


def make_clip(space, folder, **towers):
    """(extractor's class that knows the file, Params, the file, open_clip's model with its weights, its transform)."""
    module, cls, name = SPACES[space]
    torch.manual_seed(0)
    model, _, transform = open_clip.create_model_and_transforms(name, text_cfg=TEXT, **towers)
    convert_weights_to_fp16(model)
    save_archive(model, folder / "random.pt")
    return knowing(cls, folder / "random.pt"), module.Params, folder / "random.pt", model.float().eval(), transform


@pytest.fixture(scope="module", params=["b32", pytest.param("l14-336", marks=pytest.mark.slow)])
def random_clip(request, tmp_path_factory):
    """The published image tower with random numbers."""
    return make_clip(request.param, tmp_path_factory.mktemp("clip"))


@pytest.fixture(scope="module")
def shallow_clip(tmp_path_factory):
    """For what does not depend on the tower's depth."""
    return make_clip("b32", tmp_path_factory.mktemp("shallow"), vision_cfg=SHALLOW)


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    return smooth_photos(tmp_path_factory.mktemp("photos"))


def refuse(*_, **__):
    pytest.fail("this must not be called")


def test_features_are_open_clips_transform_and_encode_image(random_clip, photos, monkeypatch):
    """One image at a time through open_clip's own model and transform: equal to 1e-5, and not normalised.

    No address is ever looked up: the hub has no part in it.
    """
    cls, params, path, model, transform = random_clip
    with torch.inference_mode():
        twin = torch.cat([model.encode_image(transform(Image.open(photo))[None]) for photo in photos]).numpy()
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    found = features_of(cls(params(weights=str(path))), photos, None, CTX)
    assert (found.shape, found.dtype) == ((len(photos), cls.dim), np.float32)
    np.testing.assert_allclose(found, twin, rtol=0, atol=1e-5 * np.abs(twin).max())
    assert np.abs(np.linalg.norm(found, axis=1) - 1).min() > 0.1, "raw embeddings, of any length"
    assert np.abs(twin[0] - twin[1]).max() > 1e-2 * np.abs(twin).max(), "different images, equal features"


def test_a_row_belongs_to_its_image_alone(shallow_clip, photos):
    """Batch size, order, neighbours of another size and the number of readers change nothing beyond 1e-5."""
    cls, params, path, *_ = shallow_clip
    alone = features_of(cls(params(weights=str(path), batch=1)), photos, None, CTX)
    order = [3, 0, 4, 2, 1]
    batched = cls(params(weights=str(path), batch=4))
    together = features_of(batched, [photos[index] for index in order], None, replace(CTX, workers=2))
    np.testing.assert_allclose(together, alone[order], rtol=0, atol=1e-5 * np.abs(alone).max())


def test_a_network_with_the_wrong_activation_is_refused(shallow_clip, monkeypatch):
    """open_clip builds these networks with GELU too, and says nothing: other features by far more than rounding."""
    _, _, path, model, _ = shallow_clip
    with_gelu = open_clip.model.CLIP(**_config(model), quick_gelu=False)
    with_gelu.load_state_dict(model.state_dict())
    pixels = torch.randn(1, 3, *model.visual.image_size)
    with torch.inference_mode():
        apart = (with_gelu.eval().encode_image(pixels) - model.encode_image(pixels)).abs().max()
    assert apart > 1e-3, "the trap does not show in the features"
    monkeypatch.setattr(open_clip, "load_openai_model", lambda *_, **__: with_gelu)
    with pytest.raises(BenchError, match="with GELU in place of QuickGELU") as caught:
        _clip.load_tower(path)
    assert "\n" not in str(caught.value)


def _config(model):
    side, width = model.visual.image_size[0], model.visual.conv1.out_channels
    vision = open_clip.CLIPVisionCfg(
        layers=len(model.visual.transformer.resblocks), width=width, patch_size=model.visual.patch_size[0],
        image_size=side,
    )  # fmt: skip
    text = open_clip.CLIPTextCfg(
        width=model.ln_final.weight.shape[0], heads=model.ln_final.weight.shape[0] // 64,
        layers=len(model.transformer.resblocks), vocab_size=len(model.token_embedding.weight),
    )  # fmt: skip
    return {"embed_dim": model.text_projection.shape[1], "vision_cfg": vision, "text_cfg": text}


def test_an_archive_that_lacks_a_tensor_is_refused(shallow_clip, tmp_path):
    """Loading is strict, so nothing keeps its random start."""
    _, _, _, model, _ = shallow_clip
    kept = model.visual.ln_post.bias
    model.visual.ln_post.bias = None
    try:
        save_archive(model, tmp_path / "short.pt")
    finally:
        model.visual.ln_post.bias = kept
    with pytest.raises(RuntimeError, match="visual.ln_post.bias"):
        _clip.load_tower(tmp_path / "short.pt")


@pytest.mark.parametrize("space", SPACES)
def test_other_bytes_are_refused_before_anything_reads_them(space, tmp_path, monkeypatch):
    """The published sha256 alone is accepted; neither torch nor open_clip sees a file without it."""
    module, cls, _ = SPACES[space]
    path = tmp_path / module.FILE
    path.write_bytes(b"not weights")
    for owner, name in ((torch, "load"), (torch.jit, "load"), (open_clip, "load_openai_model")):
        monkeypatch.setattr(owner, name, refuse)
    extractor = cls(module.Params(weights=str(tmp_path)))
    for action in (lambda: extractor.check_params(1), lambda: extractor.open(CTX)):
        with pytest.raises(BenchError, match=rf"{module.FILE}: sha256 is .*expected {module.SHA256[:8]}"):
            action()


@pytest.mark.parametrize("space", SPACES)
def test_the_file_is_the_one_open_clip_fetches(space):
    """Address, and with it name and sha256, as open_clip knows them for OpenAI's weights of this architecture."""
    _, cls, name = SPACES[space]
    assert cls.address == open_clip.get_pretrained_url(name, "openai")
    assert cls.sha256 in cls.address
