"""Lets mmsegmentation 1.2 run on mmcv-lite, which is mmcv without its compiled operations.

`mmseg.models` imports a few of those operations at its top (for point, criss-cross and point-wise attention heads and
the focal loss), so that without them no network at all could be imported, whichever it uses. `prepare` puts a module
in the place of the compiled one, `mmcv._ext`, whose operations can be looked up but not called. Nothing of mmcv or
mmsegmentation is copied or changed, and where mmcv is installed with its operations those are used.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from bench.errors import BenchError

EXTENSION = "mmcv._ext"


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
