"""mmsegmentation on mmcv-lite: its networks build, train and predict with two classes; what is compiled says so."""

import sys
from types import ModuleType

import pytest

pytest.importorskip("torch")
pytest.importorskip("mmseg")

import torch

from bench.contracts import Context
from bench.errors import BenchError
from bench.images import load_grey
from segmenters import segformer
from segmenters.ctnet import plugin as ctnet
from segmenters.mmseg import plugin as mmseg
from segmenters.mmseg.configuration import (
    build,
    configuration_files,
    find_configuration,
    normaliser,
    own_loss,
    pretrained_address,
    read_model,
)
from segmenters.mmseg.mit_weights import MIT, from_authors
from segmenters.mmseg.mix_transformer import mix_transformer, published_segformer
from segmenters.mmseg.mmcv_lite import EXTENSION, AbsentOperations, prepare
from tests.conftest import make_pairs, refused

BASE = """
backbone = dict(type="ResNetV1c", depth=18, num_stages=4, out_indices=(0, 1, 2, 3), base_channels=8,
                norm_cfg=dict(type="SyncBN"))
head = dict(type="FCNHead", num_convs=1, dropout_ratio=0.0, num_classes=19, norm_cfg=dict(type="SyncBN"),
            loss_decode=dict(type="CrossEntropyLoss", class_weight=[1.0] * 19))
model = dict(type="EncoderDecoder", pretrained="open-mmlab://resnet18_v1c", backbone=backbone,
             data_preprocessor=dict(type="SegDataPreProcessor", mean=[10.0, 20.0, 30.0], std=[1.0, 2.0, 4.0],
                                    bgr_to_rgb=True),
             decode_head=dict(**head, in_channels=64, in_index=3, channels=8),
             auxiliary_head=dict(**head, in_channels=32, in_index=2, channels=8))
"""
TINY = """
_base_ = ["base.py"]
model = dict(decode_head=dict(channels=4))
"""


@pytest.fixture
def tiny(tmp_path):
    (tmp_path / "base.py").write_text(BASE)
    (tmp_path / "tiny.py").write_text(TINY)
    return tmp_path / "tiny.py"


def plugin(path, **changes):
    return mmseg.MMSeg(mmseg.Params(config=str(path), **changes))


def test_a_compiled_operation_says_so_when_it_is_called():
    """It can be imported, and calling it is one line that names it and what to do."""
    prepare()
    from mmcv.ops import sigmoid_focal_loss

    if not isinstance(sys.modules[EXTENSION], AbsentOperations):
        pytest.skip("mmcv is installed with its operations")
    refused(
        lambda: sigmoid_focal_loss(torch.zeros(2, 2, requires_grad=True), torch.zeros(2, dtype=torch.long)),
        "sigmoid_focal_loss_forward", "mmcv-lite", "choose a network",
    )  # fmt: skip


def test_operations_that_are_there_are_left_alone(monkeypatch):
    there = ModuleType(EXTENSION)
    there.__spec__ = sys.modules["sys"].__spec__
    monkeypatch.setitem(sys.modules, EXTENSION, there)
    prepare()
    assert sys.modules[EXTENSION] is there


@pytest.mark.parametrize("made", [segformer.SegFormer(segformer.Params()), ctnet.CTNet(ctnet.Params())])
def test_a_machine_that_cannot_load_opencv_is_told_what_to_install(made, monkeypatch):
    """As a container without libGL: one line before anything starts, whatever else is missing."""
    monkeypatch.setitem(sys.modules, "cv2", None)
    (line,) = made.missing()
    for part in (f"segmenter {made.plugin_name}: OpenCV cannot be loaded", "libgl1", "opencv-python-headless"):
        assert part in line
    refused(lambda: made.check_params(1), line)


def test_building_prints_nothing(tiny, capfd):
    """mmsegmentation logs how it initialised every single parameter."""
    build(read_model(tiny))
    assert capfd.readouterr() == ("", "")


def published_file(variant):
    return find_configuration(f"segformer/segformer_mit-{variant}_8xb2-160k_ade20k-512x512.py")


def test_segformer_is_the_published_configuration_with_two_classes():
    """Its parameters are the unchanged configuration's less those of 148 classes."""
    from mmengine.config import Config
    from mmengine.registry import DefaultScope
    from mmseg.registry import MODELS

    ours = build(published_segformer("b0"))
    config = Config.fromfile(published_file("b0")).model
    with DefaultScope.overwrite_default_scope("mmseg"):
        theirs = MODELS.build(config)
    one_class = config.decode_head.channels + 1
    assert count(theirs) - count(ours) == 148 * one_class


@pytest.mark.parametrize("variant", ["b0", "b1", "b2", "b3", "b4", "b5"])
def test_every_variant_is_the_published_one(variant):
    """Its backbone, and the address of its weights, are those of the published configuration."""
    from mmengine.config import Config

    theirs, ours = Config.fromfile(published_file(variant)).model, published_segformer(variant)
    for field in ("embed_dims", "num_layers", "num_heads"):
        assert ours.backbone[field] == theirs.backbone[field]
    assert theirs.backbone.init_cfg.checkpoint == pretrained_address(ours) == MIT[variant].address


def count(network):
    return sum(parameter.numel() for parameter in network.parameters())


def test_default_segformer_has_the_published_size():
    """24,723,650 with the configuration's head of 256; 27,351,234 with the paper's of 768."""
    assert segformer.SegFormer(segformer.Params()).details() == ("24,723,650 parameters, all trained",)
    wide = segformer.SegFormer(segformer.Params(head_channels=768))
    assert wide.details() == ("27,351,234 parameters, all trained",)


def test_segformers_rates_and_decays_are_those_mmsegmentation_makes():
    """Parameter by parameter what mmengine makes of the published configuration."""
    from mmengine.config import Config
    from mmengine.optim import build_optim_wrapper

    network = build(published_segformer("b0"))
    config = Config.fromfile(published_file("b0"))
    defaults = segformer.Params()
    ours = segformer.adamw(network, defaults.lr, defaults.weight_decay)
    theirs = build_optim_wrapper(network, config.optim_wrapper).optimizer
    assert rates(ours) == pytest.approx(rates(theirs))
    assert {group["betas"] for group in ours.param_groups} == {group["betas"] for group in theirs.param_groups}


def rates(optimizer):
    """Learning rate and decay of every parameter, in the order of their places in memory."""
    found = {(id(one), field): group[field] for group in optimizer.param_groups for one in group["params"]
             for field in ("lr", "weight_decay")}  # fmt: skip
    return dict(sorted(found.items()))


def test_weights_come_under_either_name(tmp_path):
    """ImageNet files of the authors and of mmsegmentation fill the same backbone; another variant's is refused."""
    plain = mix_transformer("b0")
    theirs = authors_names(plain.state_dict())
    assert set(theirs) != set(plain.state_dict())
    back = from_authors(theirs)
    assert all(torch.equal(back[name], value) for name, value in plain.state_dict().items())
    path = tmp_path / "mit_b0.pth"
    torch.save({**theirs, "head.weight": torch.zeros(1000, 256)}, path)
    other = segformer.SegFormer(segformer.Params(variant="b1", backbone=str(path)))
    refused(lambda: other.fit((), (), tmp_path, Context(seed=0, workdir=tmp_path)), path, "another shape")


def authors_names(state):
    """The other way round, by a map of its own."""
    theirs = {}
    for name, value in state.items():
        stage, part, *rest = name.removeprefix("layers.").split(".")
        place = ("patch_embed", "block", "norm")[int(part)] + str(int(stage) + 1)
        tail = ".".join([place, *rest])
        for ours, name_there in (
            ("projection", "proj"), ("ffn.layers.0", "mlp.fc1"), ("ffn.layers.1", "mlp.dwconv.dwconv"),
            ("ffn.layers.4", "mlp.fc2"), ("attn.attn.out_proj", "attn.proj"),
        ):  # fmt: skip
            tail = tail.replace(ours, name_there)
        if "in_proj_" in tail:
            third = len(value) // 3
            theirs[tail.replace("attn.attn.in_proj_", "attn.q.")] = value[:third]
            theirs[tail.replace("attn.attn.in_proj_", "attn.kv.")] = value[third:]
        else:
            theirs[tail] = value[..., 0, 0] if value.ndim == 4 and "mlp.fc" in tail else value
    return theirs


def test_any_configuration_becomes_a_network_of_two_classes(tiny):
    """Auxiliary heads count in the loss, class weights go, nothing is fetched, statistics are of one process."""
    network = build(read_model(tiny))
    assert not [module for module in network.modules() if isinstance(module, torch.nn.SyncBatchNorm)]
    images, masks = torch.randn(2, 3, 64, 64), torch.randint(0, 2, (2, 64, 64))
    parts = network.loss(images, samples(masks))
    total = sum(float(value) for name, value in parts.items() if "loss" in name)
    assert {"decode.loss_ce", "aux.loss_ce"} <= set(parts)
    assert float(own_loss(network, images, masks)) == pytest.approx(total, rel=1e-6)
    with torch.no_grad():
        maps = plugin(tiny).head().probability(network.eval(), images)
    assert maps.shape == (2, 64, 64)
    assert 0 <= float(maps.min()) <= float(maps.max()) <= 1


def samples(masks):
    from mmengine.structures import PixelData
    from mmseg.structures import SegDataSample

    return [SegDataSample(gt_sem_seg=PixelData(data=mask[None]), metainfo={"img_shape": (64, 64)}) for mask in masks]


def test_pixels_are_normalised_as_the_configuration_says(tiny):
    """RGB as it reads them after turning BGR over; a configuration that keeps BGR gets BGR."""
    model, image = read_model(tiny), torch.tensor([11.0, 24.0, 38.0])[None, :, None, None]
    assert normaliser(model)(image).flatten().tolist() == [1.0, 2.0, 2.0]
    model.data_preprocessor.bgr_to_rgb = False
    assert normaliser(model)(image).flatten().tolist() == [28.0, 2.0, -19 / 4]


def test_one_logit_is_the_lesions(tiny):
    """Heads with `out_channels=1` give a sigmoid."""
    tiny.write_text(TINY.replace("channels=4", 'channels=4, out_channels=1, threshold=0.3, loss_decode=dict('
                                 '_delete_=True, type="CrossEntropyLoss", use_sigmoid=True)'))  # fmt: skip
    network = build(read_model(tiny))
    with torch.no_grad():
        network.decode_head.conv_seg.weight.zero_()
        network.decode_head.conv_seg.bias.fill_(2.0)
        maps = plugin(tiny).head().probability(network.eval(), torch.randn(1, 3, 64, 64))
    assert float(maps.mean()) == pytest.approx(0.8808, abs=1e-4)


def test_the_identity_follows_every_file_it_is_based_on(tiny):
    """A change two files away makes another network, so all of them enter the key, and the path does not."""
    assert [path.name for path in configuration_files(tiny)] == ["tiny.py", "base.py"]
    assert plugin(tiny).files() == tuple(configuration_files(tiny))


def test_training_follows_the_configuration(tiny, tmp_path):
    """Fit and predict through the plugin, and a configuration named as mmsegmentation names its own."""
    pairs, model, out = make_pairs(tmp_path, 3), tmp_path / "model", tmp_path / "out"
    for folder in (model, out, tmp_path / "work"):
        folder.mkdir()
    one = plugin(tiny, pretrained=False, size=64, batch=3, epochs=2)
    one.fit(pairs, (), model, Context(seed=0, workdir=tmp_path / "work"))
    one.predict(pairs, model, out, Context(seed=0, workdir=tmp_path / "work"))
    assert load_grey(out / f"{pairs[0].id}.png").shape == (24, 24)
    assert plugin("unet/unet-s5-d16_fcn_4xb4-40k_drive-64x64.py").files()[0].is_file()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("model = dict(", "SyntaxError"),
        ("import nowhere_at_all", "ModuleNotFoundError"),
        ("import sys; sys.exit()", "SystemExit"),
        ("_base_ = ['absent.py']", "absent.py"),
        ("x = 1", "no model with a decode_head"),
    ],
)
def test_a_broken_configuration_is_named(tiny, text, message):
    tiny.write_text(text)
    refused(lambda: plugin(tiny).missing(), "tiny.py", message)


def test_a_look_executes_no_configuration(tiny, tmp_path):
    """`show` tells of the file and that a run executes it; what lies in it does not happen."""
    tiny.write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n" + TINY)
    (line,) = plugin(tiny).details()
    assert f"{tiny} is Python" in line
    assert not (tmp_path / "ran").exists()
    plugin(tiny).missing()
    assert (tmp_path / "ran").exists()
    refused(lambda: plugin("absent.py").details(), "configuration absent.py: no such file")


def test_what_cannot_be_built_is_named(tiny):
    """A part that mmsegmentation does not know, and a file that is not there."""
    tiny.write_text(TINY + "model['backbone'] = dict(_delete_=True, type='NoSuchNet')\n")
    refused(lambda: build(read_model(tiny)), "NoSuchNet")
    refused(lambda: plugin("").files(), "no network is named; write mmseg:CONFIG.py")
    with pytest.raises(BenchError, match=r"configuration absent\.py: no such file"):
        plugin("absent.py").files()


def test_a_published_configuration_needs_no_folder():
    name = "pspnet_r18-d8_4xb2-80k_cityscapes-512x1024.py"
    assert find_configuration(name) == find_configuration(f"pspnet/{name}")
    refused(lambda: find_configuration("pspnet_r18-d8_4xb2-80k_cityscapes-512x1025.py"), f"did you mean {name}?")
