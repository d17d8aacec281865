"""Bad checkpoints: one line with file and remedy, every key by name, nothing executed and no half folder left."""

import re
import shutil
import sys
import types
from pathlib import Path

import pytest
import torch
from diffusers import ControlNetModel, StableDiffusionControlNetPipeline, UNet2DConditionModel
from safetensors.torch import load_file, save_file

from bench.cli import run
from bench.contracts import Context
from bench.files.atomic import write_digests
from generators.controlnet import ControlNet
from generators.controlnet import Params as ControlNetParams
from generators.diffusion.base_model.model import load_base
from generators.diffusion.checkpoint_import.conversion import AVERAGED, POSITIONS
from generators.diffusion.checkpoint_import.names import CONTROL, control_names
from generators.diffusion.conditioning.control import build_controlnet
from generators.siamese import Params, Siamese
from tests.conftest import make_pairs, refused
from tests.ldm_layout import narrow_state, state_beside

ZERO = "control_model.zero_convs.3.0.bias"
QUANT = "first_stage_model.quant_conv.weight"
TEXT_NORM = "cond_stage_model.transformer.text_model.final_layer_norm.bias"
DECODER = "model.diffusion_model.out.2.weight"


@pytest.fixture(scope="module")
def base(narrow_base):
    return Path(narrow_base)


@pytest.fixture(scope="module")
def trained(base):
    """The published networks alone."""
    return narrow_state(base)


@pytest.fixture(scope="module")
def whole(trained, base):
    return trained | state_beside(base)


@pytest.fixture
def place(tmp_path, base, capsys):
    """Imports a state (or a file that is there) and returns exit code, printed lines and the error's line."""

    def attempt(state, *more, kind="pth", generator="siamese", source=base):
        file = tmp_path / f"weights.{kind}"
        if state is not None:
            save_file(state, file) if kind == "safetensors" else torch.save(state, file)
        words = ["--generator", generator, "--out", str(tmp_path / "out"), *more]
        code = run(["import-checkpoint", str(file), *words, "--set", f"{generator}.base={source}"])
        printed = capsys.readouterr()
        errors = printed.err.splitlines()
        if not code:
            assert printed.err == ""
        else:
            assert errors[0].startswith("bench: ")
            assert all(line.startswith("  ") for line in errors[1:])
            assert code == 2
            assert str(file) in errors[0] or errors[0].startswith(("bench: --", "bench: generator"))
            assert not [path for path in tmp_path.iterdir() if path.name.startswith(".out")]
        return code, printed.out, printed.err

    return attempt


def test_a_whole_checkpoint_says_what_was_done(place, whole, tmp_path, base):
    code, out, _ = place(whole)
    assert code == 0
    for part in ("controlnet: 156 ", "unet: 208 ", "vae: 180 ", "text_encoder: 20 ", "schedule: 13 buffers"):
        assert part in out
    assert re.search(f"tokenizer: .*{base}", out)
    assert not (tmp_path / "out" / "model_index.json").exists()


@pytest.mark.parametrize("kind", ["pth", "ckpt", "safetensors"])
def test_every_missing_and_every_unexpected_key_is_named(place, whole, tmp_path, kind):
    lost = (ZERO, QUANT, TEXT_NORM, DECODER)
    state = {key: value.contiguous() for key, value in whole.items() if key not in lost}
    extra = ("something.else", "control_model.more.weight", "model.diffusion_model.label_emb.weight",
             "first_stage_model.loss.logvar", "cond_stage_model.logit_scale")  # fmt: skip
    code, _, error = place(state | {key: torch.zeros(1) for key in extra}, kind=kind)
    assert code == 2
    assert "4 missing, 5 unexpected" in error
    lines = [f"  missing: {key}" for key in lost] + [f"  unexpected: {key}" for key in extra]
    assert sorted(error.splitlines()[1:-1]) == sorted(lines)
    assert "--set NAME.base=DIR" in error.splitlines()[-1]
    assert not (tmp_path / "out").exists()


def test_a_whole_level_that_is_missing_is_named_as_itself(place, whole):
    """Not as the last level, nor as entries of another one that have moved."""
    gone = {key for key in whole if "control_model.input_blocks.1." in key}
    code, _, error = place({key: value for key, value in whole.items() if key not in gone})
    assert code == 2
    assert sorted(error.splitlines()[1:-1]) == sorted(f"  missing: {key}" for key in gone)


def test_another_shape_and_another_type_are_named(place, whole):
    code, _, error = place(whole | {ZERO: torch.zeros(7)})
    assert code == 2
    assert f"of another shape: {ZERO} (7,) for (32,)" in error
    assert "missing" not in error
    code, _, error = place(whole | {DECODER: whole[DECODER].long()})
    assert code == 2
    assert f"{DECODER}: int64 for float32" in error


def test_numbers_that_are_not_finite_are_said_to_be_in_the_file(place, whole):
    code, _, error = place(whole | {QUANT: whole[QUANT] * float("nan")})
    assert code == 2
    assert f"not finite, first {QUANT}" in error


def test_another_base_is_refused_with_the_shapes(place, whole):
    code, _, error = place({key: value for key, value in whole.items() if key != "scale_factor"}, source="tiny")
    assert code == 2
    assert "control_model.input_blocks.0.0.weight (16, 4, 3, 3) for (32, 8, 3, 3)" in error
    assert "--set NAME.base=DIR" in error


@pytest.mark.parametrize("key", ["betas", "posterior_mean_coef2"])
def test_another_noise_schedule_is_refused(place, whole, key):
    code, _, error = place(whole | {key: whole[key] * 1.001 + 1e-4})
    assert code == 2
    assert f": {key} " in error


def test_a_schedule_in_half_precision_is_the_same_schedule(place, whole):
    half = {key: value.half() if value.is_floating_point() else value for key, value in whole.items()}
    code, out, _ = place(half)
    assert code == 0
    assert "schedule: 13 buffers" in out


@pytest.mark.parametrize("key", [POSITIONS, "scale_factor"])
def test_entries_beside_the_weights_are_compared(place, whole, key):
    code, _, error = place(whole | {key: whole[key] + 1})
    assert code == 2
    assert key in error


def test_averaged_weights_are_left_out_and_told(place, whole):
    code, out, _ = place(whole | {f"{AVERAGED}{number}": torch.zeros(1) for number in range(3)})
    assert code == 0
    assert f"left out: 3 averaged weights {AVERAGED}*" in out


def test_absent_vae_and_text_encoder_come_from_the_base(place, trained, base, tmp_path):
    code, out, _ = place(trained)
    assert code == 0
    for part, prefix in (("vae", "first_stage_model."), ("text_encoder", "cond_stage_model.")):
        assert f"{part}: the file has no {prefix}*; taken from {base}" in out
    ours, theirs = (load_base(str(folder)).vae.state_dict() for folder in (tmp_path / "out", base))
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_without_a_base_what_is_absent_is_listed(place, trained, tmp_path):
    code, _, error = place(trained, source=tmp_path / "nowhere")
    assert code == 2
    for word in ("first_stage_model.*", "cond_stage_model.*", "tokenizer", "nowhere", "--set NAME.base=DIR"):
        assert word in error


class Intruder:
    """Writes a file when it is unpickled as pickle would."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


@pytest.mark.parametrize("zipped", [True, False])
def test_code_in_the_file_is_refused_and_not_executed(place, whole, tmp_path, zipped):
    path = tmp_path / "executed"
    torch.save(
        {"state_dict": whole, "more": Intruder(path)}, tmp_path / "weights.ckpt", _use_new_zipfile_serialization=zipped
    )
    code, _, error = place(None, kind="ckpt")
    assert code == 2
    assert not path.exists()
    assert "io.open" in error
    assert ".safetensors" in error


def test_what_a_trainer_left_beside_the_weights_does_not_matter(place, whole, tmp_path, monkeypatch):
    """Lightning's files hold objects of its own classes; they are neither needed nor built."""
    parents = ("pytorch_lightning", "pytorch_lightning.callbacks", "pytorch_lightning.callbacks.model_checkpoint")
    for name in parents:
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    module = sys.modules[parents[-1]]

    class ModelCheckpoint:
        def __setstate__(self, state):
            (tmp_path / "executed").touch()

    ModelCheckpoint.__module__, ModelCheckpoint.__qualname__ = module.__name__, "ModelCheckpoint"
    module.ModelCheckpoint = ModelCheckpoint
    callback = ModelCheckpoint()
    callback.best = 1.0
    torch.save({"callbacks": {ModelCheckpoint: callback}, "state_dict": whole}, tmp_path / "weights.ckpt")
    code, _, _ = place(None, kind="ckpt")
    assert code == 0
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("kind", ["pth", "safetensors"])
@pytest.mark.parametrize("damage", ["half", "empty", "text", "flipped"])
def test_a_damaged_file_is_one_line(place, tmp_path, kind, damage):
    file = tmp_path / f"weights.{kind}"
    state = {ZERO: torch.ones(32)}
    save_file(state, file) if kind == "safetensors" else torch.save(state, file)
    data = file.read_bytes()
    changed = {
        "half": data[: len(data) // 2],
        "empty": b"",
        "text": b"no weights\n",
        "flipped": b"\xff" * 64 + data[64:],
    }
    file.write_bytes(changed[damage])
    code, _, error = place(None, kind=kind)
    assert code == 2
    assert "fetch it again" in error


@pytest.mark.parametrize(
    ("content", "word"), [({}, "no weights by name"), (torch.zeros(2), "no weights"), ({"a": 1}, "a is not a tensor")]
)
def test_a_file_of_something_else_is_one_line(place, content, word):
    code, _, error = place(content)
    assert code == 2
    assert word in error


def test_a_file_that_is_not_there_or_of_an_unknown_kind(place, tmp_path):
    assert "no such file" in place(None)[2]
    (tmp_path / "weights.bytes").touch()
    assert "unknown kind" in place(None, kind="bytes")[2]
    (tmp_path / "weights.ckpt").mkdir()
    assert "is a folder" in place(None, kind="ckpt")[2]


def test_the_folder_must_be_absent_or_empty(place, whole, tmp_path):
    (tmp_path / "out").mkdir()
    assert place(whole)[0] == 0
    before = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert "is not empty" in place(whole)[2]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == before
    shutil.rmtree(tmp_path / "out")
    (tmp_path / "out").touch()
    assert "is a file" in place(whole)[2]


@pytest.mark.parametrize("name", ["adc", "t2i-adapter", "controlnet-mi"])
def test_other_generators_say_who_can(place, whole, name):
    code, _, error = place(whole, generator=name)
    assert code == 2
    assert all(part in error for part in (f"generator {name} ", "arsdm, controlnet, polyp-ddpm, siamese"))


def test_options_of_others_are_refused(place, whole):
    assert "unet takes no part" in place(whole, "--set", "unet.epochs=1")[2]


def own_hint(whole, base):
    """The whole checkpoint with ControlNet's own hint block, at random."""
    torch.manual_seed(1)
    controlnet = build_controlnet(
        UNet2DConditionModel.from_pretrained(base / "unet"), dense_hint=False, published_hint=True
    )
    for parameter in controlnet.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    values = controlnet.state_dict()
    own = {key: values[name] for key, name in control_names(controlnet).items()}
    return controlnet, {key: value for key, value in whole.items() if not key.startswith(CONTROL)} | own


def test_controlnets_own_layout_opens_in_diffusers_too(place, whole, base, tmp_path):
    controlnet, state = own_hint(whole, base)
    assert "control_model.input_hint_block.14.weight" in state
    assert place(state, generator="controlnet")[0] == 0
    pipeline = StableDiffusionControlNetPipeline.from_pretrained(
        tmp_path / "out", safety_checker=None, feature_extractor=None, requires_safety_checker=False
    )
    assert isinstance(pipeline.controlnet, ControlNetModel)
    theirs, ours = pipeline.controlnet.state_dict(), controlnet.state_dict()
    assert theirs.keys() == ours.keys()
    assert all(torch.equal(theirs[name], ours[name]) for name in ours)
    pipeline.set_progress_bar_config(disable=True)
    (image,) = pipeline("A disc.", torch.ones(1, 3, 32, 32), num_inference_steps=2, output_type="np").images
    assert image.shape == (32, 32, 3)


def test_each_hint_block_is_refused_by_the_other_generator(place, whole, base):
    code, _, error = place(whole, generator="controlnet")
    assert code == 2
    assert "missing: control_model.input_hint_block.0.weight" in error
    assert "unexpected: control_model.input_hint_block.0.conv_before_res2.bias" in error
    assert place(own_hint(whole, base)[1], "--set", "siamese.dhi=false")[0] == 0


# Sampling from the folder.


@pytest.fixture(scope="module")
def imported(base, whole, tmp_path_factory):
    """The folder of the whole checkpoint, imported once."""
    place = tmp_path_factory.mktemp("imported")
    torch.save(whole, place / "weights.pth")
    words = ["--generator", "siamese", "--out", str(place / "out"), "--set", f"siamese.base={base}"]
    assert run(["import-checkpoint", str(place / "weights.pth"), *words]) == 0
    return place / "out"


@pytest.fixture
def folder(imported, tmp_path):
    """A copy of it for one test."""
    return shutil.copytree(imported, tmp_path / "out")


def sample(generator, tmp_path):
    out, model = tmp_path / "set", tmp_path / "model"
    model.mkdir(exist_ok=True)
    ctx = Context(seed=0, workdir=tmp_path)
    pairs = make_pairs(tmp_path / "pairs", 2)
    generator.fit(pairs, model, ctx)
    generator.sample(pairs, model, out, ctx)
    return [path.read_bytes() for path in sorted((out / "images").iterdir())], model


def siamese(folder, **changes):
    return Siamese(Params(**{"checkpoint": str(folder), "size": 32, "sampler_steps": 2} | changes))


def test_nothing_is_trained_and_every_weight_counts(folder, tmp_path):
    images, model = sample(siamese(folder, base="no/such/base"), tmp_path)
    assert len(images) == 2
    assert [path.suffix for path in model.iterdir()] == [".txt"]
    path = folder / "controlnet" / "diffusion_pytorch_model.safetensors"
    weights = load_file(path)
    save_file(weights | {"controlnet_mid_block.bias": weights["controlnet_mid_block.bias"] + 1}, path)
    write_digests(folder)
    shutil.rmtree(tmp_path / "set")
    assert sample(siamese(folder), tmp_path)[0] != images


@pytest.mark.parametrize("name", ["unet/diffusion_pytorch_model.safetensors", "tokenizer/vocab.json"])
def test_a_bit_that_turns_in_an_imported_folder_is_noticed(folder, tmp_path, name):
    path = folder / name
    data = path.read_bytes()
    path.write_bytes(bytes([*data[:-9], data[-9] ^ 1, *data[-8:]]))
    refused(lambda: sample(siamese(folder), tmp_path), f"{path}: not the bytes that were imported")


def test_the_folder_decides_the_key_and_the_base(folder):
    generator = siamese(folder)
    assert generator.files() == (folder,)
    assert generator.missing() == ()
    assert generator.base() == str(folder)
    assert any("out" in line for line in generator.notes())
    assert "nothing is trained" in generator.details()[0]
    assert siamese("").notes() == ()


def test_a_folder_that_is_absent_or_lacks_a_part_is_named(folder, tmp_path):
    for generator, word in ((siamese("no/where"), "no/where: no such folder"), (siamese(folder), "lacks controlnet")):
        if word.startswith("lacks"):
            shutil.rmtree(folder / "controlnet")
        (line,) = generator.missing()
        assert word in line
        assert "import-checkpoint FILE" in line
        refused(
            lambda generator=generator: generator.sample((), tmp_path, tmp_path, Context(seed=0, workdir=tmp_path)),
            word,
        )


@pytest.mark.parametrize("part", ["vae", "unet", "text_encoder", "controlnet"])
def test_weights_are_loaded_strictly(folder, tmp_path, part):
    (path,) = (folder / part).glob("*.safetensors")
    weights = load_file(path)
    gone = sorted(weights)[0]
    del weights[gone]
    save_file(weights, path)
    write_digests(folder)
    refused(lambda: sample(siamese(folder), tmp_path), folder, gone.removeprefix("text_model."))


@pytest.mark.parametrize(
    ("damage", "part"),
    [
        *(("nan", part) for part in ("vae", "unet", "text_encoder", "controlnet")),
        ("integer", "unet"),
        ("lacking", "unet"),
    ],
)
def test_a_bad_file_is_told_before_anything_starts(folder, part, damage):
    generator = siamese(folder)
    generator.try_files()
    (path,) = (folder / part).glob("*.safetensors")
    weights = load_file(path)
    name = sorted(weights)[0]
    if damage == "lacking":
        del weights[name]
    else:
        weights[name] = weights[name] * float("nan") if damage == "nan" else weights[name].to(torch.int8)
    save_file(weights, path)
    write_digests(folder)
    refused(generator.try_files, path if damage != "lacking" else folder, name.removeprefix("text_model."))


@pytest.mark.parametrize("part", ["unet", "text_encoder"])
def test_a_broken_configuration_is_one_line(folder, tmp_path, part):
    (folder / part / "config.json").write_text("{")
    write_digests(folder)
    refused(lambda: sample(siamese(folder), tmp_path), folder, "import the checkpoint anew")


def test_the_hint_block_of_another_import_is_refused(folder, tmp_path):
    refused(lambda: sample(siamese(folder, dhi=False), tmp_path), "controlnet_cond_embedding", "hint block")
    generator = ControlNet(ControlNetParams(checkpoint=str(folder), size=32, sampler_steps=1))
    refused(lambda: sample(generator, tmp_path), "controlnet_cond_embedding", "hint block")
