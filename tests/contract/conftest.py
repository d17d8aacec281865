"""Contract tests run over every plugin of the suite with no new test code; a plugin skipped everywhere is red."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from typing import Any

import pytest

from bench.contracts import Extractor, Plugin
from bench.plugins.overrides import resolve
from bench.plugins.profile import load_profile
from bench.plugins.registry import Registry, missing_modules

REGISTRY = Registry()
_outcomes: dict[str, set[str]] = defaultdict(set)


def names(kind: str) -> list[Any]:
    """pytest parameters: one a plugin."""
    return [pytest.param(name, id=f"{kind}-{name}") for name in REGISTRY.names(kind)]


def build(kind: str, name: str, **changes: Any) -> Any:
    """The plugin as the demo profile sets it, made smaller by those of `changes` it has, though not below their lower
    bounds; skips what cannot run here."""
    cls: type[Plugin] = REGISTRY.load(kind, name)
    absent = missing_modules(cls)
    if absent:
        pytest.skip(f"{name} needs {', '.join(absent)}")
    params = resolve(cls, kind, name, load_profile("demo"))
    fields = {field.name: field for field in dataclasses.fields(params)}
    known = {name: _allowed(fields[name], value) for name, value in changes.items() if name in fields}
    plugin = cls(dataclasses.replace(params, **known))
    if plugin.missing():
        pytest.skip("; ".join(plugin.missing()))
    return plugin


def _allowed(field: dataclasses.Field[Any], value: Any) -> Any:
    low = field.metadata.get("low")
    return value if low is None or not isinstance(value, (int, float)) else max(value, low)


def address_of(name: str) -> str:
    extractor = REGISTRY.load("extractor", name)
    assert issubclass(extractor, Extractor)
    return extractor.address


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:  # noqa: ARG001
    report = yield
    if report.when == "call" or report.skipped:
        spec = getattr(item, "callspec", None)
        if spec is not None and "name" in spec.params and "contract" in str(item.path):
            _outcomes[spec.id].add(report.outcome)
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    """An extractor whose weights are a download may be skipped. Anything else that never ran is a hole in the net."""
    allowed = {f"extractor-{name}" for name in REGISTRY.names("extractor") if address_of(name)}
    silent = [name for name, seen in _outcomes.items() if seen == {"skipped"} and name not in allowed]
    if silent and session.exitstatus == 0:
        print(f"\nskipped in every contract test: {', '.join(silent)}")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
