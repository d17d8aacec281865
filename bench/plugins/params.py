"""Untrusted values -> frozen dataclasses of checked parameters."""

from __future__ import annotations

import dataclasses
import math
import sys
import typing
from collections.abc import Mapping
from typing import Any

from bench.contracts import Plugin
from bench.errors import BenchError, did_you_mean


def build(cls: type, values: Mapping[str, Any], where: str) -> Any:
    """An instance of a frozen dataclass from untrusted values. Raises BenchError naming the field."""
    if not isinstance(values, Mapping):
        raise BenchError(f"{where}: expected a table, got {values!r}")
    hints = typing.get_type_hints(cls)
    fields = {field.name: field for field in dataclasses.fields(cls)}
    checked = {}
    for name, value in values.items():
        if name not in fields:
            raise BenchError(f"{where}.{name}: unknown field{did_you_mean(name, fields)}")
        checked[name] = check_value(fields[name], hints[name], value, f"{where}.{name}")
    return cls(**checked)


def parse_value(text: str, hint: Any, where: str) -> Any:
    """An option's text as a value of the field's type, not yet checked. BenchError begins with `where`."""
    if hint is bool:
        if text.lower() not in ("true", "false"):
            raise BenchError(f"{where}: expected true or false")
        return text.lower() == "true"
    if hint is str:
        return text
    if typing.get_origin(hint) is tuple:
        return [part.strip() for part in text.split(",") if part.strip()]
    try:
        return hint(text)
    except ValueError:
        raise BenchError(f"{where}: expected {hint.__name__}, got {text!r}") from None


def check_value(field: dataclasses.Field[Any], hint: Any, value: Any, where: str) -> Any:
    """The value as the field holds it: a list as a tuple, a whole number as a float.

    Raises BenchError, which begins with `where`, for another type, a number out of range and a text that is no choice.
    """
    if hint is float and type(value) is int:
        value = float(value) if abs(value) <= sys.float_info.max else math.inf
    if typing.get_origin(hint) is tuple:
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise BenchError(f"{where}: expected a list of names, got {value!r}")
        for item in value:
            _check_choice(field, item, where)
        return tuple(value)
    if type(value) is not hint:
        raise BenchError(f"{where}: expected {hint.__name__}, got {value!r}")
    if hint is float and not math.isfinite(value):
        raise BenchError(f"{where}: {value} is out of range; allowed: finite numbers")
    low, high = field.metadata.get("low"), field.metadata.get("high")
    if (low is not None and value < low) or (high is not None and value > high):
        least, most = "" if low is None else f"{low} <= ", "" if high is None else f" <= {high}"
        raise BenchError(f"{where}: {value} is out of range; allowed: {least}value{most}")
    _check_choice(field, value, where)
    return value


def _check_choice(field: dataclasses.Field[Any], value: Any, where: str) -> None:
    choices = field.metadata.get("choices") or ()
    if choices and value not in choices:
        raise BenchError(f"{where}: {value!r} is not a choice{did_you_mean(str(value), [str(one) for one in choices])}")


def field_names(plugin: type[Plugin]) -> set[str]:
    """What can be set of a plugin."""
    return {field.name for field in dataclasses.fields(plugin.Params)}


def key_params(params: Any) -> dict[str, Any]:
    """The fields that can change a result."""
    return {
        field.name: getattr(params, field.name)
        for field in dataclasses.fields(params)
        if field.metadata.get("key", True)
    }
