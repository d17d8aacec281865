"""Lets mmsegmentation 1.2 run on mmcv-lite, which is mmcv without its compiled operations.

mmcv has wheels for a few pairs of PyTorch and CUDA only and is otherwise compiled for many minutes; mmcv-lite is plain
Python and installs anywhere. But `mmseg.models` imports some compiled operations at its top (for the point,
criss-cross and point-wise attention heads and the focal loss), so that on mmcv-lite no network at all could be
imported, whichever it uses. `prepare` puts a module in the place of the compiled one, `mmcv._ext`, whose operations can
be looked up and not called: calling one is an error that names it. SegFormer, CTNet and most configurations call none.

Nothing of mmcv or mmsegmentation is copied or changed, and where mmcv is installed with its operations those are used.

Both import OpenCV, and pip chooses the package `opencv-python`, which needs the system's libGL and GLib although
nothing here opens a window; `opencv_fault` says so where they are absent, as in most containers.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from bench.errors import BenchError, first_line

EXTENSION = "mmcv._ext"
REQUIRES = ("torch", "safetensors", "mmengine", "mmcv", "mmseg")
"""What a plugin that is built on mmsegmentation needs."""


class AbsentOperations(ModuleType):
    """Has every operation mmcv may look for; calling one raises BenchError."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("__"):
            raise AttributeError(name)

        def operation(*args: Any, **kwargs: Any) -> Any:  # noqa: ARG001
            raise BenchError(
                f"mmcv operation {name}: it is compiled, and mmcv-lite has none; choose a network that does without, "
                "or install mmcv in the place of mmcv-lite"
            )

        return operation


def prepare() -> None:
    """Make `import mmseg.models` work, and keep it from logging every parameter it initialises. May be repeated."""
    if importlib.util.find_spec(EXTENSION) is None:
        stand_in = AbsentOperations(EXTENSION)
        # Without a loader `mmcv.utils.ext_loader.check_ops_exist` still tells the truth.
        stand_in.__spec__ = ModuleSpec(EXTENSION, None)
        sys.modules[EXTENSION] = stand_in
    from mmengine.logging import MMLogger

    MMLogger.get_current_instance().setLevel("WARNING")


def opencv_fault() -> str:
    """Why OpenCV cannot be loaded and what helps, in one line; empty where it can."""
    try:
        importlib.import_module("cv2")
    except ImportError as error:
        return (
            f"OpenCV cannot be loaded ({first_line(error)}); install libgl1 and libglib2.0-0 of the system, or "
            "pip uninstall opencv-python and pip install opencv-python-headless"
        )
    return ""
