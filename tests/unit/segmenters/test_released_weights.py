"""Where the weights of networks come from: checkpoints that others trained, pretrained backbones, or nowhere."""

import hashlib
import os

import pytest

pytest.importorskip("torch")
pytest.importorskip("timm")
pytest.importorskip("mmseg")
pytest.importorskip("segmentation_models_pytorch")

import torch
from safetensors.torch import save_file

from bench.contracts import Context
from bench.files.published import HubFile, WebFile
from segmenters import segformer, smp
from segmenters.ctnet import plugin as ctnet
from segmenters.mmseg.mit_weights import MIT
from segmenters.polyp_pvt import plugin as polyp_pvt
from segmenters.sanet import plugin as sanet
from segmenters.unet import plugin as unet
from segmenters.weights.sources import checked, fetched
from segmenters.weights.state import read_state
from tests.conftest import refused

TIMM = {"width": 8, "blocks": "1,1,1,1"}
SMALL = {
    "sanet": (sanet.SANet, TIMM),
    "polyp-pvt": (polyp_pvt.PolypPVT, TIMM),
    "ctnet": (ctnet.CTNet, {"variant": "b0"}),
    "segformer": (segformer.SegFormer, {"variant": "b0"}),
    "smp": (smp.SMP, {"network": "Linknet+mobilenet_v2"}),
}
RELEASED = {
    "backbone.block1.0.mlp.dwconv.dwconv.weight": "backbone.stages.0.blocks.0.mlp.dwconv.weight",
    "backbone.patch_embed1.proj.bias": "backbone.patch_embed.proj.bias",
    "backbone.patch_embed3.norm.bias": "backbone.stages.2.downsample.norm.bias",
    "backbone.norm4.weight": "backbone.stages.3.norm.weight",
    "CFM.conv4.bn.weight": "CFM.conv4.bn.weight",
}


@pytest.fixture(params=SMALL)
def plugin(request):
    """`plugin(field=value)`: a small one from scratch."""
    cls, small = SMALL[request.param]
    return lambda **changes: cls(cls.Params(**({**small, "pretrained": False} | changes)))


@pytest.fixture(autouse=True)
def bare(monkeypatch, tmp_path):
    """A machine that has fetched nothing."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))


def fit(made, place, **context):
    for name in ("model", "work"):
        (place / name).mkdir(parents=True)
    made.fit((), (), place / "model", Context(seed=0, workdir=place / "work", **context))
    return place / "model"


def same(found, wanted):
    return found.keys() == wanted.keys() and all(torch.equal(found[name], wanted[name]) for name in wanted)


def test_weights_are_used_as_they_are(plugin, tmp_path):
    """Whatever the seed the network is the checkpoint's; nothing is trained, and the footnote says so."""
    given = plugin().seeded(5).state_dict()
    torch.save({"epoch": 3, "state_dict": {f"module.{name}": value for name, value in given.items()}}, tmp_path / "m")
    made = plugin(weights=str(tmp_path / "m"))
    model = fit(made, tmp_path / "fit")
    assert same(read_state(model / "model.safetensors"), given)
    assert '"updates": 0' in (model / "training.json").read_text()
    (note,) = made.notes()
    assert "weights m: " in note
    assert made.cost("train", 2, 1) is None
    assert made.files() == (tmp_path / "m",)
    assert made.missing() == ()


def test_the_unet_takes_weights_too(tmp_path):
    """It has no pretrained backbone and so no word about one."""
    given = unet.UNet(unet.Params(width=4)).seeded(5).state_dict()
    save_file(given, tmp_path / "unet.safetensors")
    made = unet.UNet(unet.Params(width=4, weights=str(tmp_path / "unet.safetensors")))
    assert same(read_state(fit(made, tmp_path / "fit") / "model.safetensors"), given)
    assert unet.UNet(unet.Params()).notes() == unet.UNet(unet.Params()).missing() == ()


def test_a_checkpoint_of_half_floats_is_taken(plugin, tmp_path):
    """Mixed precision may have stored it so; counters stay whole numbers."""
    state = plugin().seeded(5).state_dict()
    torch.save({n: v.half() if v.is_floating_point() else v for n, v in state.items()}, tmp_path / "half.pth")
    model = fit(plugin(weights=str(tmp_path / "half.pth")), tmp_path / "fit")
    assert {v.dtype for v in read_state(model / "model.safetensors").values()} == {torch.float32, torch.int64}


def test_polyp_pvts_released_names_are_those_of_the_authors():
    made = polyp_pvt.PolypPVT(polyp_pvt.Params())
    assert list(made.released_names(dict.fromkeys(RELEASED))) == list(RELEASED.values())


def test_missing_unexpected_and_misshapen_entries_are_named(plugin, tmp_path):
    """On one line, before anything starts, and no model is left."""
    state = dict(plugin().seeded(5).state_dict())
    first, second, *_ = (name for name, value in state.items() if value.ndim == 4)
    del state[first]
    state[second] = state[second][:1]
    state["module.extra"] = torch.zeros(1)
    torch.save(state, tmp_path / "odd.pth")
    parts = [tmp_path / "odd.pth", f"1 missing: {first}", "1 unexpected: extra", f"1 of another shape: {second}"]
    made = plugin(weights=str(tmp_path / "odd.pth"))
    refused(made.try_files, *parts)
    refused(lambda: fit(made, tmp_path / "fit"), *parts)
    assert not list((tmp_path / "fit" / "model").iterdir())


def spoilt(state, value):
    """The state with its first weight of four dimensions as `value` makes it, and that weight's name."""
    name = next(name for name, one in state.items() if one.ndim == 4)
    return {**state, name: value(state[name])}, name


UNFIT = {
    "int8": lambda one: one.to(torch.int8),
    "complex64": lambda one: one.to(torch.complex64),
    "bool": lambda one: one.bool(),
}


@pytest.mark.parametrize("kind", UNFIT)
def test_weights_of_another_kind_of_number_are_refused(kind, tmp_path):
    """torch would convert them without a word: a whole network of -1, 0 and 1."""
    made = unet.UNet(unet.Params(width=4, weights=str(tmp_path / "odd.pth")))
    state, name = spoilt(made.seeded(5).state_dict(), UNFIT[kind])
    torch.save(state, tmp_path / "odd.pth")
    parts = [tmp_path / "odd.pth", f"1 of {len(state)} tensors", f"unfit type, first {name}: {kind} for float32"]
    refused(made.try_files, *parts)
    refused(lambda: fit(made, tmp_path / "fit"), *parts)


def test_counters_are_whole_numbers(tmp_path):
    made = smp.SMP(smp.Params(network="Linknet+mobilenet_v2", pretrained=False, weights=str(tmp_path / "odd.pth")))
    state = made.seeded(5).state_dict()
    torch.save({n: v.float() for n, v in state.items()}, tmp_path / "odd.pth")
    refused(made.try_files, "num_batches_tracked: float32 for int64")


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_numbers_that_are_not_finite_are_said_to_be_in_the_file(number, tmp_path):
    """In weights and in a backbone's; no learning rate would help."""
    path = tmp_path / "nan.pth"
    whole = unet.UNet(unet.Params(width=4, weights=str(path)))
    backbone = segformer.SegFormer(segformer.Params(variant="b0", backbone=str(path)))
    for made, own in ((whole, whole.seeded(5)), (backbone, backbone.seeded(5).backbone)):
        state, name = spoilt(own.state_dict(), lambda one: one.clone().fill_(number))
        torch.save(state, path)
        parts = [path, f"1 of {len(state)} tensors hold numbers that are not finite, first {name}; fetch it again"]
        refused(made.try_files, *parts)
    refused(lambda: fit(backbone, tmp_path / "fit"), *parts)


class Harmful:
    def __reduce__(self):
        return os.mkdir, ("made by a checkpoint",)


@pytest.mark.parametrize(
    ("content", "part"),
    [
        ({"a": Harmful()}, "not safe to open"),
        ({"epoch": 3}, "no tensors by name"),
        ({"state_dict": {"epoch": 3}}, "no tensors by name"),
        ([torch.zeros(1)], "no tensors by name"),
        ({}, "no tensors by name"),
    ],
)
def test_what_is_no_state_dict_is_refused_and_not_executed(content, part, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save(content, tmp_path / "odd.pth")
    refused(lambda: read_state(tmp_path / "odd.pth"), tmp_path / "odd.pth", part)
    assert not (tmp_path / "made by a checkpoint").exists()


@pytest.mark.parametrize("end", [".pth", ".safetensors", ""])
def test_damaged_files_are_named(end, tmp_path):
    path = tmp_path / f"cut{end}"
    save_file({"a": torch.zeros(999)}, path) if end == ".safetensors" else torch.save({"a": torch.zeros(999)}, path)
    whole = path.read_bytes()
    for data in (whole[: len(whole) // 2], b"", b"<html>not found</html>"):
        path.write_bytes(data)
        refused(lambda: read_state(path), path, "fetch it again")
    refused(lambda: read_state(tmp_path / "none"), "no such file")


def test_the_backbone_starts_from_the_file(plugin, tmp_path, monkeypatch):
    """Its entries but the classifier; the head keeps its seed; a file of another backbone is refused by name."""
    path = tmp_path / "backbone.safetensors"
    made = plugin(pretrained=True, backbone=str(path))
    other, own = (getattr(made.seeded(seed), made.backbone().trunk).state_dict() for seed in (5, 0))
    save_file({**other, "fc.weight": torch.zeros(3), "head.bias": torch.zeros(3)}, path)
    seen = {}
    monkeypatch.setattr("segmenters.training.loop.fit", lambda network, *_, **__: seen.update(network.state_dict()))
    fit(made, tmp_path / "fit")
    assert not same(other, own)
    for name, value in made.seeded(0).state_dict().items():
        part, _, entry = name.partition(".")
        assert torch.equal(seen[name], other[entry] if part == made.backbone().trunk else value), name
    save_file({**other, "layer9.weight": torch.zeros(3)}, path)
    refused(lambda: fit(made, tmp_path / "again"), path, "1 unexpected: layer9.weight", "this very backbone")


@pytest.mark.parametrize("classifier", ["fc.weight", "_fc.bias", "last_linear.weight", "linear.weight", "head.fc.bias"])
def test_a_backbone_of_another_library_fits(classifier, tmp_path):
    """Its classifier is called otherwise, and old files count no batches."""
    made = smp.SMP(smp.Params(network="Linknet+mobilenet_v2", size=64, backbone=str(tmp_path / "b.pth")))
    own = made.seeded(5).encoder.state_dict()
    state = {name: value for name, value in own.items() if not name.endswith("num_batches_tracked")}
    assert len(state) < len(own)
    torch.save({**state, classifier: torch.zeros(3)}, tmp_path / "b.pth")
    network = made.seeded(0)
    made.backbone().load(network, tmp_path / "b.pth")
    assert same(network.encoder.state_dict(), own)


def test_polyp_pvts_backbone_may_have_the_authors_names():
    """As in the pvt_v2_b2.pth that their code loads."""
    made = polyp_pvt.PolypPVT(polyp_pvt.Params())
    assert list(made.backbone().renamed({n.removeprefix("backbone."): 0 for n in RELEASED if "backbone" in n})) == [
        name.removeprefix("backbone.") for name in RELEASED.values() if "backbone" in name
    ]


def test_a_backbone_that_would_change_nothing_is_refused(plugin, tmp_path):
    """From scratch, or beside weights of the whole network."""
    refused(lambda: plugin(backbone=str(tmp_path / "b")).check_params(1), "has no effect without", "pretrained=true")
    both = {"backbone": str(tmp_path / "b"), "weights": str(tmp_path / "w"), "pretrained": True}
    refused(lambda: plugin(**both).check_params(1), "has no effect beside")


def test_a_backbone_that_does_not_fit_is_told_before_anything_starts(tmp_path):
    path = tmp_path / "backbone.pth"
    path.write_bytes(b"<html>not found</html>")
    refused(segformer.SegFormer(segformer.Params(variant="b0", backbone=str(path))).try_files, path)


def test_a_published_backbone_that_was_cut_short_is_told_before_anything_starts(tmp_path):
    """In the library's own cache, where no option names it."""
    path = tmp_path / "torch" / "hub" / "checkpoints" / MIT["b0"].address.rpartition("/")[2]
    path.parent.mkdir(parents=True)
    path.write_bytes(b"PK")
    refused(segformer.SegFormer(segformer.Params(variant="b0")).try_files, path, "fetch it again")


def test_what_is_not_there_is_not_tried(plugin):
    """It is `missing` that tells, or --download that fetches."""
    plugin(pretrained=True).try_files()


def test_what_is_missing_is_one_line_with_its_remedies(plugin, tmp_path):
    """Where the weights were published, how to do without; and nothing is fetched unless that was asked for."""
    made = plugin(pretrained=True)
    (line,) = made.missing()
    source = made.backbone().source()
    address = source.repository if isinstance(source, HubFile) else source.address
    for part in (made.title, address, ".backbone=FILE", "--download", ".pretrained=false"):
        assert part in line
    refused(lambda: fit(made, tmp_path), line)
    assert plugin().missing() == ()


@pytest.mark.parametrize("field", ["weights", "backbone"])
def test_a_path_that_leads_nowhere_is_missing(plugin, field, tmp_path):
    (line,) = plugin(pretrained=True, **{field: str(tmp_path / "none.pth")}).missing()
    assert f".{field}={tmp_path / 'none.pth'}: no such file" in line


def test_what_was_fetched_once_is_found(plugin, tmp_path):
    """In Hugging Face's cache, under the revision that is asked for, or in torch hub's folder."""
    made, source = plugin(pretrained=True), plugin().backbone().source()
    if isinstance(source, HubFile):
        folder = tmp_path / "hub" / f"models--{source.repository.replace('/', '--')}"
        commit = source.revision or "abc"
        path = folder / "snapshots" / commit / "model.safetensors"
        (folder / "refs").mkdir(parents=True)
        (folder / "refs" / "main").write_text("abc")
    else:
        path = tmp_path / "torch" / "hub" / "checkpoints" / source.address.rpartition("/")[2]
    path.parent.mkdir(parents=True)
    path.write_bytes(b"x")
    assert made.missing() == ()
    assert made.backbone().at_hand() == path


@pytest.mark.parametrize("where", ["torch hub", "Hugging Face"])
def test_a_bit_that_turns_in_fetched_weights_is_noticed(tmp_path, where):
    """Their key is that of the published file: other bytes must not train under it."""
    digest = hashlib.sha256(b"weights").hexdigest()
    path, bytes_of = tmp_path / "model.safetensors", tmp_path / "blobs" / digest
    if where == "torch hub":
        path = bytes_of = tmp_path / f"mit_b2-{digest[:8]}.pth"
    else:
        bytes_of.parent.mkdir()
        path.symlink_to(bytes_of)
    bytes_of.write_bytes(b"weights")
    assert checked(path) == path
    bytes_of.write_bytes(b"weighut")
    refused(lambda: checked(path), path, "delete it and fetch it again")


def test_what_cannot_be_fetched_is_one_line(monkeypatch):
    """A name that is no address, a wrong check sum, and a hub that does not answer."""

    def broken(*_, **options):
        assert options == {"hash_prefix": "66e8bf70"}
        raise RuntimeError("invalid hash value")

    monkeypatch.setattr("torch.hub.download_url_to_file", broken)
    monkeypatch.setattr("huggingface_hub.hf_hub_download", lambda *_, **__: (_ for _ in ()).throw(OSError("offline")))
    unnamed = WebFile("open-mmlab://resnet18_v1c")
    for source, reason in ((unnamed, "no web address"), (MIT["b2"], "invalid hash"), (HubFile("a/b"), "offline")):
        refused(lambda source=source: fetched(source, "sanet"), "--download", reason, "sanet.backbone=FILE")


def test_from_scratch_is_said_below_the_table(plugin):
    (note,) = plugin().notes()
    assert "from scratch" in note
    assert plugin(pretrained=True).notes() == ()


@pytest.mark.parametrize("name", ["sanet", "polyp-pvt"])
def test_only_the_full_backbone_has_imagenet_weights(name):
    """A narrower one is refused before anything starts."""
    cls, small = SMALL[name]
    refused(lambda: cls(cls.Params(**small)).check_params(1), "width=8", "pretrained=false")
    cls(cls.Params(**small, pretrained=False)).check_params(1)
    cls(cls.Params()).check_params(1)


@pytest.mark.parametrize("name", ["polyp-pvt", "ctnet", "smp"])
def test_sizes_the_network_cannot_take_are_refused(name):
    cls, small = SMALL[name]
    made = cls(cls.Params(**small, pretrained=False, size=350))
    refused(lambda: made.check_params(1), f"{name}.size=350", "must be a multiple of 32")
