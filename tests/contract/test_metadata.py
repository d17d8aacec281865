"""What every plugin declares, read from all of them."""

import builtins
import dataclasses
import importlib
import inspect
import sys
import typing

import pytest

from bench.plugins.registry import ROOMS, Registry
from tests.contract.conftest import REGISTRY

ALL = [pytest.param(kind, name, id=f"{kind}-{name}") for kind in ROOMS for name in REGISTRY.names(kind)]
HEAVY = {"torch", "torchvision", "diffusers", "transformers", "timm", "torch_fidelity", "monai", "mmseg", "scipy"}


@pytest.mark.parametrize(("kind", "plugin"), ALL)
def test_a_plugin_says_what_it_is(kind, plugin):
    """Version, a one-line summary, and params whose every field has a default and a meaning."""
    cls = REGISTRY.load(kind, plugin)
    assert cls.version >= 1
    assert (inspect.getdoc(cls) or "").strip()
    assert cls.__doc__ != cls.__mro__[1].__doc__, "the summary is the contract's, not the plugin's own"
    hints = typing.get_type_hints(cls.Params)
    for field in dataclasses.fields(cls.Params):
        assert field.default is not dataclasses.MISSING, field.name
        assert field.metadata.get("help"), field.name
        assert type(field.default) is (typing.get_origin(hints[field.name]) or hints[field.name]), field.name


@pytest.mark.parametrize(("kind", "plugin"), ALL)
def test_a_plugin_is_listed_without_torch(kind, plugin, monkeypatch):
    """Heavy imports live inside methods."""
    real = builtins.__import__

    def blocked(name, *args, **kwargs):
        if name.split(".")[0] in HEAVY:
            raise ImportError(f"{name} is blocked")
        return real(name, *args, **kwargs)

    module = REGISTRY.source(kind, plugin).module
    saved = {name: sys.modules.pop(name) for name in list(sys.modules) if name.split(".")[0] in ROOMS_TOP}
    monkeypatch.setattr(builtins, "__import__", blocked)
    try:
        importlib.import_module(module)
    finally:
        for name in [name for name in sys.modules if name.split(".")[0] in ROOMS_TOP]:
            del sys.modules[name]
        sys.modules.update(saved)


ROOMS_TOP = {"generators", "metrics", "segmenters"}


def test_there_are_plugins_of_every_kind():
    registry = Registry()
    assert all(registry.names(kind) for kind in ROOMS)
