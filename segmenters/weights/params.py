"""What a segmenter can be told of its weights, and which of it leads nowhere."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol

from bench.contracts import param


@dataclass(frozen=True)
class TrainedParams:
    """What every segmenter can be told."""

    weights: str = param("", "checkpoint of the whole network, used as it is: nothing is trained", key=False)
    precision: str = param(
        "fp32", "of the arithmetic on an accelerator; weights and optimiser stay fp32", choices=("fp32", "bf16")
    )


@dataclass(frozen=True)
class PretrainedParams(TrainedParams):
    """Where the weights come from."""

    pretrained: bool = param(True, "start from published weights of the backbone; false: from scratch")
    backbone: str = param("", "file of those weights; empty: where --download puts it", key=False)


class Named(Protocol):
    """A segmenter, as its messages name it: `plugin_name` in options, `title` with what it stands for."""

    params: Any
    plugin_name: ClassVar[str]

    @property
    def title(self) -> str: ...


def no_such_file(segmenter: Named, field: str, remedy: str = "name another") -> str:
    """The line on a path in `Params` that leads nowhere; empty where it is not given, or leads to a file."""
    given, name = getattr(segmenter.params, field), segmenter.plugin_name
    if not given or Path(given).expanduser().is_file():
        return ""
    return f"segmenter {segmenter.title}: {name}.{field}={given}: no such file; {remedy}"
