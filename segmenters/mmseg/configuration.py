"""Networks of mmsegmentation from its configuration files, with two classes: background and lesion."""

from __future__ import annotations

import difflib
import importlib.util
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from bench.errors import BenchError, first_line
from segmenters.mmseg.mmcv_lite import prepare
from segmenters.training.maps import MapHead

CLASSES = 2


def find_configuration(text: str) -> Path:
    """A file, or the name of one of the configurations that come with mmsegmentation, with or without its folder."""
    here = Path(text).expanduser()
    spec = importlib.util.find_spec("mmseg")
    assert spec is not None
    assert spec.origin is not None
    published = Path(spec.origin).parent / ".mim" / "configs"
    for path in (here, published / text, *published.glob(f"*/{here.name}")):
        if path.is_file():
            return path
    close = difflib.get_close_matches(here.name, [path.name for path in published.glob("*/*.py")], n=1)
    hint = f"did you mean {close[0]}?" if close else "give the path of one"
    raise BenchError(f"configuration {text}: no such file, neither here nor in {published}; {hint}")


def configuration_files(path: Path) -> Iterator[Path]:
    """The file and all it is based on: together they decide the network."""
    from mmengine.config import Config

    yield path
    with _blamed(path):
        for base in Config._get_base_files(str(path)):
            yield from configuration_files(Path(Config._get_cfg_path(base, str(path))[0]))


def read_model(path: Path) -> Any:
    """The configuration's `model` with two classes.

    Like every Python configuration the file is executed. BenchError where it cannot be, or has no model.
    """
    from mmengine.config import Config

    with _blamed(path):
        # Read the lazy way, what it imports would not be among `configuration_files`.
        model = Config.fromfile(path, lazy_import=False).get("model")
    if not model or "decode_head" not in model:
        raise BenchError(f"{path}: no model with a decode_head in it; give a configuration of a segmentation network")
    for head in (*_listed(model.decode_head), *_listed(model.get("auxiliary_head"))):
        head.num_classes = CLASSES
        for loss in _listed(head.get("loss_decode")):
            # Weights of the classes it was written for.
            loss.pop("class_weight", None)
    return model


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value] if value else []


def pretrained_address(model: Any) -> str:
    """Where the configuration takes its backbone's weights from; empty for one that trains from scratch."""
    init = model.backbone.get("init_cfg") or {}
    return model.get("pretrained") or model.backbone.get("pretrained") or init.get("checkpoint") or ""


def build(model: Any) -> torch.nn.Module:
    """The network with its own initialisation and no pretrained weights. BenchError for one that cannot be built."""
    prepare()
    import mmseg.models  # noqa: F401
    from mmengine.model import revert_sync_batchnorm
    from mmengine.registry import DefaultScope
    from mmseg.registry import MODELS

    # Images come normalised, and weights are loaded by whoever trains.
    config = _without_pretrained(model.to_dict())
    config.pop("data_preprocessor", None)
    # KeyError: a part mmsegmentation does not know; ImportError: one that needs mmdet or mmpretrain.
    try:
        with DefaultScope.overwrite_default_scope("mmseg"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            network = MODELS.build(config)
            network.init_weights()
    except (KeyError, ImportError, TypeError, ValueError, AssertionError) as error:
        raise BenchError(f"mmsegmentation cannot build the network: {first_line(error)}") from None
    # One process trains it: statistics are the same, and a processor has no synchronised ones.
    return revert_sync_batchnorm(network)


def _without_pretrained(config: Any) -> Any:
    if isinstance(config, dict):
        kept = {key: value for key, value in config.items() if key != "pretrained" and not _is_pretrained(value)}
        return {key: _without_pretrained(value) for key, value in kept.items()}
    if isinstance(config, list):
        return [_without_pretrained(value) for value in config if not _is_pretrained(value)]
    return config


def _is_pretrained(value: Any) -> bool:
    return isinstance(value, dict) and value.get("type") == "Pretrained"


def normaliser(model: Any) -> Callable[[torch.Tensor], torch.Tensor]:
    """The configuration's mean and standard deviation, for RGB images (n, 3, h, w) in 0–255."""
    preprocessor = model.get("data_preprocessor") or {}
    mean, std = (preprocessor.get(name) or default for name, default in (("mean", [0.0] * 3), ("std", [255.0] * 3)))
    # mmsegmentation reads BGR: a network whose configuration does not turn it over was pretrained on BGR.
    channels = [0, 1, 2] if preprocessor.get("bgr_to_rgb") else [2, 1, 0]

    def normalise(images: torch.Tensor) -> torch.Tensor:
        shift, scale = (torch.tensor(values, device=images.device)[:, None, None] for values in (mean, std))
        return (images[:, channels] - shift) / scale

    return normalise


def own_loss(model: Any, images: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    """The sum of the losses the configuration names, auxiliary heads included; masks int64 (n, h, w) in {0, 1}."""
    from mmengine.structures import PixelData
    from mmseg.structures import SegDataSample

    if masks.is_meta:
        # mmsegmentation also counts pixels that are right, which takes numbers; auxiliary heads stay uncounted.
        return logits_of(model, images).mean()
    shape = tuple(masks.shape[1:])
    truth = [SegDataSample(gt_sem_seg=PixelData(data=mask[None]), metainfo={"img_shape": shape}) for mask in masks]
    return model.parse_losses(model.loss(images, truth))[0]


def logits_of(model: Any, images: torch.Tensor) -> torch.Tensor:
    """(n, c, h, w), at the size of `images`; a head with `out_channels=1` has one logit, the lesion's."""
    logits: torch.Tensor = model.encode_decode(images, [{"img_shape": tuple(images.shape[2:])}] * len(images))
    return logits


def own_head() -> MapHead:
    """Logits are enlarged to the network's input, then to the image, as mmsegmentation does."""
    return MapHead(logits_of)


@contextmanager
def _blamed(path: Path) -> Iterator[None]:
    """Whatever a configuration raises becomes one line that names it: the file is its user's own code."""
    try:
        yield
    except BenchError:
        raise
    except (Exception, SystemExit) as error:
        raise BenchError(f"{path}: {type(error).__name__}: {first_line(error)}; mend the configuration") from None
