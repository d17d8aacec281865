"""An imported checkpoint predicts what the authors' code predicts, and its keys are those diffusers knows."""

import pytest
import torch
from diffusers import ControlNetModel, DDIMScheduler
from diffusers.loaders.single_file_utils import (
    convert_controlnet_checkpoint,
    convert_ldm_unet_checkpoint,
    convert_ldm_vae_checkpoint,
)
from safetensors.torch import save_file

from bench.cli import run
from generators.diffusion.base_model.model import SCHEDULER, load_base
from generators.diffusion.base_model.shapes import meta_base
from generators.diffusion.checkpoint_import.folder import load_imported
from generators.diffusion.checkpoint_import.names import control_names, text_names, unet_names, vae_names
from generators.diffusion.conditioning.control import encode, hint_features, run_controlnet
from generators.siamese import Params, Siamese
from tests.golden.test_siamese_parity import WANT, batch, close  # noqa: F401 (the fixture)
from tests.ldm_layout import FACTS, parity_state, whole_state, write_base

FORMATS = {
    "safetensors": save_file,
    "pth": torch.save,
    "ckpt": lambda state, path: torch.save({"epoch": 1, "state_dict": state}, path),
}


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return write_base(tmp_path_factory.mktemp("base") / "base model")


def imported(tmp_path, base, state, kind):
    file, out = tmp_path / f"weights.{kind}", tmp_path / "made" / "folder"
    FORMATS[kind](state, file)
    words = ["import-checkpoint", str(file), "--generator", "siamese", "--set", f"siamese.base={base}"]
    assert run([*words, "--out", str(out)]) == 0
    return out


BY_DEFAULT = {("safetensors", False), ("ckpt", True)}
CASES = [
    pytest.param(
        kind, whole, id=f"{kind}-{'whole' if whole else 'trained-parts'}",
        marks=[] if (kind, whole) in BY_DEFAULT else pytest.mark.slow,
    )
    for kind in FORMATS for whole in (False, True)
]  # fmt: skip


@torch.no_grad()
@pytest.mark.parametrize(("kind", "whole"), CASES)
def test_noise_predictions_are_those_of_the_authors_code(tmp_path, base, batch, kind, whole):  # noqa: F811
    out = imported(tmp_path, base, whole_state(base) if whole else parity_state(), kind)
    loaded = load_base(str(out))
    nets = Siamese(Params(checkpoint=str(out))).method(loaded, 0).nets
    load_imported(out, nets.controlnet)
    noisy = batch.noisy(batch.latents, DDIMScheduler(**SCHEDULER).alphas_cumprod)
    encoded = encode(nets.unet, noisy, batch.t, batch.context)
    c_m, c_i = (
        run_controlnet(nets.controlnet, noisy, batch.t, batch.context, hint_features(nets.controlnet, hint))
        for hint in (batch.mask, batch.image)
    )
    close(nets.decoder(encoded, c_m), WANT["eps_mask"])
    close(nets.decoder(encoded, [m + 0.5 * i for m, i in zip(c_m, c_i, strict=True)]), WANT["eps_mix"])


def test_vae_and_text_encoder_come_out_as_they_went_in(tmp_path, base):
    """The base of the import has other weights than the checkpoint: the checkpoint's must be the ones that arrive."""
    state = whole_state(base)
    for key, value in state.items():
        if key.startswith(("first_stage_model.", "cond_stage_model.")) and value.is_floating_point():
            state[key] = value + 1
    was, now = load_base(str(base)), load_base(str(imported(tmp_path, base, state, "pth")))
    for part in ("vae", "text_encoder"):
        before, after = getattr(was, part).state_dict(), getattr(now, part).state_dict()
        assert before.keys() == after.keys()
        assert all(torch.equal(before[name] + 1, after[name]) for name in before)


@pytest.fixture(scope="module")
def stable_diffusion():
    """Stable Diffusion 1.5's shapes without weights."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("generators.diffusion.base_model.shapes.base_folder", lambda _: None)
        return meta_base("stable-diffusion-v1-5")


def as_checkpoint(names, module):
    values = module.state_dict()
    return {key: values[name] for key, name in names.items()}


def test_every_key_of_stable_diffusion_1_5_is_diffusers_own(stable_diffusion):
    """diffusers' converters are the oracle: each of our keys is read back by them as the entry it stands for."""
    unet, vae = stable_diffusion.unet, stable_diffusion.vae
    state = as_checkpoint(unet_names(unet), unet)
    back = convert_ldm_unet_checkpoint(dict(state), dict(unet.config))
    assert len(state) == 686
    assert {name: id(value) for name, value in back.items()} == {
        name: id(state[key]) for key, name in unet_names(unet).items()
    }
    state = as_checkpoint(vae_names(vae), vae)
    back = convert_ldm_vae_checkpoint(dict(state), dict(vae.config))
    assert len(state) == 248
    assert {name: id(value) for name, value in back.items()} == {
        name: id(state[key]) for key, name in vae_names(vae).items()
    }
    names = text_names(stable_diffusion.text_encoder)
    assert len(names) == 196
    assert "cond_stage_model.transformer.text_model.encoder.layers.11.self_attn.q_proj.weight" in names
    assert "cond_stage_model.transformer.text_model.embeddings.token_embedding.weight" in names


def test_every_key_of_controlnets_own_layout_is_diffusers_own(stable_diffusion):
    with torch.device("meta"):
        controlnet = ControlNetModel.from_unet(stable_diffusion.unet)
    state = as_checkpoint(control_names(controlnet), controlnet)
    back = convert_controlnet_checkpoint(dict(state), dict(controlnet.config))
    assert len(state) == 340
    assert {name: id(value) for name, value in back.items()} == {
        name: id(state[key]) for key, name in control_names(controlnet).items()
    }


def test_the_full_size_layout_is_the_parity_layout_made_wider(stable_diffusion):
    """Dense Hint Input's keys have their published shapes but for the last convolution's width."""
    with torch.device("meta"):
        controlnet = Siamese(Params()).method(stable_diffusion, 0).nets.controlnet
    state = as_checkpoint(control_names(controlnet), controlnet)
    hint = {key: list(value.shape) for key, value in state.items() if "input_hint_block.0." in key}
    assert hint == {key: shape for key, shape in FACTS["state"].items() if "input_hint_block.0." in key}
    assert list(state["control_model.input_hint_block.1.weight"].shape) == [320, 256, 3, 3]
    assert len([key for key in state if "zero_convs" in key]) == 2 * 12
    assert sum(value.numel() for value in state.values()) == 361_279_120 - 1_086_480 + 3_263_872
